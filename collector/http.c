/* SPDX-License-Identifier: MIT */
/*
 * http.c - the HTTP server: listeners, limits, draining
 *
 * libmicrohttpd, one epoll thread a listener: a scrape is rendered there in one go, for rendering
 * wants memory bandwidth and not threads.
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

#include "reaper.h"
#include "request.h"
#include "routes.h"
#include "selfmetrics.h"
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

struct http {
	const struct options *options;
	struct scrape *scrape;
	struct reaper *reaper;
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

static void serve_scrape(struct http *http, struct connection *connection,
			 struct MHD_Connection *mhd, struct answer *answer)
{
	const unsigned limit = http->options->max_requests;

	/*
	 * Released when the last byte is sent: a slow reader holds the memory of its answer until
	 * then.
	 */
	connection->is_scrape = true;
	if (atomic_fetch_add(&http->scrapes_running, 1) >= limit && limit != 0) {
		atomic_fetch_add(&selfmetrics_counts.scrapes_rejected, 1);
		say(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many scrapes at the same time (--web.max-requests)\n");
		return;
	}
	telemetry_answer(answer, mhd, http->scrape);
}

static void serve(struct http *http, struct connection *connection, const struct request *request,
		  struct answer *answer)
{
	const char *path = request_path(request);
	const bool is_scrape = routes_is_metrics(http->options, path);
	const struct route *route = routes_find(path);
	const char *broken = request_broken_rule(request);

	if (broken) {
		say(answer, MHD_HTTP_BAD_REQUEST, broken);
		answer->is_last = true;
	} else if (!is_scrape && !route && !(request_asks(request) && strcmp(path, "*") == 0))
		say(answer, MHD_HTTP_NOT_FOUND, "no such path\n");
	else if (request_asks(request))
		answer->status = MHD_HTTP_NO_CONTENT;
	else if (!request_reads(request))
		say(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are served here\n");
	else if (is_scrape)
		serve_scrape(http, connection, request->mhd, answer);
	else if (route->serve)
		route->serve(answer, http->options);
	else
		route->serve_walked(answer, http->scrape);
}

/* ---- answering ---- */

static void free_body(void *data)
{
	smx_buffer buffer = {.data = data};

	smx_buffer_free(&buffer);
}

static void add_headers(struct MHD_Response *response, const struct answer *answer)
{
	if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED || answer->status == MHD_HTTP_NO_CONTENT)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, ALLOWED_METHODS);
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					answer->content_type);
	if (answer->is_negotiated)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (answer->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (answer->is_last)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Content-Security-Policy",
				"default-src 'none'; style-src 'unsafe-inline'");
}

/* Takes over the body. */
static enum MHD_Result send_answer(struct MHD_Connection *mhd, struct answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (answer->body.failed) {
		smx_buffer_free(&answer->body);
		return MHD_NO;
	}
	if (answer->body.data)
		response = MHD_create_response_from_buffer_with_free_callback(
			answer->body.size, answer->body.data, free_body);
	else
		response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (!response) {
		smx_buffer_free(&answer->body);
		return MHD_NO;
	}
	add_headers(response, answer);
	queued = MHD_queue_response(mhd, answer->status, response);
	MHD_destroy_response(response);
	return queued;
}

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
		  log_number("bytes", (int64_t)answer->body.size));
}

/*
 * libmicrohttpd calls it when the header is there, for each piece of a body, and when all is there.
 */
