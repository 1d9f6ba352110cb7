/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - the set of segments that is served now
 *
 * One thread (discovery) publishes; any thread reads.
 *
 *  C1  A catalog never changes once it is published: a change is a new catalog, published by one
 *      store.
 *  C2  Who finds a catalog inside a read-side section may take a reference there: the publisher
 *      drops its own only after a grace period, so the count cannot have reached zero.
 *  C3  A request that only looks (pages, probes) stays in a short read-side section. A scrape takes
 *      a reference instead: a section as long as a scrape would hold up every grace period.
 *  C4  A replaced file and its successor change places in one publication: no scrape misses both,
 *      and none loses the writers that still hold the old one.
 *  C5  The catalog holds a reference to each of its segments, so its last holder closes those that
 *      nobody else has.
 */
#ifndef COLLECTOR_CATALOG_H
#define COLLECTOR_CATALOG_H

#include <stddef.h>

#include "refcount.h"
#include "segment.h"

/* More than an operator has on purpose; a bound on what a folder full of files can make us do. */
#define CATALOG_SEGMENT_MAX 256

struct catalog {
	struct refcount references;
	size_t count;
	struct segment *segments[]; /* ordered by name, of one name the current file first */
};

/* Takes a reference to each segment. NULL: no memory. */
struct catalog *catalog_create(struct segment *const *segments, size_t count);
/*
 * Makes it the one that is found, NULL for none, and drops the one before after a grace period.
 * Takes over the reference.
 */
void catalog_publish(struct catalog *catalog);

/* A reference to what is published, or NULL. The thread need not be registered with liburcu. */
struct catalog *catalog_acquire(void);
void catalog_release(struct catalog *catalog);

/* Calls look in a read-side section with what is published, or not at all: it must not block. */
void catalog_look(void (*look)(const struct catalog *catalog, void *argument), void *argument);

#endif
