/* SPDX-License-Identifier: MIT */
/*
 * slots.c - more processes than slots, killed at random: who lives is right at every moment
 *
 * Attacks I4, I9 and I11: never two live owners of a slot, nothing of a dead process in the next
 * walk, no live one missing, also for zombies, stopped processes and other PID namespaces; slots
 * and their memory are used again.
 */
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

#define SEGMENT "slots"
#define SLOTS 6
#define CONTENDERS 12
#define PROCESSES_MAX 1000000

/* What is known of each process ever started, by its number. */
enum state { STARTING = 0, HOLDING, DYING, KILLED };

struct board {
	uint64_t owners[SLOTS + 1]; /* number of the process that holds it, as the processes say */
	uint64_t claims;
	uint64_t generations[PROCESSES_MAX];
	uint8_t state[PROCESSES_MAX];
};

static struct board *board;

/* ---- contenders ---- */

/*
 * The slot that this process holds, by its own look at the segment; its pid is its own only in one
 * namespace.
 */
static int own_slot(smx_segment *segment, uint64_t *generation)
{
	smx_reader *reader;
	smx_error error;
	int slot = -1;

	REQUIRE(smx_reader_open_segment(segment, &reader, &error) == SMX_OK, "%s", error.message);
	for (size_t i = 0; i < smx_reader_writer_count(reader); i++) {
		const smx_writer_view *writer = smx_reader_writer(reader, i);

		if (writer->pid != (uint32_t)getpid())
			continue;
		CHECK(slot < 0, "process %d holds the slots %d and %u", (int)getpid(), slot,
		      writer->slot);
		slot = (int)writer->slot;
		*generation = writer->slot_generation;
	}
	smx_reader_close(reader);
	return slot;
}

/* Enters itself as the owner; whoever stood there before must have been killed. */
static void enter(int slot, uint64_t generation, uint64_t number)
{
	uint64_t before = __atomic_exchange_n(&board->owners[slot], number, __ATOMIC_SEQ_CST);

	PUT(board->generations[number], generation);
	CHECK(before == 0 || GET(board->state[before]) >= DYING,
	      "slot %d of process %" PRIu64 " (generation %" PRIu64
	      "), which lives, was given to process %" PRIu64 " (generation %" PRIu64 ")",
	      slot, before, GET(board->generations[before]), number, generation);
}

