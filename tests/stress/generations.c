/* SPDX-License-Identifier: MIT */
/*
 * generations.c - many processes open one name at the same moment, whatever the file is
 *
 * Attacks I3, I4 and F1-F4 of life_linux.c: exactly one generation results and every process is in
 * it; counters begin at 0 with a new one and go on with `keep`; a stopped or killed opener holds
 * nobody up; a file taken away from under its writers costs them nothing.
 */
#include "tracer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT "generations"
#define OPENERS 12
/*
 * The library waits 2 s for one that stands still; nobody else may have to wait for longer than a
 * few of those.
 */
#define BOUND_S 20

struct board {
	uint64_t arrived, go, opened, leave;
};

static struct board *board;

static smx_segment_options options_with(uint32_t flags)
{
	return (smx_segment_options){.slot_max = 32, .flags = flags};
}

/* Opens as soon as all have arrived, counts one, and stays until told to go. */
static pid_t start_opener(uint32_t flags)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		smx_segment_options options = options_with(flags);
		smx_segment *segment;

		ADD(board->arrived, 1);
		while (!GET(board->go))
			;
		segment = stress_open(SEGMENT, &options);
		smx_counter_inc(stress_counter_of(segment, "c"));
		smx_gauge_set(stress_gauge_of(segment, "g", SMX_GAUGE_LIVE_SUM), 1);
		ADD(board->opened, 1);
		stress_wait_word(&board->leave, 1, 60);
		smx_segment_close(segment);
		_exit(0);
	}
	return pid;
}

static void let_all_leave(const pid_t *pids)
{
	PUT(board->leave, 1);
	for (unsigned i = 0; i < OPENERS; i++)
		CHECK(stress_wait(pids[i], 60) == 0, "an opener did not end well");
}

static void check_one_generation(const char *what, uint64_t writers, uint64_t count)
{
	smx_reader *reader = stress_reader(SEGMENT);
	double sum;

	CHECK(smx_reader_information(reader)->slots_live == writers,
	      "%s: %u live writers, not %" PRIu64, what, smx_reader_information(reader)->slots_live,
	      writers);
	CHECK(stress_counter(reader, "c") == count, "%s: %" PRIu64 " counted, not %" PRIu64, what,
	      stress_counter(reader, "c"), count);
	stress_gauge(reader, "g", &sum);
	CHECK(sum == (double)writers, "%s: the gauges' sum is %g of %" PRIu64, what, sum, writers);
	smx_reader_close(reader);
}

/* All at once; what they find in place of the segment is there already. */
static void open_together(const char *what, uint32_t flags, uint64_t counted_before)
{
	pid_t pids[OPENERS];

	memset(board, 0, sizeof *board);
	for (unsigned i = 0; i < OPENERS; i++)
		pids[i] = start_opener(flags);
	stress_wait_word(&board->arrived, OPENERS, 30);
	PUT(board->go, 1);
	REQUIRE(stress_wait_word(&board->opened, OPENERS, 60), "%s: openers hang", what);
	check_one_generation(what, OPENERS, OPENERS + counted_before);
	CHECK(stress_files("") == 1, "%s: %u files, not 1", what, stress_files(""));
	let_all_leave(pids);
}

static void write_garbage(size_t size)
{
	uint64_t chance = size + 1;
	int descriptor = open(stress_path(SEGMENT), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = stress_random(&chance);

		REQUIRE(write(descriptor, &word, 8) == 8, "write");
	}
	close(descriptor);
}

static void races(void)
{
	unsigned rounds = (stress_is_long() ? 1000 : 20) / stress_slowness() + 1;

	for (unsigned i = 0; i < rounds; i++) {
		unlink(stress_path(SEGMENT));
		open_together("no file", 0, 0);
		open_together("a dead generation", 0, 0);
		open_together("a dead generation kept", SMX_SEGMENT_KEEP, OPENERS);
		write_garbage(i % 3 * 4096 + i % 2 * 8);
		open_together("garbage", i % 2 ? SMX_SEGMENT_KEEP : 0, 0);
	}
	printf("  %u rounds of %u openers at once: no file, a dead generation, kept, garbage\n",
	       rounds, OPENERS);
}

/* ---- one that stands still ---- */

static void open_plainly(void *data)
{
	smx_segment_options options = options_with(0);
	smx_segment *segment;

	(void)data;
	smx_segment_open(SEGMENT, &options, &segment, NULL);
}

static void open_and_count(smx_segment **segment)
{
	smx_segment_options options = options_with(0);

	*segment = stress_open(SEGMENT, &options);
	smx_counter_inc(stress_counter_of(*segment, "c"));
	smx_gauge_set(stress_gauge_of(*segment, "g", SMX_GAUGE_LIVE_SUM), 1);
}

