/* SPDX-License-Identifier: MIT */
/*
 * test_merging.c - what several writers and several readers have of one metric, as one: modes of
 * gauges, series of one identity, definitions that disagree (I4, I5, I6)
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

#define TEXT(literal) ((smx_text){literal, sizeof(literal) - 1})

TestSuite(merging, .init = exposed_set_up, .fini = exposed_tear_down);

static const char *render(void)
{
	return exposed_render(text_004, NULL, 0);
}

static void expect_render(const char *expected)
{
	cr_expect_str_eq(render(), expected);
}

static void count(struct fake_series *series, uint64_t whole)
{
	series->counter.whole = whole;
}

/* ---- gauges ---- */

/* Writers 0 and 1 of one hold 3 and -1, of two 2; stamps 10, 30, 20. */
static void fill_gauge(const char *name, smx_gauge_mode mode)
{
	struct fake_series *here = fake_series_add(exposed_gauge(one, name, "", mode), "");
	struct fake_series *there = fake_series_add(exposed_gauge(two, name, "", mode), "");

	fake_gauge_set(here, 0, 3, 10);
	fake_gauge_set(here, 1, -1, 30);
	fake_gauge_set(there, 0, 2, 20);
}

Test(merging, combines_a_gauge_as_its_mode_says)
{
	fill_gauge("a", SMX_GAUGE_LIVE_SUM);
	fill_gauge("b", SMX_GAUGE_LIVE_MIN);
	fill_gauge("c", SMX_GAUGE_LIVE_MAX);
	fill_gauge("d", SMX_GAUGE_LIVE_MOST_RECENT);
	fill_gauge("e", SMX_GAUGE_LIVE_ALL);
	fake_writer_add(one, 0, 1, 10);
	fake_writer_add(one, 1, 1, 11);
	fake_writer_add(two, 0, 1, 12);
	expect_render("# HELP a Help.\n# TYPE a gauge\na 4\n# HELP b Help.\n# TYPE b gauge\nb -1\n"
		      "# HELP c Help.\n# TYPE c gauge\nc 3\n# HELP d Help.\n# TYPE d gauge\nd -1\n"
		      "# HELP e Help.\n# TYPE e gauge\ne{pid=\"10\"} 3\ne{pid=\"11\"} "
		      "-1\ne{pid=\"12\"} 2\n");
	fake_writers_clear(one);
	fake_writers_clear(two);
	expect_render("# HELP a Help.\n# TYPE a gauge\na 0\n# HELP b Help.\n# TYPE b gauge\n"
		      "# HELP c Help.\n# TYPE c gauge\n# HELP d Help.\n# TYPE d gauge\n"
		      "# HELP e Help.\n# TYPE e gauge\n");
}

Test(merging, prefers_any_number_to_nan)
{
	struct fake_series *low =
		fake_series_add(exposed_gauge(one, "low", "", SMX_GAUGE_LIVE_MIN), "");
	struct fake_series *high =
		fake_series_add(exposed_gauge(one, "high", "", SMX_GAUGE_LIVE_MAX), "");

	for (uint32_t i = 0; i < 3; i++) {
		fake_writer_add(one, i, 1, 10 + i);
		fake_gauge_set(low, i, i == 1 ? 5 : NAN, 0);
		fake_gauge_set(high, i, i == 1 ? 5 : NAN, 0);
	}
	expect_render("# HELP high Help.\n# TYPE high gauge\nhigh 5\n# HELP low Help.\n# TYPE low "
		      "gauge\nlow 5\n");
}

Test(merging, tells_writers_with_one_pid_apart)
{
	struct fake_series *here =
		fake_series_add(exposed_gauge(one, "g", "a", SMX_GAUGE_LIVE_ALL), "x");
	struct fake_series *there =
		fake_series_add(exposed_gauge(two, "g", "a", SMX_GAUGE_LIVE_ALL), "x");

	fake_gauge_set(here, fake_writer_add(one, 0, 1, 12), 1, 0);
	fake_gauge_set(here, fake_writer_add(one, 1, 1, 12), 2, 0);
	fake_gauge_set(there, fake_writer_add(two, 0, 1, 12), 3, 0);
	cr_expect_str_eq(render(), "# HELP g Help.\n# TYPE g gauge\ng{a=\"x\",pid=\"12\"} 1\n"
				   "g{a=\"x\",pid=\"12-2\"} 2\ng{a=\"x\",pid=\"12-3\"} 3\n");
}

