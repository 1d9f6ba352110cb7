/* SPDX-License-Identifier: MIT */
/*
 * gate.h - whether a request is let in: who it says it is from
 *
 * All paths are behind it, those of probes and /-/reload as well. Where the configuration names no
 * users everybody is let in.
 */
#ifndef COLLECTOR_GATE_H
#define COLLECTOR_GATE_H

#include <microhttpd.h>

#include "errand.h"
#include "web.h"

enum gate {
	GATE_OPEN,
	GATE_WAIT, /* the connection stands still; ask again when it goes on */
	GATE_SHUT, /* 401 */
	GATE_BUSY  /* 503: too many are being checked */
};

/*
 * *errand is NULL at the first question about a request, and again when the answer is not
 * GATE_WAIT.
 */
enum gate gate_ask(struct errand **errand, struct errands *errands, struct web *web,
		   struct MHD_Connection *mhd, const struct client *client);

#endif
