/* SPDX-License-Identifier: MIT */
/*
 * after_fork.c - how soon after a fork has the child recorded, by the number of series?
 *
 * From before fork(2) in the parent to after the first increment and the first gauge update in the
 * child, which has its own slot by then; and the increment alone. Beside it the same process forks
 * without a segment of that size: the difference is what the fork handler does.
 */
#include "harness.h"

#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERIES = 100000, GAUGES = 1000, FORKS_MAX = 201 };

/* Shared with the child. */
typedef struct moments {
	uint64_t forked, returned, incremented, set;
} moments;

static moments *moment;

static smx_segment *make_segment(const char *name, unsigned series, smx_counter *counter,
				 smx_gauge *gauge)
{
	static const char *const labels[] = {"id"};
	smx_segment_options options = {.size_max_bytes = UINT64_C(1) << 30,
				       .series_max = 2 * SERIES,
				       .family_series_max = 2 * SERIES};
	smx_definition definition = {.name = "c", .label_names = labels, .label_count = 1};
	smx_counter_family counters;
	smx_gauge_family gauges;
	smx_segment *segment;
	smx_error error;
	char id[16];
	const char *values[] = {id};

	if (smx_segment_open(name, &options, &segment, &error) ||
	    smx_counter_define(segment, &definition, &counters, &error))
		bench_fail("%s", error.message);
	definition.name = "g";
	if (smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_SUM, &gauges, &error))
		bench_fail("%s", error.message);
	for (unsigned i = 0; i < series; i++) {
		snprintf(id, sizeof id, "%u", i);
		*counter = smx_counter_with(counters, values);
		if (i < GAUGES)
			*gauge = smx_gauge_with(gauges, values);
	}
	return segment;
}

/* The child's moments, each less the one before fork. */
static void fork_once(smx_counter counter, smx_gauge gauge, double out[3])
{
	pid_t pid;

	moment->forked = bench_now();
	pid = fork();
	if (pid == 0) {
		moment->returned = bench_now();
		smx_counter_inc(counter);
		moment->incremented = bench_now();
		smx_gauge_inc(gauge);
		moment->set = bench_now();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		bench_fail("fork: %m");
	out[0] = (double)(moment->set - moment->forked);
	out[1] = (double)(moment->incremented - moment->returned);
	out[2] = (double)(moment->set - moment->incremented);
}

static void measure(const char *name, unsigned series, const char *what)
{
	unsigned forks = bench_is_quick() ? 31 : FORKS_MAX;
	double columns[3][FORKS_MAX], out[3];
	smx_counter counter = {NULL};
	smx_gauge gauge = {NULL};
	smx_segment *segment = make_segment(name, series, &counter, &gauge);
	char text[128];

	for (unsigned i = 0; i < forks; i++) {
		fork_once(counter, gauge, out);
		for (int column = 0; column < 3; column++)
			columns[column][i] = out[column];
	}
	snprintf(text, sizeof text, "%s: fork, claim, first increments", what);
	bench_emit(text, bench_median(columns[0], forks) / 1e3, "us", BENCH_NO_TARGET, 0);
	snprintf(text, sizeof text, "%s: the first increment alone", what);
	bench_emit(text, bench_median(columns[1], forks) / 1e3, "us", BENCH_AT_MOST, 1000);
	snprintf(text, sizeof text, "%s: the first gauge update alone", what);
	bench_emit(text, bench_median(columns[2], forks) / 1e3, "us", BENCH_AT_MOST, 1000);
	smx_segment_close(segment);
}

int main(void)
{
	moment = mmap(NULL, sizeof *moment, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (moment == MAP_FAILED)
		bench_fail("mmap: %m");
	measure("bench-fork-few", 10, "10 series");
	measure("bench-fork-many", SERIES, "100,000 series");
	return 0;
}
