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
	"Usage: shmetrics dump [--format FORMAT] [--escaping SCHEME] NAME\n\n"
	"Prints what the segment NAME holds at this moment: as the collector would serve it to a "
	"scraper, or\n"
	"as JSON with every definition, series and process.\n\n"
	"      --format FORMAT    text, the Prometheus text format, if it is not given; "
	"openmetrics, which\n"
	"                         also has exemplars and units; openmetrics2, with native "
	"histograms;\n"
	"                         protobuf; or json: whole numbers in full (up to 2^64 - 1), +Inf, "
	"-Inf\n"
	"                         and NaN as strings; the \"count\" of a bucket includes the "
	"buckets below\n"
	"      --json             the same as --format json\n"
	"      --openmetrics      the same as --format openmetrics\n"
	"      --escaping SCHEME  how names are written that not every scraper understands: "
	"underscores if\n"
	"                         it is not given, dots, values, or allow-utf-8: as they are, in "
	"quotes;\n"
	"                         not for json, which always has them as they are\n"
	"  -h, --help             this text\n\n"
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

/* ---- what is asked for ---- */

struct output {
	bool is_json;
	bool has_escaping; /* one was named */
	smx_exposition_type type;
};

static bool take_format(const char *name, struct output *output)
{
	static const struct {
		const char *name;
		smx_format format; /* 0: JSON */
	} formats[] = {{"text", SMX_FORMAT_TEXT_004},
		       {"openmetrics", SMX_FORMAT_OPENMETRICS_100},
		       {"openmetrics2", SMX_FORMAT_OPENMETRICS_200},
		       {"protobuf", SMX_FORMAT_PROTOBUF},
		       {"json", (smx_format)0}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, name) != 0)
			continue;
		output->is_json = formats[i].format == 0;
		output->type.format = formats[i].format;
		return true;
	}
	say_usage("dump", "dump: there is no format '%s'", name);
	return false;
}

static bool take_escaping(const char *name, struct output *output)
{
	static const char *const schemes[] = {"underscores", "dots", "values", "allow-utf-8"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strcmp(schemes[i], name) == 0) {
			output->type.escaping = (smx_escaping)i;
			output->has_escaping = true;
			return true;
		}
	}
	say_usage("dump", "dump: there is no escaping '%s'", name);
	return false;
}

static bool take_option(int option, struct output *output)
{
	switch (option) {
	case 'e':
		return take_escaping(optarg, output);
	case 'f':
		return take_format(optarg, output);
	default:
		return take_format(option == 'j' ? "json" : "openmetrics", output);
	}
}

static int dump(const char *name, const struct output *output)
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
		status = output->is_json ? print_json(reader) : print_text(reader, output->type);
	smx_reader_close(reader);
	return status;
}

static int main_dump(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"openmetrics", no_argument, NULL, 'o'},
					      {"format", required_argument, NULL, 'f'},
					      {"escaping", required_argument, NULL, 'e'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	struct output output = {.type = {.format = SMX_FORMAT_TEXT_004}};
	int status;
	int option;

	while ((option = options_next(&dump_command, argc, argv, ":h", longs, &status)) !=
	       OPTION_END) {
		if (option == OPTION_EXIT)
			return status;
		if (!take_option(option, &output))
			return TOOL_USAGE;
	}
	if (output.is_json && output.has_escaping)
		return say_usage("dump",
				 "dump: --escaping is not for json, which has names as they are");
	/* Text 0.0.4 is text 1.0.0 without an escaping. */
	if (output.type.format == SMX_FORMAT_TEXT_004 && output.type.escaping)
		output.type.format = SMX_FORMAT_TEXT_100;
	if (optind >= argc)
		return say_usage(
			"dump",
			"dump: the NAME of a segment is missing; 'shmetrics ls' lists them");
	if (optind + 1 < argc)
		return say_usage("dump", "dump: takes one NAME, not also '%s'", argv[optind + 1]);
	smx_reader_guard_install(NULL);
	return dump(argv[optind], &output);
}
