/* SPDX-License-Identifier: MIT */
/*
 * scaling.c - do two processes that record to one series get in each other's way?
 *
 * Two workers, each pinned to a processor of its own, are let go for a fixed interval, one alone
 * (in turn) or both at once, and their rates are added up. Intervals of one and of two, and of all
 * cases, alternate. The workers are forked processes in the first pass and threads of one process
 * in the second. The peer is the same loop on a single atomic word in shared memory.
 */
#include "harness.h"

#include <pthread.h>
#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <sys/mman.h>

enum { WORKERS = 2, BATCH = 256, ROUNDS = 20, ROUNDS_QUICK = 6 };
enum { CASE_COUNTER, CASE_HISTOGRAM, CASE_WORD, CASES };

static const uint64_t interval_ns = 10000000;
static const char *const case_names[CASES] = {"smx_counter_inc", "smx_histogram_observe",
					      "peer: one atomic word"};

/* In shared memory: what a worker is to do, and what it did. */
typedef struct shared {
	pthread_barrier_t barrier;
	unsigned active; /* a bit a worker; 0: the end */
	unsigned which;	 /* CASE_* */
	uint64_t begin_ns;
	double rate[WORKERS]; /* operations per ns */
	char pad[512];
	uint64_t word;
} shared;

static shared *common;
static smx_counter counter;
static smx_histogram histogram;

static void batch(unsigned which)
{
	switch (which) {
	case CASE_COUNTER:
		for (int i = 0; i < BATCH; i++)
			smx_counter_inc(counter);
		break;
	case CASE_HISTOGRAM:
		for (int i = 0; i < BATCH; i++)
			smx_histogram_observe(histogram, 0.02);
		break;
	default:
		for (int i = 0; i < BATCH; i++)
			__atomic_fetch_add(&common->word, 1, __ATOMIC_RELAXED);
	}
}

static double measure(unsigned which, uint64_t begin)
{
	uint64_t now, done = 0;
	while (bench_now() < begin)
		;
	do {
		batch(which);
		done += BATCH;
		now = bench_now();
	} while (now < begin + interval_ns);
	return (double)done / (double)(now - begin);
}

static void work(unsigned index)
{
	bench_pin(index);
	for (;;) {
		pthread_barrier_wait(&common->barrier);
		if (!common->active)
			return;
		if (common->active & (1u << index))
			common->rate[index] = measure(common->which, common->begin_ns);
		pthread_barrier_wait(&common->barrier);
	}
}

static void *thread_main(void *argument)
{
	work((unsigned)(uintptr_t)argument);
	return NULL;
}

static double interval(unsigned which, unsigned active)
{
	double rate = 0;
	common->which = which;
	common->active = active;
	common->begin_ns = bench_now() + 300000; /* time to wake up in */
	pthread_barrier_wait(&common->barrier);
	pthread_barrier_wait(&common->barrier);
	for (unsigned i = 0; i < WORKERS; i++)
		if (active & (1u << i))
			rate += common->rate[i];
	return rate;
}

/* Drives workers that already wait at the barrier, and lets them end. */
static void drive(const char *kind)
{
	static double one[CASES][ROUNDS], two[CASES][ROUNDS], ratio[CASES][ROUNDS];
	size_t rounds = bench_is_quick() ? ROUNDS_QUICK : ROUNDS;
	char name[128];

	for (unsigned which = 0; which < CASES; which++)
		interval(which, 3);
	for (size_t round = 0; round < rounds; round++) {
		for (unsigned k = 0; k < CASES; k++) {
			unsigned which = round % 2 ? CASES - 1 - k : k;
			one[which][round] = (interval(which, 1) + interval(which, 2)) / 2;
			two[which][round] = interval(which, 3);
			ratio[which][round] = two[which][round] / one[which][round];
		}
	}
	common->active = 0;
	pthread_barrier_wait(&common->barrier);

	for (unsigned which = 0; which < CASES; which++) {
		bench_bound bound = which == CASE_COUNTER ? BENCH_AT_LEAST : BENCH_NO_TARGET;
		snprintf(name, sizeof(name), "%s, one of two %s", case_names[which], kind);
		bench_emit(name, bench_median(one[which], rounds) * 1e3, "M/s", BENCH_NO_TARGET, 0);
		snprintf(name, sizeof(name), "%s, two %s", case_names[which], kind);
		bench_emit(name, bench_median(two[which], rounds) * 1e3, "M/s", BENCH_NO_TARGET, 0);
		snprintf(name, sizeof(name), "%s, two %s / one", case_names[which], kind);
		bench_emit(name, bench_median(ratio[which], rounds), "x", bound, 1.7);
	}
}

static void with_processes(void)
{
	pid_t workers[WORKERS];
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = bench_fork();
		if (workers[i] == 0) {
			work(i);
			_Exit(0);
		}
	}
	drive("processes");
	for (unsigned i = 0; i < WORKERS; i++)
		bench_kill(workers[i]);
}

static void with_threads(void)
{
	pthread_t workers[WORKERS];
	for (uintptr_t i = 0; i < WORKERS; i++)
		if (pthread_create(&workers[i], NULL, thread_main, (void *)i))
			bench_fail("pthread_create failed");
	drive("threads");
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
}

int main(void)
{
	pthread_barrierattr_t attributes;
	smx_segment *segment;
	smx_counter_family counters;
	smx_histogram_family histograms;
	smx_error error;

	if (bench_cpu_count() < WORKERS)
		bench_fail("needs %d processors", WORKERS);
	if (smx_segment_open("bench-scaling", NULL, &segment, &error) ||
	    smx_counter_define(segment, &(smx_definition){.name = "shared", .help = "A counter."},
			       &counters, &error) ||
	    smx_histogram_define(segment,
				 &(smx_definition){.name = "seconds", .help = "Durations."}, NULL,
				 0, &histograms, &error))
		bench_fail("%s", error.message);
	counter = smx_counter_with(counters, NULL);
	histogram = smx_histogram_with(histograms, NULL);

	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (common == MAP_FAILED)
		bench_fail("mmap: %m");
	pthread_barrierattr_init(&attributes);
	pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&common->barrier, &attributes, WORKERS + 1);

	with_processes();
	with_threads();
	smx_segment_close(segment);
	return 0;
}