Test(merging, keeps_the_pid_label_of_a_writer_while_others_come_and_go)
{
	struct fake_series *here =
		fake_series_add(exposed_gauge(one, "g", "", SMX_GAUGE_LIVE_ALL), "");
	struct fake_series *there =
		fake_series_add(exposed_gauge(two, "g", "", SMX_GAUGE_LIVE_ALL), "");

	fake_gauge_set(here, fake_writer_add(one, 0, 1, 12), 1, 0);
	fake_gauge_set(there, fake_writer_add(two, 0, 1, 12), 2, 0);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12\"} 1\ng{pid=\"12-2\"} 2\n");
	fake_writers_clear(one);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12-2\"} 2\n");
	fake_writer_add(one, 0, 2, 12);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12\"} 1\ng{pid=\"12-2\"} 2\n");
	fake_gauge_set(here, fake_writer_add(one, 1, 1, 13), 3, 0);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12\"} 1\ng{pid=\"13\"} "
		      "3\ng{pid=\"12-2\"} 2\n");
}

Test(merging, keeps_the_pid_labels_of_one_reader_apart_while_its_writers_change)
{
	struct fake_series *series =
		fake_series_add(exposed_gauge(one, "g", "", SMX_GAUGE_LIVE_ALL), "");

	for (uint32_t slot = 0; slot < 3; slot++)
		fake_gauge_set(series, fake_writer_add(one, slot, 1, 12), slot, 0);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12\"} 0\ng{pid=\"12-2\"} 1\n"
		      "g{pid=\"12-3\"} 2\n");
	fake_writers_clear(one);
	fake_writer_add(one, 1, 1, 12);
	fake_writer_add(one, 2, 1, 12);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12-2\"} 0\ng{pid=\"12-3\"} 1\n");
	fake_writer_add(one, 0, 2, 12);
	fake_writer_add(one, 3, 1, 12);
	fake_gauge_set(series, 3, 3, 0);
	expect_render("# HELP g Help.\n# TYPE g gauge\ng{pid=\"12-2\"} 0\ng{pid=\"12-3\"} 1\n"
		      "g{pid=\"12\"} 2\ng{pid=\"12-4\"} 3\n");
}

/* ---- several readers ---- */

Test(merging, adds_up_series_of_one_identity)
{
	struct fake_family *here = fake_family_add(one, SMX_COUNTER, "a", "x");
	struct fake_family *there = fake_family_add(two, SMX_COUNTER, "a", "x");

	count(fake_series_add(here, "1"), 1);
	count(fake_series_add(here, "2"), 2);
	count(fake_series_add(there, "3"), 40);
	fake_series_add(there, "2")->counter = (smx_counter_sample){20, 0.25};
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\n"
		      "a_total{x=\"1\"} 1\na_total{x=\"2\"} 22.25\na_total{x=\"3\"} 40\n");
}

Test(merging, adds_up_histograms_by_bucket)
{
	struct fake_series *here = fake_series_add(exposed_histogram(one, "h", ""), "");
	struct fake_series *there = fake_series_add(exposed_histogram(two, "h", ""), "");

	memcpy(here->counts, (uint64_t[]){1, 0, 2, 0}, sizeof(uint64_t[4]));
	memcpy(there->counts, (uint64_t[]){0, 5, 0, 7}, sizeof(uint64_t[4]));
	here->sum = 0.5;
	there->sum = 0.25;
	expect_render(
		"# HELP h Help.\n# TYPE h histogram\n"
		"h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1.0\"} 6\n"
		"h_bucket{le=\"10.0\"} 8\nh_bucket{le=\"+Inf\"} 15\nh_sum 0.75\nh_count 15\n");
}

Test(merging, forgets_a_reader_that_left_and_nothing_else)
{
	struct fake_family *here = fake_family_add(one, SMX_COUNTER, "a", "x");
	struct fake_family *there = fake_family_add(two, SMX_COUNTER, "a", "x");
	char *copy;

	count(fake_series_add(here, "1"), 1);
	count(fake_series_add(here, "2"), 2);
	count(fake_series_add(there, "2"), 20);
	count(fake_series_add(there, "3"), 30);
	fake_family_add(one, SMX_COUNTER, "b", "");
	copy = strdup(render());
	smx_exposition_remove(exposition, one);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"2\"} "
		      "20\na_total{x=\"3\"} 30\n");
	smx_exposition_remove(exposition, one);
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\n"
		      "a_total{x=\"2\"} 22\na_total{x=\"3\"} 30\na_total{x=\"1\"} 1\n"
		      "# HELP b_total Help.\n# TYPE b_total counter\n");
	smx_exposition_remove(exposition, two);
	smx_exposition_remove(exposition, one);
	expect_render("");
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	cr_assert(smx_exposition_add(exposition, two, NULL) == SMX_OK);
	cr_expect_str_eq(render(), copy);
	free(copy);
}

