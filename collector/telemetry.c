/* SPDX-License-Identifier: MIT */
/*
 * telemetry.c - how a scrape is answered: filters, limits, the scraper's timeout
 */
#include "telemetry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "log.h"
#include "selfmetrics.h"
#include "text.h"

/* libmicrohttpd has no memory for many more. */
#define NAME_MAX_COUNT 256

struct filter {
	smx_text names[NAME_MAX_COUNT];
	size_t count;
	bool is_too_long;
};

long telemetry_timeout_ms(struct MHD_Connection *connection)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       "X-Prometheus-Scrape-Timeout-Seconds");
	char *end;
	double seconds;

	if (!text)
		return 0;
	seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds > 0 && seconds < 120))
		return 0;
	return (long)(seconds * 1000) + 1;
}

static enum MHD_Result take_name(void *argument, enum MHD_ValueKind kind, const char *key,
				 size_t key_size, const char *value, size_t value_size)
{
	struct filter *filter = argument;

	(void)kind;
	if (key_size != strlen("name[]") || memcmp(key, "name[]", key_size) != 0)
		return MHD_YES;
	if (filter->count == NAME_MAX_COUNT) {
		filter->is_too_long = true;
		return MHD_NO;
	}
	filter->names[filter->count++] = (smx_text){value ? value : "", value_size};
	return MHD_YES;
}

static enum MHD_Result take_accept(void *argument, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	smx_buffer *accept = argument;

	(void)kind;
	if (value && strcasecmp(key, MHD_HTTP_HEADER_ACCEPT) == 0) {
		text_append(accept, accept->size ? "," : "");
		text_append(accept, value);
	}
	return MHD_YES;
}

/* Several Accept headers are one list. */
static smx_exposition_type choose_type(struct MHD_Connection *connection)
{
	smx_buffer accept = {0};
	smx_exposition_type type;

	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_accept, &accept);
	smx_buffer_append(&accept, "", 1);
	type = smx_format_choose(accept.failed ? NULL : accept.data);
	smx_buffer_free(&accept);
	return type;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Never 200 with less than all of it: a scraper would take it for the whole truth. */
static void fail(struct answer *answer, unsigned status, const char *why)
{
	atomic_fetch_add(&selfmetrics_counts.scrapes_failed, 1);
	log_event(LOG_LEVEL_ERROR, log_text("msg", "scrape failed"), log_text("reason", why));
	smx_buffer_free(&answer->body);
	answer->body = (smx_buffer){0};
	answer->status = status;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, why);
	text_append(&answer->body, "\n");
}

void telemetry_answer(struct answer *answer, struct MHD_Connection *connection,
		      struct scrape *scrape)
{
	const smx_exposition_type type = choose_type(connection);
	const long timeout_ms = telemetry_timeout_ms(connection);
	const uint64_t start = now_ns();
	struct filter filter = {.count = 0};
	smx_error error = {0};
	uint64_t took;

	MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_name, &filter);
	if (filter.is_too_long) {
		answer->status = 400;
		answer->content_type = ANSWER_TEXT;
		text_append(&answer->body, "at most 256 name[] are taken\n");
		return;
	}
	atomic_fetch_add(&selfmetrics_counts.scrapes, 1);
	answer->content_type = smx_format_content_type(type);
	answer->is_negotiated = true;
	if (scrape_render(scrape, type, filter.names, filter.count, &answer->body, &error) !=
	    SMX_OK) {
		fail(answer, 500, error.message);
		return;
	}
	if (answer->body.failed) {
		fail(answer, 500, "no memory for the answer");
		return;
	}
	took = now_ns() - start;
	atomic_store(&selfmetrics_counts.last_scrape_ns, took);
	if (timeout_ms && took / 1000000 >= (uint64_t)timeout_ms)
		fail(answer, 503, "not rendered within X-Prometheus-Scrape-Timeout-Seconds");
}
