/* SPDX-License-Identifier: MIT */
/*
 * test_slot.c - I11: who holds a slot lives, and slots that run out are counted
 */
#include "fixture.h"
#include "segment.h"
#include "slot.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(slot, .init = fixture_begin, .fini = fixture_end);

/* Children that wait to be killed, after their fork handlers. */
static void start(pid_t *children, int count)
{
	int ready[2];
	char byte;

	cr_assert_eq(pipe(ready), 0);
	for (int i = 0; i < count; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			cr_assert_eq(write(ready[1], "r", 1), 1);
			pause();
		}
		cr_assert_eq(read(ready[0], &byte, 1), 1);
	}
}

static void stop(const pid_t *children, int count)
{
	int status;

	for (int i = 0; i < count; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], &status, 0);
	}
}

Test(slot, numbers_run_out_and_counters_go_on)
{
	smx_segment *segment = fixture_segment("a"); /* 4 slots, one is this process's */
	smx_counter counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);
	smx_gauge gauge =
		smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);
	pid_t children[3], fifth;
	int status;

	start(children, 3);
	fifth = fork();
	if (fifth == 0) {
		smx_error error = {0};

		if (smx_segment_claim(segment, &error) || error.status != SMX_ERR_FULL)
			_exit(1);
		smx_counter_inc(counter);
		smx_gauge_set(gauge, 100);
		_exit(smx_gauge_value(gauge) == 0 ? 0 : 2);
	}
	waitpid(fifth, &status, 0);
	cr_expect_eq(status, 0);
	cr_expect_eq(smx_counter_value(counter), 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_GAUGE], 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NO_SLOT], 2,
		     "once at the fork, once when asked");
	stop(children, 3);
}

Test(slot, of_a_stopped_process_and_not_of_a_zombie_is_held)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader = fixture_reader(segment);
	siginfo_t info;
	pid_t children[2];

	start(children, 2);
	kill(children[0], SIGSTOP);
	kill(children[1], SIGKILL);
	waitid(P_PID, (id_t)children[1], &info, WEXITED | WNOWAIT); /* a zombie from here on */
	waitid(P_PID, (id_t)children[0], &info, WSTOPPED);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 2);
	cr_expect_eq(smx_reader_writer(reader, 1)->pid, (uint32_t)children[0]);
	stop(children, 2);
	smx_reader_close(reader);
}

Test(slot, is_not_inherited_by_a_child_that_no_handler_saw)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);
	smx_gauge gauge =
		smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL), NULL);
	smx_reader *reader = fixture_reader(segment);
	pid_t child;
	int status;

	smx_gauge_set(gauge, 1);
	child = (pid_t)syscall(SYS_fork);
	if (child == 0) {
		smx_gauge_set(gauge, 50);
		smx_counter_inc(counter);
		if (smx_gauge_value(gauge) != 0)
			_exit(1);
		if (!smx_segment_claim(segment, NULL))
			_exit(2);
		smx_gauge_set(gauge, 7);
		_exit(smx_gauge_value(gauge) == 7 ? 0 : 3);
	}
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0, "exit %d", WEXITSTATUS(status));
	cr_expect_eq(smx_gauge_value(gauge), 1);
	cr_expect_eq(smx_counter_value(counter), 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_GAUGE], 1);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 1);
	smx_reader_close(reader);
}

Test(slot, survives_close_range_and_costs_no_descriptor_of_its_own)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader = fixture_reader(segment);
	smx_counter_family family = fixture_counter(segment, "x", "l");
	int ready[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	cr_assert_eq(dup2(ready[1], 500), 500); /* the child keeps this one alone */
	child = fork();
	if (child == 0) {
		char value[16];

		syscall(SYS_close_range, 3u, 499u, 0u);
		syscall(SYS_close_range, 501u, ~0u, 0u);
		for (int i = 0; i < 3000; i++) { /* the file has to be extended on the way */
			snprintf(value, sizeof value, "%d", i);
			smx_counter_inc(smx_counter_with(family, (const char *[]){value}));
		}
		cr_assert_eq(write(500, "r", 1), 1);
		pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 2);
	cr_expect_eq(smx_reader_information(reader)->series_count, 3001);
	stop(&child, 1);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 1);
	smx_reader_close(reader);
}

Test(slot, is_had_by_children_of_a_deleted_file)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader = fixture_reader(segment);
	pid_t child;

	cr_assert_eq(unlink(smx_segment_path(segment)), 0);
	start(&child, 1);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 2);
	cr_expect_not(smx_reader_is_current(reader));
	stop(&child, 1);
	smx_reader_close(reader);
}
