/* SPDX-License-Identifier: MIT */
/*
 * test_removal.c - I1, I4, I7: a series that is removed, made again, reset
 */
#include "fixture.h"
#include "series.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(removal, .init = fixture_begin, .fini = fixture_end);

static const char *const a[] = {"a"};
static const char *const b[] = {"b"};

static smx_text text(const char *string)
{
	return (smx_text){string, strlen(string)};
}

static bool remove_one(struct smx_family_record *family, const char *value)
{
	return smx_series_remove(family, (smx_text[]){text(value)});
}

/* The counter as the next walk has it, or -1 where there is nothing to be shown. */
static double served(smx_reader *reader, const char *name, const char *value)
{
	const smx_series_view *series;
	smx_counter_sample sample;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_information(reader)->damaged_count, 0);
	series = fixture_series(reader, name, value);
	if (!series || series->removed)
		return -1;
	sample = smx_reader_counter(reader, series);
	return (double)sample.whole + sample.fraction;
}

Test(removal, hides_a_series_until_it_is_made_again_from_nothing)
{
	smx_segment *segment = fixture_segment("s");
	smx_counter_family family = fixture_counter(segment, "c", "l");
	smx_counter old = smx_counter_with(family, a);
	smx_reader *reader;

	smx_counter_add(old, 2.5);
	smx_counter_inc(smx_counter_with(family, b));
	reader = fixture_reader(segment);
	cr_expect_eq(served(reader, "c", "a"), 2.5);
	cr_expect(remove_one(family.impl, "a"));
	cr_expect(smx_series_is_removed(old.impl));
	cr_expect_not(remove_one(family.impl, "a"), "it is removed already");
	cr_expect_not(remove_one(family.impl, "z"), "there never was one");
	cr_expect_eq(served(reader, "c", "a"), -1);
	cr_expect_eq(served(reader, "c", "b"), 1);
	smx_counter_inc(old); /* into what nobody serves */
	cr_expect_eq(served(reader, "c", "a"), -1);

	cr_expect_eq(smx_counter_with(family, a).impl, old.impl, "it has its place");
	cr_expect_not(smx_series_is_removed(old.impl));
	cr_expect_eq(served(reader, "c", "a"), 0);
	smx_counter_inc(old);
	cr_expect_eq(served(reader, "c", "a"), 1, "an old handle records into the new incarnation");
	cr_expect_eq(smx_counter_value(old), 1);
	smx_reader_close(reader);
}

Test(removal, of_a_histogram_takes_all_its_buckets)
{
	smx_segment *segment = fixture_segment("s");
	smx_histogram_family family = fixture_histogram(segment, "h", "l");
	smx_histogram histogram = smx_histogram_with(family, a);
	smx_reader *reader = fixture_reader(segment);
	const smx_series_view *series;
	uint64_t counts[64], total = 0;
	double sum;

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			smx_histogram_observe(histogram, i / 5.0);
		cr_expect(remove_one(family.impl, "a"));
		smx_histogram_with(family, a);
	}
	smx_histogram_observe(histogram, 3);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	series = fixture_series(reader, "h", "a");
	smx_reader_histogram(reader, series, counts, &sum);
	for (size_t i = 0; i <= series->family->bound_count; i++)
		total += counts[i];
	cr_expect_eq(total, 1);
	cr_expect_eq(sum, 3);
	smx_reader_close(reader);
}

