/* SPDX-License-Identifier: MIT */
/*
 * test_spelling.c - families with names beyond the older character set: what each scraper gets of
 * them, and who gives way where two come out alike (I6, I12)
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define UTF8 SMX_ESCAPING_ALLOW_UTF8
#define UNDERSCORES SMX_ESCAPING_UNDERSCORES
#define DOTS SMX_ESCAPING_DOTS
#define VALUES SMX_ESCAPING_VALUES

TestSuite(spelling, .init = exposed_set_up, .fini = exposed_tear_down);

static const char *render_as(smx_format format, smx_escaping escaping, const char *name)
{
	const smx_text names[] = {{name, name ? strlen(name) : 0}};

	return exposed_render((smx_exposition_type){format, escaping}, names, name != NULL);
}

static const char *render(smx_escaping escaping)
{
	return render_as(SMX_FORMAT_TEXT_100, escaping, NULL);
}

/* How many families a scraper with this escaping does not get. */
static uint64_t hidden_from(smx_escaping escaping)
{
	smx_exposition_info info;

	render(escaping);
	smx_exposition_information(exposition, &info);
	return info.hidden_by_sample_name;
}

static struct fake_series *add(smx_reader *reader, smx_kind kind, const char *name,
			       const char *labels, const char *values)
{
	return fake_series_add(fake_family_add(reader, kind, name, labels), values);
}

Test(spelling, quotes_names_for_those_who_ask_and_escapes_them_for_others)
{
	add(one, SMX_COUNTER, "http.requests", "http.method,code", "GET,200")->counter.whole = 3;
	cr_expect_str_eq(render(UTF8),
			 "# HELP \"http.requests_total\" Help.\n"
			 "# TYPE \"http.requests_total\" counter\n"
			 "{\"http.requests_total\",\"http.method\"=\"GET\",code=\"200\"} 3\n");
	cr_expect_str_eq(render(UNDERSCORES),
			 "# HELP http_requests_total Help.\n"
			 "# TYPE http_requests_total counter\n"
			 "http_requests_total{http_method=\"GET\",code=\"200\"} 3\n");
	cr_expect_str_eq(render(DOTS),
			 "# HELP http_dot_requests__total Help.\n"
			 "# TYPE http_dot_requests__total counter\n"
			 "http_dot_requests__total{http_dot_method=\"GET\",code=\"200\"} 3\n");
	cr_expect_str_eq(render(VALUES),
			 "# HELP U__http_2e_requests__total Help.\n"
			 "# TYPE U__http_2e_requests__total counter\n"
			 "U__http_2e_requests__total{U__http_2e_method=\"GET\",code=\"200\"} 3\n");
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, UTF8, NULL),
			 "# TYPE \"http.requests\" counter\n"
			 "# HELP \"http.requests\" Help.\n"
			 "{\"http.requests_total\",\"http.method\"=\"GET\",code=\"200\"} 3\n");
}

/* A name alone, a label alone, no label value, and what quotes have to escape. */
Test(spelling, quotes_only_what_needs_it)
{
	add(one, SMX_GAUGE, "a", "x.y", "1");
	add(one, SMX_COUNTER, "b c", "", "");
	add(one, SMX_COUNTER, "c\"\\\n", "x", "");
	add(one, SMX_COUNTER, "größe", "x\"\\\n", "\"\\\n");
	cr_expect_str_eq(
		render(UTF8),
		"# HELP a Help.\n# TYPE a gauge\na{\"x.y\"=\"1\"} 0\n"
		"# HELP \"b c_total\" Help.\n# TYPE \"b c_total\" counter\n"
		"{\"b c_total\"} 0\n"
		"# HELP \"c\\\"\\\\\\n_total\" Help.\n# TYPE \"c\\\"\\\\\\n_total\" counter\n"
		"{\"c\\\"\\\\\\n_total\"} 0\n"
		"# HELP \"größe_total\" Help.\n# TYPE \"größe_total\" counter\n"
		"{\"größe_total\",\"x\\\"\\\\\\n\"=\"\\\"\\\\\\n\"} 0\n");
}

