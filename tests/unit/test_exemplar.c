/* SPDX-License-Identifier: MIT */
/*
 * test_exemplar.c - exemplars: the last of each bucket, whole or not at all
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>

TestSuite(exemplar, .init = fixture_begin, .fini = fixture_end);

static smx_label label(const char *name, const char *value)
{
	return (smx_label){{name, strlen(name)}, {value, strlen(value)}};
}

static bool read_one(const smx_segment *segment, const char *name, size_t bucket,
		     smx_exemplar_view *view)
{
	smx_reader *reader = fixture_reader(segment);
	bool found = smx_reader_exemplar(reader, fixture_series(reader, name, NULL), bucket, view);

	smx_reader_close(reader);
	return found;
}

static bool has_value(const smx_exemplar_view *view, size_t index, const char *value)
{
	return view->labels[index].value.size == strlen(value) &&
	       memcmp(view->labels[index].value.data, value, strlen(value)) == 0;
}

Test(exemplar, is_the_last_of_its_bucket)
{
	smx_segment *segment = fixture_segment("a");
	smx_histogram histogram = smx_histogram_with(fixture_histogram(segment, "h", NULL), NULL);
	smx_label first[] = {label("trace_id", "one")}, second[] = {label("trace_id", "two")};
	smx_exemplar_view view;
	uint64_t counts[4];
	smx_reader *reader;
	double sum;

	cr_expect_not(read_one(segment, "h", 0, &view));
	smx_histogram_observe_exemplar(histogram, 1.5, first, 1);
	smx_histogram_observe_exemplar(histogram, 1.75, second, 1);
	smx_histogram_observe(histogram, 1.25);
	smx_histogram_observe_exemplar(histogram, 7, first, 1);
	cr_assert(read_one(segment, "h", 1, &view));
	cr_expect_eq(view.value, 1.75);
	cr_expect_gt(view.unix_ns, UINT64_C(1600000000000000000));
	cr_assert_eq(view.label_count, 1);
	cr_expect(has_value(&view, 0, "two"));
	cr_expect_not(read_one(segment, "h", 0, &view));
	cr_expect_not(read_one(segment, "h", 2, &view));
	cr_assert(read_one(segment, "h", 3, &view));
	cr_expect_eq(view.value, 7);
	cr_expect_not(read_one(segment, "h", 4, &view));
	reader = fixture_reader(segment);
	smx_reader_histogram(reader, fixture_series(reader, "h", NULL), counts, &sum);
	cr_expect_eq(counts[1], 3);
	cr_expect_eq(sum, 11.5);
	smx_reader_close(reader);
}

Test(exemplar, of_a_counter_may_have_no_labels)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "c", NULL), NULL);
	smx_exemplar_view view;

	smx_counter_add_exemplar(counter, 2.5, NULL, 0);
	cr_assert(read_one(segment, "c", 0, &view));
	cr_expect_eq(view.value, 2.5);
	cr_expect_eq(view.label_count, 0);
	smx_counter_add_exemplar(counter, -1, NULL, 0);
	smx_counter_add_exemplar(counter, NAN, NULL, 0);
	smx_counter_add_exemplar((smx_counter){NULL}, 1, NULL, 0);
	cr_assert(read_one(segment, "c", 0, &view));
	cr_expect_eq(view.value, 2.5);
	cr_expect_eq(smx_counter_value(counter), 2.5);
}

Test(exemplar, beyond_its_limits_is_counted_and_the_value_recorded)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "c", NULL), NULL);
	static char text[512];
	smx_label at_most[] = {label("a", ""), label("b", "")};
	smx_label bad[][2] = {{label("1", "x"), label("b", "")},
			      {label("__x", "x"), label("b", "")},
			      {label("a", "x"), label("a", "y")},
			      {label("a", ""), label("b", "")}};
	smx_exemplar_view view;

	for (int i = 0; i < 126; i++)
		text[i] = 'x';
	at_most[1].value = (smx_text){text, 126};
	smx_counter_add_exemplar(counter, 1, at_most, 2);
	cr_assert(read_one(segment, "c", 0, &view));
	cr_expect_eq(view.label_count, 2);
	cr_expect_eq(segment->header->dropped[SMX_DROP_EXEMPLAR], 0);
	bad[3][1].value = (smx_text){text, 127};
	text[126] = 'x';
	for (int i = 0; i < 4; i++)
		smx_counter_add_exemplar(counter, 1, bad[i], 2);
	for (int i = 0; i < 120; i++) /* 120 characters of 2 bytes do not fit */
		memcpy(text + 2 * i, "ö", 2);
	bad[3][1].value = (smx_text){text, 240};
	smx_counter_add_exemplar(counter, 1, bad[3], 2);
	cr_expect_eq(segment->header->dropped[SMX_DROP_EXEMPLAR], 5);
	cr_expect_eq(smx_counter_value(counter), 6);
	cr_assert(read_one(segment, "c", 0, &view));
	cr_expect_eq(view.labels[1].value.size, 126);
}

Test(exemplar, of_another_life_of_the_series_is_forgotten)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "c", NULL), NULL);
	uint64_t *word = (uint64_t *)((char *)counter.impl + 32);
	smx_exemplar_view view;

	smx_counter_add_exemplar(counter, 1, NULL, 0);
	cr_assert(read_one(segment, "c", 0, &view));
	*word += UINT64_C(1) << SMX_LAYOUT_PLACE_BITS;
	{
		/* Only the exemplar is looked at: what the bits mean to cells is not ours. */
		smx_reader *reader = fixture_reader(segment);
		const smx_series_view *series = fixture_series(reader, "c", NULL);

		cr_expect(!series || !smx_reader_exemplar(reader, series, 0, &view));
		smx_reader_close(reader);
	}
}

Test(exemplar, that_was_written_halfway_is_not_served)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "c", NULL), NULL);
	smx_label labels[] = {label("trace_id", "0123456789abcdef")};
	smx_layout_series *series = (smx_layout_series *)(void *)counter.impl;
	unsigned char *bytes;
	smx_exemplar_view view;

	smx_counter_add_exemplar(counter, 1, labels, 1);
	bytes = (unsigned char *)segment->header + series->exemplar_offset;
	for (size_t i = 0; i < sizeof(smx_layout_exemplar); i++) {
		bytes[i] ^= 1;
		cr_expect_not(read_one(segment, "c", 0, &view), "byte %zu", i);
		bytes[i] ^= 1;
	}
	cr_expect(read_one(segment, "c", 0, &view));
}

Test(exemplar, takes_room_only_at_first_use)
{
	smx_segment *segment = fixture_segment("a");
	smx_histogram histogram = smx_histogram_with(fixture_histogram(segment, "h", NULL), NULL);
	smx_label labels[] = {label("a", "b")};
	uint64_t before = segment->header->arena_next;

	smx_histogram_observe(histogram, 1);
	cr_expect_eq(segment->header->arena_next, before);
	for (int i = 0; i < 100; i++)
		smx_histogram_observe_exemplar(histogram, i, labels, 1);
	cr_expect_eq(segment->header->arena_next, before + 4 * sizeof(smx_layout_exemplar));
}
