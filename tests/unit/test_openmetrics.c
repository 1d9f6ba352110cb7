/* SPDX-License-Identifier: MIT */
/*
 * test_openmetrics.c - OpenMetrics 1.0 where it differs from text 0.0.4 (I12)
 */
#include "exposed.h"
#include "text/words.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};
static const smx_exposition_type openmetrics_100 = {.format = SMX_FORMAT_OPENMETRICS_100};

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

TestSuite(openmetrics, .init = exposed_set_up, .fini = exposed_tear_down);

static const char *render(smx_format format)
{
	return exposed_render_all((smx_exposition_type){.format = format});
}

static void expect_render(const char *expected)
{
	cr_expect_str_eq(render(SMX_FORMAT_OPENMETRICS_100), expected);
}

static struct fake_family *histogram(const char *name, double first_bound)
{
	struct fake_family *family = fake_family_add(one, SMX_HISTOGRAM, name, "");

	fake_family_bounds(family, (double[]){first_bound, 1}, 2);
	return family;
}

/* ---- the whole ---- */

Test(openmetrics, ends_in_eof_whatever_there_is)
{
	expect_render("# EOF\n");
	fake_family_add(one, SMX_GAUGE, "a", "");
	expect_render("# TYPE a gauge\n# HELP a Help.\n# EOF\n");
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004), "# HELP a Help.\n# TYPE a gauge\n");
}

Test(openmetrics, names_its_content_type_exactly)
{
	cr_expect_str_eq(smx_format_content_type(openmetrics_100),
			 "application/openmetrics-text; version=1.0.0; charset=utf-8");
	cr_expect_str_eq(smx_format_content_type((smx_exposition_type){.format = (smx_format)99}),
			 "text/plain; version=0.0.4; charset=utf-8");
}

/* ---- headers ---- */

Test(openmetrics, names_the_family_of_a_counter_without_total)
{
	fake_series_add(fake_family_add(one, SMX_COUNTER, "a", "x"), "1")->counter.whole = 5;
	expect_render("# TYPE a counter\n# HELP a Help.\na_total{x=\"1\"} 5\n# EOF\n");
}

Test(openmetrics, escapes_quotes_in_help)
{
	fake_family_add(one, SMX_GAUGE, "a", "")->view.help = fake_text("a \"b\" \\ c\nd\re");
	expect_render("# TYPE a gauge\n# HELP a a \\\"b\\\" \\\\ c\\nd e\n# EOF\n");
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004),
			 "# HELP a a \"b\" \\\\ c\\nd e\n# TYPE a gauge\n");
}

Test(openmetrics, tells_the_unit_that_a_name_ends_in)
{
	fake_family_add(one, SMX_COUNTER, "a_seconds", "")->view.unit = fake_text("seconds");
	fake_family_add(one, SMX_GAUGE, "b_seconds", "")->view.unit = fake_text("bytes");
	fake_family_add(one, SMX_GAUGE, "megabytes", "")->view.unit = fake_text("bytes");
	fake_family_add(one, SMX_GAUGE, "bytes", "")->view.unit = fake_text("bytes");
	fake_family_add(one, SMX_GAUGE, "d", "")->view.unit = fake_text("d");
	expect_render("# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds Help.\n"
		      "# TYPE b_seconds gauge\n# HELP b_seconds Help.\n"
		      "# TYPE bytes gauge\n# HELP bytes Help.\n"
		      "# TYPE d gauge\n# HELP d Help.\n"
		      "# TYPE megabytes gauge\n# HELP megabytes Help.\n# EOF\n");
	cr_expect_null(strstr(render(SMX_FORMAT_TEXT_004), "UNIT"));
}

/* ---- histograms ---- */

