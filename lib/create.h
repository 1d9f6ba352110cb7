/* SPDX-License-Identifier: MIT */
/*
 * create.h - what a new segment looks like, and whether an existing one may be written to
 */
#ifndef SMX_CREATE_H
#define SMX_CREATE_H

#include "shmetrics/layout.h"
#include "shmetrics/shmetrics.h"

/* The sizes of a segment to be made, from the caller's options and the defaults. */
struct smx_create_plan {
	uint64_t size; /* of the file at first: all fixed parts and a first piece of arena */
	uint64_t size_max;
	uint64_t series_max;
	uint64_t family_series_max;
	uint32_t slot_max;
	uint32_t stripe_count;
	int64_t group_id;
};

/* options may be NULL. Fails: INVALID, naming the option and its rule. */
smx_status smx_create_plan(const smx_segment_options *options, struct smx_create_plan *plan,
			   smx_error *error);

/* Fills plan->size zero bytes at `header` with an empty segment. */
void smx_create_fill(smx_layout_header *header, const struct smx_create_plan *plan);

/*
 * What is wrong with the header of a segment of file_size bytes that this process is about to write
 * to; NULL: nothing. Writers trust what lies behind a sound header; readers (reader.c) check
 * everything themselves.
 */
const char *smx_create_fault(const smx_layout_header *header, uint64_t file_size);

#endif
