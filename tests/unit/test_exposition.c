/* SPDX-License-Identifier: MIT */
/*
 * test_exposition.c - one text of several readers: nothing twice, nothing lost, nothing that does
 * not parse
 *
 * It attacks I5 (histograms agree with themselves), I6 (no name and labels twice) and I12 (what is
 * served parses), with made-up readers.
 */
#include "fake_reader.h"
#include "shmetrics/exposition.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

#define TEXT(literal) ((smx_text){literal, sizeof(literal) - 1})

/* ---- allocations that fail ---- */

static long allocations_left = -1; /* -1: no end to them */

static bool allocation_fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(memory, size);
}

/* ---- what every test has ---- */

static smx_exposition *exposition;
static smx_reader *one, *two;

static void set_up(void)
{
	cr_assert(smx_exposition_create(&exposition, NULL) == SMX_OK);
	one = fake_reader_create();
	two = fake_reader_create();
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	cr_assert(smx_exposition_add(exposition, two, NULL) == SMX_OK);
}

static void tear_down(void)
{
	smx_exposition_destroy(exposition);
	fake_reader_free(one);
	fake_reader_free(two);
}

TestSuite(exposition, .init = set_up, .fini = tear_down);

/* The text of everything, or of some names; lives until the next call. */
static const char *render_names(const smx_text *names, size_t count)
{
	static smx_buffer buffer;

	buffer.size = 0;
	cr_assert(smx_exposition_render(exposition, text_004, names, count, &buffer, NULL) ==
		  SMX_OK);
	smx_buffer_append(&buffer, "", 1);
	return buffer.data;
}

static const char *render(void)
{
	return render_names(NULL, 0);
}

static void expect_render(const char *expected)
{
	cr_expect_str_eq(render(), expected);
}

static struct fake_family *gauge(smx_reader *reader, const char *name, const char *labels,
				 smx_gauge_mode mode)
{
	struct fake_family *family = fake_family_add(reader, SMX_GAUGE, name, labels);

	family->view.mode = mode;
	return family;
}

static struct fake_family *histogram(smx_reader *reader, const char *name, const char *labels)
{
	static const double bounds[] = {0.1, 1, 10};
	struct fake_family *family = fake_family_add(reader, SMX_HISTOGRAM, name, labels);

	fake_family_bounds(family, bounds, 3);
	return family;
}

static void count(struct fake_series *series, uint64_t whole)
{
	series->counter.whole = whole;
}

/* ---- one reader ---- */

Test(exposition, is_empty_without_families)
{
	expect_render("");
}

Test(exposition, shows_counters_exactly)
{
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "requests", "method,code");

	count(fake_series_add(family, "GET,200"), UINT64_MAX);
	fake_series_add(family, "GET,404");
	fake_series_add(family, "PUT,200")->counter = (smx_counter_sample){2, 0.5};
	expect_render("# HELP requests_total Help.\n# TYPE requests_total counter\n"
		      "requests_total{method=\"GET\",code=\"200\"} 18446744073709551615\n"
		      "requests_total{method=\"GET\",code=\"404\"} 0\n"
		      "requests_total{method=\"PUT\",code=\"200\"} 2.5\n");
}

Test(exposition, shows_a_series_without_labels)
{
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""), 7);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total 7\n");
}

Test(exposition, shows_cumulative_buckets_that_end_in_the_count)
{
	struct fake_series *series = fake_series_add(histogram(one, "h", "a"), "x");

	memcpy(series->counts, (uint64_t[]){1, 2, 0, 4}, sizeof(uint64_t[4]));
	series->sum = 51.25;
	expect_render("# HELP h Help.\n# TYPE h histogram\n"
		      "h_bucket{a=\"x\",le=\"0.1\"} 1\nh_bucket{a=\"x\",le=\"1.0\"} 3\n"
		      "h_bucket{a=\"x\",le=\"10.0\"} 3\nh_bucket{a=\"x\",le=\"+Inf\"} 7\n"
		      "h_sum{a=\"x\"} 51.25\nh_count{a=\"x\"} 7\n");
}