Test(openmetrics, shows_bounds_in_the_same_form_as_text)
{
	struct fake_series *series = fake_series_add(histogram("h", 0.5), "");

	memcpy(series->counts, (uint64_t[]){1, 2, 3}, sizeof(uint64_t[3]));
	series->sum = 51.25;
	expect_render("# TYPE h histogram\n# HELP h Help.\nh_bucket{le=\"0.5\"} 1\n"
		      "h_bucket{le=\"1.0\"} 3\nh_bucket{le=\"+Inf\"} 6\nh_sum 51.25\nh_count 6\n"
		      "# EOF\n");
}

Test(openmetrics, leaves_out_a_sum_that_may_be_negative_and_its_count)
{
	fake_series_add(histogram("h", -0.5), "")->counts[2] = 4;
	expect_render("# TYPE h histogram\n# HELP h Help.\nh_bucket{le=\"-0.5\"} 0\n"
		      "h_bucket{le=\"1.0\"} 0\nh_bucket{le=\"+Inf\"} 4\n# EOF\n");
	cr_expect_not_null(strstr(render(SMX_FORMAT_TEXT_004), "h_sum 0\nh_count 4\n"));
}

Test(openmetrics, leaves_out_a_sum_that_is_negative_or_nan)
{
	struct fake_series *series = fake_series_add(histogram("h", 0.5), "");

	series->sum = -1;
	cr_expect_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "_sum"));
	series->sum = NAN;
	cr_expect_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "_sum"));
	cr_expect_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "_count"));
	series->sum = INFINITY;
	cr_expect_not_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "h_sum +Inf\nh_count 0\n"));
}

/* ---- summaries, infos, state sets ---- */

Test(openmetrics, shows_summaries_without_quantiles)
{
	struct fake_family *here = fake_family_add(one, SMX_SUMMARY, "s", "a");
	struct fake_family *there = fake_family_add(two, SMX_SUMMARY, "s", "a");
	struct fake_series *first = fake_series_add(here, "x");

	first->counts[0] = 3;
	first->sum = 1.5;
	fake_series_add(there, "x")->counts[0] = 4;
	fake_series_add(there, "y")->sum = -1;
	expect_render("# TYPE s summary\n# HELP s Help.\ns_sum{a=\"x\"} 1.5\ns_count{a=\"x\"} 7\n"
		      "s_count{a=\"y\"} 0\n# EOF\n");
	cr_expect_str_eq(
		render(SMX_FORMAT_TEXT_004),
		"# HELP s Help.\n# TYPE s summary\ns_sum{a=\"x\"} 1.5\ns_count{a=\"x\"} 7\n"
		"s_sum{a=\"y\"} -1\ns_count{a=\"y\"} 0\n");
}

static const smx_label version[] = {
	{TEXT("bad\xffname"), TEXT("x")}, {TEXT("commit"), TEXT("")},	 {TEXT("le"), TEXT("x")},
	{TEXT("version"), TEXT("1\n2")},  {TEXT("where"), TEXT("\xff")},
};

static void set_info(struct fake_series *series, const smx_label *labels, size_t count)
{
	series->info = labels;
	series->info_count = count;
}

Test(openmetrics, shows_the_labels_of_an_info)
{
	struct fake_family *plain = fake_family_add(one, SMX_INFO, "a", "");
	struct fake_family *labelled = fake_family_add(one, SMX_INFO, "b", "x");

	set_info(fake_series_add(plain, ""), version, 5);
	set_info(fake_series_add(labelled, "1"), &version[3], 1);
	fake_series_add(labelled, "2");
	fake_series_add(fake_family_add(one, SMX_INFO, "c", ""), "");
	expect_render("# TYPE a info\n# HELP a Help.\n"
		      "a_info{version=\"1\\n2\",where=\"\xef\xbf\xbd\"} 1\n"
		      "# TYPE b info\n# HELP b Help.\nb_info{x=\"1\",version=\"1\\n2\"} 1\n"
		      "b_info{x=\"2\"} 1\n# TYPE c info\n# HELP c Help.\nc_info 1\n# EOF\n");
	set_info(plain->series[0], NULL, 0);
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004),
			 "# HELP a_info Help.\n# TYPE a_info gauge\na_info 1\n"
			 "# HELP b_info Help.\n# TYPE b_info gauge\n"
			 "b_info{x=\"1\",version=\"1\\n2\"} 1\nb_info{x=\"2\"} 1\n"
			 "# HELP c_info Help.\n# TYPE c_info gauge\nc_info 1\n");
}

