/* SPDX-License-Identifier: MIT */
/*
 * visit.h - what a collector does with a segment, in one call: open, walk, look at everything,
 * render
 */
#ifndef SHMETRICS_TESTS_VISIT_H
#define SHMETRICS_TESTS_VISIT_H

#include "shmetrics/exposition.h"
#include "shmetrics/reader.h"

typedef struct visit_result {
	smx_status open;
	smx_status walk; /* of the last walk; SMX_OK if it did not come to one */
	smx_status render;
	char message[256]; /* of the first failure, else "" */
	size_t family_count;
	size_t series_count;
	size_t writer_count;
	uint64_t damaged_count;
	long walk_rss_kib; /* the most memory this process has had when the first walk was done */
	uint64_t digest;   /* over every byte and number seen: so that each of them is read */
} visit_result;

/* Called after the first round, with the segment open. */
typedef void visit_hook(void *argument);

typedef struct visit_options {
	unsigned rounds; /* walks and renderings; 0: one */
	visit_hook *between;
	void *argument;
} visit_options;

#define VISIT_SEPARATOR "---\n"

/*
 * Visits the file at `path`. options may be NULL. text (may be NULL) is emptied and gets what the
 * last round rendered: text 0.0.4, VISIT_SEPARATOR, OpenMetrics. Returns whether everything
 * succeeded; *result says what happened in any case.
 */
bool visit(const char *path, const visit_options *options, visit_result *result, smx_buffer *text);

/*
 * Holds the slots 0 .. 15 of the file in the generations that it says, as their live owners would,
 * so that their gauges are served. Returns a descriptor that carries the locks until it is closed,
 * or -1.
 */
int visit_hold_slots(const char *path);

/* Writes `text` as a JSON string. */
void visit_print_json(const char *text, size_t size);

#endif
