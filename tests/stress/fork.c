/* SPDX-License-Identifier: MIT */
/*
 * fork.c - every way a process gets children, or turns into something else, in the middle of work
 *
 * Attacks I1, I4 and I11, and L1-L3 of the slot's lock: no deadlock, exact totals, no slot of a
 * dead process shown as live and none of a live one as dead, whoever forks, closes descriptors or
 * executes another program.
 */
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT "fork"

struct board {
	uint64_t ready, go, stop;
	uint64_t begun, completed; /* increments of the counter "work" by threads */
};

static struct board *board;
static smx_segment *segment;
static smx_reader *reader;
static smx_counter children; /* incremented once by each child */
static smx_gauge here;	     /* live sum: 1 by each process that lives */

static uint32_t live(void)
{
	stress_walk(reader);
	return smx_reader_information(reader)->slots_live;
}

static double sum_here(void)
{
	double sum;

	stress_walk(reader);
	stress_gauge(reader, "here", &sum);
	return sum;
}

/* The child is ready, and waits for leave to go. */
static void wait_here(void)
{
	ADD(board->ready, 1);
	stress_wait_word(&board->go, 1, 60);
}

static void reset_board(void)
{
	memset(board, 0, sizeof *board);
}

static void require_ready(uint64_t count)
{
	REQUIRE(stress_wait_word(&board->ready, count, 60),
		"a child does not get ready: deadlock?");
}

static void expect_exit(pid_t pid)
{
	int status = stress_wait(pid, 60);

	CHECK(status == 0, "child %d: status 0x%x", (int)pid, status);
}

/* ---- fork while other threads work ---- */

static smx_counter_family work_family;

static void define_work(void)
{
	static const char *const labels[] = {"n"};
	smx_definition definition = {
		.name = "work", .label_names = labels, .label_count = 1, .series_max = 1000000};

	CHECK(smx_counter_define(segment, &definition, &work_family, NULL) == SMX_OK, "define");
}

static void count_one(unsigned number)
{
	char text[16];
	const char *values[] = {text};

	snprintf(text, sizeof text, "%u", number);
	ADD(board->begun, 1);
	smx_counter_inc(smx_counter_with(work_family, values));
	ADD(board->completed, 1);
}

static void *look_up_and_record(void *data)
{
	(void)data;
	for (unsigned i = 0; !GET(board->stop); i++)
		count_one(i % 20000);
	return NULL;
}

static void *define_again(void *data)
{
	(void)data;
	while (!GET(board->stop)) {
		stress_counter_of(segment, "defined_again");
		smx_segment_claim(segment, NULL);
	}
	return NULL;
}

static void *open_and_close(void *data)
{
	(void)data;
	while (!GET(board->stop)) {
		smx_segment *other;

		if (smx_segment_open("fork-other", NULL, &other, NULL) == SMX_OK) {
			smx_gauge_set(stress_gauge_of(other, "g", SMX_GAUGE_LIVE_ALL), 1);
			smx_segment_close(other);
		} else {
			CHECK(false, "open");
		}
	}
	return NULL;
}

