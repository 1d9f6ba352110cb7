/* SPDX-License-Identifier: MIT */
/*
 * health.c - the probes: whether the collector lives, and whether it has something to serve
 */
#include "health.h"

#include "catalog.h"
#include "process.h"
#include "shmetrics/version.h"
#include "text.h"

#include <time.h>

struct tally {
	size_t up;
	size_t down;
};

static void count_segments(const struct catalog *catalog, void *argument)
{
	struct tally *tally = argument;

	for (size_t i = 0; i < catalog->count; i++) {
		if (segment_status(catalog->segments[i]).up)
			tally->up++;
		else
			tally->down++;
	}
}

void health_healthy(struct answer *answer, const struct options *options)
{
	(void)options;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, "shmetrics-collector is healthy.\n");
}

void health_ready(struct answer *answer, const struct options *options)
{
	struct tally tally = {0};

	(void)options;
	catalog_look(count_segments, &tally);
	answer->content_type = ANSWER_TEXT;
	if (tally.up == 0)
		answer->status = 503;
	text_append(&answer->body, tally.up ? "shmetrics-collector is ready.\n"
					    : "shmetrics-collector is waiting for a segment.\n");
}

void health_report(struct answer *answer, const struct options *options)
{
	struct tally tally = {0};
	double uptime = (double)time(NULL) - process_usage().start_unix_seconds;

	(void)options;
	catalog_look(count_segments, &tally);
	answer->content_type = ANSWER_JSON;
	text_append(&answer->body,
		    "{\"status\":\"healthy\",\"service\":\"shmetrics-collector\",\"version\":");
	text_json(&answer->body, SMX_VERSION);
	text_printf(&answer->body,
		    ",\"uptime_seconds\":%.0f,\"segments\":{\"up\":%zu,\"down\":%zu}}\n",
		    uptime > 0 ? uptime : 0, tally.up, tally.down);
}
