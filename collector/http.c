/* SPDX-License-Identifier: MIT */
/*
 * http.c - the HTTP server: listeners, limits, draining
 *
 * libmicrohttpd, one epoll thread a listener. It makes whatever is quick by itself; a scrape it
 * hands to the renderer, a password to an errand.
 *
 * What a path means is in routes.c, which requests are refused whatever they ask for in request.c.
 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "errand.h"
#include "gate.h"
#include "lifecycle.h"
#include "query.h"
#include "reaper.h"
#include "request.h"
#include "routes.h"
#include "selfmetrics.h"
#include "sockets.h"
#include "telemetry.h"
#include "text.h"

#define CONNECTIONS_MAX 1024u
/* A proxy in front is one address for everybody behind it. */
#define CONNECTIONS_PER_ADDRESS 512u
#define SILENCE_SECONDS 120u
/* Request line and header together. */
#define HEADER_BYTES_MAX ((size_t)32 * 1024)
#define BODY_BYTES_MAX ((uint64_t)64 * 1024)
/* Besides connections: segments, inotify, log, listeners. */
#define SPARE_DESCRIPTORS 600u

#define ALLOWED_METHODS "GET, HEAD, OPTIONS"
#define ALLOWED_TO_RELOAD "POST, PUT, OPTIONS"

struct http {
	const struct options *options;
	struct scrape *scrape;
	struct reaper *reaper;
	struct renderer *renderer;
	struct errands *errands;
	bool has_tls;
	struct MHD_Daemon *daemons[OPTIONS_LISTEN_MAX];
	size_t daemon_count;
	atomic_uint scrapes_running;
	atomic_bool draining;
};

/* ---- serving ---- */

static void say(struct answer *answer, unsigned status, const char *text)
{
	answer->status = status;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, text);
}

/* False: the connection stands still, and this is to be asked again. */
static bool serve_scrape(struct http *http, struct connection *connection,
			 const struct request *request, const struct metrics_path *path,
			 struct answer *answer)
{
	const unsigned limit = http->options->max_requests;

	if (connection->ticket.order) {
		telemetry_finish(answer, http->renderer, &connection->ticket);
		return true;
	}
	/*
	 * Released when the last byte is sent: a slow reader holds the memory of its answer until
	 * then.
	 */
	connection->is_scrape = true;
	if (atomic_fetch_add(&http->scrapes_running, 1) >= limit && limit != 0) {
		atomic_fetch_add(&selfmetrics_counts.rejected_for_requests, 1);
		say(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many scrapes at the same time (--web.max-requests)\n");
		return true;
	}
	return telemetry_begin(answer, request, path, connection->arrived_ns, http->renderer,
			       &connection->ticket);
}

static void refuse_method(struct answer *answer, const char *allowed)
{
	answer->allowed = allowed;
	say(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "this method is not served here\n");
}

/* False: as above. */
static bool serve_reload(struct http *http, struct connection *connection,
			 const struct request *request, struct answer *answer)
{
	if (request_changes(request) && http->options->lifecycle)
		return lifecycle_answer(&connection->errand, http->errands, request->mhd, answer);
	if (!request_changes(request))
		refuse_method(answer, ALLOWED_TO_RELOAD);
	else
		say(answer, MHD_HTTP_FORBIDDEN, "--web.enable-lifecycle is not set\n");
	return true;
}

/* What a request gets that is let in. False: as above. */
static bool serve(struct http *http, struct connection *connection, const struct request *request,
		  struct answer *answer)
{
	const char *path = request_path(request);
	struct metrics_path metrics;
	const bool is_scrape = routes_find_metrics(http->options, path, &metrics);
	const struct route *route = routes_find(path);

	if (!is_scrape && !route && !(request_asks(request) && strcmp(path, "*") == 0)) {
		say(answer, MHD_HTTP_NOT_FOUND, "no such path\n");
	} else if (request_asks(request)) {
		answer->status = MHD_HTTP_NO_CONTENT;
		answer->allowed = route && route->reloads ? ALLOWED_TO_RELOAD : ALLOWED_METHODS;
	} else if (route && route->reloads) {
		return serve_reload(http, connection, request, answer);
	} else if (!request_reads(request)) {
		refuse_method(answer, ALLOWED_METHODS);
	} else if (is_scrape) {
		return serve_scrape(http, connection, request, &metrics, answer);
	} else if (route->serve) {
		route->serve(answer, http->options);
	} else if (route->serve_walked) {
		route->serve_walked(http->scrape, answer);
	} else {
		route->serve_asked(answer, request, http->options);
	}
	return true;
}

/* False: as above. */
static bool check_and_serve(struct http *http, struct connection *connection,
			    const struct request *request, struct web *web, struct answer *answer)
{
	const char *broken = request_broken_rule(request);
	enum gate gate = GATE_OPEN;

	if (broken) {
		say(answer, MHD_HTTP_BAD_REQUEST, broken);
		answer->is_last = true;
		return true;
	}
	if (!connection->is_let_in)
		gate = gate_ask(&connection->errand, http->errands, web, request->mhd);
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
		return serve(http, connection, request, answer);
	}
}

