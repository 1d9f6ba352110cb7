/* SPDX-License-Identifier: MIT */
/*
 * index.h - finding records by key, and adding one so that it is there once
 */
#ifndef SMX_INDEX_H
#define SMX_INDEX_H

#include "segment.h"

/*
 * What is looked for. `same` compares the whole key; `make` reserves and fills a record, or returns
 * 0.
 */
struct smx_index_key {
	uint64_t hash;
	bool (*same)(const struct smx_index_key *key, const smx_layout_record *record);
	uint64_t (*make)(struct smx_segment *segment, const struct smx_index_key *key);
	uint64_t record_size; /* set by make: what is given back if another was quicker */
	void *data;
};

/* Which part of the index. */
struct smx_index_root {
	uint64_t *words;
	unsigned bits;
};

struct smx_index_root smx_index_families(const struct smx_segment *segment);
struct smx_index_root smx_index_series(const struct smx_segment *segment);

/* NULL: not there. Lock-free, no allocation, async-signal-safe. */
smx_layout_record *smx_index_find(const struct smx_segment *segment, struct smx_index_root root,
				  const struct smx_index_key *key);

/*
 * Finds or adds. NULL: no room, or (counted) another key with the same hash. *made: this call added
 * it.
 */
smx_layout_record *smx_index_add(struct smx_segment *segment, struct smx_index_root root,
				 struct smx_index_key *key, bool *made);

/* Calls visit for every record below the root. For writers: what is published is trusted. */
void smx_index_each(const struct smx_segment *segment, struct smx_index_root root,
		    void (*visit)(smx_layout_record *record, void *data), void *data);

/* The 64-bit hash of the layout. */
uint64_t smx_index_hash(const void *bytes, size_t size, uint64_t seed);

#endif