/* A dead generation, and an opener of the next left standing after `calls` system calls. */
static bool stand_still_after(unsigned calls, bool kill_it, uint64_t *slowest_ns)
{
	struct tracee_plan plan = {.operate = open_plainly};
	struct tracee tracee;
	smx_segment *segment;
	uint64_t began, took;
	unsigned call = 0;

	open_and_count(&segment);
	smx_segment_close(segment);
	tracee_start(&tracee, &plan);
	while (call < calls && tracee_step_to_system_call(&tracee))
		call++;
	if (call < calls) {
		tracee_kill(&tracee);
		return false;
	}
	if (kill_it)
		tracee_kill(&tracee);
	CHECK(stress_files(".") <= 1, "call %u: %u hidden files", calls, stress_files("."));
	began = stress_now_ns();
	open_and_count(&segment);
	took = stress_now_ns() - began;
	CHECK(took < UINT64_C(1000000000) * BOUND_S, "call %u: opening took %.1f s", calls,
	      (double)took / 1e9);
	*slowest_ns = took > *slowest_ns ? took : *slowest_ns;
	if (!kill_it) {
		while (tracee_step_to_system_call(&tracee))
			;
		tracee_kill(&tracee);
	}
	smx_segment_close(segment);
	open_and_count(&segment);
	check_one_generation("after one that stood still or was killed", 1, 1);
	CHECK(stress_files("") == 1, "call %u: %u files in the end", calls, stress_files(""));
	smx_segment_close(segment);
	return true;
}

static void standing_still(void)
{
	uint64_t slowest_ns = 0, none = 0;
	unsigned calls = 0;

	/*
	 * Each that holds the lock costs the next one its whole patience: in the ordinary run a
	 * sample.
	 */
	while (stand_still_after(calls, true, &none))
		calls++;
	CHECK(calls > 10, "only %u system calls", calls);
	for (unsigned i = 1; i < calls; i += stress_is_long() ? 1 : 6)
		stand_still_after(i, false, &slowest_ns);
	printf("  an opener killed after each of %u system calls; left standing, it costs the next "
	       "at most %.1f s\n",
	       calls, (double)slowest_ns / 1e9);
}

/* ---- a file taken away ---- */

/* Writers go on in the file that has lost its name; their children, too. */
static void taken_away(bool replaced)
{
	smx_segment_options options = options_with(0);
	smx_reader *old, *new;
	smx_segment *segment;
	smx_counter counter;
	pid_t child, other;
	double sum;

	memset(board, 0, sizeof *board);
	other = replaced ? start_opener(0)
			 : 0; /* before the segment is open here, and so in all children */
	segment = stress_open(SEGMENT, &options);
	counter = stress_counter_of(segment, "old");
	old = stress_reader(SEGMENT);
	smx_counter_inc(counter);
	unlink(stress_path(SEGMENT));
	PUT(board->go, 1);
	if (replaced)
		REQUIRE(stress_wait_word(&board->opened, 1, 30), "the other does not open");
	CHECK(!smx_reader_is_current(old), "the reader does not see that its file lost the name");
	child = stress_fork();
	if (child == 0) {
		smx_counter_inc(counter);
		smx_gauge_set(stress_gauge_of(segment, "g", SMX_GAUGE_LIVE_SUM), 5);
		CHECK(smx_segment_claim(segment, NULL),
		      "a child of a process in a nameless file has no slot");
		ADD(board->opened, 1);
		stress_wait_word(&board->leave, 1, 30);
		_exit(0);
	}
	REQUIRE(stress_wait_word(&board->opened, replaced ? 2 : 1, 30), "the child hangs");
	stress_walk(old);
	stress_gauge(old, "g", &sum);
	CHECK(stress_counter(old, "old") == 2 && sum == 5 &&
		      smx_reader_information(old)->slots_live == 2,
	      "in the nameless file: %" PRIu64 " counted, sum %g, %u live",
	      stress_counter(old, "old"), sum, smx_reader_information(old)->slots_live);
	if (replaced) {
		new = stress_reader(SEGMENT);
		CHECK(stress_counter(new, "old") == 0 && stress_counter(new, "c") == 1,
		      "the files are mixed up");
		smx_reader_close(new);
	}
	PUT(board->leave, 1);
	CHECK(stress_wait(child, 30) == 0, "the child did not end well");
	if (replaced)
		CHECK(stress_wait(other, 30) == 0, "the other did not end well");
	smx_reader_close(old);
	smx_segment_close(segment);
	unlink(stress_path(SEGMENT));
	printf("  the file %s: its writers and their children go on\n",
	       replaced ? "replaced" : "deleted");
}

/* Grows a segment whose file has no name. */
static void grows_without_a_name(void)
{
	static const char *const labels[] = {"n"};
	smx_segment_options options = options_with(0);
	smx_definition definition = {.name = "many", .label_names = labels, .label_count = 1};
	smx_segment *segment = stress_open(SEGMENT, &options);
	smx_counter_family family;
	smx_reader *reader = stress_reader(SEGMENT);
	char text[16];
	const char *values[] = {text};

	smx_counter_define(segment, &definition, &family, NULL);
	unlink(stress_path(SEGMENT));
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "%u", i);
		smx_counter_inc(smx_counter_with(family, values));
	}
	stress_walk(reader);
	CHECK(stress_family(reader, "many")->series_count == 5001, "%zu series",
	      stress_family(reader, "many")->series_count);
	smx_reader_close(reader);
	smx_segment_close(segment);
	printf("  a nameless file grows\n");
}

int main(void)
{
	stress_begin("generations", 240);
	board = stress_shared(sizeof *board);
	printf("generations: who opens when (I3, I4, F1-F4)\n");
	races();
	standing_still();
	taken_away(false);
	taken_away(true);
	grows_without_a_name();
	return stress_end();
}
