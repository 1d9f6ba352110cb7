/* SPDX-License-Identifier: MIT */
/*
 * test_histogram.c - I5: counts and sum are of exactly the observations made
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(histogram, .init = fixture_begin, .fini = fixture_end);

Test(histogram, counts_each_value_in_one_bucket)
{
	smx_segment *segment = fixture_segment("a");
	smx_histogram histogram = smx_histogram_with(fixture_histogram(segment, "h", NULL), NULL);
	static const double values[] = {0.5, 1, 1.5, 2, 2.5, 5, 5.5, -3, 100};
	smx_reader *reader;
	uint64_t counts[4];
	double sum;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		smx_histogram_observe(histogram, values[i]);
	reader = fixture_reader(segment);
	smx_reader_histogram(reader, fixture_series(reader, "h", NULL), counts, &sum);
	cr_expect_eq(counts[0], 3);
	cr_expect_eq(counts[1], 2);
	cr_expect_eq(counts[2], 2);
	cr_expect_eq(counts[3], 2);
	cr_expect_eq(sum, 115.0);
	smx_reader_close(reader);
}

Test(histogram, records_infinities_and_counts_nan_as_dropped)
{
	smx_segment *segment = fixture_segment("a");
	smx_histogram histogram = smx_histogram_with(fixture_histogram(segment, "h", NULL), NULL);
	smx_reader *reader;
	uint64_t counts[4];
	double sum;

	smx_histogram_observe(histogram, NAN);
	smx_histogram_observe(histogram, INFINITY);
	reader = fixture_reader(segment);
	smx_reader_histogram(reader, fixture_series(reader, "h", NULL), counts, &sum);
	cr_expect_eq(counts[0] + counts[1] + counts[2], 0);
	cr_expect_eq(counts[3], 1);
	cr_expect_eq(sum, INFINITY);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NAN], 1);
	smx_reader_close(reader);
}

Test(histogram, of_a_thousand_bounds_spans_tiles)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition definition = {.name = "h"};
	smx_histogram_family family;
	smx_histogram histogram;
	static double bounds[1001];
	uint64_t counts[1001];
	smx_reader *reader;
	double sum;

	for (int i = 0; i < 1001; i++)
		bounds[i] = i + 1;
	cr_expect_eq(smx_histogram_define(segment, &definition, bounds, 1001, &family, NULL),
		     SMX_ERR_INVALID);
	cr_assert_eq(smx_histogram_define(segment, &definition, bounds, 1000, &family, NULL),
		     SMX_OK);
	histogram = smx_histogram_with(family, NULL);
	for (int i = 0; i < 1001; i++)
		for (int j = 0; j <= i % 3; j++)
			smx_histogram_observe(histogram, i + 0.5);
	reader = fixture_reader(segment);
	smx_reader_histogram(reader, fixture_series(reader, "h", NULL), counts, &sum);
	for (int i = 0; i < 1001; i++)
		cr_expect_eq(counts[i], 1 + i % 3, "bucket %d", i);
	smx_reader_close(reader);
}
