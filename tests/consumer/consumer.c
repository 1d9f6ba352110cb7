/* SPDX-License-Identifier: MIT */
/*
 * consumer.c - what a program that uses the installed library does: record, and read back
 */
#include <shmetrics/exposition.h>
#include <shmetrics/shmetrics.h>

#include <stdio.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

static int fail(const char *what, const smx_error *error)
{
	fprintf(stderr, "consumer: %s: %s\n", what, error->message);
	return 1;
}

int main(void)
{
	const char *label_names[] = {"method", "code"};
	smx_definition definition = {.name = "requests_total",
				     .help = "Requests answered",
				     .label_names = label_names,
				     .label_count = 2};
	smx_definition latency = {.name = "latency_seconds", .help = "Natively"};
	smx_native_histogram_family latencies;
	smx_exposition *exposition;
	smx_counter_family family;
	smx_buffer buffer = {0};
	smx_segment *segment;
	smx_reader *reader;
	smx_error error;
	int result = 0;

	if (strcmp(smx_version(), SMX_VERSION) != 0)
		return 2;
	if (smx_segment_open_private(NULL, &segment, &error) != SMX_OK)
		return fail("open", &error);
	if (smx_counter_define(segment, &definition, &family, &error) != SMX_OK)
		return fail("define", &error);
	if (smx_native_histogram_define(segment, &latency, NULL, &latencies, &error) != SMX_OK)
		return fail("define", &error);
	smx_native_histogram_observe(smx_native_histogram_with(latencies, NULL), 0.25);
	smx_counter_inc(smx_counter_with(family, (const char *[]){"GET", "200"}));
	if (smx_reader_open_segment(segment, &reader, &error) != SMX_OK ||
	    smx_exposition_create(&exposition, &error) != SMX_OK ||
	    smx_exposition_add(exposition, reader, &error) != SMX_OK ||
	    smx_exposition_render(exposition, text_004, NULL, 0, &buffer, &error) != SMX_OK)
		return fail("render", &error);
	smx_buffer_append(&buffer, "", 1);
	if (!strstr(buffer.data, "requests_total{method=\"GET\",code=\"200\"} 1\n") ||
	    !strstr(buffer.data, "latency_seconds_count 1\n"))
		result = 3;
	smx_buffer_free(&buffer);
	smx_exposition_destroy(exposition);
	smx_reader_close(reader);
	smx_segment_close(segment);
	return result;
}
