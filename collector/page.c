/* SPDX-License-Identifier: MIT */
/*
 * page.c - the segments, for people (HTML) and for programs (JSON); what the last walk of each
 * found
 */
#include "page.h"

#include <inttypes.h>
#include <time.h>

#include "catalog.h"
#include "options.h"
#include "routes.h"
#include "shmetrics/version.h"
#include "text.h"

static void append_time(smx_buffer *body, uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	struct tm parts;
	char text[40] = "";

	if (gmtime_r(&seconds, &parts))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	text_append(body, text);
}

static uint64_t dropped(const smx_reader_info *info)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SMX_DROP_COUNT; i++)
		sum += info->dropped[i];
	return sum;
}

/* ---- HTML ---- */

static void append_row(smx_buffer *body, struct segment *segment)
{
	const struct segment_status status = segment_status(segment);

	/* Names of segments have nothing that HTML or a path would escape. */
	text_append(body, "<tr><td><a href=\"" ROUTES_SEGMENT_PREFIX);
	text_append(body, segment->name);
	text_append(body, ROUTES_SEGMENT_SUFFIX "\">");
	text_html(body, segment->name);
	text_append(body, "</a>");
	if (!status.up) {
		text_append(body, "<td class=bad>down<td class=reason colspan=7>");
		text_html(body, status.reason);
		text_append(body, "<td>");
	} else {
		const smx_reader_info *info = &status.info;

		text_append(body, status.current ? "<td>up" : "<td>up, replaced");
		text_printf(body, "<td>%" PRIu32 "<td>%zu<td>%" PRIu64, info->slots_live,
			    status.family_count, info->series_count);
		text_printf(body, "<td>%.1f MiB<td>%.1f MiB<td>%" PRIu64 "<td>",
			    (double)info->used_bytes / 1048576,
			    (double)info->size_max_bytes / 1048576, dropped(info));
		append_time(body, info->created_unix_ns);
		text_append(body, "<td>");
	}
	text_html(body, segment->path);
	text_append(body, "\n");
}

static void append_table(const struct catalog *catalog, void *argument)
{
	smx_buffer *body = argument;

	if (catalog->count == 0) {
		text_append(body, "<p>No segment yet.</p>\n");
		return;
	}
	text_append(body,
		    "<table>\n<tr><th>segment<th>state<th>writers<th>families<th>series<th>used"
		    "<th>limit<th>dropped<th>since<th>file\n");
	for (size_t i = 0; i < catalog->count; i++)
		append_row(body, catalog->segments[i]);
	text_append(body, "</table>\n");
}

static void append_link(smx_buffer *body, const char *path, const char *what)
{
	text_append(body, "<li><a href=\"");
	text_html(body, path);
	text_append(body, "\">");
	text_html(body, path);
	text_append(body, "</a> ");
	text_html(body, what);
	text_append(body, "\n");
}

void page_landing(struct answer *answer, const struct options *options)
{
	smx_buffer *body = &answer->body;

	answer->content_type = ANSWER_HTML;
	text_append(body, "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n"
			  "<title>shmetrics-collector</title>\n<style>\n"
			  "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}"
			  "th,td{text-align:left;padding:.2em .8em;border-bottom:1px solid #ccc}"
			  ".bad{color:#b00}.reason{white-space:normal}\n</style>\n"
			  "<h1>shmetrics-collector</h1>\n<p>Version " SMX_VERSION "</p>\n<ul>\n");
	append_link(body, options->telemetry_path, "the metrics");
	append_link(body, ROUTES_COLLECTOR, "the collector's own metrics alone");
	append_link(body, "/api/v1/segments", "the segments, as JSON");
	append_link(body, "/api/v1/sd", "each by itself, for Prometheus' HTTP service discovery");
	append_link(body, "/-/healthy", "whether the collector lives");
	append_link(body, "/-/ready", "whether it has a segment to serve");
	append_link(body, "/health", "the same, as JSON");
	append_link(body, "/api/v1/health/ready",
		    "whether the applications are ready: their health checks");
	text_append(body, "</ul>\n");
	catalog_look(append_table, body);
	text_append(body, "</html>\n");
}

/* ---- JSON ---- */

static void append_numbers(smx_buffer *body, const struct segment_status *status)
{
	const smx_reader_info *info = &status->info;

	text_append(body, ",\"created\":\"");
	append_time(body, info->created_unix_ns);
	text_printf(body, "\",\"writers\":{\"live\":%" PRIu32 ",\"dead\":%" PRIu32 "}",
		    info->slots_live, info->slots_dead);
	text_printf(body,
		    ",\"bytes\":{\"used\":%" PRIu64 ",\"size\":%" PRIu64 ",\"limit\":%" PRIu64 "}",
		    info->used_bytes, info->size_bytes, info->size_max_bytes);
	text_printf(body, ",\"families\":%zu,\"series\":%" PRIu64 ",\"series_limit\":%" PRIu64,
		    status->family_count, info->series_count, info->series_max);
	text_printf(body,
		    ",\"damaged_records\":%" PRIu64 ",\"conflicts\":%" PRIu64 ",\"dropped\":{",
		    info->damaged_count, info->conflict_count);
	for (int reason = 0; reason < SMX_DROP_COUNT; reason++) {
		text_append(body, reason ? "," : "");
		text_json(body, smx_drop_name((smx_drop)reason));
		text_printf(body, ":%" PRIu64, info->dropped[reason]);
	}
	text_append(body, "}");
}

static void append_list(const struct catalog *catalog, void *argument)
{
	smx_buffer *body = argument;

	for (size_t i = 0; i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];
		const struct segment_status status = segment_status(segment);

		text_append(body, i ? ",\n{\"name\":" : "\n{\"name\":");
		text_json(body, segment->name);
		text_append(body, ",\"path\":");
		text_json(body, segment->path);
		text_append(body, ",\"metrics\":\"" ROUTES_SEGMENT_PREFIX);
		text_append(body, segment->name);
		text_append(body, ROUTES_SEGMENT_SUFFIX "\"");
		text_printf(body, ",\"up\":%s,\"current\":%s", status.up ? "true" : "false",
			    status.current ? "true" : "false");
		if (status.up) {
			append_numbers(body, &status);
			text_append(body, ",\"hidden\":");
			hidden_append(segment, body);
		} else {
			text_append(body, ",\"reason\":");
			text_json(body, status.reason);
		}
		text_append(body, "}");
	}
}

void page_segments(struct answer *answer, const struct options *options)
{
	(void)options;
	answer->content_type = ANSWER_JSON;
	text_append(&answer->body, "{\"segments\":[");
	catalog_look(append_list, &answer->body);
	text_append(&answer->body, "]}\n");
}