/* Claims until it has a slot, then sets its gauges for as long as it lives. */
static void contend(smx_segment *segment, uint64_t number)
{
	smx_gauge all, sum, recent;
	uint64_t generation = 0;
	uint8_t starting = STARTING;
	int slot = -1;

	while (!smx_segment_claim(segment, NULL))
		sched_yield();
	all = stress_gauge_of(segment, "all", SMX_GAUGE_LIVE_ALL);
	sum = stress_gauge_of(segment, "sum", SMX_GAUGE_LIVE_SUM);
	recent = stress_gauge_of(segment, "recent", SMX_GAUGE_LIVE_MOST_RECENT);
	if (getpid() != 1) {
		slot = own_slot(segment, &generation);
		CHECK(slot >= 0, "process %" PRIu64 " claimed a slot and does not see itself",
		      number);
	}
	if (slot >= 0)
		enter(slot, generation, number);
	smx_gauge_set(all, (double)number);
	smx_gauge_set(recent, (double)number);
	smx_gauge_inc(sum);
	/* Not over what the killer has written meanwhile. */
	__atomic_compare_exchange_n(&board->state[number], &starting, HOLDING, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	ADD(board->claims, 1);
	for (;;) {
		smx_gauge_inc(sum);
		smx_gauge_dec(sum);
		CHECK(smx_gauge_value(all) == (double)number,
		      "somebody else writes to the cells of process %" PRIu64, number);
		sched_yield();
	}
}

/* Every third by the bare system call, without fork handlers. */
static pid_t start(smx_segment *segment, uint64_t number)
{
	pid_t pid = number % 3 == 0 ? stress_raw_fork() : stress_fork();

	if (pid == 0) {
		(void)!nice(10);
		contend(segment, number);
	}
	return pid;
}

/* ---- the walker ---- */

/* held: who held a slot before the walk and was not killed during it. */
static void check_walk(smx_reader *reader, const uint64_t *numbers, const bool *held)
{
	const smx_series_view *series = stress_series(reader, stress_family(reader, "all"), NULL);
	smx_gauge_sample samples[SLOTS + 1];
	size_t count = series ? smx_reader_gauge(reader, series, samples) : 0;

	for (size_t s = 0; s < count; s++) {
		uint64_t number = (uint64_t)samples[s].value;

		if (number == 0) /* found its series, and has not set it yet */
			continue;
		CHECK(GET(board->state[number]) != KILLED,
		      "process %" PRIu64 ", dead and reaped, is shown as live", number);
		for (size_t t = 0; t < s; t++)
			CHECK(samples[t].value != samples[s].value,
			      "process %" PRIu64 " is shown twice", number);
	}
	for (unsigned i = 0; i < CONTENDERS; i++) {
		bool seen = !held[i];

		for (size_t s = 0; s < count && !seen; s++)
			seen = (uint64_t)samples[s].value == numbers[i];
		CHECK(seen, "process %" PRIu64 " lives, holds a slot and is not shown", numbers[i]);
	}
}

struct storm {
	smx_segment *segment;
	smx_reader *reader;
	pid_t pids[CONTENDERS];
	uint64_t numbers[CONTENDERS];
	uint64_t next, walks;
};

static void replace(struct storm *storm, unsigned i)
{
	PUT(board->state[storm->numbers[i]], DYING);
	stress_kill(storm->pids[i]);
	PUT(board->state[storm->numbers[i]], KILLED);
	storm->numbers[i] = storm->next++;
	storm->pids[i] = start(storm->segment, storm->numbers[i]);
}

static void walk(struct storm *storm)
{
	bool held[CONTENDERS];

	for (unsigned i = 0; i < CONTENDERS; i++)
		held[i] = GET(board->state[storm->numbers[i]]) == HOLDING;
	stress_walk(storm->reader);
	CHECK(smx_reader_information(storm->reader)->damaged_count == 0, "damaged");
	check_walk(storm->reader, storm->numbers, held);
	storm->walks++;
}

static void run_storm(struct storm *storm, uint64_t kills)
{
	uint64_t chance = 3, used = 0;

	for (unsigned i = 0; i < CONTENDERS; i++) {
		storm->numbers[i] = ++storm->next;
		storm->pids[i] = start(storm->segment, storm->numbers[i]);
	}
	storm->next++;
	for (uint64_t k = 0; k < kills; k++) {
		replace(storm, (unsigned)(stress_random(&chance) % CONTENDERS));
		walk(storm);
		if (k == kills / 5)
			used = smx_reader_information(storm->reader)->used_bytes;
	}
	CHECK(smx_reader_information(storm->reader)->used_bytes == used,
	      "the segment grows with restarts: %" PRIu64
	      " bytes after a fifth of the kills, %" PRIu64 " after all",
	      used, smx_reader_information(storm->reader)->used_bytes);
	printf("  storm: %" PRIu64 " kills, %" PRIu64 " claims of %u slots, %" PRIu64
	       " walks, %" PRIu64 " bytes used\n",
	       kills, GET(board->claims), SLOTS, storm->walks, used);
	CHECK(GET(board->claims) > kills / 4, "few of the killed held a slot");
}

static void check_all_dead(struct storm *storm)
{
	const smx_reader_info *info = smx_reader_information(storm->reader);
	smx_exposition *exposition;
	smx_buffer text = {0};
	double sum;

	for (unsigned i = 0; i < CONTENDERS; i++) {
		PUT(board->state[storm->numbers[i]], DYING);
		stress_kill(storm->pids[i]);
	}
	stress_walk(storm->reader);
	CHECK(stress_gauge(storm->reader, "sum", &sum) == 0 && sum == 0,
	      "the dead still have a sum: %g", sum);
	CHECK(stress_gauge(storm->reader, "recent", NULL) == 0,
	      "a dead process has the most recent value");
	CHECK(info->slots_live == 1, "%u live, and only this process is", info->slots_live);
	CHECK(smx_exposition_create(&exposition, NULL) == SMX_OK, "exposition");
	smx_exposition_add(exposition, storm->reader, NULL);
	smx_exposition_render(exposition, text_004, NULL, 0, &text, NULL);
	smx_buffer_append(&text, "", 1);
	CHECK(strstr(text.data, "\nsum 0\n"), "livesum of nobody is not 0:\n%s", text.data);
	CHECK(!strstr(text.data, "all{"), "liveall of nobody is shown:\n%s", text.data);
	smx_buffer_free(&text);
	smx_exposition_destroy(exposition);
}

/* ---- states a process can be in ---- */

static pid_t start_holding(struct storm *storm, uint64_t number)
{
	pid_t pid = start(storm->segment, number);
	uint64_t deadline = stress_now_ns() + UINT64_C(20000000000);

	while (GET(board->state[number]) != HOLDING && stress_now_ns() < deadline)
		sched_yield();
	CHECK(GET(board->state[number]) == HOLDING, "a process finds no slot though all are free");
	return pid;
}

static void check_states(struct storm *storm)
{
	pid_t pid = start_holding(storm, storm->next++);
	siginfo_t info;

	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	stress_walk(storm->reader);
	CHECK(stress_gauge(storm->reader, "all", NULL) == 1, "a stopped process is not shown");
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* dead, and not reaped */
	CHECK(kill(pid, 0) == 0, "it was to be a zombie");
	stress_walk(storm->reader);
	CHECK(stress_gauge(storm->reader, "all", NULL) == 0, "a zombie is shown as live");
	waitpid(pid, NULL, 0);
	printf("  stopped is alive, a zombie is dead\n");
}

/* The first process of a PID namespace of its own: its pid is 1. */
static pid_t start_namespace(struct storm *storm, uint64_t number)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		pid_t inner;

		if (unshare(CLONE_NEWPID) != 0)
			_exit(errno == EPERM ? 77 : 1);
		inner = fork();
		if (inner == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			contend(storm->segment, number);
		}
		waitpid(inner, NULL, 0);
		_exit(0);
	}
	return pid;
}

