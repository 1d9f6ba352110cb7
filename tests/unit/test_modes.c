/* SPDX-License-Identifier: MIT */
/*
 * test_modes.c - I4: the gauge modes that include the dead, over deaths and the re-use of slots
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(modes, .init = fixture_begin, .fini = fixture_end);

/* A process that sets the gauge and dies of SIGKILL. */
static pid_t live_and_die(smx_gauge gauge, double value)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		smx_gauge_set(gauge, value);
		kill(getpid(), SIGKILL);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status));
	return child;
}

static double total(smx_reader *reader, const char *name)
{
	smx_gauge_sample sample;
	const smx_series_view *series;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_information(reader)->damaged_count, 0);
	series = fixture_series(reader, name, NULL);
	return smx_reader_gauge_total(reader, series, &sample) ? sample.value : NAN;
}

static smx_gauge plain_gauge(smx_segment *segment, const char *name, smx_gauge_mode mode)
{
	return smx_gauge_with(fixture_gauge(segment, name, mode, NULL), NULL);
}

Test(modes, sum_counts_the_dead_once_for_ever)
{
	smx_segment *segment = fixture_segment("s");
	smx_gauge gauge = plain_gauge(segment, "g", SMX_GAUGE_SUM);
	smx_gauge live = plain_gauge(segment, "l", SMX_GAUGE_LIVE_SUM);
	smx_reader *reader = fixture_reader(segment);
	double sum = 1000;

	smx_gauge_set(gauge, 1000);
	smx_gauge_set(live, 1);
	for (int i = 1; i < 100; i++) {
		sum += i;
		live_and_die(gauge, i);
		cr_assert_eq(total(reader, "g"), sum, "after %d: %f", i, total(reader, "g"));
	}
	cr_expect_eq(smx_reader_information(reader)->slots_dead, 1, "one slot for all of them");
	cr_expect_eq(total(reader, "l"), 1, "a live mode never shows the dead");
	smx_reader_close(reader);
}

Test(modes, min_and_max_remember_the_dead)
{
	smx_segment *segment = fixture_segment("s");
	smx_gauge least = plain_gauge(segment, "least", SMX_GAUGE_MIN);
	smx_gauge most = plain_gauge(segment, "most", SMX_GAUGE_MAX);
	smx_reader *reader = fixture_reader(segment);

	smx_gauge_set(least, 3);
	smx_gauge_set(most, 3);
	for (int i = 0; i < 9; i++) {
		/* A child has only what it sets: it inherits handles, no values. */
		live_and_die(least, i == 4 ? -7 : i == 5 ? (double)NAN : 5 + i);
		live_and_die(most, i == 2 ? 70 : 5 + i);
	}
	cr_expect_eq(total(reader, "least"), -7);
	cr_expect_eq(total(reader, "most"), 70);
	smx_reader_close(reader);
}

Test(modes, most_recent_is_the_last_value_set_by_anybody)
{
	smx_segment *segment = fixture_segment("s");
	smx_gauge gauge = plain_gauge(segment, "g", SMX_GAUGE_MOST_RECENT);
	smx_reader *reader = fixture_reader(segment);
	int status;

	cr_expect_eq(total(reader, "g"), 0);
	smx_gauge_set(gauge, 1);
	live_and_die(gauge, 2);
	cr_expect_eq(total(reader, "g"), 2);
	if (fork() == 0) { /* the slot's next owner sets none */
		plain_gauge(segment, "g", SMX_GAUGE_MOST_RECENT);
		_exit(0);
	}
	cr_assert_gt(wait(&status), 0);
	cr_expect_eq(total(reader, "g"), 2);
	smx_gauge_set(gauge, 3);
	cr_expect_eq(total(reader, "g"), 3);
	smx_reader_close(reader);
}

/* How many samples there are, and whether one is that process's. */
static size_t samples_of(smx_reader *reader, const char *name, uint32_t pid, bool *live,
			 double *value)
{
	smx_gauge_sample samples[80];
	size_t count;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_assert_leq(smx_reader_holder_count(reader), 80);
	count = smx_reader_gauge(reader, fixture_series(reader, name, NULL), samples);
	*value = NAN;
	for (size_t i = 0; i < count; i++) {
		const smx_writer_view *writer = smx_reader_writer(reader, samples[i].writer);

		if (writer->pid != pid)
			continue;
		*live = writer->live;
		*value = samples[i].value;
	}
	return count;
}

Test(modes, all_shows_each_dead_process_by_its_pid)
{
	smx_segment *segment = fixture_segment("s");
	smx_gauge gauge = plain_gauge(segment, "g", SMX_GAUGE_ALL);
	smx_gauge live_gauge = plain_gauge(segment, "l", SMX_GAUGE_LIVE_ALL);
	smx_reader *reader = fixture_reader(segment);
	pid_t first = live_and_die(gauge, 10), second = live_and_die(gauge, 20);
	double value;
	bool live;

	smx_gauge_set(gauge, 1);
	smx_gauge_set(live_gauge, 1);
	cr_expect_eq(samples_of(reader, "g", (uint32_t)first, &live, &value), 3);
	cr_expect_eq(value, 10);
	cr_expect_not(live);
	samples_of(reader, "g", (uint32_t)second, &live, &value);
	cr_expect_eq(value, 20);
	samples_of(reader, "g", (uint32_t)getpid(), &live, &value);
	cr_expect_eq(value, 1);
	cr_expect(live);
	cr_expect_eq(samples_of(reader, "l", (uint32_t)first, &live, &value), 1);
	cr_expect_eq(smx_reader_writer_count(reader), 1);
	cr_expect_eq(smx_reader_holder_count(reader), 3);
	smx_reader_close(reader);
}

Test(modes, all_gives_up_the_oldest_dead_when_slots_are_short)
{
	smx_segment *segment = fixture_segment("s"); /* 4 slots */
	smx_gauge gauge = plain_gauge(segment, "g", SMX_GAUGE_ALL);
	smx_reader *reader = fixture_reader(segment);
	pid_t dead[10];
	double value;
	bool live;

	for (int i = 0; i < 10; i++)
		dead[i] = live_and_die(gauge, i);
	cr_expect_eq(samples_of(reader, "g", (uint32_t)dead[9], &live, &value), 4);
	cr_expect_eq(value, 9);
	samples_of(reader, "g", (uint32_t)dead[6], &live, &value);
	cr_expect(isnan(value));
	cr_expect_eq(segment->header->dropped[SMX_DROP_RETIRED], 7);
	smx_reader_close(reader);
}

Test(modes, all_keeps_the_last_64_dead)
{
	static const smx_segment_options options = {.slot_max = 200};
	smx_segment *segment;
	smx_gauge gauge;
	smx_reader *reader;
	pid_t dead[70];
	double value;
	bool live;

	cr_assert_eq(smx_segment_open("wide", &options, &segment, NULL), SMX_OK);
	gauge = plain_gauge(segment, "g", SMX_GAUGE_ALL);
	reader = fixture_reader(segment);
	for (int i = 0; i < 70; i++)
		dead[i] = live_and_die(gauge, i);
	cr_expect_eq(samples_of(reader, "g", (uint32_t)dead[69], &live, &value), 65);
	cr_expect_eq(value, 69);
	samples_of(reader, "g", (uint32_t)dead[5], &live, &value);
	cr_expect(isnan(value), "the 65th before the last is not shown");
	samples_of(reader, "g", (uint32_t)dead[6], &live, &value);
	cr_expect_eq(value, 6);
	cr_expect_leq(segment->header->slots_used, 1 + 65 + 1);
	smx_reader_close(reader);
	smx_segment_close(segment);
}
