/* SPDX-License-Identifier: MIT */
/*
 * test_openmetrics2.c - OpenMetrics 2.0 where it differs from 1.0 (I12)
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static const smx_exposition_type openmetrics_200 = {.format = SMX_FORMAT_OPENMETRICS_200};

TestSuite(openmetrics2, .init = exposed_set_up, .fini = exposed_tear_down);

static void expect_render(const char *expected)
{
	cr_expect_str_eq(exposed_render_all(openmetrics_200), expected);
}

static struct fake_series *add(smx_kind kind, const char *name)
{
	struct fake_series *series = fake_series_add(fake_family_add(one, kind, name, "x"), "1");

	series->view.created_unix_ns = UINT64_C(1700000000125000000);
	return series;
}

static struct fake_family *family_of(struct fake_series *series)
{
	return (struct fake_family *)(void *)(size_t)series->view.family;
}

static const smx_label trace[] = {{TEXT("trace_id"), TEXT("a\"b")}};

Test(openmetrics2, names_its_content_type_exactly)
{
	expect_render("# EOF\n");
	cr_expect_str_eq(smx_format_content_type(openmetrics_200),
			 "application/openmetrics-text; version=2.0.0; charset=utf-8; "
			 "escaping=underscores");
}

Test(openmetrics2, names_a_family_as_its_samples_and_starts_it_in_the_line)
{
	struct fake_series *counter = add(SMX_COUNTER, "a_seconds");

	family_of(counter)->view.unit = fake_text("seconds");
	counter->counter.whole = 3;
	counter->exemplars[0] = (struct fake_exemplar){2, UINT64_C(1500000000), trace, 1};
	add(SMX_INFO, "b")->view.created_unix_ns = 0;
	add(SMX_GAUGE, "c");
	expect_render("# TYPE a_seconds_total counter\n# UNIT a_seconds_total seconds\n"
		      "# HELP a_seconds_total Help.\n"
		      "a_seconds_total{x=\"1\"} 3 st@1700000000.125 # {trace_id=\"a\\\"b\"} 2 1.5\n"
		      "# TYPE b_info info\n# HELP b_info Help.\nb_info{x=\"1\"} 1\n"
		      "# TYPE c gauge\n# HELP c Help.\nc{x=\"1\"} 0\n# EOF\n");
}

Test(openmetrics2, shows_a_histogram_as_one_sample_with_all_its_exemplars)
{
	struct fake_series *series = add(SMX_HISTOGRAM, "h");

	fake_family_bounds(family_of(series), (double[]){-1, 1e6}, 2);
	memcpy(series->counts, (uint64_t[]){3, 0, UINT64_MAX - 3}, sizeof(uint64_t[3]));
	series->sum = -51.25;
	series->exemplars[0] = (struct fake_exemplar){-2, UINT64_C(1500000000), NULL, 0};
	series->exemplars[1] = (struct fake_exemplar){0, 1, NULL, 0};
	series->exemplars[2] = (struct fake_exemplar){1e300, UINT64_C(2500000000), trace, 1};
	expect_render("# TYPE h histogram\n# HELP h Help.\n"
		      "h{x=\"1\"} {count:18446744073709551615,sum:-51.25,"
		      "bucket:[-1.0:3,1e+06:3,+Inf:18446744073709551615]} st@1700000000.125"
		      " # {} -2 1.5 # {trace_id=\"a\\\"b\"} 1e+300 2.5\n# EOF\n");
}

Test(openmetrics2, shows_native_buckets_by_their_counts_before_those_with_bounds)
{
	struct fake_series *series = add(SMX_NATIVE_HISTOGRAM, "n");

	fake_family_native(family_of(series), -1, -3, 8, true);
	fake_family_bounds(family_of(series), (double[]){0.5}, 1);
	series->view.created_unix_ns = 0;
	memcpy(series->counts, (uint64_t[]){19, 3}, sizeof(uint64_t[2]));
	series->sum = 2.5;
	series->native_counts[7] = 5; /* the first negative bucket */
	series->native_counts[8] = 4; /* zero */
	memcpy(&series->native_counts[9], (uint64_t[]){0, 7, 1, 0, 0, 0, 0, 5}, 64);
	expect_render("# TYPE n histogram\n# HELP n Help.\n"
		      "n{x=\"1\"} {count:22,sum:2.5,schema:-1,zero_threshold:0.00390625,"
		      "zero_count:4,negative_spans:[-3:1],negative_buckets:[5],"
		      "positive_spans:[-2:2,4:1],positive_buckets:[7,1,5],"
		      "bucket:[0.5:19,+Inf:22]}\n# EOF\n");
}

Test(openmetrics2, shows_an_empty_native_histogram_without_sides)
{
	struct fake_series *series = add(SMX_NATIVE_HISTOGRAM, "n");

	fake_family_native(family_of(series), 3, 0, 4, false);
	expect_render("# TYPE n histogram\n# HELP n Help.\nn{x=\"1\"} {count:0,sum:0,schema:3,"
		      "zero_threshold:0.9170040432046712,zero_count:0} st@1700000000.125\n# EOF\n");
}

/* It may not have a sum that is negative or NaN, and not be without one. */
Test(openmetrics2, leaves_out_a_summary_whose_sum_goes_back)
{
	struct fake_series *series = add(SMX_SUMMARY, "s");

	series->counts[0] = 3;
	series->sum = 1.5;
	expect_render("# TYPE s summary\n# HELP s Help.\n"
		      "s{x=\"1\"} {count:3,sum:1.5,quantile:[]} st@1700000000.125\n# EOF\n");
	series->sum = -1;
	expect_render("# TYPE s summary\n# HELP s Help.\n# EOF\n");
	series->sum = (double)NAN;
	expect_render("# TYPE s summary\n# HELP s Help.\n# EOF\n");
}

Test(openmetrics2, has_no_labels_where_there_are_none)
{
	fake_series_add(fake_family_add(one, SMX_SUMMARY, "s", ""), "");
	expect_render("# TYPE s summary\n# HELP s Help.\ns {count:0,sum:0,quantile:[]}\n# EOF\n");
}

/* Removed, or nothing in the overflow: as in every format. */
Test(openmetrics2, hides_what_is_hidden)
{
	struct fake_series *removed = add(SMX_HISTOGRAM, "a"), *overflow = add(SMX_SUMMARY, "b");

	removed->counts[0] = 3;
	removed->view.removed = true;
	overflow->view.overflow = true;
	expect_render(
		"# TYPE a histogram\n# HELP a Help.\n# TYPE b summary\n# HELP b Help.\n# EOF\n");
}
