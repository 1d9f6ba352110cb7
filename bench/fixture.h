/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - the series that scrapes are measured on
 *
 * peers/multiprocess_worker.py records the same with prometheus_client: of `series`, six in ten are
 * counters, three are histograms with the default 14 bounds, one is a gauge of the mode LIVE_ALL;
 * ten families of each kind, two labels (gauges: one).
 */
#ifndef SHMETRICS_BENCH_FIXTURE_H
#define SHMETRICS_BENCH_FIXTURE_H

#include <stddef.h>
#include <sys/types.h>

enum { FIXTURE_WORKERS_MAX = 16 };

typedef struct fixture {
	const char *name; /* of the segment */
	size_t series;	  /* a multiple of 100 */
} fixture;

/* A child that has recorded to every series of the segment, and stays. */
pid_t fixture_start_worker(const fixture *f);

#endif