/* Every line of every kind that has more than one, and what stands behind labels. */
Test(spelling, holds_for_all_samples_of_a_family)
{
	struct fake_family *family = fake_family_add(one, SMX_HISTOGRAM, "h.s", "");
	struct fake_series *series;

	fake_family_bounds(family, (double[]){1}, 1);
	series = fake_series_add(family, "");
	series->view.created_unix_ns = 5000000000;
	series->counts[0] = 1;
	series->sum = 0.5;
	smx_exposition_set_created(exposition, true);
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, UTF8, NULL),
			 "# TYPE \"h.s\" histogram\n# HELP \"h.s\" Help.\n"
			 "{\"h.s_bucket\",le=\"1.0\"} 1\n{\"h.s_bucket\",le=\"+Inf\"} 1\n"
			 "{\"h.s_sum\"} 0.5\n{\"h.s_count\"} 1\n{\"h.s_created\"} 5\n");
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, VALUES, NULL),
			 "# TYPE U__h_2e_s histogram\n# HELP U__h_2e_s Help.\n"
			 "U__h_2e_s_bucket{le=\"1.0\"} 1\nU__h_2e_s_bucket{le=\"+Inf\"} 1\n"
			 "U__h_2e_s_sum 0.5\nU__h_2e_s_count 1\nU__h_2e_s_created 5\n");
}

Test(spelling, holds_for_gauges_of_each_writer)
{
	struct fake_family *family = fake_family_add(one, SMX_GAUGE, "g.s", "x.y");

	family->view.mode = SMX_GAUGE_LIVE_ALL;
	fake_gauge_set(fake_series_add(family, "1"), fake_writer_add(one, 0, 1, 12), 7, 0);
	fake_gauge_set(fake_series_add(family, ""), 0, 8, 0);
	cr_expect_str_eq(render(UTF8), "# HELP \"g.s\" Help.\n# TYPE \"g.s\" gauge\n"
				       "{\"g.s\",\"x.y\"=\"1\",pid=\"12\"} 7\n"
				       "{\"g.s\",pid=\"12\"} 8\n");
	cr_expect_str_eq(render(UNDERSCORES), "# HELP g_s Help.\n# TYPE g_s gauge\n"
					      "g_s{x_y=\"1\",pid=\"12\"} 7\ng_s{pid=\"12\"} 8\n");
}

/* OpenMetrics knows a state set by a label of its own name, which therefore has no colon either. */
Test(spelling, names_a_state_set_and_its_label_alike)
{
	struct fake_family *family = fake_family_add(one, SMX_STATE_SET, "a:b", "x.y");

	fake_family_states(family, "p,q");
	fake_series_add(family, "1");
	cr_expect_str_eq(
		render_as(SMX_FORMAT_OPENMETRICS_100, UTF8, NULL),
		"# TYPE a:b stateset\n# HELP a:b Help.\n"
		"a:b{\"x.y\"=\"1\",\"a:b\"=\"p\"} 1\na:b{\"x.y\"=\"1\",\"a:b\"=\"q\"} 0\n");
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, UNDERSCORES, NULL),
			 "# TYPE a_b stateset\n# HELP a_b Help.\n"
			 "a_b{x_y=\"1\",a_b=\"p\"} 1\na_b{x_y=\"1\",a_b=\"q\"} 0\n");
}

Test(spelling, holds_for_the_labels_that_an_info_is_given)
{
	static const smx_label given[] = {{{"a.b", 3}, {"1", 1}},  {{"a_b", 3}, {"2", 1}},
					  {{"le", 2}, {"3", 1}},   {{"x.y", 3}, {"4", 1}},
					  {{"\xff", 1}, {"5", 1}}, {{"z z", 3}, {"", 0}}};
	struct fake_series *series = add(one, SMX_INFO, "i.i", "x_y", "0");

	series->info = given;
	series->info_count = sizeof(given) / sizeof(given[0]);
	cr_expect_str_eq(render(UTF8),
			 "# HELP \"i.i_info\" Help.\n# TYPE \"i.i_info\" gauge\n"
			 "{\"i.i_info\",x_y=\"0\",\"a.b\"=\"1\",a_b=\"2\",\"x.y\"=\"4\"} 1\n");
	/* x_y is the family's, a_b one that needs no escaping: the others are written by values. */
	cr_expect_str_eq(render(UNDERSCORES),
			 "# HELP i_i_info Help.\n# TYPE i_i_info gauge\n"
			 "i_i_info{x_y=\"0\",U__a_2e_b=\"1\",a_b=\"2\",U__x_2e_y=\"4\"} 1\n");
	cr_expect_str_eq(render(DOTS),
			 "# HELP i_dot_i__info Help.\n# TYPE i_dot_i__info gauge\n"
			 "i_dot_i__info{x_y=\"0\",a_dot_b=\"1\",a_b=\"2\",x_dot_y=\"4\"} 1\n");
}

