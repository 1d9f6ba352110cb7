/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics_emitter.h - writes families of the table, one after the other
 */
#ifndef COLLECTOR_SELFMETRICS_EMITTER_H
#define COLLECTOR_SELFMETRICS_EMITTER_H

#include "selfmetrics_table.h"

struct emitter {
	smx_buffer *buffer;
	smx_exposition_type type;
	uint64_t leave_out;
	const smx_text *names;
	size_t name_count;
	const struct own_metric *metric; /* begun, and where; NULL: none is */
	size_t start;
};

/* Begins a family, and ends the one before. False: it is not wanted, and there are no samples. */
bool emitter_begin(struct emitter *emitter, enum own_id id);
/* segment, label and its value: NULL for none. */
void emitter_sample(struct emitter *emitter, const char *segment, const char *label,
		    const char *value, double number);
/* A family of one sample; below 0: there is nothing to tell. */
void emitter_one(struct emitter *emitter, enum own_id id, double number);
/* After the last family. */
void emitter_end(struct emitter *emitter);

/* selfmetrics_segments.c: the families about the segments. With the scrape lock. */
void selfmetrics_emit_segments(struct emitter *emitter, const struct catalog *catalog);

#endif
