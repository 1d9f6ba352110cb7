/* SPDX-License-Identifier: MIT */
/*
 * grow.c - readers look on while the segment grows: nothing is taken for damage, nothing stays
 * unseen
 *
 * Attacks I4, I6 and the reader's R2: what a writer publishes in memory that was added to the file
 * after a walk began must be found by the next walk, by the same reader, and a healthy segment is
 * never called damaged or truncated.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "grow"
#define WRITERS 3
#define READERS 2
#define BOUNDS 150 /* cells for 151 buckets: the file is extended every few series */

struct board {
	uint64_t ready, go, writers_done, walks, opens;
};

static struct board *board;

static smx_histogram_family define(smx_segment *segment)
{
	static const char *const labels[] = {"n"};
	smx_definition definition = {.name = "wide", .label_names = labels, .label_count = 1};
	double bounds[BOUNDS];
	smx_histogram_family family;
	smx_error error;

	definition.series_max = 1000000;
	for (unsigned i = 0; i < BOUNDS; i++)
		bounds[i] = i + 1;
	CHECK(smx_histogram_define(segment, &definition, bounds, BOUNDS, &family, &error) == SMX_OK,
	      "%s", error.message);
	return family;
}

/* Every writer makes the same series, in the same order: they race for each. */
static void write_series(smx_segment *segment, uint32_t count)
{
	smx_histogram_family family = define(segment);
	char text[1001], name[32];
	const char *values[] = {text};

	for (uint32_t i = 0; i < count; i++) {
		/* Records of many sizes, so that they lie across every boundary. */
		int size = snprintf(text, sizeof text, "%u", i);

		memset(text + size, 'x', i % 7 * 100);
		text[size + (int)(i % 7) * 100] = '\0';
		if (i % 20 == 0) { /* a series may follow its family at once */
			snprintf(name, sizeof name, "family%u", i);
			smx_counter_inc(stress_counter_of(segment, name));
		}
		smx_histogram_observe(smx_histogram_with(family, values), 1);
		smx_gauge_set(stress_gauge_of(segment, i % 2 ? "even" : "odd", SMX_GAUGE_LIVE_SUM),
			      i);
	}
	ADD(board->writers_done, 1);
}

static void check_walk(smx_reader *reader)
{
	const smx_reader_info *info = smx_reader_information(reader);
	smx_error error;

	CHECK(smx_reader_walk(reader, &error) == SMX_OK, "walk: %s", error.message);
	CHECK(info->damaged_count == 0,
	      "%" PRIu64 " records count as damaged, at a size of %" PRIu64 " bytes",
	      info->damaged_count, info->size_bytes);
	ADD(board->walks, 1);
}

/* One reader sees all of it grow; others are opened in the middle. */
static void read_on(uint32_t count)
{
	smx_reader *faithful = stress_reader(SEGMENT);
	const smx_family_view *family;
	uint64_t total = 0;

	ADD(board->ready, 1);
	while (GET(board->writers_done) < WRITERS) {
		smx_reader *passing = NULL;
		smx_error error;

		for (unsigned i = 0; i < 50; i++)
			check_walk(faithful);
		CHECK(smx_reader_open(stress_path(SEGMENT), NULL, &passing, &error) == SMX_OK,
		      "open: %s", error.message);
		CHECK(!passing || smx_reader_information(passing)->damaged_count == 0,
		      "damaged at once");
		smx_reader_close(passing);
		ADD(board->opens, 1);
	}
	check_walk(faithful);
	family = stress_family(faithful, "wide");
	REQUIRE(family, "the family is not seen");
	CHECK(family->series_count == count + 1,
	      "%zu series are seen of %u and the overflow series", family->series_count, count);
	for (size_t i = 0; i < family->series_count; i++) {
		uint64_t counts[BOUNDS + 1];
		double sum;

		smx_reader_histogram(faithful, smx_reader_series(faithful, family, i), counts,
				     &sum);
		total += counts[0];
	}
	for (unsigned i = 0; i < count; i += 20) {
		char name[32];

		snprintf(name, sizeof name, "family%u", i);
		CHECK(stress_counter(faithful, name) == WRITERS, "%s: %" PRIu64 " counted of %u",
		      name, stress_counter(faithful, name), WRITERS);
	}
	CHECK(total == (uint64_t)count * WRITERS, "%" PRIu64 " observations are seen of %u", total,
	      count * WRITERS);
	smx_reader_close(faithful);
}

static void run_once(uint32_t count, uint32_t stripes)
{
	smx_segment_options options = {
		.size_max_bytes = UINT64_C(256) << 20, .slot_max = 16, .stripe_count = stripes};
	smx_segment *segment = stress_open(SEGMENT, &options);
	pid_t pids[WRITERS + READERS];

	memset(board, 0, sizeof *board);
	for (unsigned i = 0; i < WRITERS + READERS; i++) {
		pids[i] = stress_fork();
		if (pids[i] == 0) {
			if (i >= WRITERS) {
				read_on(count);
			} else {
				stress_wait_word(&board->ready, READERS, 30);
				write_series(segment, count);
			}
			_exit(0);
		}
	}
	for (unsigned i = 0; i < WRITERS + READERS; i++)
		CHECK(stress_wait(pids[i], 60) == 0, "a process did not end well");
	printf("  %u stripes, %u series: %" PRIu64 " walks, %" PRIu64 " readers opened meanwhile\n",
	       stripes, count, GET(board->walks), GET(board->opens));
	smx_segment_close(segment);
	unlink(stress_path(SEGMENT));
}

int main(void)
{
	unsigned rounds = stress_is_long() ? 200 : 12;

	stress_begin("grow", 120);
	board = stress_shared(sizeof *board);
	printf("grow: readers of a growing segment (I4, I6)\n");
	for (unsigned i = 0; i < rounds; i++)
		run_once(3000 / stress_slowness(), i % 2 ? 4 : 1);
	return stress_end();
}
