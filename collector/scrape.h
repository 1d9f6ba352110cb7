/* SPDX-License-Identifier: MIT */
/*
 * scrape.h - one walk through all segments, one rendering of what they hold
 *
 *  R1  Readers and the exposition are objects of one thread at a time: the scrape lock makes it so.
 *      Writers never wait for it, for a reader locks nothing that is theirs (I10).
 *  R2  The lock is taken first and the catalog second, so scrapes see catalogs in the order of
 *      their publication, and the exposition is never taken back to an older one.
 *  R3  There is one exposition for the collector's life. Each scrape brings it to its catalog, so
 *      what it has cached of a segment that stays survives every change of the catalog.
 *  R4  The exposition holds a reference to each segment in it. A segment leaves it before that
 *      reference is dropped.
 *  R5  What a scrape serves comes from segments that were whole before and after rendering: if one
 *      has lost pages meanwhile it is taken out and the rest rendered anew.
 *  R6  Nobody waits for a grace period with the lock held, nor takes it in a read-side section.
 *  R7  A probe waits for a walk at most, never for a rendering: who renders leaves a report of the
 *      walk before it, and who asks while the lock is taken gets that one.
 */
#ifndef COLLECTOR_SCRAPE_H
#define COLLECTOR_SCRAPE_H

#include "answer.h"
#include "segment.h"
#include "shmetrics/exposition.h"

struct scrape;

/* leave_out: as in selfmetrics_emit. NULL: no memory. */
struct scrape *scrape_create(uint64_t leave_out);
/* After the last scrape; catalogs may outlive it. */
void scrape_destroy(struct scrape *scrape);

/*
 * Called when a scrape has found that a segment failed, or that nobody holds a replaced one any
 * more. Set before the first scrape.
 */
void scrape_on_change(struct scrape *scrape, void (*changed)(void *argument), void *argument);

/*
 * Appends everything, the collector's own metrics last. On failure the buffer is as it was, or its
 * failed is set.
 */
smx_status scrape_render(struct scrape *scrape, smx_exposition_type type, const smx_text *names,
			 size_t name_count, smx_buffer *buffer, smx_error *error);

/*
 * Whether the applications are ready (readiness.h), as of a walk made for it, or of the one of the
 * scrape that is being rendered.
 */
void scrape_ready(struct scrape *scrape, struct answer *answer);

/* Walks one segment, for those who are not scraping. */
bool scrape_walk(struct scrape *scrape, struct segment *segment);
/* Lets go of what the catalog has no more, so that its memory does not wait for the next scrape. */
void scrape_settle(struct scrape *scrape);

#endif