/* The names move while more of them are written, each of some byte as much as any scheme makes. */
Test(spelling, holds_for_labels_of_an_info_whose_names_grow)
{
	static char dots[256] = "\xC3\xA9", wanted[2048];
	smx_label given[] = {
		{{"b.c", 3}, {"1", 1}}, {{"d.e", 3}, {"2", 1}}, {{dots, 240}, {"3", 1}}};
	struct fake_series *series = add(one, SMX_INFO, "i", "", "");
	size_t size;

	memset(dots + 2, '.', 238);
	series->info = given;
	series->info_count = 3;
	/* By dots the long one would begin with two underscores, which are reserved. */
	strcpy(wanted, "# HELP i_info Help.\n# TYPE i_info gauge\n"
		       "i_info{b_dot_c=\"1\",d_dot_e=\"2\",U___e9_");
	size = strlen(wanted);
	for (unsigned i = 0; i < 238; i++)
		size += (size_t)snprintf(wanted + size, sizeof wanted - size, "_2e_");
	strcpy(wanted + size, "=\"3\"} 1\n");
	cr_expect_str_eq(render(DOTS), wanted);
}

/* ---- names that come out alike ---- */

Test(spelling, gives_a_name_to_the_older_of_two_that_an_escaping_makes_one)
{
	add(one, SMX_COUNTER, "x.y", "", "")->counter.whole = 1;
	add(two, SMX_COUNTER, "x_y", "", "")->counter.whole = 2;
	for (int again = 0; again < 2; again++) {
		cr_expect_str_eq(render(UNDERSCORES), "# HELP x_y_total Help.\n"
						      "# TYPE x_y_total counter\nx_y_total 1\n");
		cr_expect_eq(hidden_from(UNDERSCORES), 1);
		cr_expect_not_null(strstr(render(UTF8), "{\"x.y_total\"} 1\n"));
		cr_expect_not_null(strstr(render(UTF8), "x_y_total 2\n"));
		cr_expect_eq(hidden_from(UTF8), 0);
	}
	/* Those who are gone take nothing with them. */
	smx_exposition_remove(exposition, one);
	cr_expect_not_null(strstr(render(UNDERSCORES), "x_y_total 2\n"));
	cr_expect_eq(hidden_from(UNDERSCORES), 0);
}

/* Two that are not the same family are never added up, though they look alike. */
Test(spelling, never_adds_up_what_only_looks_alike)
{
	add(one, SMX_COUNTER, "x.y", "a.b", "1")->counter.whole = 1;
	add(two, SMX_COUNTER, "x-y", "a-b", "1")->counter.whole = 2;
	cr_expect_str_eq(render(UNDERSCORES), "# HELP x_y_total Help.\n# TYPE x_y_total counter\n"
					      "x_y_total{a_b=\"1\"} 1\n");
	add(one, SMX_COUNTER, "same.name", "", "")->counter.whole = 1;
	add(two, SMX_COUNTER, "same.name", "", "")->counter.whole = 2;
	cr_expect_not_null(strstr(render(UNDERSCORES), "\nsame_name_total 3\n"));
	cr_expect_not_null(strstr(render(UTF8), "\n{\"same.name_total\"} 3\n"));
}

/* x.y and x_y_count have no name in common until one is escaped. */
Test(spelling, looks_at_the_names_of_samples_too)
{
	fake_family_bounds(fake_family_add(one, SMX_HISTOGRAM, "x.y", ""), (double[]){1}, 1);
	add(two, SMX_GAUGE, "x_y_count", "", "");
	cr_expect_not_null(strstr(render(UTF8), "\nx_y_count 0\n"));
	cr_expect_str_eq(render(UNDERSCORES), "# HELP x_y Help.\n# TYPE x_y histogram\n");
	cr_expect_eq(hidden_from(UNDERSCORES), 1);
}

Test(spelling, writes_labels_by_values_that_an_escaping_makes_one)
{
	add(one, SMX_COUNTER, "a", "x.y,x_y,z.z", "1,2,3");
	cr_expect_str_eq(render(UNDERSCORES),
			 "# HELP a_total Help.\n# TYPE a_total counter\n"
			 "a_total{U__x_2e_y=\"1\",x_y=\"2\",U__z_2e_z=\"3\"} 0\n");
	cr_expect_str_eq(render(DOTS), "# HELP a_total Help.\n# TYPE a_total counter\n"
				       "a_total{x_dot_y=\"1\",x_y=\"2\",z_dot_z=\"3\"} 0\n");
	cr_expect_eq(hidden_from(UNDERSCORES), 0);
}

/* `..name__` would be __name__, `..x` hidden from queries, and `.id` of a gauge with pids a pid. */
Test(spelling, makes_no_label_that_means_something_to_prometheus)
{
	struct fake_family *family = fake_family_add(one, SMX_GAUGE, "g", "..pid");

	add(one, SMX_COUNTER, "a", "..name__", "1");
	family->view.mode = SMX_GAUGE_LIVE_ALL;
	fake_gauge_set(fake_series_add(family, "1"), fake_writer_add(one, 0, 1, 12), 7, 0);
	cr_expect_str_eq(render(UNDERSCORES),
			 "# HELP a_total Help.\n# TYPE a_total counter\n"
			 "a_total{U___2e__2e_name____=\"1\"} 0\n"
			 "# HELP g Help.\n# TYPE g gauge\ng{U___2e__2e_pid=\"1\",pid=\"12\"} 7\n");
}

