/* SPDX-License-Identifier: MIT */
/*
 * readiness.c - whether the applications behind the segments can do their work: their health checks
 *
 * Nothing is asked of any dependency here: the applications did, and left the outcome in their
 * segments. What is too old to be believed is down.
 */
#include "readiness.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "text.h"

struct report {
	smx_buffer checks, segments; /* what is between the brackets of each array */
	char last_name[SEGMENT_NAME_MAX + 1];
	bool has_segment;
	bool is_ready;
};

bool readiness_counts(smx_reader *reader, const smx_health_view *health)
{
	if (health->live_writers > 0)
		return true;
	for (size_t i = 0; i < smx_reader_health_count(reader); i++)
		if (smx_reader_health(reader, i)->live_writers > 0)
			return false;
	return true;
}

static void append_text(smx_buffer *buffer, const char *name, smx_text text)
{
	char string[512];
	size_t size = text.size < sizeof(string) ? text.size : sizeof(string) - 1;

	memcpy(string, text.data, size);
	string[size] = '\0';
	text_printf(buffer, ",\"%s\":", name);
	text_json(buffer, string);
}

/* JSON has no infinity. */
static void append_seconds(smx_buffer *buffer, const char *name, double seconds)
{
	text_printf(buffer, ",\"%s\":", name);
	if (isfinite(seconds))
		smx_emit_double(buffer, seconds);
	else
		text_append(buffer, "null");
}

static void append_check(struct report *report, const struct segment *segment,
			 const smx_health_view *health)
{
	smx_buffer *buffer = &report->checks;
	const char *status = health->stale ? "stale" : health->up ? "up" : "down";

	if (buffer->size > 0)
		text_append(buffer, ",");
	text_append(buffer, "\n{\"segment\":");
	text_json(buffer, segment->name);
	append_text(buffer, "name", health->name);
	text_printf(buffer, ",\"status\":\"%s\"", status);
	append_text(buffer, "detail", health->detail);
	append_seconds(buffer, "age_seconds", health->age_seconds);
	append_seconds(buffer, "ttl_seconds", health->ttl_seconds);
	append_seconds(buffer, "duration_seconds",
		       health->reported ? health->duration_seconds : NAN);
	text_append(buffer, "}");
	report->is_ready = report->is_ready && health->up && !health->stale;
}

static void append_segment(struct report *report, const struct segment *segment, const char *reason,
			   uint32_t writers)
{
	smx_buffer *buffer = &report->segments;

	if (buffer->size > 0)
		text_append(buffer, ",");
	text_append(buffer, "\n{\"name\":");
	text_json(buffer, segment->name);
	text_printf(buffer, ",\"status\":\"%s\",\"writers\":%" PRIu32 ",\"detail\":",
		    reason ? "down" : "up", writers);
	text_json(buffer, reason ? reason : "");
	text_append(buffer, "}");
	report->is_ready = report->is_ready && !reason;
}

static void look_at_segment(struct segment *segment, bool up, void *argument)
{
	struct report *report = argument;
	const smx_reader_info *info;

	if (report->has_segment && strcmp(report->last_name, segment->name) == 0)
		return;
	report->has_segment = true;
	memcpy(report->last_name, segment->name, sizeof(report->last_name));
	if (!up) {
		const struct segment_status status = segment_status(segment);

		append_segment(report, segment, status.reason, 0);
		return;
	}
	info = smx_reader_information(segment->reader);
	append_segment(report, segment, info->slots_live ? NULL : "no live writer",
		       info->slots_live);
	for (size_t i = 0; i < smx_reader_health_count(segment->reader); i++) {
		const smx_health_view *health = smx_reader_health(segment->reader, i);

		if (readiness_counts(segment->reader, health))
			append_check(report, segment, health);
	}
}

void readiness_answer(struct answer *answer, struct scrape *scrape)
{
	struct report report = {.is_ready = true};

	scrape_look(scrape, look_at_segment, &report);
	report.is_ready = report.is_ready && report.has_segment;
	answer->content_type = ANSWER_JSON;
	answer->status = report.is_ready ? 200 : 503;
	text_append(&answer->body,
		    report.is_ready ? "{\"status\":\"ready\"," : "{\"status\":\"not ready\",");
	text_append(&answer->body, "\"checks\":[");
	smx_buffer_append(&answer->body, report.checks.data, report.checks.size);
	text_append(&answer->body, "],\"segments\":[");
	smx_buffer_append(&answer->body, report.segments.data, report.segments.size);
	text_append(&answer->body, "]}\n");
	answer->body.failed = answer->body.failed || report.checks.failed || report.segments.failed;
	smx_buffer_free(&report.checks);
	smx_buffer_free(&report.segments);
}
