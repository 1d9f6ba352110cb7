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
#include "values.h"

static const char dump_help[] =
	"Usage: shmetrics dump [--json | --openmetrics] NAME\n\n"
	"Prints what the segment NAME holds at this moment: in the Prometheus text format, as the "
	"collector\n"
	"would serve it, in OpenMetrics, or as JSON with every definition, series and process.\n\n"
	"      --json         as JSON: whole numbers in full (up to 2^64 - 1); +Inf, -Inf and NaN "
	"as strings;\n"
	"                     the \"count\" of a bucket includes the buckets below\n"
	"      --openmetrics  as OpenMetrics 1.0, which also has exemplars and units\n"
	"  -h, --help         this text\n\n"
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

static int print_text(smx_reader *reader, smx_exposition_type type)
{
	smx_exposition *exposition = NULL;
	smx_buffer buffer = {.size = 0};
	smx_error error = {0};
	int status = TOOL_FAILED;

	if (smx_exposition_create(&exposition, &error) != SMX_OK ||
	    smx_exposition_add(exposition, reader, &error) != SMX_OK ||
	    smx_exposition_render(exposition, type, NULL, 0, &buffer, &error) != SMX_OK) {
		say("%s", error.message);
	} else {
		smx_emit_end(&buffer, type);
		fwrite(buffer.data, 1, buffer.size, stdout);
		status = finish_output(TOOL_DONE);
	}
	smx_exposition_destroy(exposition);
	smx_buffer_free(&buffer);
	return status;
}

/* ---- JSON ---- */

static void put_family(struct json *json, smx_reader *reader, const smx_family_view *family,
		       struct values *values)
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
	if (family->kind == SMX_STATE_SET) {
		json_open(json, "states", '[');
		for (size_t i = 0; i < family->state_count; i++)
			json_text(json, NULL, family->states[i]);
		json_close(json, ']');
	}
	json_time(json, "created", family->created_unix_ns);
	json_whole(json, "live_writers", family->live_writers);
	json_bool(json, "served", family->served);
	json_open(json, "series", '[');
	for (size_t i = 0; i < family->series_count; i++)
		values_put_series(json, reader, smx_reader_series(reader, family, i), values);
	json_close(json, ']');
	json_close(json, '}');
}

static int print_json(smx_reader *reader)
{
	struct json json = {.depth = 0};
	struct values values = {.counts = NULL};
	size_t writer_count;
	smx_writer_view *writers = details_copy_writers(reader, &writer_count);
	int status = TOOL_FAILED;

	if (!writers || !values_make(&values, reader)) {
		say("out of memory");
		goto out;
	}
	json_open(&json, NULL, '{');
	json_string(&json, "path", smx_reader_path(reader));
	details_information(&json, smx_reader_information(reader));
	details_writers(&json, writers, writer_count);
	json_open(&json, "families", '[');
	for (size_t i = 0; i < smx_reader_family_count(reader); i++)
		put_family(&json, reader, smx_reader_family(reader, i), &values);
	json_close(&json, ']');
	json_close(&json, '}');
	status = json_print(&json);
out:
	free(writers);
	values_free(&values);
	return status;
}

enum output { OUTPUT_TEXT, OUTPUT_OPENMETRICS, OUTPUT_JSON };

static int print(smx_reader *reader, enum output output)
{
	switch (output) {
	case OUTPUT_JSON:
		return print_json(reader);
	case OUTPUT_OPENMETRICS:
		return print_text(reader,
				  (smx_exposition_type){.format = SMX_FORMAT_OPENMETRICS_100});
	default:
		return print_text(reader, (smx_exposition_type){.format = SMX_FORMAT_TEXT_004});
	}
}

static int dump(const char *name, enum output output)
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
		status = print(reader, output);
	smx_reader_close(reader);
	return status;
}

static int main_dump(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"openmetrics", no_argument, NULL, 'o'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	enum output output = OUTPUT_TEXT;
	int status;
	int option;

	while ((option = options_next(&dump_command, argc, argv, ":h", longs, &status)) !=
	       OPTION_END) {
		if (option == OPTION_EXIT)
			return status;
		output = option == 'o' ? OUTPUT_OPENMETRICS : OUTPUT_JSON;
	}
	if (optind >= argc)
		return say_usage(
			"dump",
			"dump: the NAME of a segment is missing; 'shmetrics ls' lists them");
	if (optind + 1 < argc)
		return say_usage("dump", "dump: takes one NAME, not also '%s'", argv[optind + 1]);
	smx_reader_guard_install(NULL);
	return dump(argv[optind], output);
}
