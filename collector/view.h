/* SPDX-License-Identifier: MIT */
/*
 * view.h - an exposition of what the catalog has: of all segments together, or of those with one
 * name
 *
 * Everything here is with the scrape lock (scrape.h).
 */
#ifndef COLLECTOR_VIEW_H
#define COLLECTOR_VIEW_H

#include "catalog.h"
#include "shmetrics/exposition.h"

struct view {
	struct view *next;
	char name[SEGMENT_NAME_MAX + 1]; /* empty: all segments */
	smx_exposition *exposition;
	struct segment *members[CATALOG_SEGMENT_MAX];
	size_t member_count;
	uint64_t used_ns; /* when it was last asked for */
	/* In which it was ever asked for: what is hidden does not flap as scrapers take turns. */
	unsigned escapings;
};

/* NULL: no memory. */
struct view *view_create(const char *name);
void view_destroy(struct view *view);

/* Whether the segment is one of those it is of. */
bool view_is_of(const struct view *view, const struct segment *segment);

/*
 * Brings the exposition to the catalog: what could be read at its last walk is in it, and nothing
 * else.
 */
void view_follow(struct view *view, const struct catalog *catalog);
/* Lets go of what the catalog has no more, and takes nothing in. */
void view_forget(struct view *view, const struct catalog *catalog);
/* Takes out what has lost pages while it was being read. Returns whether there was any. */
bool view_drop_damaged(struct view *view);

/* After a rendering in this escaping: names what is hidden of its members, and counts it. */
struct hidden_counts view_renew_hidden(struct view *view, smx_escaping escaping);

/* selfmetrics_collisions of all its members. */
uint64_t view_collisions(const struct view *view);

#endif