/* ---- answering ---- */

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void log_request(const char *method, const char *target, const struct answer *answer)
{
	log_event(LOG_LEVEL_DEBUG, log_text("msg", "request"), log_text("method", method),
		  log_text("path", target), log_number("status", answer->status),
		  log_number("bytes", (int64_t)answer_size(answer)));
}

static enum MHD_Result answer_request(struct http *http, struct connection *connection,
				      const struct request *request)
{
	struct answer answer = {.status = MHD_HTTP_OK};
	struct web *web = web_take();
	enum MHD_Result result = MHD_YES;

	if (check_and_serve(http, connection, request, web, &answer)) {
		/* A connection from before the last reload ends: its next one has what is new. */
		answer.is_last =
			answer.is_last || connection->web != web || atomic_load(&http->draining);
		connection->body_bytes = request_wants_body(request) ? answer_size(&answer) : 0;
		log_request(request->method, request->target, &answer);
		result = answer_send(&answer, request->mhd, web);
	}
	web_give_back(web);
	return result;
}

/*
 * libmicrohttpd calls it when the header is there, for each piece of a body, and when all is there;
 * then again when a connection that stood still goes on.
 */
static enum MHD_Result on_request(void *argument, struct MHD_Connection *mhd, const char *target,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct http *http = argument;
	struct connection *connection = connection_of(mhd);
	struct request request = {mhd, target, method, version, NULL, false};

	(void)upload;
	if (!connection)
		return MHD_NO;
	request.query = connection->query;
	request.is_bad_target = connection->is_bad_target;
	if (!*state) {
		const long timeout_ms = telemetry_timeout_ms(&request);

		*state = connection;
		connection->discarded_bytes = 0;
		connection->arrived_ns = clock_ns();
		connection_request_began(http->reaper, connection,
					 timeout_ms ? timeout_ms : REAPER_REQUEST_MS);
		return MHD_YES;
	}
	if (*upload_size) {
		connection->discarded_bytes += *upload_size;
		*upload_size = 0;
		return connection->discarded_bytes > BODY_BYTES_MAX ? MHD_NO : MHD_YES;
	}
	return answer_request(http, connection, &request);
}

static void on_completed(void *argument, struct MHD_Connection *mhd, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct http *http = argument;
	struct connection *connection = *state;

	(void)mhd;
	if (!connection)
		return;
	*state = NULL;
	/* It may have gone on only to find that the client has left. */
	if (connection->ticket.order)
		renderer_settle(http->renderer, &connection->ticket);
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		atomic_fetch_add(&selfmetrics_counts.sent_bytes, connection->body_bytes);
	connection->body_bytes = 0;
	if (connection->is_scrape)
		atomic_fetch_sub(&http->scrapes_running, 1);
	connection->is_scrape = false;
	connection->is_let_in = false;
	if (connection->errand) /* closed before the answer was asked for again */
		connection->errand->drop(connection->errand);
	connection->errand = NULL;
	connection_request_ended(http->reaper, connection);
}

static struct connection *begin_connection(struct http *http, struct MHD_Connection *mhd)
{
	const int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	struct connection *connection = connection_opened(http->reaper, fd);
	const union MHD_ConnectionInfo *info;

	if (!connection)
		return NULL;
	connection->web = web_take();
	info = http->has_tls ? MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
			     : NULL;
	/* Where it fails there are no credentials, and the handshake fails. */
	if (info && !tls_attach(connection->web->tls, info->tls_session, &connection->peer))
		log_event(LOG_LEVEL_ERROR, log_text("msg", "a TLS session cannot be set up"));
	return connection;
}

/* libmicrohttpd has ended the TLS session before. */
static void end_connection(struct http *http, struct connection *connection)
{
	struct web *web = connection->web;

	tls_part(&connection->peer);
	connection_closed(http->reaper, connection);
	web_give_back(web);
}

static void on_connection(void *argument, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *http = argument;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = begin_connection(http, mhd);
	} else if (*context) {
		end_connection(http, *context);
		*context = NULL;
	}
}

/*
 * The raw request line is only seen here; what the handler gets is decoded, and ends at the first
 * NUL.
 */
static void *on_target(void *argument, const char *target, struct MHD_Connection *mhd)
{
	struct connection *connection = connection_of(mhd);

	(void)argument;
	if (connection) {
		connection->is_bad_target = request_is_bad_target(target);
		free(connection->query);
		connection->query = query_cut(target);
	}
	return NULL;
}

static void on_log(void *argument, const char *format, va_list arguments)
{
	char line[256];

	(void)argument;
	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	log_event(LOG_LEVEL_DEBUG, log_text("msg", "libmicrohttpd"), log_text("text", line));
}

/* ---- start and stop ---- */

