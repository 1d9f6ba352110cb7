/* SPDX-License-Identifier: MIT */
/*
 * tracer.c - stopping a process at a single instruction
 */
#include "tracer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void be_traced(const struct tracee_plan *plan, uint64_t *done)
{
	pid_t self = (pid_t)syscall(SYS_getpid);

	if (plan->prepare)
		plan->prepare(plan->data);
	REQUIRE(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME: errno %d", errno);
	kill(self, SIGSTOP);
	plan->operate(plan->data);
	/* Of a fork only the child is stepped. */
	if (!plan->step_child || getpid() != self) {
		PUT(*done, 1);
		kill(getpid(), SIGSTOP); /* for a tracer that lets it run */
	}
	for (;;)
		pause();
}

/* Waits for a stop; the signal of it. */
static int wait_for_stop(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, __WALL);
	while (got < 0 && errno == EINTR);
	REQUIRE(got == pid && WIFSTOPPED(*status), "the tracee %d ended by itself: status 0x%x",
		(int)pid, *status);
	return WSTOPSIG(*status);
}

/* Lets the tracee run into its fork, and goes on with the child. */
static void follow_fork(struct tracee *tracee)
{
	unsigned long child = 0;
	int status;

	ptrace(PTRACE_SETOPTIONS, tracee->pid, NULL, (void *)(intptr_t)PTRACE_O_TRACEFORK);
	ptrace(PTRACE_CONT, tracee->pid, NULL, NULL);
	wait_for_stop(tracee->pid, &status);
	REQUIRE(status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8), "no fork: status 0x%x", status);
	ptrace(PTRACE_GETEVENTMSG, tracee->pid, NULL, &child);
	tracee->parent = tracee->pid;
	tracee->pid = (pid_t)child;
	wait_for_stop(tracee->pid, &status);
	ptrace(PTRACE_DETACH, tracee->parent, NULL, NULL);
}

/* Tracer and tracee take turns: on one processor that is several times faster. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	sched_setaffinity(0, sizeof set, &set);
}

void tracee_start(struct tracee *tracee, const struct tracee_plan *plan)
{
	static uint64_t *done;
	int status;

	if (!done) {
		done = stress_shared(sizeof *done);
		stay_here();
	}
	PUT(*done, 0);
	tracee->done = done;
	tracee->parent = 0;
	tracee->pid = plan->raw ? stress_raw_fork() : stress_fork();
	if (tracee->pid == 0)
		be_traced(plan, done);
	wait_for_stop(tracee->pid, &status);
	if (plan->step_child)
		follow_fork(tracee);
}

bool tracee_is_done(const struct tracee *tracee)
{
	return GET(*tracee->done) != 0;
}

static void step(pid_t pid)
{
	static int deliver;
	int status, signal_number;

	REQUIRE(ptrace(PTRACE_SINGLESTEP, pid, NULL, (void *)(intptr_t)deliver) == 0,
		"PTRACE_SINGLESTEP: errno %d", errno);
	signal_number = wait_for_stop(pid, &status);
	deliver = signal_number == SIGTRAP || signal_number == SIGSTOP ? 0 : signal_number;
	REQUIRE(deliver != SIGSEGV && deliver != SIGBUS && deliver != SIGABRT,
		"the tracee crashes: signal %d", deliver);
}

uint64_t tracee_step(struct tracee *tracee, uint64_t limit)
{
	uint64_t count = 0;

	while (count < limit && !tracee_is_done(tracee)) {
		step(tracee->pid);
		count++;
	}
	return count;
}

/* ---- landmarks ---- */

#if defined(__x86_64__)

#define BREAKPOINT 0xccu

static uint64_t address_of(pid_t pid)
{
	return (uint64_t)ptrace(PTRACE_PEEKUSER, pid,
				(void *)offsetof(struct user_regs_struct, rip), NULL);
}

/* Whether a system call or a locked access begins there. */
static bool is_edge(pid_t pid, uint64_t address)
{
	unsigned long word = (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, (void *)address, NULL);

	return (word & 0xffff) == 0x050f || (word & 0xff) == 0xf0;
}

