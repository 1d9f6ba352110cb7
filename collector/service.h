/* SPDX-License-Identifier: MIT */
/*
 * service.h - what a request gets: who is let in, what its path and method mean, how many scrapes
 * there may be at once
 */
#ifndef COLLECTOR_SERVICE_H
#define COLLECTOR_SERVICE_H

#include <stdatomic.h>

#include "answer.h"
#include "errand.h"
#include "options.h"
#include "reaper.h"
#include "renderer.h"
#include "request.h"
#include "scrape.h"

struct service {
	const struct options *options;
	struct scrape *scrape;
	struct renderer *renderer;
	struct errands *errands;
	atomic_uint scrapes_running;
};

/*
 * When the header is there: whether the request is refused whatever its body is, so that nobody
 * waits for that.
 */
bool service_refuses(const struct request *request, struct answer *answer);
/* False: the connection stands still, and this is to be asked again. */
bool service_answer(struct service *service, struct connection *connection,
		    const struct request *request, struct web *web, struct answer *answer);
/* A request is over, however it ended. */
void service_forget(struct service *service, struct connection *connection);

#endif