/*
 * Connections are descriptors; the usual soft limit of 1,024 is for programs that call select(2).
 */
static unsigned connection_limit(void)
{
	const unsigned wanted = CONNECTIONS_MAX + SPARE_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return CONNECTIONS_MAX / 4;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return CONNECTIONS_MAX;
	return limit.rlim_cur > 32 ? (unsigned)limit.rlim_cur / 2 : 8;
}

/* Takes over the descriptor. */
static bool add_listener(struct http *http, int fd, const char *name, unsigned limit,
			 smx_error *error)
{
	const unsigned tls = http->has_tls ? MHD_USE_TLS : 0;
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, limit, NULL},
		{MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		 limit < CONNECTIONS_PER_ADDRESS ? limit : CONNECTIONS_PER_ADDRESS, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_BYTES_MAX, NULL},
		/* Asked only where a session has no credentials of its own, and never has any. */
		{http->has_tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
		 (void *)tls_no_certificate},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC |
			MHD_ALLOW_SUSPEND_RESUME | tls,
		0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_ARRAY, options, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, http, MHD_OPTION_END);

	if (!daemon) {
		close(fd);
		snprintf(error->message, sizeof(error->message), "cannot serve on %s", name);
		return false;
	}
	http->daemons[http->daemon_count++] = daemon;
	log_event(LOG_LEVEL_INFO, log_text("msg", "listening"), log_text("address", name),
		  log_text("tls", http->has_tls ? "true" : "false"));
	return true;
}

static bool listen_on_addresses(struct http *http, unsigned limit, smx_error *error)
{
	const struct options *options = http->options;

	for (size_t i = 0; i < options->listen_count; i++) {
		char name[LISTENER_NAME_MAX];
		int fd = listener_open(&options->listen[i], name);

		if (fd < 0) {
			snprintf(error->message, sizeof(error->message), "cannot listen on %s: %s",
				 options->listen[i].text, strerror(errno));
			return false;
		}
		if (!add_listener(http, fd, name, limit / (unsigned)options->listen_count, error))
			return false;
	}
	return true;
}

static bool listen_on_sockets(struct http *http, unsigned limit, smx_error *error)
{
	int fds[OPTIONS_LISTEN_MAX];
	size_t count;
	char rule[200];

	if (!sockets_take(fds, OPTIONS_LISTEN_MAX, &count, rule, sizeof(rule))) {
		snprintf(error->message, sizeof(error->message), "--web.systemd-socket: %s", rule);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		char name[LISTENER_NAME_MAX];

		listener_describe(fds[i], name);
		if (!add_listener(http, fds[i], name, limit / (unsigned)count, error))
			return false;
	}
	return true;
}

static bool uses_tls(void)
{
	struct web *web = web_take();
	const bool has_tls = web->tls != NULL;

	web_give_back(web);
	return has_tls;
}

struct http *http_start(const struct options *options, struct scrape *scrape, smx_error *error)
{
	const unsigned limit = connection_limit();
	struct http *http = calloc(1, sizeof(*http));

	if (http)
		http->reaper = reaper_start(limit);
	if (http && http->reaper)
		http->renderer = renderer_start(scrape);
	if (http && http->renderer)
		http->errands = errands_start();
	if (!http || !http->errands) {
		if (http && http->renderer) {
			renderer_end(http->renderer);
			renderer_destroy(http->renderer);
		}
		if (http && http->reaper)
			reaper_stop(http->reaper);
		free(http);
		snprintf(error->message, sizeof(error->message), "no memory or no thread");
		return NULL;
	}
	http->options = options;
	http->scrape = scrape;
	http->has_tls = uses_tls();
	if (options->systemd_socket ? listen_on_sockets(http, limit, error)
				    : listen_on_addresses(http, limit, error))
		return http;
	http_stop(http, 0);
	return NULL;
}

void http_stop(struct http *http, int64_t grace_ms)
{
	int fds[OPTIONS_LISTEN_MAX];

	atomic_store(&http->draining, true);
	for (size_t i = 0; i < http->daemon_count; i++) {
		fds[i] = MHD_quiesce_daemon(http->daemons[i]);
		/*
		 * Its thread may still look at the descriptor, so it is not closed yet; but nobody
		 * shall queue there. What systemd handed over is for the next process to accept.
		 */
		if (fds[i] >= 0 && !http->options->systemd_socket)
			shutdown(fds[i], SHUT_RDWR);
	}
	if (!reaper_wait_quiet(http->reaper, grace_ms))
		log_event(LOG_LEVEL_WARN,
			  log_text("msg", "requests cut off at the end of the grace period"),
			  log_number("grace_ms", grace_ms));
	errands_stop(http->errands);
	renderer_end(http->renderer);
	for (size_t i = 0; i < http->daemon_count; i++) {
		MHD_stop_daemon(http->daemons[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	renderer_destroy(http->renderer);
	reaper_stop(http->reaper);
	errands_free(http->errands);
	free(http);
}