/* Somebody who has a label with the very name that another one is escaped to. */
Test(spelling, leaves_out_a_family_whose_labels_cannot_be_told_apart)
{
	add(one, SMX_COUNTER, "a", "x.y,x_y,U__x_2e_y", "1,2,3");
	cr_expect_str_eq(render(UNDERSCORES), "");
	cr_expect_str_eq(render(VALUES), "");
	cr_expect_eq(hidden_from(UNDERSCORES), 1);
	cr_expect_eq(hidden_from(DOTS), 0);
	cr_expect_not_null(strstr(render(DOTS), "a_total{x_dot_y=\"1\",x_y=\"2\","));
}

static bool is_own(smx_text name, bool is_spelled)
{
	return (name.size == 7 && memcmp(name.data, "own_one", 7) == 0) ||
	       (is_spelled && name.size == 6 && memcmp(name.data, "shared", 6) == 0);
}

Test(spelling, keeps_away_from_names_that_others_serve)
{
	smx_exposition_info info;

	add(one, SMX_COUNTER, "own.one", "", "")->counter.whole = 1;
	add(one, SMX_COUNTER, "own_one", "", "")->counter.whole = 2;
	add(one, SMX_COUNTER, "shared", "", "")->counter.whole = 3;
	smx_exposition_set_reserved(exposition, is_own);
	cr_expect_str_eq(render(UNDERSCORES), "# HELP shared_total Help.\n"
					      "# TYPE shared_total counter\nshared_total 3\n");
	smx_exposition_information(exposition, &info);
	cr_expect_eq(info.reserved, 2);
	cr_expect_eq(info.hidden_by_sample_name, 0);
	cr_expect_not_null(strstr(render(UTF8), "{\"own.one_total\"} 1\n"));
	cr_expect_null(strstr(render(UTF8), "own_one_total"));
}

/* Families that are plain have no spelling of their own. */
Test(spelling, keeps_away_from_them_where_all_are_plain)
{
	add(one, SMX_COUNTER, "own_one", "", "");
	smx_exposition_set_reserved(exposition, is_own);
	cr_expect_str_eq(render(UNDERSCORES), "");
	cr_expect_str_eq(render(UTF8), "");
}

/* ---- who asks by name ---- */

Test(spelling, finds_families_by_either_name)
{
	static const char *const names[] = {"x.y", "x.y_total", "x_y", "x_y_total"};

	add(one, SMX_COUNTER, "x.y", "", "");
	add(one, SMX_COUNTER, "z.y", "", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_str_eq(render_as(SMX_FORMAT_TEXT_004, UNDERSCORES, names[i]),
				 "# HELP x_y_total Help.\n# TYPE x_y_total counter\n"
				 "x_y_total 0\n");
	cr_expect_str_eq(render_as(SMX_FORMAT_TEXT_100, UTF8, "x_y"), "");
}

/* A unit that the scraper cannot see at the end of the name would cost the whole scrape. */
Test(spelling, tells_a_unit_only_as_it_stands_in_the_name)
{
	struct fake_family *family = fake_family_add(one, SMX_GAUGE, "x.y_µs", "");

	family->view.unit = fake_text("µs");
	fake_family_add(one, SMX_GAUGE, "x.y_seconds", "")->view.unit = fake_text("seconds");
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, UTF8, NULL),
			 "# TYPE \"x.y_seconds\" gauge\n# UNIT \"x.y_seconds\" seconds\n"
			 "# HELP \"x.y_seconds\" Help.\n"
			 "# TYPE \"x.y_µs\" gauge\n# HELP \"x.y_µs\" Help.\n");
	cr_expect_str_eq(render_as(SMX_FORMAT_OPENMETRICS_100, UNDERSCORES, NULL),
			 "# TYPE x_y_seconds gauge\n# UNIT x_y_seconds seconds\n"
			 "# HELP x_y_seconds Help.\n"
			 "# TYPE x_y__s gauge\n# HELP x_y__s Help.\n");
}

/* Text 0.0.4 has no quotes: nobody gets them under its name. */
Test(spelling, is_refused_where_the_format_has_none)
{
	cr_expect(smx_exposition_render(exposition,
					(smx_exposition_type){SMX_FORMAT_TEXT_004, UTF8}, NULL, 0,
					&buffer, NULL) == SMX_ERR_INVALID);
}
