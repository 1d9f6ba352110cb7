/* SPDX-License-Identifier: MIT */
/*
 * reaper.h - deadlines for connections: libmicrohttpd's timeout counts silence only
 *
 * A client that sends one byte a second is never silent, and a few hundred of them fill a server.
 * So each connection has a phase with a deadline, and a thread shuts down the socket of those that
 * miss it; libmicrohttpd then closes it.
 *
 *  P1  A descriptor is shut down only under the lock under which connection_closed takes it out of
 *      the list, and libmicrohttpd closes the socket only after that: never somebody else's.
 *  P2  Between two requests a connection may be silent for libmicrohttpd's timeout. The deadline for
 *      a header starts with its first byte, which the kernel's count of received bytes tells.
 *  P3  Nobody pays for the server's own delay: while sent bytes wait to be read, no header is late.
 */
#ifndef COLLECTOR_REAPER_H
#define COLLECTOR_REAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "errand.h"
#include "order.h"
#include "tls.h"
#include "web.h"

/* From the first byte of a request, or from the accept, to the end of its header. */
#define REAPER_HEADER_MS 5000
/* From there to the last byte of the answer, unless the scraper names a timeout of its own. */
#define REAPER_REQUEST_MS 30000

enum connection_phase {
	CONNECTION_HEADER,  /* has to send a request */
	CONNECTION_REQUEST, /* is being answered */
	CONNECTION_IDLE,    /* kept alive */
	CONNECTION_REAPED
};

/* One connection, all its life. The first part is the reaper's, the rest the HTTP thread's. */
struct connection {
	struct connection *next;
	struct connection *previous;
	int fd;
	struct client client;
	enum connection_phase phase;
	int64_t deadline_ms;
	uint64_t received_bytes; /* when it became idle */
	bool is_late;		 /* was beyond its deadline at the last sweep */

	struct ticket ticket; /* of a scrape that is waited for */
	uint64_t arrived_ns;  /* when the header was there */
	uint64_t body_bytes;  /* that are being sent */
	bool is_scrape;	      /* counts for --web.max-requests */
	char *query;	      /* of the request, or NULL */
	bool is_bad_target;   /* a space in the request's target, or a NUL in its path */
	uintptr_t target_end; /* where the raw target ended, for request_has_raw_nul */
	uint64_t discarded_bytes;
	bool is_let_in;	       /* this request: the gate is open */
	struct errand *errand; /* what this request waits for, or has waited for */
	struct web *web;       /* in force when the connection began */
	struct tls_peer peer;
};

struct reaper;

/* connection_limit: near it, idle connections make room. NULL: no thread or no memory. */
struct reaper *reaper_start(unsigned connection_limit);
/* After the last connection is closed. */
void reaper_stop(struct reaper *reaper);

/* NULL: no memory. */
struct connection *connection_opened(struct reaper *reaper, int fd, const struct sockaddr *address);
void connection_closed(struct reaper *reaper, struct connection *connection);
void connection_request_began(struct reaper *reaper, struct connection *connection,
			      int64_t allowed_ms);
void connection_request_ended(struct reaper *reaper, struct connection *connection);

/* How many connections there are, of all listeners, and from where the client is. */
void reaper_count(struct reaper *reaper, const struct client *client, unsigned *all,
		  unsigned *of_client);

/* Waits until no request is being answered; false: still some after timeout_ms. */
bool reaper_wait_quiet(struct reaper *reaper, int64_t timeout_ms);

#endif
