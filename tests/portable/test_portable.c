/* SPDX-License-Identifier: MIT */
/*
 * test_portable.c - on any system: private segments do everything within one process, named ones
 * are refused
 */
#include "shmetrics/exposition.h"
#include "shmetrics/shmetrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static const char expected[] = "# HELP g Gauge\n"
			       "# TYPE g gauge\n"
			       "g 2.5\n"
			       "# HELP h Histogram\n"
			       "# TYPE h histogram\n"
			       "h_bucket{le=\"1.0\"} 1\n"
			       "h_bucket{le=\"+Inf\"} 2\n"
			       "h_sum 3.5\n"
			       "h_count 2\n"
			       "# HELP x_total Counter\n"
			       "# TYPE x_total counter\n"
			       "x_total{l=\"v\"} 3\n";

static void record(smx_segment *segment)
{
	static const double bounds[] = {1};
	const char *labels[] = {"l"};
	smx_definition counter = {
		.name = "x", .help = "Counter", .label_names = labels, .label_count = 1};
	smx_definition gauge = {.name = "g", .help = "Gauge"},
		       histogram = {.name = "h", .help = "Histogram"};
	smx_counter_family counters;
	smx_gauge_family gauges;
	smx_histogram_family histograms;

	CHECK(smx_counter_define(segment, &counter, &counters, NULL) == SMX_OK);
	CHECK(smx_gauge_define(segment, &gauge, SMX_GAUGE_LIVE_MAX, &gauges, NULL) == SMX_OK);
	CHECK(smx_histogram_define(segment, &histogram, bounds, 1, &histograms, NULL) == SMX_OK);
	smx_counter_add(smx_counter_with(counters, (const char *[]){"v"}), 3);
	smx_gauge_set(smx_gauge_with(gauges, NULL), 2.5);
	smx_histogram_observe(smx_histogram_with(histograms, NULL), 1);
	smx_histogram_observe(smx_histogram_with(histograms, NULL), 2.5);
}

int main(void)
{
	smx_exposition *exposition;
	smx_buffer buffer = {0};
	smx_segment *segment;
	smx_reader *reader;
	smx_error error;

	CHECK(smx_segment_open("named", NULL, &segment, &error) == SMX_ERR_UNSUPPORTED);
	CHECK(strstr(error.message, "need Linux"));
	CHECK(smx_segment_open_private(NULL, &segment, &error) == SMX_OK);
	record(segment);
	CHECK(smx_reader_open_segment(segment, &reader, &error) == SMX_OK);
	CHECK(smx_exposition_create(&exposition, &error) == SMX_OK);
	CHECK(smx_exposition_add(exposition, reader, &error) == SMX_OK);
	CHECK(smx_exposition_render(exposition, text_004, NULL, 0, &buffer, &error) == SMX_OK);
	CHECK(buffer.size == strlen(expected) && memcmp(buffer.data, expected, buffer.size) == 0);
	smx_buffer_free(&buffer);
	smx_exposition_destroy(exposition);
	smx_reader_close(reader);
	smx_segment_close(segment);
	puts("portable: all good");
	return 0;
}
