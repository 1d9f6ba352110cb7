/* SPDX-License-Identifier: MIT */
/*
 * errand.h - what takes too long for a thread that answers requests, done by a thread of its own
 *
 * The connection stands still meanwhile and all others are served. When the errand is done
 * libmicrohttpd asks anew for the answer to the same request.
 *
 *  E1  An errand is done before its connection goes on; so it may use what the connection owns.
 *  E2  A bounded number waits. The next is refused, or takes the place of one whose client has more
 *      of them waiting.
 *  E3  errands_stop leaves no connection standing: what has not begun is not done any more.
 *  E4  What a client asked for that has hung up since is not done: those who flood and leave do not
 *      hold up those who stay. Who has closed the sending side alone looks the same: refused.
 *  E5  Clients take turns: one with many errands delays another by one errand at most, and its own
 *      as long as it likes.
 */
#ifndef COLLECTOR_ERRAND_H
#define COLLECTOR_ERRAND_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"

struct errand {
	void (*run)(struct errand *errand);
	void (*drop)(struct errand *errand); /* frees it */
	struct MHD_Connection *mhd;
	const struct client *client; /* the connection's */
	struct errand *next;
	uint64_t round; /* of taking turns */
	int descriptor; /* the connection's, which is open as long as the errand is out */
	bool was_run;	/* false when it is back: it gave way, or nobody waits for it */
};

struct errands;

/* NULL: no memory or no thread. */
struct errands *errands_start(void);
/*
 * From the handler of the errand's request, which then returns without an answer. False: too many
 * wait already, and the connection goes on.
 */
bool errands_send(struct errands *errands, struct errand *errand);
/* Before libmicrohttpd is stopped. What is sent after it is refused. */
void errands_stop(struct errands *errands);
void errands_free(struct errands *errands);

#endif