static bool wait_holding(pid_t pid, uint64_t number)
{
	uint64_t deadline = stress_now_ns() + UINT64_C(20000000000);
	int status;

	while (GET(board->state[number]) != HOLDING && stress_now_ns() < deadline) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			printf("  PID namespaces: SKIPPED, unshare(CLONE_NEWPID) is not permitted "
			       "(status %d)\n",
			       WEXITSTATUS(status));
			return false;
		}
		sched_yield();
	}
	CHECK(GET(board->state[number]) == HOLDING, "no slot in a PID namespace");
	return true;
}

/* Two live processes that both call themselves 1. */
static void check_equal_pids(struct storm *storm)
{
	unsigned ones = 0, lines = 0;
	smx_exposition *exposition;
	smx_buffer text = {0};
	const char *first, *second, *line;

	stress_walk(storm->reader);
	for (size_t i = 0; i < smx_reader_writer_count(storm->reader); i++)
		ones += smx_reader_writer(storm->reader, i)->pid == 1;
	CHECK(ones == 2, "%u processes with pid 1", ones);
	smx_exposition_create(&exposition, NULL);
	smx_exposition_add(exposition, storm->reader, NULL);
	smx_exposition_render(exposition, text_004, NULL, 0, &text, NULL);
	smx_buffer_append(&text, "", 1);
	for (line = text.data; (line = strstr(line, "\nall{")); line++)
		lines++;
	CHECK(lines == 2, "%u samples of two processes:\n%s", lines, text.data);
	first = strstr(text.data, "\nall{");
	second = first ? strstr(first + 1, "\nall{") : NULL;
	CHECK(second && (strcspn(first, "}") != strcspn(second, "}") ||
			 memcmp(first, second, strcspn(first, "}")) != 0),
	      "two samples have the same labels:\n%s", text.data);
	smx_buffer_free(&text);
	smx_exposition_destroy(exposition);
}

static void check_namespaces(struct storm *storm)
{
	uint64_t a = storm->next++, b = storm->next++;
	pid_t first = start_namespace(storm, a), second;

	if (!wait_holding(first, a))
		return;
	second = start_namespace(storm, b);
	if (!wait_holding(second, b))
		return;
	check_equal_pids(storm);
	stress_kill(first);
	for (uint64_t deadline = stress_now_ns() + UINT64_C(10000000000);
	     stress_now_ns() < deadline;) {
		stress_walk(storm->reader);
		if (stress_gauge(storm->reader, "all", NULL) == 1)
			break;
	}
	CHECK(stress_gauge(storm->reader, "all", NULL) == 1, "not one of two namespaces is left");
	stress_kill(second);
	printf("  PID namespaces: two processes with pid 1 are told apart, and die each for "
	       "itself\n");
}

int main(void)
{
	smx_segment_options options = {.slot_max = SLOTS + 1};
	struct storm storm = {0};

	stress_begin("slots", 120);
	board = stress_shared(sizeof *board);
	printf("slots: %u processes contend for %u slots (I4, I9, I11)\n", CONTENDERS, SLOTS);
	storm.segment = stress_open(SEGMENT, &options);
	storm.reader = stress_reader(SEGMENT);
	run_storm(&storm, (stress_is_long() ? 100000 : 3000) / stress_slowness());
	check_all_dead(&storm);
	check_states(&storm);
	check_namespaces(&storm);
	smx_reader_close(storm.reader);
	smx_segment_close(storm.segment);
	return stress_end();
}