static enum MHD_Result on_request(void *argument, struct MHD_Connection *mhd, const char *target,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct http *http = argument;
	struct connection *connection = connection_of(mhd);
	struct answer answer = {.status = MHD_HTTP_OK};

	(void)upload;
	if (!connection)
		return MHD_NO;
	if (!*state) {
		long timeout_ms = telemetry_timeout_ms(mhd);

		*state = connection;
		connection->discarded_bytes = 0;
		connection_request_began(http->reaper, connection,
					 timeout_ms ? timeout_ms : REAPER_REQUEST_MS);
		return MHD_YES;
	}
	if (*upload_size) {
		connection->discarded_bytes += *upload_size;
		*upload_size = 0;
		return connection->discarded_bytes > BODY_BYTES_MAX ? MHD_NO : MHD_YES;
	}
	serve(http, connection,
	      &(struct request){mhd, target, method, version, connection->is_bad_target}, &answer);
	answer.is_last = answer.is_last || atomic_load(&http->draining);
	log_request(method, target, &answer);
	return send_answer(mhd, &answer);
}

static void on_completed(void *argument, struct MHD_Connection *mhd, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct http *http = argument;
	struct connection *connection = *state;

	(void)mhd, (void)code;
	if (!connection)
		return;
	*state = NULL;
	if (connection->is_scrape)
		atomic_fetch_sub(&http->scrapes_running, 1);
	connection->is_scrape = false;
	connection_request_ended(http->reaper, connection);
}

static void on_connection(void *argument, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *http = argument;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

		*context = connection_opened(http->reaper, info->connect_fd);
	} else if (*context) {
		connection_closed(http->reaper, *context);
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
	if (connection)
		connection->is_bad_target = request_is_bad_target(target);
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

static bool add_listener(struct http *http, const struct listener_address *address, unsigned limit,
			 smx_error *error)
{
	char name[LISTENER_NAME_MAX];
	int fd = listener_open(address, name);
	struct MHD_Daemon *daemon;

	if (fd < 0) {
		snprintf(error->message, sizeof(error->message), "cannot listen on %s: %s",
			 address->text, strerror(errno));
		return false;
	}
	daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL, NULL,
		on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		limit < CONNECTIONS_PER_ADDRESS ? limit : CONNECTIONS_PER_ADDRESS,
		MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		HEADER_BYTES_MAX, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, http, MHD_OPTION_END);
	if (!daemon) {
		close(fd);
		snprintf(error->message, sizeof(error->message), "cannot serve on %s",
			 address->text);
		return false;
	}
	http->daemons[http->daemon_count++] = daemon;
	log_event(LOG_LEVEL_INFO, log_text("msg", "listening"), log_text("address", name));
	return true;
}

struct http *http_start(const struct options *options, struct scrape *scrape, smx_error *error)
{
	const unsigned limit = connection_limit();
	struct http *http = calloc(1, sizeof(*http));

	if (http)
		http->reaper = reaper_start(limit);
	if (!http || !http->reaper) {
		free(http);
		snprintf(error->message, sizeof(error->message), "no memory or no thread");
		return NULL;
	}
	http->options = options;
	http->scrape = scrape;
	for (size_t i = 0; i < options->listen_count; i++) {
		if (!add_listener(http, &options->listen[i],
				  limit / (unsigned)options->listen_count, error)) {
			http_stop(http, 0);
			return NULL;
		}
	}
	return http;
}

void http_stop(struct http *http, int64_t grace_ms)
{
	int fds[OPTIONS_LISTEN_MAX];

	atomic_store(&http->draining, true);
	for (size_t i = 0; i < http->daemon_count; i++) {
		fds[i] = MHD_quiesce_daemon(http->daemons[i]);
		/*
		 * Its thread may still look at the descriptor, so it is not closed yet; but nobody
		 * shall queue there.
		 */
		if (fds[i] >= 0)
			shutdown(fds[i], SHUT_RDWR);
	}
	if (!reaper_wait_quiet(http->reaper, grace_ms))
		log_event(LOG_LEVEL_WARN,
			  log_text("msg", "requests cut off at the end of the grace period"),
			  log_number("grace_ms", grace_ms));
	for (size_t i = 0; i < http->daemon_count; i++) {
		MHD_stop_daemon(http->daemons[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	reaper_stop(http->reaper);
	free(http);
}