Test(openmetrics, shows_one_label_set_of_an_info_that_two_readers_have)
{
	static const smx_label other[] = {{TEXT("version"), TEXT("3")}};
	struct fake_series *here = fake_series_add(fake_family_add(one, SMX_INFO, "a", ""), "");

	set_info(fake_series_add(fake_family_add(two, SMX_INFO, "a", ""), ""), other, 1);
	expect_render("# TYPE a info\n# HELP a Help.\na_info{version=\"3\"} 1\n# EOF\n");
	set_info(here, &version[3], 1);
	expect_render("# TYPE a info\n# HELP a Help.\na_info{version=\"1\\n2\"} 1\n# EOF\n");
}

Test(openmetrics, shows_the_state_set_last)
{
	struct fake_family *here = fake_family_add(one, SMX_STATE_SET, "door", "room");
	struct fake_family *there = fake_family_add(two, SMX_STATE_SET, "door", "room");
	struct fake_series *first;

	fake_family_states(here, "open,sh\"ut");
	fake_family_states(there, "open,sh\"ut");
	first = fake_series_add(here, "1");
	expect_render("# TYPE door stateset\n# HELP door Help.\n"
		      "door{room=\"1\",door=\"open\"} 1\n"
		      "door{room=\"1\",door=\"sh\\\"ut\"} 0\n# EOF\n");
	fake_gauge_set(first, fake_writer_add(one, 0, 1, 10), 0, 5);
	fake_gauge_set(fake_series_add(there, "1"), fake_writer_add(two, 0, 1, 11), 1, 6);
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004), "# HELP door Help.\n# TYPE door gauge\n"
						      "door{room=\"1\",door=\"open\"} 0\n"
						      "door{room=\"1\",door=\"sh\\\"ut\"} 1\n");
	fake_writers_clear(two);
	cr_expect_not_null(strstr(render(SMX_FORMAT_TEXT_004), "door=\"open\"} 1\n"));
}

Test(openmetrics, leaves_out_state_sets_that_would_not_parse)
{
	static const smx_text twice[] = {TEXT("x"), TEXT("x")};
	static const smx_text empty[] = {TEXT("x"), TEXT("")};
	static const smx_text bad[] = {TEXT("\xff"), TEXT("\xfe")};
	static const smx_text good[] = {TEXT("x"), TEXT("y")};
	static const struct {
		const char *name, *labels;
		const smx_text *states;
	} cases[] = {{"a", "", twice}, {"b", "", empty},  {"c", "", bad},
		     {"d", "d", good}, {"__e", "", good}, {"le", "", good}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_family *family =
			fake_family_add(one, SMX_STATE_SET, cases[i].name, cases[i].labels);

		family->view.states = cases[i].states;
		family->view.state_count = 2;
		fake_series_add(family, "x");
	}
	expect_render("# EOF\n");
}

Test(openmetrics, takes_the_states_for_the_definition)
{
	fake_family_states(fake_family_add(one, SMX_STATE_SET, "a", ""), "x,y");
	fake_family_states(fake_family_add(two, SMX_STATE_SET, "a", ""), "x,z");
	fake_series_add(fake_family_add(two, SMX_STATE_SET, "b", ""), "");
	expect_render("# TYPE a stateset\n# HELP a Help.\n# EOF\n");
}

