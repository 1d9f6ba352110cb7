/* SPDX-License-Identifier: MIT */
/*
 * hidden.h - which families of a segment are not served with the others, by name and with the
 * reason
 *
 * A family that is missing from the metrics is missed late and looked for long. So each is counted,
 * the log names it once, when it becomes hidden, and /api/v1/segments as long as it is.
 *
 * The list belongs to its segment. Who holds the scrape lock renews it, under the segment's status
 * lock; any thread may read it under that one.
 */
#ifndef COLLECTOR_HIDDEN_H
#define COLLECTOR_HIDDEN_H

#include "shmetrics/exposition.h"

struct segment;

/* Of more the first: a segment may hold any number, and each is in the log. */
#define HIDDEN_NAMED_MAX 100

struct hidden_family {
	char *name;
	smx_hiding reason;
};

struct hidden_list {
	struct hidden_family families[HIDDEN_NAMED_MAX];
	size_t named;
	uint64_t count; /* with those that are not named */
};

/* How many there are, by reason. */
struct hidden_counts {
	uint64_t by_reason[SMX_HIDING_COUNT];
};

/*
 * Renews the segment's list by the exposition's last rendering, logs what is new in it, and adds to
 * the counts. escapings: as in smx_exposition_hidden. With the scrape lock.
 */
void hidden_renew(struct segment *segment, const smx_exposition *exposition, unsigned escapings,
		  struct hidden_counts *counts);
void hidden_free(struct hidden_list *list);

/* Appends the list as a JSON array. Any thread. */
void hidden_append(struct segment *segment, smx_buffer *body);

#endif
