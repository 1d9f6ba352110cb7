/* SPDX-License-Identifier: MIT */
/*
 * test_gauge.c - I4: a gauge is what live processes say
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(gauge, .init = fixture_begin, .fini = fixture_end);

/* A child that sets the gauge and waits to be killed; returns when it has. */
static pid_t child_that_sets(smx_gauge gauge, double value)
{
	int ready[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		smx_gauge_set(gauge, value);
		cr_assert_eq(write(ready[1], "r", 1), 1);
		pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void kill_and_wait(pid_t child)
{
	int status;

	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static double sum_of(smx_reader *reader, const char *name, size_t *count)
{
	smx_gauge_sample samples[4];
	double sum = 0;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	*count = smx_reader_gauge(reader, fixture_series(reader, name, NULL), samples);
	for (size_t i = 0; i < *count; i++)
		sum += samples[i].value;
	return sum;
}

Test(gauge, goes_up_and_down_and_takes_any_value)
{
	smx_gauge gauge = smx_gauge_with(
		fixture_gauge(fixture_segment("a"), "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);

	cr_expect_eq(smx_gauge_value(gauge), 0);
	smx_gauge_inc(gauge);
	smx_gauge_add(gauge, 2.5);
	smx_gauge_dec(gauge);
	cr_expect_eq(smx_gauge_value(gauge), 2.5);
	smx_gauge_set(gauge, -INFINITY);
	cr_expect_eq(smx_gauge_value(gauge), -INFINITY);
	smx_gauge_set(gauge, NAN);
	cr_expect(isnan(smx_gauge_value(gauge)));
}

Test(gauge, forgets_a_dead_process_and_its_slot_is_used_again)
{
	smx_segment *segment = fixture_segment("a");
	smx_gauge gauge =
		smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);
	smx_reader *reader = fixture_reader(segment);
	size_t count;

	smx_gauge_set(gauge, 1);
	for (int round = 0; round < 20; round++) {
		pid_t child = child_that_sets(gauge, 10);

		cr_expect_eq(sum_of(reader, "g", &count), 11);
		cr_expect_eq(count, 2);
		kill_and_wait(child);
		cr_expect_eq(sum_of(reader, "g", &count), 1);
		cr_expect_eq(count, 1);
	}
	cr_expect_eq(smx_reader_information(reader)->slots_dead, 1);
	smx_reader_close(reader);
}

Test(gauge, of_a_slots_last_owner_is_not_the_new_ones)
{
	smx_segment *segment = fixture_segment("a");
	smx_gauge first =
		smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);
	smx_gauge second =
		smx_gauge_with(fixture_gauge(segment, "r", SMX_GAUGE_LIVE_MOST_RECENT, NULL), NULL);
	smx_reader *reader = fixture_reader(segment);
	pid_t child = child_that_sets(first, 10);
	size_t count;

	kill_and_wait(child);
	child = child_that_sets(second, 7);
	cr_expect_eq(sum_of(reader, "g", &count), 0, "the slot's second owner never set it");
	cr_expect_eq(count, 1);
	kill_and_wait(child);
	child = child_that_sets(first, 3);
	sum_of(reader, "r", &count);
	cr_expect_eq(count, 1, "the third owner never set the most recent one");
	kill_and_wait(child);
	smx_reader_close(reader);
}

Test(gauge, most_recent_is_stamped_in_the_order_of_updates)
{
	smx_segment *segment = fixture_segment("a");
	smx_gauge gauge =
		smx_gauge_with(fixture_gauge(segment, "r", SMX_GAUGE_LIVE_MOST_RECENT, NULL), NULL);
	smx_reader *reader = fixture_reader(segment);
	smx_gauge_sample samples[4];
	pid_t child = child_that_sets(gauge, 10);

	smx_gauge_inc(gauge);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_assert_eq(smx_reader_gauge(reader, fixture_series(reader, "r", NULL), samples), 2);
	cr_expect_gt(samples[0].stamp_ns, samples[1].stamp_ns,
		     "the parent's came after the child's");
	kill_and_wait(child);
	smx_reader_close(reader);
}

Test(gauge, series_made_by_hundreds_have_cells_in_every_block)
{
	smx_segment *segment = fixture_segment("a");
	smx_gauge_family family = fixture_gauge(segment, "g", SMX_GAUGE_LIVE_ALL, "l");
	smx_reader *reader;
	char value[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(value, sizeof value, "%d", i);
		smx_gauge_set(smx_gauge_with(family, (const char *[]){value}), i);
	}
	reader = fixture_reader(segment);
	for (int i = 0; i < 1000; i++) {
		smx_gauge_sample sample;

		snprintf(value, sizeof value, "%d", i);
		cr_assert_eq(smx_reader_gauge(reader, fixture_series(reader, "g", value), &sample),
			     1);
		cr_assert_eq(sample.value, i);
	}
	smx_reader_close(reader);
}