Test(exposition, shows_a_histogram_without_labels)
{
	fake_series_add(histogram(one, "h", ""), "");
	expect_render("# HELP h Help.\n# TYPE h histogram\n"
		      "h_bucket{le=\"0.1\"} 0\nh_bucket{le=\"1.0\"} 0\n"
		      "h_bucket{le=\"10.0\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n");
}

Test(exposition, puts_families_in_the_order_of_their_names)
{
	fake_family_add(one, SMX_COUNTER, "b", "");
	fake_family_add(two, SMX_COUNTER, "a", "");
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\n# HELP b_total Help.\n# TYPE "
		      "b_total counter\n");
	fake_family_add(one, SMX_COUNTER, "aa", "");
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\n# HELP aa_total Help.\n# TYPE "
		      "aa_total counter\n"
		      "# HELP b_total Help.\n# TYPE b_total counter\n");
}

Test(exposition, shows_new_series_and_new_help_at_the_next_render)
{
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "a", "x");

	fake_series_add(family, "1");
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 0\n");
	count(fake_series_add(family, "2"), 5);
	family->view.help = fake_text("Other\nhelp.");
	expect_render("# HELP a_total Other\\nhelp.\n# TYPE a_total counter\na_total{x=\"1\"} "
		      "0\na_total{x=\"2\"} 5\n");
	family->view.help = fake_text("");
	expect_render("# TYPE a_total counter\na_total{x=\"1\"} 0\na_total{x=\"2\"} 5\n");
}

Test(exposition, never_shows_a_counter_below_zero)
{
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "a", "x");

	fake_series_add(family, "1")->counter = (smx_counter_sample){3, -10};
	fake_series_add(family, "2")->counter = (smx_counter_sample){3, NAN};
	fake_series_add(family, "3")->counter = (smx_counter_sample){3, INFINITY};
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\n"
		      "a_total{x=\"1\"} 3\na_total{x=\"2\"} 3\na_total{x=\"3\"} +Inf\n");
}

Test(exposition, shows_overflow_only_once_something_was_recorded_there)
{
	struct fake_family *counter = fake_family_add(one, SMX_COUNTER, "c", "x");
	struct fake_family *live_sum = gauge(one, "g", "x", SMX_GAUGE_LIVE_SUM);
	struct fake_family *times = histogram(one, "h", "x");
	struct fake_series *more[] = {fake_series_add(counter, "_overflow"),
				      fake_series_add(live_sum, "_overflow"),
				      fake_series_add(times, "_overflow")};

	fake_writer_add(one, 0, 1, 10);
	for (int i = 0; i < 3; i++)
		more[i]->view.overflow = true;
	expect_render(
		"# HELP c_total Help.\n# TYPE c_total counter\n# HELP g Help.\n# TYPE g gauge\n"
		"# HELP h Help.\n# TYPE h histogram\n");
	count(more[0], 1);
	fake_gauge_set(more[1], 0, 0, 0);
	more[2]->counts[3] = 1;
	expect_render(
		"# HELP c_total Help.\n# TYPE c_total counter\nc_total{x=\"_overflow\"} 1\n"
		"# HELP g Help.\n# TYPE g gauge\ng{x=\"_overflow\"} 0\n"
		"# HELP h Help.\n# TYPE h histogram\n"
		"h_bucket{x=\"_overflow\",le=\"0.1\"} 0\nh_bucket{x=\"_overflow\",le=\"1.0\"} 0\n"
		"h_bucket{x=\"_overflow\",le=\"10.0\"} 0\nh_bucket{x=\"_overflow\",le=\"+Inf\"} 1\n"
		"h_sum{x=\"_overflow\"} 0\nh_count{x=\"_overflow\"} 1\n");
}

/* ---- gauges ---- */

