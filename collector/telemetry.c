/* SPDX-License-Identifier: MIT */
/*
 * telemetry.c - how a scrape is answered: format, coding, filters, the scraper's timeout
 */
#include "telemetry.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "encoding.h"
#include "query.h"
#include "selfmetrics.h"
#include "text.h"

/* Each is compared with each family. */
#define NAME_MAX_COUNT 256

struct filter {
	smx_text names[NAME_MAX_COUNT];
	size_t count;
	bool is_too_long;
};

long telemetry_timeout_ms(const struct request *request)
{
	const char *text = MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND,
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

static void take_names(const struct request *request, struct filter *filter)
{
	char *at = request->query;
	smx_text name, value;

	while (at && query_next(&at, &name, &value)) {
		if (name.size != strlen("name[]") || memcmp(name.data, "name[]", name.size) != 0)
			continue;
		filter->is_too_long = filter->count == NAME_MAX_COUNT;
		if (filter->is_too_long)
			return;
		filter->names[filter->count++] = value;
	}
}

static void refuse(struct answer *answer, unsigned status, const char *why)
{
	answer->status = status;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, why);
}

static struct order *make_order(const struct request *request, const struct metrics_path *path,
				const struct filter *filter)
{
	smx_buffer accept = request_list(request, MHD_HTTP_HEADER_ACCEPT);
	smx_buffer codings = request_list(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	const struct scrape_wish wish = {
		.type = smx_format_choose(accept.failed ? NULL : accept.data),
		.part = path->part,
		.segment = path->segment,
		.names = filter->names,
		.name_count = filter->count,
	};
	const bool gzip = !codings.failed && encoding_wants_gzip(codings.data);

	smx_buffer_free(&accept);
	smx_buffer_free(&codings);
	return order_create(&wish, gzip);
}

bool telemetry_begin(struct answer *answer, const struct request *request,
		     const struct metrics_path *path, uint64_t arrived_ns,
		     struct renderer *renderer, struct ticket *ticket)
{
	const long timeout_ms = telemetry_timeout_ms(request);
	struct filter filter = {.count = 0};
	struct order *order;

	take_names(request, &filter);
	if (filter.is_too_long) {
		refuse(answer, 400, "at most 256 name[] are taken\n");
		return true;
	}
	atomic_fetch_add(&selfmetrics_counts.scrapes, 1);
	order = make_order(request, path, &filter);
	if (!order) {
		atomic_fetch_add(&selfmetrics_counts.scrapes_failed, 1);
		refuse(answer, 500, "no memory\n");
		return true;
	}
	ticket->mhd = request->mhd;
	ticket->deadline_ns = timeout_ms ? arrived_ns + (uint64_t)timeout_ms * 1000000 : 0;
	if (renderer_submit(renderer, order, ticket))
		return false;
	refuse(answer, 503, "the collector is stopping\n");
	return true;
}

static void give(struct answer *answer, const struct order *order)
{
	answer->status = 200;
	answer->content_type = smx_format_content_type(order->wish.type);
	answer->is_negotiated = true;
	answer->is_gzip = order->is_gzip;
	answer->shared = body_get(order->body);
}

void telemetry_finish(struct answer *answer, struct renderer *renderer, struct ticket *ticket)
{
	const struct order *order = ticket->order;
	enum order_outcome outcome = order->outcome;

	/* Filled in time for another scraper, perhaps, and not for this one. */
	if (outcome == ORDER_FILLED && ticket->deadline_ns && clock_ns() >= ticket->deadline_ns)
		outcome = ORDER_LATE;
	switch (outcome) {
	case ORDER_FILLED:
		give(answer, order);
		break;
	case ORDER_FAILED:
		atomic_fetch_add(&selfmetrics_counts.scrapes_failed, 1);
		refuse(answer, 500, "the metrics cannot be rendered; the log says why\n");
		break;
	case ORDER_UNKNOWN:
		refuse(answer, 404, "there is no such segment\n");
		break;
	case ORDER_DOWN:
		atomic_fetch_add(&selfmetrics_counts.scrapes_failed, 1);
		refuse(answer, 503, "the segment cannot be read; /api/v1/segments says why\n");
		break;
	case ORDER_LATE:
		atomic_fetch_add(&selfmetrics_counts.scrapes_failed, 1);
		refuse(answer, 503, "not to be had within X-Prometheus-Scrape-Timeout-Seconds\n");
		break;
	case ORDER_NO_ROOM:
		atomic_fetch_add(&selfmetrics_counts.rejected_for_bytes, 1);
		refuse(answer, 503,
		       "the answers being sent hold too much memory (--web.max-answer-bytes)\n");
		break;
	case ORDER_END:
		refuse(answer, 503, "the collector is stopping\n");
		break;
	}
	renderer_settle(renderer, ticket);
}
