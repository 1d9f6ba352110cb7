/* SPDX-License-Identifier: MIT */
/*
 * scrape.h - a walk through segments, and a rendering of what they hold
 *
 *  G1  Readers and the exposition are objects of one thread at a time: the scrape lock makes it so.
 *      Writers never wait for it, for a reader locks nothing that is theirs (I10).
 *  G2  The lock is taken first and the catalog second, so scrapes see catalogs in the order of
 *      their publication, and the exposition is never taken back to an older one.
 *  G3  There is one exposition of all segments for the collector's life, and one for each segment
 *      that is scraped by itself (view.h). Each scrape brings its own to the catalog, so what it
 *      has cached of a segment that stays survives every change of the catalog.
 *  G4  An exposition holds a reference to each segment in it. A segment leaves it before that
 *      reference is dropped.
 *  G5  What a scrape serves comes from segments that were whole before and after rendering: if one
 *      has lost pages meanwhile it is taken out and the rest rendered anew.
 *  G6  Nobody waits for a grace period with the lock held, nor takes it in a read-side section.
 *  G7  A probe waits for a walk at most, never for a rendering: who renders leaves a report of the
 *      walk before it, and who asks while the lock is taken gets that one. A scrape of one segment
 *      walks that one alone, and leaves the report before it while that is a second old at most.
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

/* What there is to scrape. The collector's own metrics are in one of them only, or alone. */
enum scrape_part {
	SCRAPE_ALL,	 /* every segment, as one, and the collector's own */
	SCRAPE_SEGMENT,	 /* what the segments with one name hold */
	SCRAPE_COLLECTOR /* the collector's own */
};

struct scrape_wish {
	smx_exposition_type type;
	enum scrape_part part;
	const char *segment;   /* of SCRAPE_SEGMENT: its name */
	const smx_text *names; /* as in smx_exposition_render */
	size_t name_count;
};

enum scrape_outcome {
	SCRAPE_DONE,
	SCRAPE_UNKNOWN, /* there is no such segment */
	SCRAPE_DOWN,	/* it cannot be read; its status says why */
	SCRAPE_FAILED	/* *error says why */
};

/* Appends a whole exposition. Unless DONE the buffer is as it was, or its failed is set. */
enum scrape_outcome scrape_render(struct scrape *scrape, const struct scrape_wish *wish,
				  smx_buffer *buffer, smx_error *error);

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
