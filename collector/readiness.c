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

#include "catalog.h"
#include "text.h"

struct draft {
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

static void append_check(struct draft *draft, const struct segment *segment,
			 const smx_health_view *health)
{
	smx_buffer *buffer = &draft->checks;
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
	draft->is_ready = draft->is_ready && health->up && !health->stale;
}

static void append_segment(struct draft *draft, const struct segment *segment, const char *reason,
			   uint32_t writers)
{
	smx_buffer *buffer = &draft->segments;

	if (buffer->size > 0)
		text_append(buffer, ",");
	text_append(buffer, "\n{\"name\":");
	text_json(buffer, segment->name);
	text_printf(buffer, ",\"status\":\"%s\",\"writers\":%" PRIu32 ",\"detail\":",
		    reason ? "down" : "up", writers);
	text_json(buffer, reason ? reason : "");
	text_append(buffer, "}");
	draft->is_ready = draft->is_ready && !reason;
}

static void look_at_segment(struct draft *draft, struct segment *segment)
{
	const struct segment_status status = segment_status(segment);

	/* Of one name the current file counts, and those that are down for its sake. */
	if (draft->has_segment && !status.current && strcmp(draft->last_name, segment->name) == 0)
		return;
	draft->has_segment = true;
	memcpy(draft->last_name, segment->name, sizeof(draft->last_name));
	if (!status.up) {
		append_segment(draft, segment, status.reason, 0);
		return;
	}
	append_segment(draft, segment, status.info.slots_live ? NULL : "no live writer",
		       status.info.slots_live);
	for (size_t i = 0; i < smx_reader_health_count(segment->reader); i++) {
		const smx_health_view *health = smx_reader_health(segment->reader, i);

		if (readiness_counts(segment->reader, health))
			append_check(draft, segment, health);
	}
}

struct readiness_report readiness_look(const struct catalog *catalog)
{
	struct draft draft = {.is_ready = true};
	struct readiness_report report = {0};

	for (size_t i = 0; catalog && i < catalog->count; i++)
		look_at_segment(&draft, catalog->segments[i]);
	report.is_ready = draft.is_ready && draft.has_segment;
	text_append(&report.text,
		    report.is_ready ? "{\"status\":\"ready\"," : "{\"status\":\"not ready\",");
	text_append(&report.text, "\"checks\":[");
	smx_buffer_append(&report.text, draft.checks.data, draft.checks.size);
	text_append(&report.text, "],\"segments\":[");
	smx_buffer_append(&report.text, draft.segments.data, draft.segments.size);
	text_append(&report.text, "]}\n");
	report.text.failed = report.text.failed || draft.checks.failed || draft.segments.failed;
	smx_buffer_free(&draft.checks);
	smx_buffer_free(&draft.segments);
	return report;
}

void readiness_free(struct readiness_report *report)
{
	smx_buffer_free(&report->text);
}

void readiness_answer(const struct readiness_report *report, struct answer *answer)
{
	answer->content_type = ANSWER_JSON;
	answer->status = report->is_ready ? 200 : 503;
	smx_buffer_append(&answer->body, report->text.data, report->text.size);
	answer->body.failed = answer->body.failed || report->text.failed;
}