Test(removal, of_a_gauge_is_one_for_every_process_and_mode)
{
	smx_segment *segment = fixture_segment("s");
	smx_reader *reader = fixture_reader(segment);
	char name[] = "g0";

	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_MOST_RECENT; mode++, name[1]++) {
		smx_gauge_family family = fixture_gauge(segment, name, (smx_gauge_mode)mode, "l");
		smx_gauge gauge = smx_gauge_with(family, a);
		smx_gauge_sample samples[70];
		int status;

		if (fork() == 0) { /* a dead one's value goes, too */
			smx_gauge_set(gauge, 100);
			_exit(0);
		}
		cr_assert_gt(wait(&status), 0);
		smx_gauge_set(gauge, 7);
		cr_expect(remove_one(family.impl, "a"));
		smx_gauge_set(gauge, 8);
		gauge = smx_gauge_with(family, a);
		cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
		cr_expect_eq(smx_gauge_value(gauge), 0, "%s", name);
		cr_expect_eq(smx_reader_gauge(reader, fixture_series(reader, name, "a"), samples),
			     1, "%s", name);
		cr_expect_eq(samples[0].value, 0);
		if (mode != SMX_GAUGE_LIVE_ALL && mode != SMX_GAUGE_ALL) {
			smx_reader_gauge_total(reader, fixture_series(reader, name, "a"), samples);
			cr_expect_eq(samples[0].value, 0, "%s: %f", name, samples[0].value);
		}
		smx_gauge_add(gauge, 2);
		cr_expect_eq(smx_gauge_value(gauge), 2);
	}
	smx_reader_close(reader);
}

Test(removal, leaves_overflow_and_families_without_labels_alone)
{
	smx_segment *segment = fixture_segment("s");
	smx_counter_family labelled = fixture_counter(segment, "l", "l");
	smx_counter_family plain = fixture_counter(segment, "p", NULL);
	smx_counter overflow = smx_counter_with(labelled, (const char *[]){"_overflow"});

	cr_expect_not(remove_one(labelled.impl, "_overflow"));
	cr_expect_not(smx_series_remove(plain.impl, NULL));
	cr_expect_eq(smx_series_remove_matching(plain.impl, NULL), 0);
	cr_expect_eq(smx_series_remove_matching(labelled.impl, NULL), 0);
	smx_counter_inc(overflow);
	smx_series_reset(overflow.impl);
	cr_expect_eq(smx_counter_value(overflow), 1);
	cr_expect_not(smx_series_remove(NULL, NULL));
	cr_expect_eq(smx_series_remove_matching(NULL, NULL), 0);
	cr_expect_not(smx_series_is_removed(NULL));
	smx_series_reset(NULL);
}

Test(removal, takes_what_matches)
{
	static const char *const names[] = {"x", "y", "z"};
	const smx_definition definition = {.name = "m", .label_names = names, .label_count = 3};
	smx_segment *segment = fixture_segment("s");
	smx_counter_family family, other = fixture_counter(segment, "other", "l");
	smx_text any = {NULL, 0};

	cr_assert_eq(smx_counter_define(segment, &definition, &family, NULL), SMX_OK);
	smx_counter_with(other, (const char *[]){"1"});
	for (int i = 0; i < 27; i++) {
		char x[] = {(char)('0' + i % 3), 0}, y[] = {(char)('0' + i / 3 % 3), 'y', 0},
		     z[] = {(char)('0' + i / 9), 0};

		smx_counter_with(family, (const char *[]){x, y, z});
	}
	cr_expect_eq(
		smx_series_remove_matching(family.impl, (smx_text[]){text("1"), any, text("2")}),
		3);
	cr_expect_eq(smx_series_remove_matching(family.impl, (smx_text[]){any, text("0y"), any}),
		     8);
	cr_expect_eq(smx_series_remove_matching(family.impl, (smx_text[]){any, text("0"), any}), 0);
	cr_expect_eq(smx_series_remove_matching(family.impl, NULL), 16);
	cr_expect_not(smx_series_is_removed(smx_counter_with(other, (const char *[]){"1"}).impl));
}

