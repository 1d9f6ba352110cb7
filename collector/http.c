/* SPDX-License-Identifier: MIT */
/*
 * http.c - the HTTP server: listeners, limits, draining
 *
 * libmicrohttpd, one epoll thread a listener. It makes whatever is quick by itself; a scrape it
 * hands to the renderer, a password to an errand.
 *
 * What a request gets is in service.c, which are refused whatever they ask for in request.c, which
 * connections in admission.c.
 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "clock.h"
#include "query.h"
#include "selfmetrics.h"
#include "service.h"
#include "sockets.h"
#include "telemetry.h"
#include "tls.h"

#define SILENCE_SECONDS 120u

struct http {
	struct service service;
	struct reaper *reaper;
	unsigned connection_limit;
	bool has_tls;
	struct MHD_Daemon *daemons[OPTIONS_LISTEN_MAX];
	size_t daemon_count;
	atomic_bool draining;
};

/* ---- answering ---- */

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void log_request(const struct connection *connection, const struct request *request,
			const struct answer *answer)
{
	log_event(LOG_LEVEL_DEBUG, log_text("msg", "request"),
		  log_text("client", connection->client.text), log_text("method", request->method),
		  log_text("path", request->target), log_number("status", answer->status),
		  log_number("bytes", (int64_t)answer_size(answer)));
}

static enum MHD_Result send_answer(struct http *http, struct connection *connection,
				   const struct request *request, struct web *web,
				   struct answer *answer)
{
	/* A connection from before the last reload ends: its next one has what is new. */
	answer->is_last = answer->is_last || connection->web != web || atomic_load(&http->draining);
	connection->body_bytes = request_wants_body(request) ? answer_size(answer) : 0;
	log_request(connection, request, answer);
	return answer_send(answer, request->mhd, web);
}

/* The header is there. What is refused for it is refused now, whatever body is to come. */
static enum MHD_Result begin_request(struct http *http, struct connection *connection,
				     const struct request *request)
{
	const long timeout_ms = telemetry_timeout_ms(request);
	struct answer answer = {.status = MHD_HTTP_OK};
	struct web *web;
	enum MHD_Result result = MHD_YES;

	connection->discarded_bytes = 0;
	connection->arrived_ns = clock_ns();
	connection_request_began(http->reaper, connection,
				 timeout_ms ? timeout_ms : REAPER_REQUEST_MS);
	if (!service_refuses(request, &answer))
		return MHD_YES;
	web = web_take();
	result = send_answer(http, connection, request, web, &answer);
	web_give_back(web);
	return result;
}

static enum MHD_Result answer_request(struct http *http, struct connection *connection,
				      const struct request *request)
{
	struct answer answer = {.status = MHD_HTTP_OK};
	struct web *web = web_take();
	enum MHD_Result result = MHD_YES;

	if (service_answer(&http->service, connection, request, web, &answer))
		result = send_answer(http, connection, request, web, &answer);
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
	request.is_bad_target =
		connection->is_bad_target || request_has_raw_nul(connection->target_end, version);
	if (!*state) {
		*state = connection;
		return begin_request(http, connection, &request);
	}
	if (*upload_size) {
		connection->discarded_bytes += *upload_size;
		*upload_size = 0;
		return connection->discarded_bytes > REQUEST_BODY_BYTES_MAX ? MHD_NO : MHD_YES;
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
	if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		atomic_fetch_add(&selfmetrics_counts.sent_bytes, connection->body_bytes);
	connection->body_bytes = 0;
	service_forget(&http->service, connection);
	connection_request_ended(http->reaper, connection);
}

static struct connection *begin_connection(struct http *http, struct MHD_Connection *mhd)
{
	const int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct connection *connection =
		connection_opened(http->reaper, fd, info ? info->client_addr : NULL);

	if (!connection)
		return NULL;
	connection->web = web_take();
	info = http->has_tls ? MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
			     : NULL;
	/* Where it fails there are no credentials, and the handshake fails. */
	if (info && !tls_attach(connection->web->tls, info->tls_session, &connection->peer,
				connection->client.text))
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

static enum MHD_Result on_accept(void *argument, const struct sockaddr *address, socklen_t size)
{
	struct http *http = argument;
	struct client client;

	(void)size;
	client_set(&client, address);
	return admission_allows(http->reaper, http->connection_limit, &client) ? MHD_YES : MHD_NO;
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
		connection->target_end = (uintptr_t)target + strlen(target);
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

/* Takes over the descriptor. */
static bool add_listener(struct http *http, int fd, const char *name, smx_error *error)
{
	const unsigned tls = http->has_tls ? MHD_USE_TLS : 0;
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_LISTEN_SOCKET, fd, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
		/* Never met: on_accept has turned away those that are too many (admission.h). */
		{MHD_OPTION_CONNECTION_LIMIT, http->connection_limit + OPTIONS_LISTEN_MAX + 1,
		 NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_HEADER_BYTES_MAX, NULL},
		/* Asked only where a session has no credentials of its own, and never has any. */
		{http->has_tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
		 (void *)tls_no_certificate},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC |
			MHD_ALLOW_SUSPEND_RESUME | tls,
		0, on_accept, http, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
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

static bool listen_on_addresses(struct http *http, smx_error *error)
{
	const struct options *options = http->service.options;

	for (size_t i = 0; i < options->listen_count; i++) {
		char name[LISTENER_NAME_MAX];
		int fd = listener_open(&options->listen[i], name);

		if (fd < 0) {
			snprintf(error->message, sizeof(error->message), "cannot listen on %s: %s",
				 options->listen[i].text, strerror(errno));
			return false;
		}
		if (!add_listener(http, fd, name, error))
			return false;
	}
	return true;
}

static bool listen_on_sockets(struct http *http, smx_error *error)
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
		if (!add_listener(http, fds[i], name, error))
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

/* Whatever has been started of it. */
static void stop_parts(struct http *http)
{
	if (http->service.errands)
		errands_free(http->service.errands);
	if (http->service.renderer)
		renderer_destroy(http->service.renderer);
	if (http->reaper)
		reaper_stop(http->reaper);
	free(http);
}

static struct http *start_parts(const struct options *options, struct scrape *scrape)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->service.options = options;
	http->service.scrape = scrape;
	http->has_tls = uses_tls();
	http->connection_limit = admission_limit();
	http->reaper = reaper_start(http->connection_limit);
	if (http->reaper)
		http->service.renderer = renderer_start(scrape);
	if (http->service.renderer)
		http->service.errands = errands_start();
	if (http->service.errands)
		return http;
	if (http->service.renderer)
		renderer_end(http->service.renderer);
	stop_parts(http);
	return NULL;
}

struct http *http_start(const struct options *options, struct scrape *scrape, smx_error *error)
{
	struct http *http = start_parts(options, scrape);

	if (!http) {
		snprintf(error->message, sizeof(error->message), "no memory or no thread");
		return NULL;
	}
	if (options->systemd_socket ? listen_on_sockets(http, error)
				    : listen_on_addresses(http, error))
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
		if (fds[i] >= 0 && !http->service.options->systemd_socket)
			shutdown(fds[i], SHUT_RDWR);
	}
	if (!reaper_wait_quiet(http->reaper, grace_ms))
		log_event(LOG_LEVEL_WARN,
			  log_text("msg", "requests cut off at the end of the grace period"),
			  log_number("grace_ms", grace_ms));
	errands_stop(http->service.errands);
	renderer_end(http->service.renderer);
	for (size_t i = 0; i < http->daemon_count; i++) {
		MHD_stop_daemon(http->daemons[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	stop_parts(http);
}
