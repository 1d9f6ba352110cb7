/* SPDX-License-Identifier: MIT */
/*
 * test_counter.c - I1: amounts are added exactly, or refused and counted
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(counter, .init = fixture_begin, .fini = fixture_end);

Test(counter, is_exact_to_two_to_the_64)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);
	smx_reader *reader;

	smx_counter_add_whole(counter, UINT64_MAX - 10);
	for (int i = 0; i < 7; i++)
		smx_counter_inc(counter);
	smx_counter_add(counter, 2.0);
	reader = fixture_reader(segment);
	cr_expect_eq(smx_reader_counter(reader, fixture_series(reader, "x", NULL)).whole,
		     UINT64_MAX - 1);
	smx_reader_close(reader);
}

Test(counter, keeps_fractions_beside_the_whole)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);
	smx_counter_sample sample;
	smx_reader *reader;

	smx_counter_add(counter, 9007199254740993.0);
	smx_counter_add(counter, 0.25);
	smx_counter_add(counter, 1e30);
	smx_counter_add(counter, 0.0);
	smx_counter_add(counter, -0.0);
	reader = fixture_reader(segment);
	sample = smx_reader_counter(reader, fixture_series(reader, "x", NULL));
	cr_expect_eq(sample.whole, UINT64_C(9007199254740992));
	cr_expect_eq(sample.fraction, 1e30 + 0.25);
	smx_counter_add(counter, INFINITY);
	cr_expect(isinf(smx_reader_counter(reader, fixture_series(reader, "x", NULL)).fraction));
	smx_reader_close(reader);
}

Test(counter, refuses_and_counts_what_would_make_it_go_back)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);

	smx_counter_add(counter, -1);
	smx_counter_add(counter, -INFINITY);
	smx_counter_add(counter, -5e-324);
	smx_counter_add(counter, NAN);
	cr_expect_eq(smx_counter_value(counter), 0);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NEGATIVE], 3);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NAN], 1);
}

Test(counter, of_an_empty_handle_is_counted_and_nothing_else)
{
	uint64_t before = smx_unrecorded_count();
	smx_counter none = {0};

	smx_counter_inc(none);
	smx_counter_add(none, 0.5);
	smx_counter_add(none, 5);
	smx_counter_add_whole(none, 3);
	smx_gauge_set((smx_gauge){0}, 1);
	smx_gauge_inc((smx_gauge){0});
	smx_histogram_observe((smx_histogram){0}, 1);
	cr_expect_eq(smx_unrecorded_count(), before + 7);
	cr_expect_eq(smx_counter_value(none), 0);
}
