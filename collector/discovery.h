/* SPDX-License-Identifier: MIT */
/*
 * discovery.h - finds segment files, attaches them, and publishes the catalog of them
 *
 * A thread of its own: opening a large segment or asking a slow file system must delay neither a
 * scrape nor a signal.
 */
#ifndef COLLECTOR_DISCOVERY_H
#define COLLECTOR_DISCOVERY_H

#include "options.h"
#include "scrape.h"

struct discovery;

/*
 * The first catalog is published before this returns. options and scrape outlive it. NULL: says why
 * in *error.
 */
struct discovery *discovery_start(const struct options *options, struct scrape *scrape,
				  smx_error *error);
/* Looks at everything anew, also at what could not be opened. Any thread. */
void discovery_rescan(struct discovery *discovery);
/* Ends the thread and publishes no catalog any more. */
void discovery_stop(struct discovery *discovery);

#endif
