/* SPDX-License-Identifier: MIT */
/*
 * telemetry.h - how a scrape is answered: filters, limits, the scraper's timeout
 */
#ifndef COLLECTOR_TELEMETRY_H
#define COLLECTOR_TELEMETRY_H

#include <microhttpd.h>

#include "answer.h"
#include "scrape.h"

/* How long the scraper waits for all of the answer, in ms; 0 if it does not say. */
long telemetry_timeout_ms(struct MHD_Connection *connection);

void telemetry_answer(struct answer *answer, struct MHD_Connection *connection,
		      struct scrape *scrape);

#endif
