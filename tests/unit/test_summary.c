/* SPDX-License-Identifier: MIT */
/*
 * test_summary.c - I5: count and sum are of exactly the values observed
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(summary, .init = fixture_begin, .fini = fixture_end);

static smx_summary_family define(smx_segment *segment, const char *name, const char *label)
{
	const char *labels[] = {label};
	smx_definition definition = {
		.name = name, .label_names = labels, .label_count = label ? 1 : 0};
	smx_summary_family family;

	cr_assert_eq(smx_summary_define(segment, &definition, &family, NULL), SMX_OK);
	return family;
}

Test(summary, counts_and_adds_up_every_value)
{
	smx_segment *segment = fixture_segment("a");
	smx_summary_family family = define(segment, "s", "l");
	smx_summary summary = smx_summary_with(family, (const char *[]){"x"});
	smx_reader *reader;
	uint64_t count;
	double sum;

	smx_summary_observe(summary, 0.5);
	smx_summary_observe(summary, -2);
	smx_summary_observe(smx_summary_with_text(family, &(smx_text){"x", 1}), 4);
	reader = fixture_reader(segment);
	cr_expect_eq(fixture_family(reader, "s")->kind, SMX_SUMMARY);
	smx_reader_summary(reader, fixture_series(reader, "s", "x"), &count, &sum);
	cr_expect_eq(count, 3);
	cr_expect_eq(sum, 2.5);
	smx_reader_close(reader);
}

Test(summary, counts_nan_as_dropped_and_the_empty_handle_as_unrecorded)
{
	smx_segment *segment = fixture_segment("a");
	smx_summary summary = smx_summary_with(define(segment, "s", NULL), NULL);
	uint64_t before = smx_unrecorded_count();
	smx_reader *reader;
	uint64_t count;
	double sum;

	smx_summary_observe(summary, NAN);
	smx_summary_observe((smx_summary){NULL}, 1);
	cr_expect_eq(smx_unrecorded_count(), before + 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NAN], 1);
	reader = fixture_reader(segment);
	smx_reader_summary(reader, fixture_series(reader, "s", NULL), &count, &sum);
	cr_expect_eq(count, 0);
	smx_reader_close(reader);
}

Test(summary, owns_its_count_and_sum_but_no_buckets)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition counter = {.name = "s_bucket"}, gauge = {.name = "s_count"};
	smx_counter_family fine;
	smx_gauge_family taken;
	smx_error error;

	define(segment, "s", NULL);
	cr_expect_eq(smx_counter_define(segment, &counter, &fine, NULL), SMX_OK);
	cr_expect_eq(smx_gauge_define(segment, &gauge, SMX_GAUGE_LIVE_SUM, &taken, &error),
		     SMX_ERR_CONFLICT);
	cr_expect(strstr(error.message, "metric s "), "%s", error.message);
}