/* Writers 0 and 1 of one hold 3 and -1, of two 2; stamps 10, 30, 20. */
static void fill_gauge(const char *name, smx_gauge_mode mode)
{
	struct fake_series *here = fake_series_add(gauge(one, name, "", mode), "");
	struct fake_series *there = fake_series_add(gauge(two, name, "", mode), "");

	fake_gauge_set(here, 0, 3, 10);
	fake_gauge_set(here, 1, -1, 30);
	fake_gauge_set(there, 0, 2, 20);
}

Test(exposition, combines_a_gauge_as_its_mode_says)
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

Test(exposition, prefers_any_number_to_nan)
{
	struct fake_series *low = fake_series_add(gauge(one, "low", "", SMX_GAUGE_LIVE_MIN), "");
	struct fake_series *high = fake_series_add(gauge(one, "high", "", SMX_GAUGE_LIVE_MAX), "");

	for (uint32_t i = 0; i < 3; i++) {
		fake_writer_add(one, i, 1, 10 + i);
		fake_gauge_set(low, i, i == 1 ? 5 : NAN, 0);
		fake_gauge_set(high, i, i == 1 ? 5 : NAN, 0);
	}
	expect_render("# HELP high Help.\n# TYPE high gauge\nhigh 5\n# HELP low Help.\n# TYPE low "
		      "gauge\nlow 5\n");
}

Test(exposition, tells_writers_with_one_pid_apart)
{
	struct fake_series *here = fake_series_add(gauge(one, "g", "a", SMX_GAUGE_LIVE_ALL), "x");
	struct fake_series *there = fake_series_add(gauge(two, "g", "a", SMX_GAUGE_LIVE_ALL), "x");

	fake_gauge_set(here, fake_writer_add(one, 0, 1, 12), 1, 0);
	fake_gauge_set(here, fake_writer_add(one, 1, 1, 12), 2, 0);
	fake_gauge_set(there, fake_writer_add(two, 0, 1, 12), 3, 0);
	cr_expect_str_eq(render(), "# HELP g Help.\n# TYPE g gauge\ng{a=\"x\",pid=\"12\"} 1\n"
				   "g{a=\"x\",pid=\"12-2\"} 2\ng{a=\"x\",pid=\"12-3\"} 3\n");
}

Test(exposition, keeps_the_pid_label_of_a_writer_while_others_come_and_go)
{
	struct fake_series *here = fake_series_add(gauge(one, "g", "", SMX_GAUGE_LIVE_ALL), "");
	struct fake_series *there = fake_series_add(gauge(two, "g", "", SMX_GAUGE_LIVE_ALL), "");

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

Test(exposition, keeps_the_pid_labels_of_one_reader_apart_while_its_writers_change)
{
	struct fake_series *series = fake_series_add(gauge(one, "g", "", SMX_GAUGE_LIVE_ALL), "");

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

Test(exposition, adds_up_series_of_one_identity)
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

Test(exposition, adds_up_histograms_by_bucket)
{
	struct fake_series *here = fake_series_add(histogram(one, "h", ""), "");
	struct fake_series *there = fake_series_add(histogram(two, "h", ""), "");

	memcpy(here->counts, (uint64_t[]){1, 0, 2, 0}, sizeof(uint64_t[4]));
	memcpy(there->counts, (uint64_t[]){0, 5, 0, 7}, sizeof(uint64_t[4]));
	here->sum = 0.5;
	there->sum = 0.25;
	expect_render(
		"# HELP h Help.\n# TYPE h histogram\n"
		"h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1.0\"} 6\n"
		"h_bucket{le=\"10.0\"} 8\nh_bucket{le=\"+Inf\"} 15\nh_sum 0.75\nh_count 15\n");
}

Test(exposition, forgets_a_reader_that_left_and_nothing_else)
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

Test(exposition, counts_a_reader_that_is_added_twice_once)
{
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""), 3);
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total 3\n");
}

/* ---- definitions that disagree ---- */

Test(exposition, serves_the_definition_with_more_live_writers)
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

