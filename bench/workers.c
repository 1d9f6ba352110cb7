/* SPDX-License-Identifier: MIT */
/*
 * workers.c - what does a live worker add to a scrape, and what a dead one?
 *
 * Live: 1 to 128 processes hold a value of each gauge of a segment with 1,000 gauges (mode
 * LIVE_SUM: one line a gauge, however many workers) and of one with a single gauge. The slopes of
 * the scrape's time over the number of workers give the fixed cost of a worker and the cost of a
 * worker's gauge.
 *
 * Dead: the same four processes live in two segments; to one of them come 1,000 more that set all
 * gauges and are killed, first one after another (restarts), then all at once. The other is the
 * control: both are scraped in turn, so that nothing but the dead tells them apart.
 */
#include "harness.h"
#include "scraper.h"

#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <unistd.h>

enum { GAUGES = 1000, LIVE_MAX = 128, LIVE_OF_DEAD = 4, DEAD = 1000, SCRAPES = 151 };

static const size_t live_steps[] = {1, 4, 16, 64, LIVE_MAX};
enum { STEPS = sizeof(live_steps) / sizeof(live_steps[0]) };

/* Segments in which a worker sets gauges; a name of NULL ends the list. */
typedef struct gauges {
	const char *name;
	int count;
} gauges;

static void set_gauges(const void *context)
{
	static const char *const label_names[] = {"pool"};
	smx_definition definition = {
		.name = "level", .help = "A level.", .label_names = label_names, .label_count = 1};
	for (const gauges *g = context; g->name; g++) {
		smx_segment *segment;
		smx_gauge_family family;
		smx_error error;
		if (smx_segment_open(g->name, NULL, &segment, &error) ||
		    smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_SUM, &family, &error))
			bench_fail("%s: %s", g->name, error.message);
		for (int i = 0; i < g->count; i++) {
			char pool[16];
			snprintf(pool, sizeof(pool), "pool_%d", i);
			smx_gauge_set(smx_gauge_with(family, (const char *const[]){pool}), i);
		}
	}
}

typedef struct both {
	double first_ns;
	double second_ns;
	double first_walk_ns;
	double ratio; /* median of first against second */
} both;

static both scrape_both(scraper *first, scraper *second)
{
	static double a[SCRAPES], b[SCRAPES], walk[SCRAPES], ratio[SCRAPES];
	size_t count = bench_is_quick() ? SCRAPES / 3 : SCRAPES;
	scraper_scrape(first);
	scraper_scrape(second);
	for (size_t i = 0; i < count; i++) {
		if (i % 2)
			b[i] = scraper_scrape(second);
		a[i] = scraper_scrape(first);
		walk[i] = first->walk_ns;
		if (i % 2 == 0)
			b[i] = scraper_scrape(second);
		ratio[i] = a[i] / b[i];
	}
	return (both){bench_median(a, count), bench_median(b, count), bench_median(walk, count),
		      bench_median(ratio, count)};
}

static void live_workers(void)
{
	double live[STEPS], thousand[STEPS], walk[STEPS], one[STEPS];
	pid_t workers[LIVE_MAX];
	size_t started = 0;
	scraper of_thousand, of_one;
	const gauges of_live[] = {
		{"bench-workers-1000", GAUGES}, {"bench-workers-1", 1}, {NULL, 0}};

	for (size_t step = 0; step < STEPS; step++) {
		while (started < live_steps[step])
			workers[started++] = bench_start_worker(set_gauges, of_live);
		if (step == 0) {
			scraper_open(&of_thousand, "bench-workers-1000");
			scraper_open(&of_one, "bench-workers-1");
		}
		both ns = scrape_both(&of_thousand, &of_one);
		if (smx_reader_writer_count(of_thousand.reader) != started)
			bench_fail("%zu workers live, the reader sees %zu", started,
				   smx_reader_writer_count(of_thousand.reader));
		live[step] = (double)started;
		thousand[step] = ns.first_ns;
		walk[step] = ns.first_walk_ns;
		one[step] = ns.second_ns;
		char name[128];
		snprintf(name, sizeof(name), "scrape of 1,000 gauges, %zu live", started);
		bench_emit(name, ns.first_ns / 1e3, "us", BENCH_NO_TARGET, 0);
		snprintf(name, sizeof(name), "scrape of one gauge, %zu live", started);
		bench_emit(name, ns.second_ns / 1e3, "us", BENCH_NO_TARGET, 0);
	}
	double slope_thousand = bench_slope(live, thousand, STEPS);
	double slope_one = bench_slope(live, one, STEPS);
	bench_emit("a further live worker, 1,000 gauges", slope_thousand, "ns", BENCH_AT_MOST,
		   2000);
	bench_emit("of that, in the walk", bench_slope(live, walk, STEPS), "ns", BENCH_NO_TARGET,
		   0);
	bench_emit("a further live worker, one gauge", slope_one, "ns", BENCH_AT_MOST, 1001);
	bench_emit("a further live worker, per gauge", (slope_thousand - slope_one) / (GAUGES - 1),
		   "ns", BENCH_NO_TARGET, 0);
	scraper_close(&of_thousand);
	scraper_close(&of_one);
	while (started > 0)
		bench_kill(workers[--started]);
}

static void dead_workers(void)
{
	static pid_t doomed[DEAD];
	pid_t workers[LIVE_OF_DEAD];
	int dead = bench_is_quick() ? DEAD / 5 : DEAD;
	scraper struck, control;
	char name[128];
	const gauges of_live[] = {
		{"bench-workers-struck", GAUGES}, {"bench-workers-control", GAUGES}, {NULL, 0}};
	const gauges of_doomed[] = {{"bench-workers-struck", GAUGES}, {NULL, 0}};

	for (int i = 0; i < LIVE_OF_DEAD; i++)
		workers[i] = bench_start_worker(set_gauges, of_live);
	scraper_open(&struck, "bench-workers-struck");
	scraper_open(&control, "bench-workers-control");
	double before = scrape_both(&struck, &control).ratio;

	for (int i = 0; i < dead; i++)
		bench_kill(bench_start_worker(set_gauges, of_doomed));
	double restarted = scrape_both(&struck, &control).ratio;
	snprintf(name, sizeof(name), "after %d killed one by one / before", dead);
	bench_emit(name, restarted / before, "x", BENCH_AT_MOST, 1.05);

	for (int i = 0; i < dead; i++)
		doomed[i] = bench_start_worker(set_gauges, of_doomed);
	for (int i = 0; i < dead; i++)
		bench_kill(doomed[i]);
	both after = scrape_both(&struck, &control);
	snprintf(name, sizeof(name), "after %d killed at once / before", dead);
	bench_emit(name, after.ratio / before, "x", BENCH_AT_MOST, 1.05);
	bench_emit("scrape of 1,000 gauges, 4 live, after that", after.first_ns / 1e3, "us",
		   BENCH_NO_TARGET, 0);
	bench_emit("the same without any dead (control)", after.second_ns / 1e3, "us",
		   BENCH_NO_TARGET, 0);

	scraper_close(&struck);
	scraper_close(&control);
	for (int i = 0; i < LIVE_OF_DEAD; i++)
		bench_kill(workers[i]);
}

int main(void)
{
	bench_pin((size_t)getpid());
	live_workers();
	dead_workers();
	return 0;
}