Test(openmetrics, shows_overflow_only_once_something_was_recorded_there)
{
	struct fake_series *summary =
		fake_series_add(fake_family_add(one, SMX_SUMMARY, "a", "x"), "_overflow");
	struct fake_series *info =
		fake_series_add(fake_family_add(one, SMX_INFO, "b", "x"), "_overflow");
	struct fake_family *family = fake_family_add(one, SMX_STATE_SET, "c", "x");
	struct fake_series *states;

	fake_family_states(family, "y");
	states = fake_series_add(family, "_overflow");
	summary->view.overflow = info->view.overflow = states->view.overflow = true;
	cr_expect_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "_overflow"));
	summary->counts[0] = 1;
	set_info(info, &version[3], 1);
	fake_gauge_set(states, fake_writer_add(one, 0, 1, 10), 0, 1);
	render(SMX_FORMAT_OPENMETRICS_100);
	cr_expect_not_null(strstr(buffer.data, "a_count{x=\"_overflow\"} 1\n"));
	cr_expect_not_null(strstr(buffer.data, "b_info{x=\"_overflow\","));
	cr_expect_not_null(strstr(buffer.data, "c{x=\"_overflow\",c=\"y\"} 1\n"));
}

/* ---- exemplars ---- */

static const smx_label trace[] = {{TEXT("trace_id"), TEXT("a\"b")}, {TEXT("span"), TEXT("")}};

Test(openmetrics, shows_exemplars_behind_counters_and_buckets)
{
	struct fake_series *counter =
		fake_series_add(fake_family_add(one, SMX_COUNTER, "c", ""), "");
	struct fake_series *times = fake_series_add(histogram("h", 0.5), "");

	counter->counter.whole = 3;
	counter->exemplars[0] = (struct fake_exemplar){2, UINT64_C(1700000000125000000), trace, 2};
	memcpy(times->counts, (uint64_t[]){1, 0, 3}, sizeof(uint64_t[3]));
	times->exemplars[2] = (struct fake_exemplar){1e300, UINT64_C(1500000000), NULL, 0};
	expect_render("# TYPE c counter\n# HELP c Help.\n"
		      "c_total 3 # {trace_id=\"a\\\"b\"} 2 1700000000.125\n"
		      "# TYPE h histogram\n# HELP h Help.\nh_bucket{le=\"0.5\"} 1\n"
		      "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 4 # {} 1e+300 1.5\nh_sum 0\n"
		      "h_count 4\n# EOF\n");
	cr_expect_null(strstr(render(SMX_FORMAT_TEXT_004), " # "));
}

Test(openmetrics, shows_the_latest_exemplar_of_all_readers)
{
	struct fake_series *here = fake_series_add(fake_family_add(one, SMX_COUNTER, "c", ""), "");
	struct fake_series *there = fake_series_add(fake_family_add(two, SMX_COUNTER, "c", ""), "");

	here->exemplars[0] = (struct fake_exemplar){1, UINT64_C(2000000000), NULL, 0};
	there->exemplars[0] = (struct fake_exemplar){2, UINT64_C(1000000000), NULL, 0};
	cr_expect_not_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "c_total 0 # {} 1 2\n"));
	there->exemplars[0].unix_ns = UINT64_C(3000000000);
	cr_expect_not_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "c_total 0 # {} 2 3\n"));
}

Test(openmetrics, leaves_out_exemplars_that_would_grow_beyond_their_size)
{
	static const smx_label bad[] = {{TEXT("a"), TEXT("\x80\x80\x80")}};
	struct fake_series *series =
		fake_series_add(fake_family_add(one, SMX_COUNTER, "c", ""), "");

	series->exemplars[0] = (struct fake_exemplar){1, UINT64_C(2000000000), bad, 1};
	expect_render("# TYPE c counter\n# HELP c Help.\nc_total 0\n# EOF\n");
}

/* ---- removed series ---- */

