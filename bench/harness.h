/* SPDX-License-Identifier: MIT */
/*
 * harness.h - what the benchmark programs share: time, processors, side-by-side rounds, output
 *
 * A program is one launch: it prints one JSON object a line on standard output, and `run` starts it
 * several times and takes the medians. Whatever is compared is measured in the same process and in
 * alternating order, so that a slow moment of the machine meets both sides.
 */
#ifndef SHMETRICS_BENCH_HARNESS_H
#define SHMETRICS_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Does the thing n times. The loop is in the function, so that the call in it is a direct one. */
typedef void (*bench_loop)(void *context, uint64_t n);

typedef struct bench_case {
	const char *name;
	bench_loop loop;
	void *context;
	double ns;    /* result: median over the rounds */
	double ratio; /* result: median over the rounds of this case against the first one */
} bench_case;

enum { BENCH_CASES_MAX = 32, BENCH_ROUNDS_MAX = 1001 };

/*
 * Measures the cases `rounds` times, in turn, every other round backwards. A block of a case lasts
 * about block_ns: shorter than a slice of the scheduler, so that the median is of undisturbed
 * blocks.
 */
void bench_side_by_side(bench_case *cases, size_t case_count, size_t rounds, uint64_t block_ns);

uint64_t bench_now(void); /* CLOCK_MONOTONIC, ns */
/* ns for which this thread has had a processor: what others on the machine do is not counted. */
uint64_t bench_cpu_now(void);
double bench_median(double *values, size_t count);
/* The slope of the least-squares line through (x, y). */
double bench_slope(const double *x, const double *y, size_t count);

size_t bench_cpu_count(void);
/* Pins the calling thread to the index-th processor it may use (modulo their number). */
void bench_pin(size_t index);

typedef enum bench_bound { BENCH_NO_TARGET, BENCH_AT_MOST, BENCH_AT_LEAST } bench_bound;

/* One line of output. target: what the project promises, checked by `run` on the median of the
 * launches. */
void bench_emit(const char *name, double value, const char *unit, bench_bound bound, double target);

/* A message on standard error and exit status 2. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Where BENCH_QUICK is set in the environment, programs do less and measure worse. */
bool bench_is_quick(void);

/* Forks a child that dies with its parent. 0 in the child; never fails. */
pid_t bench_fork(void);
/* A child that has run set_up and stays until it is killed. Returns when set_up is done. */
pid_t bench_start_worker(void (*set_up)(const void *context), const void *context);
/* SIGKILL, and waits for the end. */
void bench_kill(pid_t pid);

#endif
