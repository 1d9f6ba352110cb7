/* SPDX-License-Identifier: MIT */
/*
 * test_series.c - I6, I7: series are found or made, and caps lead to the overflow series
 */
#include "fixture.h"
#include "segment.h"
#include "series.h"

#include <criterion/criterion.h>

TestSuite(series, .init = fixture_begin, .fini = fixture_end);

static smx_counter with(smx_counter_family family, const char *value)
{
	return smx_counter_with(family, (const char *[]){value});
}

Test(series, of_the_same_values_is_the_same)
{
	smx_counter_family family = fixture_counter(fixture_segment("a"), "x", "l");

	cr_expect_eq(with(family, "v").impl, with(family, "v").impl);
	cr_expect_neq(with(family, "v").impl, with(family, "w").impl);
	cr_expect_neq(with(family, "").impl, with(family, "v").impl);
}

Test(series, of_values_that_run_together_are_different)
{
	smx_segment *segment = fixture_segment("a");
	const char *labels[] = {"a", "b"};
	smx_definition definition = {.name = "x", .label_names = labels, .label_count = 2};
	smx_counter_family family;

	cr_assert_eq(smx_counter_define(segment, &definition, &family, NULL), SMX_OK);
	cr_expect_neq(smx_counter_with(family, (const char *[]){"xy", "z"}).impl,
		      smx_counter_with(family, (const char *[]){"x", "yz"}).impl);
}

Test(series, beyond_the_familys_cap_is_the_overflow_series_and_counted)
{
	smx_segment *segment = fixture_segment("a");
	const char *labels[] = {"l"};
	smx_definition definition = {
		.name = "x", .label_names = labels, .label_count = 1, .series_max = 100};
	smx_counter_family family;
	const smx_series_view *overflow;
	smx_reader *reader;
	char value[16];

	cr_assert_eq(smx_counter_define(segment, &definition, &family, NULL), SMX_OK);
	for (int i = 0; i < 1000; i++) {
		snprintf(value, sizeof value, "%d", i);
		smx_counter_inc(with(family, value));
	}
	for (int i = 0; i < 100; i++) { /* those below the cap are still found */
		snprintf(value, sizeof value, "%d", i);
		cr_expect_eq(smx_counter_value(with(family, value)), 1);
	}
	reader = fixture_reader(segment);
	cr_expect_eq(smx_reader_information(reader)->dropped[SMX_DROP_FAMILY_CAP], 900);
	cr_expect_eq(fixture_family(reader, "x")->series_count, 101);
	overflow = fixture_series(reader, "x", "_overflow");
	cr_assert(overflow);
	cr_expect(overflow->overflow);
	cr_expect_eq(smx_reader_counter(reader, overflow).whole, 900);
	smx_reader_close(reader);
}

Test(series, beyond_the_segments_cap_is_the_overflow_series_and_counted)
{
	smx_segment_options options = {.size_max_bytes = 1 << 20, .series_max = 10, .slot_max = 4};
	smx_counter_family family;
	smx_segment *segment;
	char value[16];

	cr_assert_eq(smx_segment_open("a", &options, &segment, NULL), SMX_OK);
	family = fixture_counter(segment, "x", "l");
	for (int i = 0; i < 20; i++) {
		snprintf(value, sizeof value, "%d", i);
		smx_counter_inc(with(family, value));
	}
	cr_expect_eq(segment->header->dropped[SMX_DROP_SERIES_CAP], 10);
	cr_expect_eq(segment->header->series_count, 10);
	cr_expect_eq(smx_counter_value(with(family, "_overflow")), 10);
}

Test(series, without_labels_has_its_place_beyond_every_cap)
{
	smx_segment_options options = {.size_max_bytes = 1 << 20, .series_max = 1, .slot_max = 4};
	smx_segment *segment;
	smx_counter counter;

	cr_assert_eq(smx_segment_open("a", &options, &segment, NULL), SMX_OK);
	with(fixture_counter(segment, "x", "l"), "v");
	counter = smx_counter_with(fixture_counter(segment, "y", NULL), NULL);
	smx_counter_inc(counter);
	cr_expect_eq(smx_counter_value(counter), 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_SERIES_CAP], 0);
}

Test(series, in_a_full_segment_loses_nothing)
{
	smx_segment_options options = {
		.size_max_bytes = 1 << 20, .slot_max = 4, .family_series_max = 1000000};
	smx_counter_family family;
	smx_segment *segment;
	smx_reader *reader;
	const smx_family_view *view;
	uint64_t total = 0;
	char value[16];

	cr_assert_eq(smx_segment_open("a", &options, &segment, NULL), SMX_OK);
	family = fixture_counter(segment, "x", "l");
	for (int i = 0; i < 20000; i++) {
		snprintf(value, sizeof value, "%d", i);
		smx_counter_inc(with(family, value));
	}
	reader = fixture_reader(segment);
	view = fixture_family(reader, "x");
	for (size_t i = 0; i < view->series_count; i++)
		total += smx_reader_counter(reader, smx_reader_series(reader, view, i)).whole;
	cr_expect_eq(total, 20000);
	cr_expect_gt(smx_reader_information(reader)->dropped[SMX_DROP_SEGMENT_FULL], 0);
	cr_expect_eq(smx_reader_information(reader)->damaged_count, 0);
	smx_reader_close(reader);
}

Test(series, of_values_that_cannot_be_kept_is_the_overflow_series)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter_family family = fixture_counter(segment, "x", "l");
	smx_text nul = {"a\0b", 3};
	char long_value[2000];

	memset(long_value, 'v', sizeof long_value - 1);
	long_value[sizeof long_value - 1] = '\0';
	smx_counter_inc(with(family, long_value));
	smx_counter_inc(smx_counter_with_text(family, &nul));
	smx_counter_inc(smx_counter_with(family, NULL));
	cr_expect_eq(smx_counter_value(with(family, "_overflow")), 3);
	cr_expect_eq(segment->header->dropped[SMX_DROP_LABEL], 3);
}

Test(series, that_exists_is_found_without_any_room)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter_family family = fixture_counter(segment, "x", "l");
	uint64_t used;

	with(family, "v");
	used = segment->header->arena_next;
	for (int i = 0; i < 1000; i++)
		with(family, "v");
	cr_expect_eq(segment->header->arena_next, used);
}
