/* SPDX-License-Identifier: MIT */
/*
 * scraper.c - what a scrape does, without the HTTP: walk the segment, render the text
 */
#include "scraper.h"

#include "harness.h"

#include <shmetrics/shmetrics.h>
#include <string.h>

void scraper_open(scraper *s, const char *name)
{
	char path[4096];
	smx_error error;
	memset(s, 0, sizeof(*s));
	if (smx_segment_resolve(name, NULL, path, sizeof(path), &error) ||
	    smx_reader_open(path, NULL, &s->reader, &error) ||
	    smx_exposition_create(&s->exposition, &error) ||
	    smx_exposition_add(s->exposition, s->reader, &error))
		bench_fail("%s: %s", name, error.message);
}

double scraper_scrape_as(scraper *s, smx_format format)
{
	const smx_exposition_type type = {.format = format};
	smx_error error;
	s->buffer.size = 0;
	uint64_t begin = bench_cpu_now();
	smx_status status = smx_reader_walk(s->reader, &error);
	uint64_t walked = bench_cpu_now();
	if (status == SMX_OK)
		status = smx_exposition_render(s->exposition, type, NULL, 0, &s->buffer, &error);
	uint64_t end = bench_cpu_now();
	if (status)
		bench_fail("scrape: %s", error.message);
	s->walk_ns = (double)(walked - begin);
	return (double)(end - begin);
}

double scraper_scrape(scraper *s)
{
	return scraper_scrape_as(s, SMX_FORMAT_TEXT_004);
}

size_t scraper_line_count(const scraper *s)
{
	size_t lines = 0;
	for (size_t i = 0; i < s->buffer.size; i++)
		lines += s->buffer.data[i] == '\n';
	return lines;
}

void scraper_close(scraper *s)
{
	smx_exposition_destroy(s->exposition);
	smx_reader_close(s->reader);
	smx_buffer_free(&s->buffer);
}
