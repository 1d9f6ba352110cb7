/* SPDX-License-Identifier: MIT */
/*
 * compress.c - what does gzip add to a scrape, at each level, and what does it save?
 *
 * The text of 10,000 series, rendered and then compressed as the collector does it (libdeflate, one
 * thread). The levels take turns, so that a slow moment of the machine meets all of them.
 */
#include "fixture.h"
#include "harness.h"
#include "scraper.h"

#include <libdeflate.h>
#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SERIES = 10000, ROUNDS = 15 };

static const int levels[] = {0, 1, 2, 3, 4, 6, 9};
enum { LEVEL_COUNT = sizeof(levels) / sizeof(levels[0]) };

struct level {
	struct libdeflate_compressor *compressor;
	double ns[ROUNDS];
	size_t size;
};

static void measure_level(struct level *level, const scraper *s, char *room, size_t round)
{
	uint64_t begin = bench_cpu_now();

	level->size = libdeflate_gzip_compress(level->compressor, s->buffer.data, s->buffer.size,
					       room, 2 * s->buffer.size);
	level->ns[round] = (double)(bench_cpu_now() - begin);
	if (level->size == 0)
		bench_fail("no room");
}

static void emit_level(int number, const char *what, double value, const char *unit)
{
	char name[64];

	snprintf(name, sizeof(name), "level %d: %s", number, what);
	bench_emit(name, value, unit, BENCH_NO_TARGET, 0);
}

static void emit(struct level *all, const scraper *s, double scrape_ns)
{
	bench_emit("the text", (double)s->buffer.size / 1e6, "MB", BENCH_NO_TARGET, 0);
	bench_emit("the scrape without gzip", scrape_ns / 1e6, "ms", BENCH_NO_TARGET, 0);
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		double ns = bench_median(all[i].ns, ROUNDS);

		emit_level(levels[i], "time", ns / 1e6, "ms");
		emit_level(levels[i], "text / gzip", (double)s->buffer.size / (double)all[i].size,
			   "x");
		emit_level(levels[i], "with gzip / without", (scrape_ns + ns) / scrape_ns, "x");
	}
}

int main(void)
{
	static struct level all[LEVEL_COUNT];
	static double scrape_ns[ROUNDS];
	const char *name = "bench-compress";
	char path[4096], *room;
	pid_t worker;
	scraper s;

	bench_pin((size_t)getpid());
	worker = fixture_start_worker(&(fixture){name, SERIES});
	scraper_open(&s, name);
	scraper_scrape(&s);
	room = malloc(2 * s.buffer.size);
	for (size_t i = 0; i < LEVEL_COUNT; i++)
		all[i].compressor = libdeflate_alloc_compressor(levels[i]);
	for (size_t round = 0; room && round < ROUNDS; round++) {
		scrape_ns[round] = scraper_scrape(&s);
		for (size_t i = 0; i < LEVEL_COUNT; i++)
			measure_level(&all[i], &s, room, round);
	}
	emit(all, &s, bench_median(scrape_ns, ROUNDS));
	for (size_t i = 0; i < LEVEL_COUNT; i++)
		libdeflate_free_compressor(all[i].compressor);
	free(room);
	scraper_close(&s);
	bench_kill(worker);
	if (smx_segment_resolve(name, NULL, path, sizeof(path), NULL) == SMX_OK)
		unlink(path);
	return 0;
}
