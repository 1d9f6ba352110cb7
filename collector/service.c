/* SPDX-License-Identifier: MIT */
/*
 * service.c - what a request gets: who is let in, what its path and method mean, how many scrapes
 * there may be at once
 */
#include "service.h"

#include <microhttpd.h>
#include <string.h>

#include "gate.h"
#include "lifecycle.h"
#include "routes.h"
#include "selfmetrics.h"
#include "telemetry.h"
#include "text.h"

#define ALLOWED_METHODS "GET, HEAD, OPTIONS"
#define ALLOWED_TO_RELOAD "POST, PUT, OPTIONS"

static void say(struct answer *answer, unsigned status, const char *text)
{
	answer->status = status;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, text);
}

/* False: the connection stands still, and this is to be asked again. */
static bool serve_scrape(struct service *service, struct connection *connection,
			 const struct request *request, const struct metrics_path *path,
			 struct answer *answer)
{
	const unsigned limit = service->options->max_requests;

	if (connection->ticket.order) {
		telemetry_finish(answer, service->renderer, &connection->ticket);
		return true;
	}
	/*
	 * Released when the last byte is sent: a slow reader holds the memory of its answer until
	 * then. The collector's own page is small, and what shows that there are too many scrapes.
	 */
	connection->is_scrape = path->part != SCRAPE_COLLECTOR;
	if (connection->is_scrape && atomic_fetch_add(&service->scrapes_running, 1) >= limit &&
	    limit != 0) {
		atomic_fetch_add(&selfmetrics_counts.rejected_for_requests, 1);
		say(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many scrapes at the same time (--web.max-requests)\n");
		return true;
	}
	return telemetry_begin(answer, request, path, connection->arrived_ns, service->renderer,
			       &connection->ticket);
}

static void refuse_method(struct answer *answer, const char *allowed)
{
	answer->allowed = allowed;
	say(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "this method is not served here\n");
}

/* False: as above. */
static bool serve_reload(struct service *service, struct connection *connection,
			 const struct request *request, struct answer *answer)
{
	if (request_changes(request) && service->options->lifecycle)
		return lifecycle_answer(&connection->errand, service->errands, request->mhd,
					&connection->client, answer);
	if (!request_changes(request))
		refuse_method(answer, ALLOWED_TO_RELOAD);
	else
		say(answer, MHD_HTTP_FORBIDDEN, "--web.enable-lifecycle is not set\n");
	return true;
}

/* What a request gets that is let in. False: as above. */
static bool serve(struct service *service, struct connection *connection,
		  const struct request *request, struct answer *answer)
{
	const char *path = request_path(request);
	struct metrics_path metrics;
	const bool is_scrape = routes_find_metrics(service->options, path, &metrics);
	const struct route *route = routes_find(path);

	if (!is_scrape && !route && !(request_asks(request) && strcmp(path, "*") == 0)) {
		say(answer, MHD_HTTP_NOT_FOUND, "no such path\n");
	} else if (request_asks(request)) {
		answer->status = MHD_HTTP_NO_CONTENT;
		answer->allowed = route && route->reloads ? ALLOWED_TO_RELOAD : ALLOWED_METHODS;
	} else if (route && route->reloads) {
		return serve_reload(service, connection, request, answer);
	} else if (!request_reads(request)) {
		refuse_method(answer, ALLOWED_METHODS);
	} else if (is_scrape) {
		return serve_scrape(service, connection, request, &metrics, answer);
	} else if (route->serve) {
		route->serve(answer, service->options);
	} else if (route->serve_walked) {
		route->serve_walked(service->scrape, answer);
	} else {
		route->serve_asked(answer, request, service->options);
	}
	return true;
}

bool service_refuses(const struct request *request, struct answer *answer)
{
	struct broken_rule broken = request_broken_rule(request);

	if (!broken.text)
		return false;
	say(answer, broken.status, broken.text);
	answer->is_last = true;
	return true;
}

bool service_answer(struct service *service, struct connection *connection,
		    const struct request *request, struct web *web, struct answer *answer)
{
	enum gate gate = GATE_OPEN;

	if (!connection->is_let_in)
		gate = gate_ask(&connection->errand, service->errands, web, request->mhd,
				&connection->client);
	switch (gate) {
	case GATE_WAIT:
		return false;
	case GATE_SHUT:
		say(answer, MHD_HTTP_UNAUTHORIZED, "a user and a password are needed\n");
		return true;
	case GATE_BUSY:
		say(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "too many passwords to check\n");
		return true;
	default:
		connection->is_let_in = true;
		return serve(service, connection, request, answer);
	}
}

void service_forget(struct service *service, struct connection *connection)
{
	/* It may have gone on only to find that the client has left. */
	if (connection->ticket.order)
		renderer_settle(service->renderer, &connection->ticket);
	if (connection->is_scrape)
		atomic_fetch_sub(&service->scrapes_running, 1);
	connection->is_scrape = false;
	connection->is_let_in = false;
	if (connection->errand) /* closed before the answer was asked for again */
		connection->errand->drop(connection->errand);
	connection->errand = NULL;
}