Test(exposition, takes_kind_mode_bounds_and_label_order_for_the_definition)
{
	static const double other[] = {0.1, 1, 20};

	fake_family_add(one, SMX_COUNTER, "a", "")->view.live_writers = 2;
	gauge(two, "a", "", SMX_GAUGE_LIVE_SUM);
	gauge(one, "b", "", SMX_GAUGE_LIVE_MIN)->view.live_writers = 2;
	fake_gauge_set(fake_series_add(gauge(two, "b", "", SMX_GAUGE_LIVE_SUM), ""),
		       fake_writer_add(two, 0, 1, 10), 5, 0);
	histogram(one, "c", "")->view.live_writers = 2;
	fake_family_bounds(histogram(two, "c", ""), other, 3);
	fake_family_add(one, SMX_COUNTER, "d", "x,y")->view.live_writers = 2;
	fake_series_add(fake_family_add(two, SMX_COUNTER, "d", "y,x"), "1,2");
	expect_render(
		"# HELP a_total Help.\n# TYPE a_total counter\n# HELP b Help.\n# TYPE b gauge\n"
		"# HELP c Help.\n# TYPE c histogram\n# HELP d_total Help.\n# TYPE d_total "
		"counter\n");
}

Test(exposition, shows_only_what_a_reader_says_is_served)
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

Test(exposition, hides_the_later_of_two_families_that_share_a_sample_name)
{
	histogram(one, "x", "");
	gauge(one, "x_count", "", SMX_GAUGE_LIVE_SUM);
	gauge(one, "y_sum", "", SMX_GAUGE_LIVE_SUM);
	histogram(two, "y", "");
	fake_family_add(one, SMX_COUNTER, "z", "");
	gauge(two, "z_total", "", SMX_GAUGE_LIVE_SUM);
	gauge(one, "w_bucket", "", SMX_GAUGE_LIVE_SUM);
	expect_render(
		"# HELP w_bucket Help.\n# TYPE w_bucket gauge\n# HELP x Help.\n# TYPE x histogram\n"
		"# HELP y_sum Help.\n# TYPE y_sum gauge\n# HELP z_total Help.\n# TYPE z_total "
		"counter\n");
	smx_exposition_remove(exposition, one);
	expect_render(
		"# HELP y Help.\n# TYPE y histogram\n# HELP z_total Help.\n# TYPE z_total gauge\n");
}

Test(exposition, shows_a_family_again_once_its_names_are_free)
{
	struct fake_family *first = histogram(one, "x", "");

	gauge(one, "x_count", "", SMX_GAUGE_LIVE_SUM);
	expect_render("# HELP x Help.\n# TYPE x histogram\n");
	first->view.served = false;
	expect_render("# HELP x_count Help.\n# TYPE x_count gauge\n");
	first->view.served = true;
	expect_render("# HELP x Help.\n# TYPE x histogram\n");
}

/* ---- what is asked for ---- */

static const char *render_name(const char *name)
{
	smx_text text = fake_text(name);

	return render_names(&text, 1);
}

Test(exposition, filters_by_family_and_sample_names)
{
	static const char counter[] = "# HELP a_total Help.\n# TYPE a_total counter\n";
	static const char times[] = "# HELP h Help.\n# TYPE h histogram\n";
	const smx_text both[] = {TEXT("h_count"), TEXT("nothing"), TEXT("a")};

	fake_family_add(one, SMX_COUNTER, "a", "");
	histogram(one, "h", "");
	gauge(one, "g", "", SMX_GAUGE_LIVE_SUM);
	cr_expect_str_eq(render_name("a"), counter);
	cr_expect_str_eq(render_name("a_total"), counter);
	cr_expect_str_eq(render_name("h"), times);
	cr_expect_str_eq(render_name("h_bucket"), times);
	cr_expect_str_eq(render_name("h_sum"), times);
	cr_expect_str_eq(render_name("h_count"), times);
	cr_expect_str_eq(render_name("g"), "# HELP g Help.\n# TYPE g gauge\n");
	cr_expect_str_eq(render_name("g_total"), "");
	cr_expect_str_eq(render_name("a_count"), "");
	cr_expect_str_eq(render_name("h_total"), "");
	cr_expect_str_eq(render_name("H"), "");
	cr_expect_str_eq(render_name(""), "");
	cr_expect_str_eq(render_names(both, 3), "# HELP a_total Help.\n# TYPE a_total counter\n"
						"# HELP h Help.\n# TYPE h histogram\n");
}

