/* SPDX-License-Identifier: MIT */
/*
 * full.c - a full segment goes on, and what it refuses costs it nothing
 *
 * Attacks I7: look-ups that are refused get the overflow series, again and again, without using up
 * numbers, cells or places; whoever lost a race for a series gives back what it had taken, so that
 * a cap of N admits N series.
 */
#include "shmetrics/layout.h"
#include "support.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define SEGMENT "full"
#define RACERS 4

static smx_layout_header header_of(const char *path)
{
	smx_layout_header header;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	REQUIRE(pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header,
		"header of %s", path);
	close(descriptor);
	return header;
}

static const char *const labels[] = {"n"};

static const char *number_text(unsigned number)
{
	static _Thread_local char text[16];

	snprintf(text, sizeof text, "%u", number);
	return text;
}

static void refuse(smx_gauge_family gauges, smx_counter_family counters, unsigned from,
		   unsigned count)
{
	for (unsigned i = from; i < from + count; i++) {
		const char *values[] = {number_text(i)};

		smx_gauge_set(smx_gauge_with(gauges, values), 1);
		smx_counter_inc(smx_counter_with(counters, values));
	}
}

/* Fills the least segment there is, then asks for far more. */
static void refusals(void)
{
	smx_segment_options options = {
		.size_max_bytes = SMX_LAYOUT_SIZE_MAX_LEAST, .slot_max = 8, .stripe_count = 1};
	smx_definition definition = {
		.name = "g", .label_names = labels, .label_count = 1, .series_max = 1000000};
	smx_segment *segment = stress_open(SEGMENT, &options);
	smx_layout_header before, after;
	smx_counter_family counters;
	smx_gauge_family gauges;
	smx_gauge plain = stress_gauge_of(segment, "plain", SMX_GAUGE_LIVE_SUM);
	smx_reader *reader;
	uint64_t series;
	pid_t pid;

	CHECK(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_SUM, &gauges, NULL) == SMX_OK,
	      "define");
	definition.name = "c";
	CHECK(smx_counter_define(segment, &definition, &counters, NULL) == SMX_OK, "define");
	refuse(gauges, counters, 0, 10000);
	reader = stress_reader(SEGMENT);
	series = smx_reader_information(reader)->series_count;
	before = header_of(smx_segment_path(segment));
	refuse(gauges, counters, 10000, 200000);
	after = header_of(smx_segment_path(segment));
	stress_walk(reader);
	CHECK(smx_reader_information(reader)->series_count == series,
	      "a full segment took more series");
	CHECK(smx_reader_information(reader)->damaged_count == 0, "damaged");
	CHECK(after.dropped[SMX_DROP_SEGMENT_FULL] > before.dropped[SMX_DROP_SEGMENT_FULL],
	      "refusals are not counted");
	CHECK(after.gauge_next <= before.gauge_next + 1,
	      "refused gauges use up numbers: %" PRIu64 " to %" PRIu64, before.gauge_next,
	      after.gauge_next);
	CHECK(after.series_count == before.series_count,
	      "refused series take places: %" PRIu64 " to %" PRIu64, before.series_count,
	      after.series_count);
	CHECK(after.cell_next == before.cell_next || before.cell_next == 0,
	      "refused series take cells");
	pid = stress_fork();
	if (pid == 0) {
		smx_definition never = {.name = "never"};
		smx_counter_family family;

		/*
		 * A definition is refused, or finds the last piece of room; its empty handle may be
		 * used.
		 */
		smx_counter_define(segment, &never, &family, NULL);
		smx_counter_inc(smx_counter_with(family, NULL));
		smx_gauge_set(plain, 1);
		_exit(0);
	}
	CHECK(stress_wait(pid, 20) == 0, "a child of a process in a full segment fails");
	printf("  full at %" PRIu64 " series, 400000 look-ups refused: %" PRIu64
	       " gauge numbers used\n",
	       series, after.gauge_next);
	smx_reader_close(reader);
	smx_segment_close(segment);
}

/* ---- a cap ---- */

struct race {
	smx_counter_family family;
	pthread_barrier_t *barrier;
	unsigned count;
};

/* All look the same series up at the same moments. */
static void *race(void *data)
{
	const struct race *mine = data;

	for (unsigned i = 0; i < mine->count; i++) {
		const char *values[] = {number_text(i)};

		if (i % 64 == 0)
			pthread_barrier_wait(mine->barrier);
		smx_counter_inc(smx_counter_with(mine->family, values));
	}
	return NULL;
}

static void cap(void)
{
	smx_definition definition = {.name = "capped", .label_names = labels, .label_count = 1};
	unsigned count = 200000 / stress_slowness();
	/* Room for those who look the last ones up at the same moment. */
	smx_segment_options options = {.series_max = count + RACERS};
	smx_segment *segment = stress_open(SEGMENT, &options);
	pthread_t threads[RACERS];
	pthread_barrier_t barrier;
	smx_reader *reader;
	struct race shared = {.barrier = &barrier, .count = count};
	const smx_reader_info *info;

	definition.series_max = options.series_max;
	CHECK(smx_counter_define(segment, &definition, &shared.family, NULL) == SMX_OK, "define");
	pthread_barrier_init(&barrier, NULL, RACERS);
	for (int i = 0; i < RACERS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, race, &shared) == 0, "pthread_create");
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	reader = stress_reader(SEGMENT);
	info = smx_reader_information(reader);
	CHECK(info->series_count == count + 1, "%" PRIu64 " series, not %u and the overflow series",
	      info->series_count, count);
	CHECK(info->dropped[SMX_DROP_FAMILY_CAP] == 0 && info->dropped[SMX_DROP_SERIES_CAP] == 0,
	      "%" PRIu64 " and %" PRIu64 " refused below the caps",
	      info->dropped[SMX_DROP_FAMILY_CAP], info->dropped[SMX_DROP_SERIES_CAP]);
	CHECK(header_of(smx_segment_path(segment)).series_count == count,
	      "%" PRIu64 " places taken by %u series: those who lose a race keep theirs",
	      header_of(smx_segment_path(segment)).series_count, count);
	printf("  %u threads race for each of %u series, as many as the cap allows: %" PRIu64
	       " refused\n",
	       RACERS, count, info->dropped[SMX_DROP_FAMILY_CAP]);
	smx_reader_close(reader);
	smx_segment_close(segment);
}

int main(void)
{
	stress_begin("full", 60);
	printf("full: refusals cost nothing (I7)\n");
	refusals();
	cap();
	return stress_end();
}
