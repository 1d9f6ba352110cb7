/* SPDX-License-Identifier: MIT */
/*
 * segment.h - one segment file that the collector serves, or says why it cannot
 *
 * Guarantees:
 *
 *  V1  A segment is closed by whoever drops its last reference: never while a catalog, the
 *      exposition or a request holds one.
 *  V2  reader, and everything under "the scrape's", is touched only by the thread that holds the
 *      scrape lock, or by the discovery thread before any catalog shows the segment.
 *  V3  The status is a copy, under a lock of its own that is held for copying only: pages and
 *      probes never wait for the scrape lock. The scrape lock may be held when it is taken,
 *      never the other way round.
 */
#ifndef COLLECTOR_SEGMENT_H
#define COLLECTOR_SEGMENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "hidden.h"
#include "pattern.h"
#include "refcount.h"
#include "shmetrics/reader.h"

struct segment_status {
	bool up;      /* its last walk went well */
	bool current; /* the file has its name; false: replaced or deleted, yet held */
	size_t family_count;
	smx_reader_info info;
	char reason[256]; /* why it is not up */
};

struct segment {
	struct refcount references;
	char name[SEGMENT_NAME_MAX + 1];
	char *path;

	/* the scrape's */
	smx_reader *reader; /* NULL: the file could not be opened */
	int watch;	    /* O_PATH descriptor of the same file, for its size; or -1 */
	bool is_up;	    /* its last walk went well */
	uint64_t wanted_by; /* view.c */
	uint64_t member_of;
	size_t checked_families;
	uint64_t own_families; /* of the collector's own, which the families checked have, too */

	/* A walk failed: discovery has to open the file again. Never cleared. */
	atomic_bool failed;

	pthread_mutex_t status_lock;
	struct segment_status status;
	struct hidden_list hidden;
};

/*
 * Opens the file and walks it once. Never NULL but for want of memory: a file that cannot be served
 * gives a segment without a reader whose status says why. mode: st_mode of the path just before.
 */
struct segment *segment_open(const char *name, const char *path, mode_t mode,
			     const smx_reader_options *options);
/* A segment that says only why it is not served. */
struct segment *segment_create_down(const char *name, const char *path, const char *reason);

struct segment *segment_get(struct segment *segment);
void segment_put(struct segment *segment);

/* Walks it and renews its status. With the scrape lock. False: it is not up. */
bool segment_walk(struct segment *segment);
/*
 * Whether the file has become smaller since the walk, or got holes (as when it is cut and extended
 * again): what was read of it may be zeros. With the scrape lock.
 */
bool segment_has_lost_pages(const struct segment *segment);
/* Not up until the next walk that goes well. */
void segment_set_down(struct segment *segment, const char *reason);
/* Not up any more: discovery opens the file again. */
void segment_fail(struct segment *segment, const char *reason);
/* Whether discovery has to open the file again. */
bool segment_has_failed(const struct segment *segment);

void segment_set_current(struct segment *segment, bool current);
struct segment_status segment_status(struct segment *segment);

#endif
