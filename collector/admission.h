/* SPDX-License-Identifier: MIT */
/*
 * admission.h - how many connections there may be, in all and from one address
 *
 * libmicrohttpd has limits, too, but a listener each: whoever connects to two would have twice as
 * many. And it says nothing of those that it turns away.
 *
 *  K1  A connection is let in by what the reaper's list holds of all listeners. Two listeners that
 *      look at the same moment may each let one in: the limit is passed by one a listener at most.
 *  K2  Who is turned away is counted, and one a second is in the log.
 */
#ifndef COLLECTOR_ADMISSION_H
#define COLLECTOR_ADMISSION_H

#include "client.h"
#include "reaper.h"

/* What the descriptors of this process allow; it asks for more if it has too few. */
unsigned admission_limit(void);

/* limit: in all. From one address half of it: a proxy in front is one for all behind it. */
bool admission_allows(struct reaper *reaper, unsigned limit, const struct client *client);

#endif