/* ---- readers of segments that nobody vouches for ---- */

Test(exposition, leaves_out_families_that_would_not_parse)
{
	const smx_text twice[] = {TEXT("a"), TEXT("a")};
	const smx_text bad[] = {TEXT("a\xff")};
	const smx_text empty[] = {TEXT("")};
	const smx_text le[] = {TEXT("le")};
	const smx_text reserved[] = {TEXT("__name__")};
	const smx_text pid[] = {TEXT("pid")};

	fake_family_add_texts(one, SMX_COUNTER, TEXT("a\0b"), NULL, 0);
	fake_family_add_texts(one, SMX_COUNTER, TEXT(""), NULL, 0);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("a\xff"), NULL, 0);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("\xed\xa0\x80"), NULL, 0);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("twice"), twice, 2);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("bad"), bad, 1);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("empty"), empty, 1);
	fake_family_add_texts(one, SMX_HISTOGRAM, TEXT("le"), le, 1);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("reserved"), reserved, 1);
	fake_family_add_texts(one, SMX_GAUGE, TEXT("pid"), pid, 1)->view.mode = SMX_GAUGE_LIVE_ALL;
	fake_family_add_texts(one, SMX_GAUGE, TEXT("pids"), pid, 1)->view.mode = SMX_GAUGE_ALL;
	fake_family_add_texts(one, (smx_kind)0, TEXT("kind"), NULL, 0);
	fake_family_add_texts(one, SMX_NATIVE_HISTOGRAM, TEXT("native"), NULL, 0);
	fake_family_add_texts(one, SMX_STATE_SET, TEXT("no_states"), NULL, 0);
	fake_family_add_texts(one, (smx_kind)77, TEXT("kind_77"), NULL, 0);
	gauge(one, "mode", "", (smx_gauge_mode)0);
	gauge(one, "mode_11", "", (smx_gauge_mode)11);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("good"), pid, 1);
	expect_render("# HELP good_total Help.\n# TYPE good_total counter\n");
}

Test(exposition, leaves_out_histograms_whose_bounds_do_not_ascend)
{
	static const double falling[] = {1, 0.5};
	static const double equal[] = {-0.0, 0.0};
	static const double infinite[] = {1, INFINITY};
	static const double not_a_number[] = {NAN};

	fake_family_bounds(histogram(one, "a", ""), falling, 2);
	fake_family_bounds(histogram(one, "b", ""), equal, 2);
	fake_family_bounds(histogram(one, "c", ""), infinite, 2);
	fake_family_bounds(histogram(one, "d", ""), not_a_number, 1);
	expect_render("");
}

Test(exposition, drops_empty_labels_and_keeps_series_apart)
{
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "a", "x,y");

	count(fake_series_add(family, "1,"), 1);
	count(fake_series_add(family, ",1"), 2);
	count(fake_series_add(family, ","), 3);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} "
		      "1\na_total{y=\"1\"} 2\na_total 3\n");
}

Test(exposition, adds_up_label_sets_that_become_one)
{
	const smx_text bad[] = {TEXT("\xff"), TEXT("\xfe"), TEXT("\xef\xbf\xbd")};
	struct fake_family *counter = fake_family_add(one, SMX_COUNTER, "c", "x");
	struct fake_family *all = gauge(one, "g", "x", SMX_GAUGE_LIVE_ALL);

	fake_writer_add(one, 0, 1, 10);
	for (int i = 0; i < 3; i++) {
		count(fake_series_add_texts(counter, &bad[i]), 1);
		fake_gauge_set(fake_series_add_texts(all, &bad[i]), 0, i, 0);
	}
	expect_render(
		"# HELP c_total Help.\n# TYPE c_total counter\nc_total{x=\"\xef\xbf\xbd\"} 3\n"
		"# HELP g Help.\n# TYPE g gauge\ng{x=\"\xef\xbf\xbd\",pid=\"10\"} 0\n");
}