Test(merging, counts_a_reader_that_is_added_twice_once)
{
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""), 3);
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total 3\n");
}

/* ---- definitions that disagree ---- */

Test(merging, serves_the_definition_with_more_live_writers)
{
	struct fake_family *old = fake_family_add(one, SMX_COUNTER, "a", "x");
	struct fake_family *new = fake_family_add(two, SMX_COUNTER, "a", "y");

	count(fake_series_add(old, "1"), 1);
	count(fake_series_add(new, "1"), 2);
	old->view.live_writers = 3;
	new->view.live_writers = 2;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 1\n");
	new->view.live_writers = 3;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{y=\"1\"} 2\n");
	old->view.live_writers = 4;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 1\n");
	smx_exposition_remove(exposition, one);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{y=\"1\"} 2\n");
}

Test(merging, takes_kind_mode_bounds_and_label_order_for_the_definition)
{
	static const double other[] = {0.1, 1, 20};

	fake_family_add(one, SMX_COUNTER, "a", "")->view.live_writers = 2;
	exposed_gauge(two, "a", "", SMX_GAUGE_LIVE_SUM);
	exposed_gauge(one, "b", "", SMX_GAUGE_LIVE_MIN)->view.live_writers = 2;
	fake_gauge_set(fake_series_add(exposed_gauge(two, "b", "", SMX_GAUGE_LIVE_SUM), ""),
		       fake_writer_add(two, 0, 1, 10), 5, 0);
	exposed_histogram(one, "c", "")->view.live_writers = 2;
	fake_family_bounds(exposed_histogram(two, "c", ""), other, 3);
	fake_family_add(one, SMX_COUNTER, "d", "x,y")->view.live_writers = 2;
	fake_series_add(fake_family_add(two, SMX_COUNTER, "d", "y,x"), "1,2");
	expect_render(
		"# HELP a_total Help.\n# TYPE a_total counter\n# HELP b Help.\n# TYPE b gauge\n"
		"# HELP c Help.\n# TYPE c histogram\n# HELP d_total Help.\n# TYPE d_total "
		"counter\n");
}

Test(merging, shows_only_what_a_reader_says_is_served)
{
	struct fake_family *old = fake_family_add(one, SMX_COUNTER, "a", "x");
	struct fake_family *new = fake_family_add(one, SMX_COUNTER, "a", "y");
	struct fake_family *there = fake_family_add(two, SMX_COUNTER, "a", "x");

	count(fake_series_add(old, "1"), 1);
	count(fake_series_add(new, "1"), 2);
	count(fake_series_add(there, "1"), 10);
	fake_series_add(old, "2");
	new->view.served = false;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 11\n"
		      "a_total{x=\"2\"} 0\n");
	old->view.served = false;
	new->view.served = true;
	new->view.live_writers = 2;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{y=\"1\"} 2\n");
	there->view.live_writers = 3;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 10\n");
	new->view.served = false;
	there->view.served = false;
	expect_render("");
	old->view.served = true;
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 1\n"
		      "a_total{x=\"2\"} 0\n");
}

Test(merging, hides_the_later_of_two_families_that_share_a_sample_name)
{
	exposed_histogram(one, "x", "");
	exposed_gauge(one, "x_count", "", SMX_GAUGE_LIVE_SUM);
	exposed_gauge(one, "y_sum", "", SMX_GAUGE_LIVE_SUM);
	exposed_histogram(two, "y", "");
	fake_family_add(one, SMX_COUNTER, "z", "");
	exposed_gauge(two, "z_total", "", SMX_GAUGE_LIVE_SUM);
	exposed_gauge(one, "w_bucket", "", SMX_GAUGE_LIVE_SUM);
	expect_render(
		"# HELP w_bucket Help.\n# TYPE w_bucket gauge\n# HELP x Help.\n# TYPE x histogram\n"
		"# HELP y_sum Help.\n# TYPE y_sum gauge\n# HELP z_total Help.\n# TYPE z_total "
		"counter\n");
	smx_exposition_remove(exposition, one);
	expect_render(
		"# HELP y Help.\n# TYPE y histogram\n# HELP z_total Help.\n# TYPE z_total gauge\n");
}

Test(merging, shows_a_family_again_once_its_names_are_free)
{
	struct fake_family *first = exposed_histogram(one, "x", "");

	exposed_gauge(one, "x_count", "", SMX_GAUGE_LIVE_SUM);
	expect_render("# HELP x Help.\n# TYPE x histogram\n");
	first->view.served = false;
	expect_render("# HELP x_count Help.\n# TYPE x_count gauge\n");
	first->view.served = true;
	expect_render("# HELP x Help.\n# TYPE x histogram\n");
}