Test(openmetrics, hides_removed_series_of_every_kind)
{
	struct fake_series *series[] = {
		fake_series_add(fake_family_add(one, SMX_COUNTER, "a", ""), ""),
		fake_series_add(histogram("b", 0.5), ""),
		fake_series_add(fake_family_add(one, SMX_SUMMARY, "c", ""), ""),
		fake_series_add(fake_family_add(one, SMX_INFO, "d", ""), ""),
		NULL,
		fake_series_add(fake_family_add(one, SMX_GAUGE, "f", ""), ""),
	};
	struct fake_family *states = fake_family_add(one, SMX_STATE_SET, "e", "");

	fake_family_states(states, "x,y");
	series[4] = fake_series_add(states, "");
	fake_gauge_set(series[4], fake_writer_add(one, 0, 1, 10), 1, 1);
	fake_gauge_set(series[5], 0, 3, 0);
	set_info(series[3], &version[3], 1);
	series[0]->exemplars[0] = (struct fake_exemplar){1, UINT64_C(2000000000), NULL, 0};
	for (int i = 0; i < 6; i++) {
		series[i]->counts[0] = series[i]->counter.whole = 3;
		series[i]->view.removed = true;
	}
	smx_exposition_set_created(exposition, true);
	expect_render("# TYPE a counter\n# HELP a Help.\n# TYPE b histogram\n# HELP b Help.\n"
		      "# TYPE c summary\n# HELP c Help.\n# TYPE d info\n# HELP d Help.\n"
		      "# TYPE e stateset\n# HELP e Help.\n# TYPE f gauge\n# HELP f Help.\n# EOF\n");
	series[0]->view.removed = false;
	cr_expect_not_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "a_total 3 # {} 1 2\n"));
}

/* ---- _created ---- */

Test(openmetrics, tells_when_series_were_made_if_asked)
{
	struct fake_series *counter =
		fake_series_add(fake_family_add(one, SMX_COUNTER, "a", "x"), "1");
	struct fake_series *later =
		fake_series_add(fake_family_add(two, SMX_COUNTER, "a", "x"), "1");
	struct fake_series *times = fake_series_add(histogram("h", 0.5), "");

	fake_series_add(fake_family_add(one, SMX_GAUGE, "g", ""), "")->view.created_unix_ns = 9;
	counter->view.created_unix_ns = UINT64_C(1700000000125000000);
	later->view.created_unix_ns = UINT64_C(1700000001000000000);
	times->view.created_unix_ns = UINT64_C(1500000000);
	cr_expect_null(strstr(render(SMX_FORMAT_OPENMETRICS_100), "_created"));
	smx_exposition_set_created(exposition, true);
	expect_render("# TYPE a counter\n# HELP a Help.\na_total{x=\"1\"} 0\n"
		      "a_created{x=\"1\"} 1700000000.125\n"
		      "# TYPE g gauge\n# HELP g Help.\ng 0\n"
		      "# TYPE h histogram\n# HELP h Help.\nh_bucket{le=\"0.5\"} 0\n"
		      "h_bucket{le=\"1.0\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n"
		      "h_created 1.5\n# EOF\n");
}

Test(openmetrics, tells_it_in_text_by_a_family_of_gauges)
{
	struct fake_series *counter =
		fake_series_add(fake_family_add(one, SMX_COUNTER, "a", "x"), "1");
	struct fake_series *times = fake_series_add(histogram("h", 0.5), "");
	struct fake_series *unknown =
		fake_series_add(fake_family_add(one, SMX_SUMMARY, "s", ""), "");
	struct fake_series *gone = fake_series_add(fake_family_add(one, SMX_COUNTER, "z", ""), "");

	fake_series_add(fake_family_add(one, SMX_GAUGE, "g", ""), "")->view.created_unix_ns = 9;
	counter->view.created_unix_ns = UINT64_C(1700000000125000000);
	times->view.created_unix_ns = UINT64_C(1500000000);
	unknown->view.created_unix_ns = 0;
	gone->view.created_unix_ns = UINT64_C(1500000000);
	gone->view.removed = true;
	cr_expect_null(strstr(render(SMX_FORMAT_TEXT_004), "_created"));
	smx_exposition_set_created(exposition, true);
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004),
			 "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"1\"} 0\n"
			 "# HELP a_created Help.\n# TYPE a_created gauge\n"
			 "a_created{x=\"1\"} 1700000000.125\n"
			 "# HELP g Help.\n# TYPE g gauge\ng 0\n"
			 "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 0\n"
			 "h_bucket{le=\"1.0\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n"
			 "# HELP h_created Help.\n# TYPE h_created gauge\nh_created 1.5\n"
			 "# HELP s Help.\n# TYPE s summary\ns_sum 0\ns_count 0\n"
			 "# HELP s_created Help.\n# TYPE s_created gauge\n"
			 "# HELP z_total Help.\n# TYPE z_total counter\n"
			 "# HELP z_created Help.\n# TYPE z_created gauge\n");
}

