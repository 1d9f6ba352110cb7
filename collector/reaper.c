/* SPDX-License-Identifier: MIT */
/*
 * reaper.c - deadlines for connections: libmicrohttpd's timeout counts silence only
 */
#include "reaper.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "selfmetrics.h"

#define SWEEP_MS 500

struct reaper {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* stop, or no request any more */
	pthread_t thread;
	struct connection *first;
	unsigned count;
	unsigned limit;
	unsigned requests; /* in the phase CONNECTION_REQUEST */
	bool stop;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec from_ms(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* What lies in the kernel's buffer was sent in time: the server is behind, not the client. */
static bool has_unread_bytes(int fd)
{
	int count = 0;

	return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

static uint64_t received_bytes(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* With the lock. */
static void leave_request(struct reaper *reaper, struct connection *connection)
{
	if (connection->phase == CONNECTION_REQUEST && --reaper->requests == 0)
		pthread_cond_broadcast(&reaper->changed);
}

struct toll {
	unsigned headers;   /* too slow to send a request */
	unsigned requests;  /* too slow to send a body or to read the answer */
	unsigned idle;	    /* made room */
	struct client last; /* one of them */
};

static void reap(struct connection *connection, struct toll *toll)
{
	toll->last = connection->client;
	shutdown(connection->fd, SHUT_RDWR);
	connection->phase = CONNECTION_REAPED;
	atomic_fetch_add(&selfmetrics_counts.connections_reaped, 1);
}

static void sweep(struct reaper *reaper, int64_t now, struct toll *toll)
{
	const bool crowded = reaper->count > reaper->limit / 4 * 3;

	for (struct connection *at = reaper->first; at; at = at->next) {
		if (at->phase == CONNECTION_HEADER && now >= at->deadline_ms) {
			if (has_unread_bytes(at->fd)) {
				at->is_late = false;
			} else if (!at->is_late) {
				/* What was read a moment ago may be about to become a request. */
				at->is_late = true;
			} else {
				toll->headers++;
				reap(at, toll);
			}
		} else if (at->phase == CONNECTION_REQUEST && now >= at->deadline_ms) {
			toll->requests++;
			leave_request(reaper, at);
			reap(at, toll);
		} else if (at->phase == CONNECTION_IDLE && crowded) {
			toll->idle++;
			reap(at, toll);
		} else if (at->phase == CONNECTION_IDLE &&
			   received_bytes(at->fd) > at->received_bytes) {
			at->phase = CONNECTION_HEADER;
			at->is_late = false;
			at->deadline_ms = now + REAPER_HEADER_MS;
		}
	}
}

/* One line for all of them: an attack must not become an attack on the log. */
static void report(const struct toll *toll)
{
	if (toll->headers + toll->requests + toll->idle)
		log_event(LOG_LEVEL_WARN, log_text("msg", "slow connections shut down"),
			  log_number("in_header", toll->headers),
			  log_number("in_request", toll->requests), log_number("idle", toll->idle),
			  log_text("last_client", toll->last.text));
}

static void *run(void *argument)
{
	struct reaper *reaper = argument;
	int64_t next = now_ms() + SWEEP_MS;

	pthread_mutex_lock(&reaper->lock);
	while (!reaper->stop) {
		struct timespec until = from_ms(next);
		struct toll toll = {0};

		pthread_cond_timedwait(&reaper->changed, &reaper->lock, &until);
		if (now_ms() < next)
			continue;
		sweep(reaper, now_ms(), &toll);
		next = now_ms() + SWEEP_MS;
		pthread_mutex_unlock(&reaper->lock);
		report(&toll);
		pthread_mutex_lock(&reaper->lock);
	}
	pthread_mutex_unlock(&reaper->lock);
	return NULL;
}

struct reaper *reaper_start(unsigned connection_limit)
{
	struct reaper *reaper = calloc(1, sizeof(*reaper));
	pthread_condattr_t attributes;

	if (!reaper)
		return NULL;
	reaper->limit = connection_limit;
	pthread_mutex_init(&reaper->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reaper->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (pthread_create(&reaper->thread, NULL, run, reaper) == 0)
		return reaper;
	pthread_cond_destroy(&reaper->changed);
	pthread_mutex_destroy(&reaper->lock);
	free(reaper);
	return NULL;
}

void reaper_stop(struct reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->stop = true;
	pthread_cond_broadcast(&reaper->changed);
	pthread_mutex_unlock(&reaper->lock);
	pthread_join(reaper->thread, NULL);
	pthread_cond_destroy(&reaper->changed);
	pthread_mutex_destroy(&reaper->lock);
	free(reaper);
}

struct connection *connection_opened(struct reaper *reaper, int fd, const struct sockaddr *address)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->fd = fd;
	client_set(&connection->client, address);
	connection->phase = CONNECTION_HEADER;
	connection->deadline_ms = now_ms() + REAPER_HEADER_MS;
	pthread_mutex_lock(&reaper->lock);
	connection->next = reaper->first;
	if (reaper->first)
		reaper->first->previous = connection;
	reaper->first = connection;
	reaper->count++;
	pthread_mutex_unlock(&reaper->lock);
	return connection;
}

void connection_closed(struct reaper *reaper, struct connection *connection)
{
	pthread_mutex_lock(&reaper->lock);
	leave_request(reaper, connection);
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		reaper->first = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	reaper->count--;
	pthread_mutex_unlock(&reaper->lock);
	free(connection->query);
	free(connection);
}

void connection_request_began(struct reaper *reaper, struct connection *connection,
			      int64_t allowed_ms)
{
	pthread_mutex_lock(&reaper->lock);
	if (connection->phase != CONNECTION_REAPED) {
		if (connection->phase != CONNECTION_REQUEST)
			reaper->requests++;
		connection->phase = CONNECTION_REQUEST;
		connection->deadline_ms = now_ms() + allowed_ms;
	}
	pthread_mutex_unlock(&reaper->lock);
}

void connection_request_ended(struct reaper *reaper, struct connection *connection)
{
	pthread_mutex_lock(&reaper->lock);
	leave_request(reaper, connection);
	if (connection->phase == CONNECTION_REQUEST) {
		connection->phase = CONNECTION_IDLE;
		connection->received_bytes = received_bytes(connection->fd);
	}
	pthread_mutex_unlock(&reaper->lock);
}

void reaper_count(struct reaper *reaper, const struct client *client, unsigned *all,
		  unsigned *of_client)
{
	*of_client = 0;
	pthread_mutex_lock(&reaper->lock);
	*all = reaper->count;
	for (const struct connection *at = reaper->first; at; at = at->next)
		*of_client += client_is_of(&at->client, client);
	pthread_mutex_unlock(&reaper->lock);
}

bool reaper_wait_quiet(struct reaper *reaper, int64_t timeout_ms)
{
	struct timespec until = from_ms(now_ms() + timeout_ms);
	bool quiet;

	pthread_mutex_lock(&reaper->lock);
	while (reaper->requests > 0 &&
	       pthread_cond_timedwait(&reaper->changed, &reaper->lock, &until) == 0)
		;
	quiet = reaper->requests == 0;
	pthread_mutex_unlock(&reaper->lock);
	return quiet;
}
