/* SPDX-License-Identifier: MIT */
/*
 * scrape.c - what does a scrape cost, and how does that grow with the number of series?
 *
 *   scrape                      100 to 1,000,000 series, one live worker: time, time a line, time
 *                               against a memcpy of as many bytes; other formats against text
 *   scrape serve NAME SERIES WORKERS
 *                               for scrape.py: makes the segment, then answers lines on standard
 *                               input: "scrape" with the ns of one scrape, "text PATH" by writing
 *                               its text there
 */
#include "fixture.h"
#include "harness.h"
#include "scraper.h"

#include <fcntl.h>
#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRAPES_MAX = 201 };

static const struct {
	size_t series;
	size_t scrapes;
} sizes[] = {{100, 201}, {10000, 51}, {100000, 15}, {1000000, 5}};

static void remove_segment(const char *name)
{
	char path[4096];
	if (smx_segment_resolve(name, NULL, path, sizeof(path), NULL) == SMX_OK)
		unlink(path);
}

static void emit_size(size_t series, const char *what, double value, const char *unit)
{
	char name[128];
	snprintf(name, sizeof(name), "%zu series: %s", series, what);
	bench_emit(name, value, unit, BENCH_NO_TARGET, 0);
}

/* The other formats against text, scrape by scrape in turn: the machine is not always as fast. */
static void measure_formats(scraper *s, size_t series, size_t scrapes)
{
	static double ratio[SCRAPES_MAX];
	static const struct {
		smx_format format;
		const char *time, *size, *first;
	} formats[] = {
		{SMX_FORMAT_OPENMETRICS_100, "OpenMetrics / text", "bytes of OpenMetrics / text",
		 "the first in OpenMetrics / text"},
		{SMX_FORMAT_PROTOBUF, "protobuf / text", "bytes of protobuf / text",
		 "the first in protobuf / text"},
	};

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		double text_bytes = 0, first = scraper_scrape_as(s, formats[f].format);
		for (size_t i = 0; i < scrapes; i++) {
			double text_ns = scraper_scrape(s);
			text_bytes = (double)s->buffer.size;
			ratio[i] = scraper_scrape_as(s, formats[f].format) / text_ns;
			if (i == 0)
				first /= text_ns;
		}
		emit_size(series, formats[f].time, bench_median(ratio, scrapes), "x");
		emit_size(series, formats[f].size, (double)s->buffer.size / text_bytes, "x");
		emit_size(series, formats[f].first, first, "x");
	}
}

static void measure_size(size_t series, size_t scrapes)
{
	static double ns[SCRAPES_MAX], copy_ns[SCRAPES_MAX], ratio[SCRAPES_MAX];
	const char *name = "bench-scrape-size";
	scraper s;

	pid_t worker = fixture_start_worker(&(fixture){name, series});
	uint64_t begin = bench_now();
	scraper_open(&s, name);
	scraper_scrape(&s);
	double first_ns = (double)(bench_now() - begin);
	size_t lines = scraper_line_count(&s);
	char *copy = malloc(s.buffer.size);
	if (!copy)
		bench_fail("no memory");
	memcpy(copy, s.buffer.data, s.buffer.size);
	for (size_t i = 0; i < scrapes; i++) {
		ns[i] = scraper_scrape(&s);
		begin = bench_cpu_now();
		memcpy(copy, s.buffer.data, s.buffer.size);
		__asm__ volatile("" : : "r"(copy) : "memory");
		copy_ns[i] = (double)(bench_cpu_now() - begin);
		ratio[i] = ns[i] / copy_ns[i];
	}
	double scrape_ns = bench_median(ns, scrapes);
	emit_size(series, "scrape", scrape_ns / 1e6, "ms");
	emit_size(series, "a line", scrape_ns / (double)lines, "ns");
	emit_size(series, "bytes a line", (double)s.buffer.size / (double)lines, "B");
	emit_size(series, "scrape / memcpy of its text", bench_median(ratio, scrapes), "x");
	emit_size(series, "the first scrape, with attaching", first_ns / 1e6, "ms");
	free(copy);
	measure_formats(&s, series, scrapes);
	scraper_close(&s);
	bench_kill(worker);
	remove_segment(name);
}

static void write_text(const scraper *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, s->buffer.data, s->buffer.size) != (ssize_t)s->buffer.size)
		bench_fail("%s: %m", path);
	close(fd);
}

static int serve(const char *name, size_t series, size_t worker_count)
{
	pid_t workers[FIXTURE_WORKERS_MAX];
	char line[4096];
	scraper s;

	if (worker_count > FIXTURE_WORKERS_MAX)
		bench_fail("more than %d workers", FIXTURE_WORKERS_MAX);
	for (size_t i = 0; i < worker_count; i++)
		workers[i] = fixture_start_worker(&(fixture){name, series});
	uint64_t begin = bench_now();
	scraper_open(&s, name);
	scraper_scrape(&s);
	printf("%.0f\n", (double)(bench_now() - begin));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		double ns = scraper_scrape(&s);
		if (strncmp(line, "text ", 5) == 0)
			write_text(&s, line + 5);
		printf("%.0f\n", ns);
		fflush(stdout);
	}
	scraper_close(&s);
	while (worker_count > 0)
		bench_kill(workers[--worker_count]);
	remove_segment(name);
	return 0;
}

int main(int argument_count, char **arguments)
{
	bench_pin((size_t)getpid());
	if (argument_count == 5 && strcmp(arguments[1], "serve") == 0)
		return serve(arguments[2], strtoul(arguments[3], NULL, 10),
			     strtoul(arguments[4], NULL, 10));
	if (argument_count != 1)
		bench_fail("usage: scrape [serve NAME SERIES WORKERS]");
	size_t count = sizeof(sizes) / sizeof(sizes[0]);
	for (size_t i = 0; i < count - bench_is_quick(); i++)
		measure_size(sizes[i].series, sizes[i].scrapes);
	return 0;
}
