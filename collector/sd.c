/* SPDX-License-Identifier: MIT */
/*
 * sd.c - the segments as targets, for Prometheus' HTTP service discovery
 */
#include "sd.h"

#include <string.h>

#include "catalog.h"
#include "host.h"
#include "options.h"
#include "routes.h"
#include "text.h"

struct list {
	smx_buffer *body;
	const char *host;
	bool is_secure;
	bool has_label; /* on the series already */
};

/* Whoever asks reaches us by it, so it is what he has to scrape. */
static const char *host_of(const struct request *request)
{
	const char *host =
		MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);

	return host && host_is_valid(host) ? host : NULL;
}

/* segment: NULL for the collector itself. */
static void append_target(struct list *list, const char *segment)
{
	smx_buffer *body = list->body;

	text_append(body, "\n{\"targets\":[");
	text_json(body, list->host);
	text_append(body, "],\"labels\":{\"__metrics_path__\":\"");
	if (segment) {
		/* Names of segments have nothing that JSON or a path would escape. */
		text_append(body, ROUTES_SEGMENT_PREFIX);
		text_append(body, segment);
		text_append(body, ROUTES_SEGMENT_SUFFIX "\"");
	} else {
		text_append(body, ROUTES_COLLECTOR "\"");
	}
	if (list->is_secure)
		text_append(body, ",\"__scheme__\":\"https\"");
	if (segment && !list->has_label) {
		text_append(body, ",\"segment\":");
		text_json(body, segment);
	}
	text_append(body, "}}");
}

/* Files with one name are one target. Those that cannot be read are there: it shows that. */
static void append_segments(const struct catalog *catalog, void *argument)
{
	struct list *list = argument;

	for (size_t i = 0; i < catalog->count; i++) {
		const char *name = catalog->segments[i]->name;

		if (i > 0 && strcmp(catalog->segments[i - 1]->name, name) == 0)
			continue;
		text_append(list->body, ",");
		append_target(list, name);
	}
}

void sd_answer(struct answer *answer, const struct request *request, const struct options *options)
{
	struct list list = {
		.body = &answer->body,
		.host = host_of(request),
		.is_secure = MHD_get_connection_info(request->mhd,
						     MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL,
		.has_label = options->reader.label_name != NULL,
	};

	if (!list.host) {
		answer->status = 400;
		answer->content_type = ANSWER_TEXT;
		text_append(&answer->body,
			    "the Host header names the target, and must be HOST or HOST:PORT\n");
		return;
	}
	answer->content_type = ANSWER_JSON;
	text_append(&answer->body, "[");
	append_target(&list, NULL);
	catalog_look(append_segments, &list);
	text_append(&answer->body, "\n]\n");
}
