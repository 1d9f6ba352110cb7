/* SPDX-License-Identifier: MIT */
/*
 * dump.c - `shmetrics dump`: what is in a segment, as a scraper would see it or as JSON
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "details.h"
#include "json.h"
#include "shmetrics/exposition.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"
#include "tool.h"

static const char dump_help[] =
	"Usage: shmetrics dump [--json] NAME\n\n"
	"Prints what the segment NAME holds at this moment: in the Prometheus text format, as the "
	"collector\n"
	"would serve it, or as JSON with every definition, series and process.\n\n"
	"      --json  as JSON: whole numbers in full (up to 2^64 - 1); +Inf, -Inf and NaN as "
	"strings; the\n"
	"              \"count\" of a bucket includes the buckets below\n"
	"  -h, --help  this text\n\n"
	"Examples:\n"
	"  shmetrics dump shop | grep http_requests_total\n"
	"  shmetrics dump --json shop | jq '.families[] | {name, kind, series: (.series | "
	"length)}'\n";

static int main_dump(int argc, char **argv);

const struct tool_command dump_command = {
	.name = "dump",
	.summary = "print the metrics in a segment",
	.help = dump_help,
	.main = main_dump,
};

/* ---- text ---- */

static int print_text(smx_reader *reader)
{
	smx_exposition *exposition = NULL;
	smx_buffer buffer = {.size = 0};
	smx_error error = {0};
	int status = TOOL_FAILED;

	if (smx_exposition_create(&exposition, &error) != SMX_OK ||
	    smx_exposition_add(exposition, reader, &error) != SMX_OK ||
	    smx_exposition_render(exposition, SMX_FORMAT_TEXT_004, NULL, 0, &buffer, &error) !=
		    SMX_OK) {
		say("%s", error.message);
	} else {
		fwrite(buffer.data, 1, buffer.size, stdout);
		status = finish_output(TOOL_DONE);
	}
	smx_exposition_destroy(exposition);
	smx_buffer_free(&buffer);
	return status;
}

/* ---- JSON ---- */

/* Room for the numbers of one series of any family. */
struct scratch {
	uint64_t *counts;
	smx_gauge_sample *samples;
};

static bool make_scratch(struct scratch *scratch, const smx_reader *reader)
{
	size_t bound_most = 0;

	for (size_t i = 0; i < smx_reader_family_count(reader); i++)
		if (smx_reader_family(reader, i)->bound_count > bound_most)
			bound_most = smx_reader_family(reader, i)->bound_count;
	scratch->counts = calloc(bound_most + 1, sizeof(*scratch->counts));
	scratch->samples = calloc(smx_reader_holder_count(reader) + 1, sizeof(*scratch->samples));
	return scratch->counts && scratch->samples;
}

static void put_counter(struct json *json, smx_counter_sample sample)
{
	if (sample.fraction == 0)
		json_whole(json, "value", sample.whole);
	else
		json_double(json, "value", (double)sample.whole + sample.fraction);
}