Test(openmetrics, says_which_names_it_has)
{
	fake_series_add(histogram("h", 0.5), "");
	fake_family_add(one, SMX_COUNTER, "x.y", "");
	fake_family_add(one, SMX_GAUGE, "x_y_total", ""); /* by underscores the counter is older */
	render(SMX_FORMAT_TEXT_004);
	cr_expect(smx_exposition_has_name(exposition, SMX_ESCAPING_UNDERSCORES,
					  smx_words_text_of("h_count")));
	cr_expect(smx_exposition_has_name(exposition, SMX_ESCAPING_UNDERSCORES,
					  smx_words_text_of("x_y_total")));
	cr_expect(smx_exposition_has_name(exposition, SMX_ESCAPING_UNDERSCORES,
					  smx_words_text_of("x_y")));
	cr_expect(smx_exposition_has_name(exposition, SMX_ESCAPING_ALLOW_UTF8,
					  smx_words_text_of("x.y_total")));
	cr_expect_not(smx_exposition_has_name(exposition, SMX_ESCAPING_ALLOW_UTF8,
					      smx_words_text_of("x_y")));
	cr_expect_not(smx_exposition_has_name(exposition, SMX_ESCAPING_UNDERSCORES,
					      smx_words_text_of("h_total")));
}

Test(openmetrics, keeps_the_names_of_created_free)
{
	fake_family_add(one, SMX_COUNTER, "a", "");
	fake_family_add(one, SMX_GAUGE, "a_created", "");
	expect_render("# TYPE a counter\n# HELP a Help.\n# EOF\n");
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004),
			 "# HELP a_total Help.\n# TYPE a_total counter\n");
}

/* ---- metrics that live in no segment ---- */

Test(openmetrics, emits_families_and_samples)
{
	const char *const names[] = {"version"};
	const char *const values[] = {"1.2"};
	const smx_exposition_type format = openmetrics_100;

	smx_emit_family(&buffer, format, "x", "Help.", SMX_COUNTER);
	smx_emit_sample(&buffer, format, "x", SMX_COUNTER, NULL, NULL, 0, 1.5);
	smx_emit_family(&buffer, format, "y", "A \"thing\".", SMX_INFO);
	smx_emit_sample(&buffer, format, "y", SMX_INFO, names, values, 1, 1);
	smx_emit_family(&buffer, format, "z", NULL, SMX_UNKNOWN);
	smx_emit_end(&buffer, format);
	smx_buffer_append(&buffer, "", 1);
	cr_expect_str_eq(buffer.data, "# TYPE x counter\n# HELP x Help.\nx_total 1.5\n"
				      "# TYPE y info\n# HELP y A \\\"thing\\\".\n"
				      "y_info{version=\"1.2\"} 1\n# TYPE z unknown\n# EOF\n");
	buffer.size = 0;
	smx_emit_family(&buffer, text_004, "y", NULL, SMX_INFO);
	smx_emit_sample(&buffer, text_004, "y", SMX_INFO, names, values, 1, 1);
	smx_emit_end(&buffer, text_004);
	smx_buffer_append(&buffer, "", 1);
	cr_expect_str_eq(buffer.data, "# TYPE y_info gauge\ny_info{version=\"1.2\"} 1\n");
}