Test(exposition, counts_a_definition_that_a_reader_has_twice_once)
{
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""), 1);
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""), 1);
	expect_render("# HELP a_total Help.\n# TYPE a_total counter\na_total 1\n");
}

Test(exposition, saturates_instead_of_going_back)
{
	struct fake_series *here = fake_series_add(histogram(one, "h", ""), "");

	memcpy(here->counts, (uint64_t[]){UINT64_MAX, 1, UINT64_MAX, 5}, sizeof(uint64_t[4]));
	here->sum = NAN;
	count(fake_series_add(fake_family_add(one, SMX_COUNTER, "c", ""), ""), UINT64_MAX);
	count(fake_series_add(fake_family_add(two, SMX_COUNTER, "c", ""), ""), 2);
	expect_render("# HELP c_total Help.\n# TYPE c_total counter\nc_total 18446744073709551615\n"
		      "# HELP h Help.\n# TYPE h histogram\n"
		      "h_bucket{le=\"0.1\"} 18446744073709551615\nh_bucket{le=\"1.0\"} "
		      "18446744073709551615\n"
		      "h_bucket{le=\"10.0\"} 18446744073709551615\nh_bucket{le=\"+Inf\"} "
		      "18446744073709551615\n"
		      "h_sum NaN\nh_count 18446744073709551615\n");
}

/* ---- the interface ---- */

Test(exposition, appends_to_what_the_buffer_holds)
{
	smx_buffer buffer = {0};

	fake_family_add(one, SMX_COUNTER, "a", "");
	smx_buffer_append(&buffer, "x\n", 2);
	cr_assert(smx_exposition_render(exposition, text_004, NULL, 0, &buffer, NULL) == SMX_OK);
	cr_expect(memcmp(buffer.data, "x\n# HELP a_total", 16) == 0);
	smx_buffer_free(&buffer);
}

Test(exposition, refuses_a_format_that_is_none)
{
	smx_buffer buffer = {0};
	smx_error error;

	cr_expect(smx_exposition_render(exposition, (smx_exposition_type){.format = (smx_format)9},
					NULL, 0, &buffer, &error) == SMX_ERR_INVALID);
	cr_expect(error.status == SMX_ERR_INVALID);
	cr_expect_str_eq(error.message, "there is no exposition format 9 with escaping 0");
}

Test(exposition, destroys_nothing_without_complaint)
{
	smx_exposition_destroy(NULL);
}

/* Series 0 to count - 1 of the label's values "0", "1", ..., each with its number. */
static void add_numbered(struct fake_family *family, int series_count)
{
	static char values[50000][8];

	for (int i = 0; i < series_count; i++) {
		int size = snprintf(values[i], sizeof(values[i]), "%d", i);

		count(fake_series_add_texts(family, &(smx_text){values[i], (size_t)size}),
		      (uint64_t)i);
	}
}

static void fill_with_names_to_escape(void)
{
	static const smx_label given[] = {{{"a.b", 3}, {"1", 1}}};
	struct fake_family *states = fake_family_add(two, SMX_STATE_SET, "s.t", "x y");
	struct fake_series *info = fake_series_add(fake_family_add(one, SMX_INFO, "i.j", "x"), "z");

	fake_family_states(states, "open,shut");
	fake_series_add(states, "z");
	fake_series_add(histogram(one, "h.i", "a.b"), "x");
	info->info = given;
	info->info_count = 1;
}