static void child_works(unsigned number)
{
	CHECK(smx_segment_claim(segment, NULL), "child %u has no slot", number);
	smx_counter_inc(children);
	smx_gauge_set(here, 1);
	CHECK(smx_gauge_value(here) == 1, "child %u cannot set its gauge", number);
	count_one(number);
#ifndef __SANITIZE_ADDRESS__ /* whose allocator keeps the locks of other threads after a fork */
	stress_counter_of(segment, "defined_in_child");
#endif
	if (number % 4 == 0 && stress_fork() == 0) {
		smx_counter_inc(children);
		count_one(number);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* Runs in a process of its own, which alone has the threads. */
static void be_threaded_parent(unsigned count, bool raw)
{
	void *(*const works[])(void *) = {look_up_and_record, look_up_and_record, define_again,
					  open_and_close};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		REQUIRE(pthread_create(&threads[i], NULL, works[i], NULL) == 0, "pthread_create");
	for (unsigned i = 0; i < count; i++) {
		/*
		 * Without fork handlers another thread may have had malloc's lock: only what takes
		 * none.
		 */
		pid_t pid = raw ? stress_raw_fork() : stress_fork();

		if (pid == 0 && !raw)
			child_works(i);
		if (pid == 0) {
			smx_counter_inc(children);
			CHECK(smx_segment_claim(segment, NULL), "raw child %u has no slot", i);
			smx_gauge_set(here, 1);
			CHECK(smx_gauge_value(here) == 1, "raw child %u cannot set its gauge", i);
			_exit(0);
		}
		expect_exit(pid);
	}
	PUT(board->stop, 1);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/* ---- what a child must not inherit ---- */

#define LINGERERS 60

/*
 * Forks while another thread claims slots; then gives all up, and says so while the children live.
 */
static void be_parent_of_lingerers(void)
{
	pthread_t threads[2];
	pid_t pids[LINGERERS];

	for (int i = 0; i < 2; i++)
		REQUIRE(pthread_create(&threads[i], NULL, open_and_close, NULL) == 0,
			"pthread_create");
	for (int i = 0; i < LINGERERS; i++) {
		pids[i] = stress_fork();
		if (pids[i] == 0) {
			wait_here();
			_exit(0);
		}
		stress_wait_word(&board->ready, (uint64_t)i + 1, 60);
	}
	PUT(board->stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	smx_segment_close(segment);
	ADD(board->ready, 1);
	for (int i = 0; i < LINGERERS; i++)
		expect_exit(pids[i]);
	_exit(0);
}

/* The parent lives and has no slot: neither may a child keep one alive in its name. */
static void children_inherit_no_lock(void)
{
	static const char *const names[] = {SEGMENT, "fork-other"};
	pid_t pid;

	reset_board();
	pid = stress_fork();
	if (pid == 0)
		be_parent_of_lingerers();
	require_ready(LINGERERS + 1);
	for (int i = 0; i < 2; i++) {
		smx_reader *other = stress_reader(names[i]);

		for (size_t w = 0; w < smx_reader_writer_count(other); w++)
			CHECK(smx_reader_writer(other, w)->pid != (uint32_t)pid,
			      "%s: a child holds the slot that its parent gave up", names[i]);
		smx_reader_close(other);
	}
	PUT(board->go, 1);
	expect_exit(pid);
	printf("  %u children forked while other threads claim: none holds its parent's slot\n",
	       LINGERERS);
}

static uint64_t sum_of_work(void)
{
	const smx_family_view *family = stress_family(reader, "work");
	uint64_t sum = 0;

	for (size_t i = 0; family && i < family->series_count; i++)
		sum += smx_reader_counter(reader, smx_reader_series(reader, family, i)).whole;
	return sum;
}

static void fork_while_threads_work(bool raw)
{
	unsigned count = (stress_is_long() ? 5000 : 200) / stress_slowness();
	uint64_t expected = count + (raw ? 0 : (count + 3) / 4), before, work;
	pid_t pid;

	stress_walk(reader);
	before = stress_counter(reader, "children");
	work = sum_of_work();
	reset_board();
	pid = stress_fork();
	if (pid == 0)
		be_threaded_parent(count, raw);
	expect_exit(pid);
	CHECK(live() == 1, "%u live after all children are dead", live());
	CHECK(stress_counter(reader, "children") - before == expected,
	      "%" PRIu64 " children counted, not %" PRIu64,
	      stress_counter(reader, "children") - before, expected);
	CHECK(board->begun == board->completed && sum_of_work() - work == board->begun,
	      "%" PRIu64 " counted by threads, not %" PRIu64, sum_of_work() - work, board->begun);
	printf("  %u %sforks while 4 threads record, define, claim, open and close: %" PRIu64
	       " increments\n",
	       count, raw ? "raw " : "", board->begun);
}

/* ---- a fork that no handler sees ---- */

static void raw_child(void)
{
	smx_gauge other;

	smx_counter_inc(children);
	smx_gauge_set(here, 100);
	smx_gauge_inc(here);
	wait_here();
	PUT(board->go, 0);
	CHECK(smx_segment_claim(segment, NULL), "no slot");
	smx_gauge_inc(here);
	other = stress_gauge_of(segment, "other", SMX_GAUGE_LIVE_SUM);
	smx_gauge_set(other, 1);
	wait_here();
	_exit(0);
}

static void raw_fork(void)
{
	uint64_t dropped, counted;
	pid_t pid;

	smx_gauge_set(here, 10);
	stress_walk(reader);
	dropped = smx_reader_information(reader)->dropped[SMX_DROP_GAUGE];
	counted = stress_counter(reader, "children");
	reset_board();
	pid = stress_raw_fork();
	if (pid == 0)
		raw_child();
	require_ready(1);
	CHECK(sum_here() == 10, "the gauge of a child without a slot shows: %g", sum_here());
	CHECK(live() == 1, "a child without a slot counts as live");
	CHECK(smx_reader_information(reader)->dropped[SMX_DROP_GAUGE] == dropped + 2,
	      "its updates are not counted");
	CHECK(stress_counter(reader, "children") == counted + 1, "its increment is lost");
	PUT(board->go, 1);
	require_ready(2);
	CHECK(sum_here() == 11 && live() == 2, "after claiming: sum %g, %u live", sum_here(),
	      live());
	PUT(board->go, 1);
	expect_exit(pid);
	CHECK(sum_here() == 10 && live() == 1, "after its end: sum %g, %u live", sum_here(),
	      live());
	CHECK(smx_gauge_value(here) == 10, "the parent's own value has changed: %g",
	      smx_gauge_value(here));
	smx_gauge_set(here, 0);
	printf("  raw fork: counters count, gauges are dropped and counted until a slot is "
	       "claimed\n");
}

/* What the parent has mapped may be something else's place in the child. */
static void raw_child_closes(void)
{
	pid_t pid = stress_raw_fork();

	if (pid == 0) {
		volatile char *pages[64];

		for (int i = 0; i < 64; i++) {
			pages[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			*pages[i] = 1;
		}
		smx_segment_close(segment);
		for (int i = 0; i < 64; i++)
			*pages[i] = 2;
		_exit(0);
	}
	CHECK(stress_wait(pid, 60) == 0, "the child's close takes away memory of another use");
	CHECK(live() == 1, "a child's close takes its parent's slot");
	printf("  raw fork, close in the child: its memory and the parent's slot stay\n");
}

/* ---- descriptors ---- */

static void close_all_descriptors(void)
{
	pid_t pid;

	reset_board();
	pid = stress_fork();
	if (pid == 0) {
		pid_t inner;

		syscall(SYS_close_range, 3u, ~0u, 0u);
		smx_gauge_set(here, 1);
		smx_counter_inc(children);
		inner = stress_fork();
		syscall(SYS_close_range, 3u, ~0u, 0u);
		smx_gauge_set(here, 1);
		/* The file still grows. */
		for (unsigned i = 0; inner == 0 && i < 3000; i++)
			count_one(100000 + i);
		wait_here();
		if (inner > 0)
			expect_exit(inner);
		_exit(0);
	}
	require_ready(2);
	CHECK(live() == 3 && sum_here() == 2, "after close_range: %u live, sum %g", live(),
	      sum_here());
	PUT(board->go, 1);
	expect_exit(pid);
	CHECK(live() == 1, "%u live in the end", live());
	printf("  close_range in parent and child: both keep their slots, the child gets one, the "
	       "file grows\n");
}

/* ---- other lives ---- */

static void exec_releases_the_slot(void)
{
	char address[32];
	int channel[2];
	pid_t pid;
	char byte;

	REQUIRE(pipe(channel) == 0, "pipe");
	snprintf(address, sizeof address, "%d", channel[1]);
	pid = stress_fork();
	if (pid == 0) {
		smx_gauge_set(here, 1);
		execl("/proc/self/exe", "stress_fork", "--sit", address, (char *)NULL);
		_exit(2);
	}
	close(channel[1]);
	REQUIRE(read(channel[0], &byte, 1) == 1, "the executed program does not speak");
	CHECK(live() == 1 && sum_here() == 0, "an executed program still holds the slot: %u live",
	      live());
	close(channel[0]);
	stress_kill(pid);
	printf("  exec releases the slot\n");
}

static void *open_in_thread(void *data)
{
	smx_segment *again;

	(void)data;
	CHECK(smx_segment_open(SEGMENT, NULL, &again, NULL) == SMX_OK && again == segment,
	      "open again");
	smx_gauge_set(here, 1);
	return NULL;
}

static void threads_end(void)
{
	pid_t pid;

	reset_board();
	pid = stress_fork();
	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, open_in_thread, NULL);
		pthread_join(thread, NULL);
		ADD(board->ready, 1);
		/* The first thread ends, too; the process goes on in another. */
		pthread_create(&thread, NULL, (void *(*)(void *))(void *)wait_here, NULL);
#ifdef __GLIBC__
		pthread_exit(NULL);
#else
		/* musl 1.2.3: a forked child whose first thread ends first never ends itself. */
		pthread_join(thread, NULL);
		_exit(0);
#endif
	}
	require_ready(2);
	CHECK(live() == 2 && sum_here() == 1, "a thread's end took the slot: %u live, sum %g",
	      live(), sum_here());
	PUT(board->go, 1);
	expect_exit(pid);
	CHECK(live() == 1, "%u live in the end", live());
	printf("  threads end, the slot stays\n");
}

static void vfork_borrows(void)
{
	uint64_t before = (stress_walk(reader), stress_counter(reader, "children"));

	for (int i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			smx_counter_inc(children);
			if (i % 2)
				execl("/bin/true", "true", (char *)NULL);
			_exit(0);
		}
		expect_exit(pid);
		CHECK(live() == 1, "vfork: %u live", live());
	}
	CHECK(stress_counter(reader, "children") == before + 50, "increments after vfork are lost");
	smx_gauge_set(here, 7);
	CHECK(sum_here() == 7, "after vfork the parent's gauge is gone");
	smx_gauge_set(here, 0);
	printf("  vfork: the slot stays with the parent\n");
}

static void daemonize(void)
{
	pid_t pid;

	reset_board();
	pid = fork(); /* not one that dies with its parent */
	if (pid == 0) {
		if (fork() > 0)
			_exit(0);
		setsid();
		if (fork() > 0)
			_exit(0);
		smx_gauge_set(here, 1);
		smx_counter_inc(children);
		wait_here();
		ADD(board->ready, 1);
		_exit(0);
	}
	expect_exit(pid);
	require_ready(1);
	for (uint64_t deadline = stress_now_ns() + UINT64_C(10000000000);
	     live() != 2 && stress_now_ns() < deadline;)
		;
	CHECK(live() == 2 && sum_here() == 1, "of three generations one lives: %u live, sum %g",
	      live(), sum_here());
	PUT(board->go, 1);
	require_ready(2);
	for (uint64_t deadline = stress_now_ns() + UINT64_C(10000000000);
	     live() != 1 && stress_now_ns() < deadline;)
		;
	CHECK(live() == 1, "%u live in the end", live());
	printf("  a daemon by double fork, its parents gone before it: one slot\n");
}

/* The executed program: says that it is there, and stays. */
static _Noreturn void sit(const char *channel)
{
	if (write(atoi(channel), "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	smx_segment_options options = {.slot_max = 128, .series_max = 1000000};

	if (argc == 3 && strcmp(argv[1], "--sit") == 0)
		sit(argv[2]);
	stress_begin("fork", 120);
	board = stress_shared(sizeof *board);
	printf("fork: children of every kind (I1, I4, I11)\n");
	segment = stress_open(SEGMENT, &options);
	reader = stress_reader(SEGMENT);
	define_work();
	children = stress_counter_of(segment, "children");
	here = stress_gauge_of(segment, "here", SMX_GAUGE_LIVE_SUM);
	fork_while_threads_work(false);
	fork_while_threads_work(true);
	children_inherit_no_lock();
	raw_fork();
	raw_child_closes();
	close_all_descriptors();
	exec_releases_the_slot();
	threads_end();
	vfork_borrows();
	daemonize();
	CHECK(smx_reader_information(reader)->damaged_count == 0, "damaged");
	smx_reader_close(reader);
	smx_segment_close(segment);
	return stress_end();
}
