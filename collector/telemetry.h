/* SPDX-License-Identifier: MIT */
/*
 * telemetry.h - how a scrape is answered: format, coding, filters, the scraper's timeout
 */
#ifndef COLLECTOR_TELEMETRY_H
#define COLLECTOR_TELEMETRY_H

#include "answer.h"
#include "renderer.h"
#include "request.h"
#include "routes.h"

/* How long the scraper waits for all of the answer, in ms; 0 if it does not say. */
long telemetry_timeout_ms(const struct request *request);

/*
 * Fills the answer by a refusal, or orders what the request asks for and returns false: its
 * connection stands still until that is there, for telemetry_finish. arrived_ns: when the request
 * came.
 */
bool telemetry_begin(struct answer *answer, const struct request *request,
		     const struct metrics_path *path, uint64_t arrived_ns,
		     struct renderer *renderer, struct ticket *ticket);
void telemetry_finish(struct answer *answer, struct renderer *renderer, struct ticket *ticket);

#endif