static bool poke(pid_t pid, uint64_t address, long word)
{
	return ptrace(PTRACE_POKETEXT, pid, (void *)address, (void *)word) == 0;
}

/* Runs until the address is reached; false: nothing was done, it cannot be written to. */
static bool run_to_address(struct tracee *tracee, uint64_t address)
{
	pid_t pid = tracee->pid;
	long word;
	int status;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, (void *)address, NULL);
	if (errno || !poke(pid, address, (long)(((unsigned long)word & ~0xffUL) | BREAKPOINT)))
		return false;
	do
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	while (wait_for_stop(pid, &status) != SIGTRAP && !tracee_is_done(tracee));
	poke(pid, address, word);
	if (!tracee_is_done(tracee))
		ptrace(PTRACE_POKEUSER, pid, (void *)offsetof(struct user_regs_struct, rip),
		       (void *)address);
	return true;
}

#else

static uint64_t address_of(pid_t pid)
{
	(void)pid;
	return 0;
}

static bool is_edge(pid_t pid, uint64_t address)
{
	(void)pid, (void)address;
	return false;
}

static bool run_to_address(struct tracee *tracee, uint64_t address)
{
	(void)tracee, (void)address;
	return false;
}

#endif

/* Marks the address as seen. False: it was. */
static bool is_new(uint64_t *seen, uint64_t mask, uint64_t address)
{
	uint64_t at = (address * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;

	for (; seen[at]; at = (at + 1) & mask)
		if (seen[at] == address)
			return false;
	seen[at] = address;
	return true;
}

static void find_landmarks(struct trace *trace)
{
	uint64_t size = 1, last = 0, *seen;

	while (size < 2 * trace->count + 2)
		size *= 2;
	seen = calloc(size, sizeof *seen);
	trace->landmark = calloc(trace->count + 1, sizeof *trace->landmark);
	for (uint64_t i = 0; i < trace->count; i++) {
		if (is_new(seen, size - 1, trace->addresses[i]))
			last = i;
		trace->landmark[i] = last;
	}
	free(seen);
}

void tracee_record(struct tracee *tracee, struct trace *trace)
{
	uint64_t room = 4096;

	trace->count = 0;
	trace->addresses = malloc(room * sizeof *trace->addresses);
	trace->edge = malloc(room * sizeof *trace->edge);
	while (!tracee_is_done(tracee)) {
		if (trace->count == room) {
			room *= 2;
			trace->addresses =
				realloc(trace->addresses, room * sizeof *trace->addresses);
			trace->edge = realloc(trace->edge, room * sizeof *trace->edge);
		}
		trace->addresses[trace->count] = address_of(tracee->pid);
		trace->edge[trace->count] = is_edge(tracee->pid, trace->addresses[trace->count]);
		trace->count++;
		step(tracee->pid);
	}
	find_landmarks(trace);
}

void trace_free(struct trace *trace)
{
	free(trace->addresses);
	free(trace->landmark);
	free(trace->edge);
}

void tracee_run_to(struct tracee *tracee, const struct trace *trace, uint64_t number)
{
	uint64_t landmark = trace->landmark[number];

	while (landmark > 0 && !run_to_address(tracee, trace->addresses[landmark]))
		landmark = trace->landmark[landmark - 1];
	tracee_step(tracee, number - landmark);
}

bool tracee_step_to_system_call(struct tracee *tracee)
{
	int status;

	/* Into the call and out of it. */
	for (int i = 0; i < 2; i++) {
		ptrace(PTRACE_SYSCALL, tracee->pid, NULL, NULL);
		wait_for_stop(tracee->pid, &status);
		if (tracee_is_done(tracee))
			return false;
	}
	return true;
}

void tracee_kill(struct tracee *tracee)
{
	stress_kill(tracee->pid);
	/* A stepped grandchild has also to be reaped by its parent, which lets it be. */
}