static void fill_for_failures(void)
{
	struct fake_family *all = gauge(two, "g", "x", SMX_GAUGE_LIVE_ALL);
	struct fake_family *states = fake_family_add(two, SMX_STATE_SET, "s", "x");

	add_numbered(fake_family_add(one, SMX_COUNTER, "c", "x"), 40);
	fake_series_add(histogram(one, "h", "a"), "x");
	fake_series_add(histogram(two, "h", "a"), "x");
	histogram(two, "c_total", "");
	fake_family_states(states, "open,shut");
	fake_series_add(states, "z");
	fake_series_add(fake_family_add(one, SMX_INFO, "i", "x"), "z");
	fill_with_names_to_escape();
	for (uint32_t i = 0; i < 5; i++)
		fake_gauge_set(fake_series_add(all, "y"), fake_writer_add(two, i, 1, 7), i, 0);
}

/* What is served of everything, in a buffer of the caller. */
static void render_as(smx_exposition_type type, smx_buffer *buffer)
{
	buffer->size = 0;
	cr_assert(smx_exposition_render(exposition, type, NULL, 0, buffer, NULL) == SMX_OK);
}

/* With the nth allocation failing, from a start where nothing is kept; then whole again. */
static smx_status render_with_failure(smx_exposition_type type, long n, smx_buffer *buffer,
				      smx_error *error)
{
	smx_status status;

	smx_exposition_remove(exposition, one);
	smx_exposition_remove(exposition, two);
	smx_buffer_free(buffer);
	smx_buffer_append(buffer, "before", 6);
	allocations_left = n;
	status = smx_exposition_add(exposition, one, error);
	if (status == SMX_OK)
		status = smx_exposition_add(exposition, two, error);
	if (status == SMX_OK)
		status = smx_exposition_render(exposition, type, NULL, 0, buffer, error);
	allocations_left = -1;
	return status;
}

/* The nth allocation fails, for each n until none is left to fail; each render after it must be
 * whole. */
static void expect_survival(smx_exposition_type type)
{
	smx_buffer buffer = {0}, expected = {0}, after = {0};
	size_t failures = 0;

	render_as(type, &expected);
	cr_assert(expected.size > 1000);
	for (long n = 0;; n++) {
		smx_error error = {0};
		smx_status status = render_with_failure(type, n, &buffer, &error);

		if (status == SMX_OK)
			break;
		failures++;
		cr_assert(status == SMX_ERR_NO_MEMORY && error.status == status &&
			  error.message[0] != '\0');
		cr_assert(buffer.size == 6 && !buffer.failed &&
			  memcmp(buffer.data, "before", 6) == 0);
		cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
		cr_assert(smx_exposition_add(exposition, two, NULL) == SMX_OK);
		render_as(type, &after);
		cr_assert(after.size == expected.size &&
				  memcmp(after.data, expected.data, after.size) == 0,
			  "after failure %ld", n);
	}
	cr_expect(failures > 50, "only %zu allocations failed", failures);
	smx_buffer_free(&expected);
	smx_buffer_free(&after);
	smx_buffer_free(&buffer);
}

Test(exposition, survives_every_allocation_that_fails)
{
	fill_for_failures();
	expect_survival(text_004);
	expect_survival((smx_exposition_type){.format = SMX_FORMAT_PROTOBUF});
	expect_survival((smx_exposition_type){SMX_FORMAT_TEXT_100, SMX_ESCAPING_ALLOW_UTF8});
}

/* Far more than a table holds at first; each series once and with its own number. */
Test(exposition, keeps_many_series_apart)
{
	const char *text;
	size_t lines = 0;

	add_numbered(fake_family_add(one, SMX_COUNTER, "a", "x"), 50000);
	text = strstr(render(), "\na_total{") + 1;
	for (; *text; lines++) {
		char expected[64];
		int size = snprintf(expected, sizeof(expected), "a_total{x=\"%zu\"} %zu\n", lines,
				    lines);

		cr_assert(strncmp(text, expected, (size_t)size) == 0, "line %zu", lines);
		text += size;
	}
	cr_expect(lines == 50000);
}
