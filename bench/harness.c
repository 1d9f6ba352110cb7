/* SPDX-License-Identifier: MIT */
/*
 * harness.c - what the benchmark programs share: time, processors, side-by-side rounds, output
 */
#include "harness.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_now(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double bench_slope(const double *x, const double *y, size_t count)
{
	double mean_x = 0, mean_y = 0, above = 0, below = 0;
	for (size_t i = 0; i < count; i++) {
		mean_x += x[i] / (double)count;
		mean_y += y[i] / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		above += (x[i] - mean_x) * (y[i] - mean_y);
		below += (x[i] - mean_x) * (x[i] - mean_x);
	}
	return above / below;
}

static double block(const bench_case *c, uint64_t n)
{
	uint64_t begin = bench_cpu_now();
	c->loop(c->context, n);
	return (double)(bench_cpu_now() - begin);
}

/* How many repetitions last block_ns; also warms up. */
static uint64_t calibrate(const bench_case *c, uint64_t block_ns)
{
	uint64_t n = 1;
	double ns;
	while ((ns = block(c, n)) < (double)block_ns / 4)
		n *= 2;
	n = (uint64_t)((double)n * (double)block_ns / ns);
	return n ? n : 1;
}

void bench_side_by_side(bench_case *cases, size_t case_count, size_t rounds, uint64_t block_ns)
{
	static double ns[BENCH_CASES_MAX][BENCH_ROUNDS_MAX];
	static double ratio[BENCH_ROUNDS_MAX];
	uint64_t n[BENCH_CASES_MAX];

	if (case_count > BENCH_CASES_MAX || rounds > BENCH_ROUNDS_MAX)
		bench_fail("more than %d cases or %d rounds", BENCH_CASES_MAX, BENCH_ROUNDS_MAX);
	for (size_t i = 0; i < case_count; i++)
		n[i] = calibrate(&cases[i], block_ns);
	for (size_t round = 0; round < rounds; round++) {
		for (size_t k = 0; k < case_count; k++) {
			size_t i = round % 2 ? case_count - 1 - k : k;
			ns[i][round] = block(&cases[i], n[i]) / (double)n[i];
		}
	}
	for (size_t i = case_count; i-- > 0;) {
		for (size_t round = 0; round < rounds; round++)
			ratio[round] = ns[i][round] / ns[0][round];
		cases[i].ratio = bench_median(ratio, rounds);
		cases[i].ns = bench_median(ns[i], rounds);
	}
}

size_t bench_cpu_count(void)
{
	cpu_set_t allowed;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("sched_getaffinity: %m");
	return (size_t)CPU_COUNT(&allowed);
}

void bench_pin(size_t index)
{
	cpu_set_t allowed, one;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("sched_getaffinity: %m");
	index %= (size_t)CPU_COUNT(&allowed);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || index-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			bench_fail("sched_setaffinity to processor %zu: %m", cpu);
		return;
	}
}

void bench_emit(const char *name, double value, const char *unit, bench_bound bound, double target)
{
	if (!isfinite(value))
		bench_fail("%s: no finite result", name);
	printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", name, value, unit);
	if (bound != BENCH_NO_TARGET)
		printf(", \"%s\": %.6g", bound == BENCH_AT_MOST ? "at_most" : "at_least", target);
	printf("}\n");
	fflush(stdout);
}

void bench_fail(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	va_start(arguments, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

bool bench_is_quick(void)
{
	const char *value = getenv("BENCH_QUICK");
	return value && *value && strcmp(value, "0") != 0;
}

pid_t bench_fork(void)
{
	fflush(NULL);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		bench_fail("fork: %m");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
	}
	return pid;
}

pid_t bench_start_worker(void (*set_up)(const void *context), const void *context)
{
	int ready[2];
	char byte = 0;
	if (pipe(ready))
		bench_fail("pipe: %m");
	pid_t pid = bench_fork();
	if (pid == 0) {
		set_up(context);
		if (write(ready[1], &byte, 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bench_fail("a worker did not come up");
	close(ready[0]);
	return pid;
}

void bench_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
