/* SPDX-License-Identifier: MIT */
/*
 * test_exposition.c - one text of several readers: nothing twice, nothing lost, nothing that does
 * not parse
 *
 * It attacks I5 (histograms agree with themselves), I6 (no name and labels twice) and I12 (what is
 * served parses), with made-up readers.
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

#define TEXT(literal) ((smx_text){literal, sizeof(literal) - 1})

TestSuite(exposition, .init = exposed_set_up, .fini = exposed_tear_down);

/* The text of everything, or of some names; lives until the next call. */
static const char *render_names(const smx_text *names, size_t count)
{
	return exposed_render(text_004, names, count);
}

static const char *render(void)
{
	return render_names(NULL, 0);
}

static void expect_render(const char *expected)
{
	cr_expect_str_eq(render(), expected);
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
	struct fake_series *series = fake_series_add(exposed_histogram(one, "h", "a"), "x");

	memcpy(series->counts, (uint64_t[]){1, 2, 0, 4}, sizeof(uint64_t[4]));
	series->sum = 51.25;
	expect_render("# HELP h Help.\n# TYPE h histogram\n"
		      "h_bucket{a=\"x\",le=\"0.1\"} 1\nh_bucket{a=\"x\",le=\"1.0\"} 3\n"
		      "h_bucket{a=\"x\",le=\"10.0\"} 3\nh_bucket{a=\"x\",le=\"+Inf\"} 7\n"
		      "h_sum{a=\"x\"} 51.25\nh_count{a=\"x\"} 7\n");
}

Test(exposition, shows_a_histogram_without_labels)
{
	fake_series_add(exposed_histogram(one, "h", ""), "");
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
	struct fake_family *live_sum = exposed_gauge(one, "g", "x", SMX_GAUGE_LIVE_SUM);
	struct fake_family *times = exposed_histogram(one, "h", "x");
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
	exposed_histogram(one, "h", "");
	exposed_gauge(one, "g", "", SMX_GAUGE_LIVE_SUM);
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
	exposed_gauge(one, "mode", "", (smx_gauge_mode)0);
	exposed_gauge(one, "mode_11", "", (smx_gauge_mode)11);
	fake_family_add_texts(one, SMX_COUNTER, TEXT("good"), pid, 1);
	expect_render("# HELP good_total Help.\n# TYPE good_total counter\n");
}

Test(exposition, leaves_out_histograms_whose_bounds_do_not_ascend)
{
	static const double falling[] = {1, 0.5};
	static const double equal[] = {-0.0, 0.0};
	static const double infinite[] = {1, INFINITY};
	static const double not_a_number[] = {NAN};

	fake_family_bounds(exposed_histogram(one, "a", ""), falling, 2);
	fake_family_bounds(exposed_histogram(one, "b", ""), equal, 2);
	fake_family_bounds(exposed_histogram(one, "c", ""), infinite, 2);
	fake_family_bounds(exposed_histogram(one, "d", ""), not_a_number, 1);
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
	struct fake_family *all = exposed_gauge(one, "g", "x", SMX_GAUGE_LIVE_ALL);

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
	struct fake_series *here = fake_series_add(exposed_histogram(one, "h", ""), "");

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

/* Far more than a table holds at first; each series once and with its own number. */
Test(exposition, keeps_many_series_apart)
{
	const char *text;
	size_t lines = 0;

	exposed_add_numbered(fake_family_add(one, SMX_COUNTER, "a", "x"), 50000);
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