static void put_histogram(struct json *json, const smx_family_view *family, const uint64_t *counts,
			  double sum)
{
	uint64_t total = 0;

	for (size_t i = 0; i <= family->bound_count; i++)
		total += counts[i];
	json_whole(json, "count", total);
	json_double(json, "sum", sum);
	json_open(json, "buckets", '[');
	total = 0;
	for (size_t i = 0; i <= family->bound_count; i++) {
		total += counts[i];
		json_open(json, NULL, '{');
		if (i < family->bound_count)
			json_double(json, "le", family->bounds[i]);
		else
			json_string(json, "le", "+Inf");
		json_whole(json, "count", total);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static bool is_most_recent(smx_gauge_mode mode)
{
	return mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT;
}

/* What is served of a gauge in a mode that combines the processes' values. */
static void put_total(struct json *json, smx_reader *reader, const smx_series_view *series)
{
	smx_gauge_mode mode = series->family->mode;
	smx_gauge_sample total;

	if (mode == SMX_GAUGE_LIVE_ALL || mode == SMX_GAUGE_ALL)
		return;
	if (smx_reader_gauge_total(reader, series, &total) > 0 || mode == SMX_GAUGE_LIVE_SUM ||
	    mode == SMX_GAUGE_SUM)
		json_double(json, "value", total.value);
}

static void put_gauge(struct json *json, smx_reader *reader, const smx_series_view *series,
		      const smx_gauge_sample *samples, size_t count)
{
	put_total(json, reader, series);
	json_open(json, "values", '[');
	for (size_t i = 0; i < count; i++) {
		const smx_writer_view *writer = smx_reader_writer(reader, samples[i].writer);

		json_open(json, NULL, '{');
		if (writer)
			json_whole(json, "pid", writer->pid);
		if (writer && !writer->live)
			json_bool(json, "live", false);
		json_double(json, "value", samples[i].value);
		if (is_most_recent(series->family->mode))
			json_whole(json, "set_monotonic_ns", samples[i].stamp_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static bool was_recorded(const smx_family_view *family, smx_counter_sample counter,
			 const uint64_t *counts, size_t gauge_count)
{
	uint64_t total = 0;

	if (family->kind == SMX_COUNTER)
		return counter.whole > 0 || counter.fraction > 0;
	if (family->kind == SMX_GAUGE)
		return gauge_count > 0;
	for (size_t i = 0; i <= family->bound_count; i++)
		total += counts[i];
	return total > 0;
}

static void put_series(struct json *json, smx_reader *reader, const smx_family_view *family,
		       const smx_series_view *series, const struct scratch *scratch)
{
	smx_counter_sample counter = {0};
	size_t gauge_count = 0;
	double sum = 0;

	if (family->kind == SMX_COUNTER)
		counter = smx_reader_counter(reader, series);
	else if (family->kind == SMX_HISTOGRAM)
		smx_reader_histogram(reader, series, scratch->counts, &sum);
	else if (family->kind == SMX_GAUGE)
		gauge_count = smx_reader_gauge(reader, series, scratch->samples);
	else
		return;
	if (series->overflow && !was_recorded(family, counter, scratch->counts, gauge_count))
		return;
	json_open(json, NULL, '{');
	json_open(json, "labels", '{');
	for (size_t i = 0; i < family->label_count; i++)
		json_text_of(json, family->label_names[i], series->label_values[i]);
	json_close(json, '}');
	if (series->overflow)
		json_bool(json, "overflow", true);
	if (series->removed)
		json_bool(json, "removed", true);
	json_time(json, "created", series->created_unix_ns);
	if (family->kind == SMX_COUNTER)
		put_counter(json, counter);
	else if (family->kind == SMX_HISTOGRAM)
		put_histogram(json, family, scratch->counts, sum);
	else
		put_gauge(json, reader, series, scratch->samples, gauge_count);
	json_close(json, '}');
}

static void put_family(struct json *json, smx_reader *reader, const smx_family_view *family,
		       const struct scratch *scratch)
{
	json_open(json, NULL, '{');
	json_text(json, "name", family->name);
	json_string(json, "kind", smx_kind_name(family->kind));
	if (family->kind == SMX_GAUGE)
		json_string(json, "mode", smx_gauge_mode_name(family->mode));
	json_text(json, "help", family->help);
	json_text(json, "unit", family->unit);
	json_open(json, "label_names", '[');
	for (size_t i = 0; i < family->label_count; i++)
		json_text(json, NULL, family->label_names[i]);
	json_close(json, ']');
	json_time(json, "created", family->created_unix_ns);
	json_whole(json, "live_writers", family->live_writers);
	json_bool(json, "served", family->served);
	json_open(json, "series", '[');
	for (size_t i = 0; i < family->series_count; i++)
		put_series(json, reader, family, smx_reader_series(reader, family, i), scratch);
	json_close(json, ']');
	json_close(json, '}');
}

static int print_json(smx_reader *reader)
{
	struct json json = {.depth = 0};
	struct scratch scratch = {NULL, NULL};
	size_t writer_count;
	smx_writer_view *writers = details_copy_writers(reader, &writer_count);
	int status = TOOL_FAILED;

	if (!writers || !make_scratch(&scratch, reader)) {
		say("out of memory");
		goto out;
	}
	json_open(&json, NULL, '{');
	json_string(&json, "path", smx_reader_path(reader));
	details_information(&json, smx_reader_information(reader));
	details_writers(&json, writers, writer_count);
	json_open(&json, "families", '[');
	for (size_t i = 0; i < smx_reader_family_count(reader); i++)
		put_family(&json, reader, smx_reader_family(reader, i), &scratch);
	json_close(&json, ']');
	json_close(&json, '}');
	status = json_print(&json);
out:
	free(writers);
	free(scratch.counts);
	free(scratch.samples);
	return status;
}

static int dump(const char *name, bool json)
{
	static const smx_reader_options any_owner = {.flags = SMX_READER_ANY_OWNER};
	char path[PATH_MAX];
	smx_reader *reader = NULL;
	smx_error error = {0};
	int status = TOOL_FAILED;

	if (smx_segment_resolve(name, NULL, path, sizeof(path), &error) != SMX_OK ||
	    smx_reader_open(path, &any_owner, &reader, &error) != SMX_OK ||
	    smx_reader_walk(reader, &error) != SMX_OK)
		say("%s", error.message);
	else
		status = json ? print_json(reader) : print_text(reader);
	smx_reader_close(reader);
	return status;
}

static int main_dump(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	bool json = false;
	int status;
	int option;

	while ((option = options_next(&dump_command, argc, argv, ":h", longs, &status)) !=
	       OPTION_END) {
		if (option == OPTION_EXIT)
			return status;
		json = true;
	}
	if (optind >= argc)
		return say_usage(
			"dump",
			"dump: the NAME of a segment is missing; 'shmetrics ls' lists them");
	if (optind + 1 < argc)
		return say_usage("dump", "dump: takes one NAME, not also '%s'", argv[optind + 1]);
	smx_reader_guard_install(NULL);
	return dump(argv[optind], json);
}