Test(removal, reset_begins_again_without_a_gap)
{
	smx_segment *segment = fixture_segment("s");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "c", NULL), NULL);
	smx_gauge gauge =
		smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);
	smx_reader *reader = fixture_reader(segment);
	uint64_t created = fixture_series(reader, "c", NULL)->created_unix_ns;

	smx_counter_add(counter, 5);
	smx_gauge_set(gauge, 5);
	cr_expect_eq(served(reader, "c", NULL), 5);
	smx_series_reset(counter.impl);
	smx_series_reset(gauge.impl);
	cr_expect_eq(served(reader, "c", NULL), 0);
	cr_expect_gt(fixture_series(reader, "c", NULL)->created_unix_ns, created);
	cr_expect_eq(smx_gauge_value(gauge), 0);
	smx_counter_inc(counter);
	cr_expect_eq(served(reader, "c", NULL), 1);
	smx_reader_close(reader);
}

/* The scrape of a catalog that was walked before the removal. */
Test(removal, between_walk_and_reading_gives_one_incarnations_numbers)
{
	smx_segment *segment = fixture_segment("s");
	smx_counter_family family = fixture_counter(segment, "c", "l");
	smx_counter counter = smx_counter_with(family, a);
	smx_reader *reader;
	const smx_series_view *series;

	smx_counter_add(counter, 5);
	reader = fixture_reader(segment);
	series = fixture_series(reader, "c", "a");
	remove_one(family.impl, "a");
	cr_expect_eq(smx_reader_counter(reader, series).whole, 5);
	for (int i = 1; i < 5; i++) { /* the cells of the walk are others' or its own again */
		smx_counter_add(smx_counter_with(family, a), i);
		cr_expect_eq(smx_reader_counter(reader, series).whole, i);
		remove_one(family.impl, "a");
	}
	smx_reader_close(reader);
}

Test(removal, and_making_a_million_times_takes_no_more_memory)
{
	smx_segment *segment = fixture_segment("s");
	smx_counter_family counters = fixture_counter(segment, "c", "l");
	smx_histogram_family histograms = fixture_histogram(segment, "h", "l");
	smx_gauge_family gauges = fixture_gauge(segment, "g", SMX_GAUGE_SUM, "l");
	smx_reader *reader = fixture_reader(segment);
	uint64_t used = 0;

	for (int i = 0; i < 1000000; i++) {
		smx_counter_inc(smx_counter_with(counters, a));
		remove_one(counters.impl, "a");
		smx_gauge_inc(smx_gauge_with(gauges, a));
		remove_one(gauges.impl, "a");
		if (i % 10 == 0) {
			smx_histogram_observe(smx_histogram_with(histograms, a), 1);
			remove_one(histograms.impl, "a");
		}
		if (i == 1000) {
			cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
			used = smx_reader_information(reader)->used_bytes;
		}
	}
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_information(reader)->used_bytes, used);
	cr_expect_eq(smx_counter_value(smx_counter_with(counters, a)), 0);
	smx_reader_close(reader);
}

Test(removal, without_room_for_other_cells_gives_the_overflow_series)
{
	smx_segment *segment = fixture_segment("s");
	smx_histogram_family family = fixture_histogram(segment, "h", "l");
	smx_histogram overflow = smx_histogram_with(family, (const char *[]){"_overflow"});
	smx_histogram refused = {NULL};
	const uint64_t *full = &segment->header->dropped[SMX_DROP_SEGMENT_FULL];
	uint64_t before;
	char value[16];
	int made = 0;

	do {
		snprintf(value, sizeof value, "%d", made++);
	} while (smx_histogram_with(family, (const char *[]){value}).impl != overflow.impl);
	before = *full;
	/* What room there is is for the first of them. */
	for (int i = 0; i < made - 1 && refused.impl != overflow.impl; i++) {
		snprintf(value, sizeof value, "%d", i);
		cr_assert(remove_one(family.impl, value));
		refused = smx_histogram_with(family, (const char *[]){value});
	}
	cr_expect_eq(refused.impl, overflow.impl);
	cr_expect_not(remove_one(family.impl, value), "it stays removed");
	cr_expect_gt(*full, before);
}
