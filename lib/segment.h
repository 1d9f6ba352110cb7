/* SPDX-License-Identifier: MIT */
/*
 * segment.h - a segment as this process has it
 *
 * One reservation of address space per segment:
 *
 *      struct smx_segment    struct smx_local        the file (or private memory), size_max bytes
 *     +---------------------+-----------------------+-------------------------------------------+
 *     base - 2 * PREFIX     base - PREFIX           base
 *
 * So whoever holds a record (a handle is a pointer to one) finds the segment and this process's
 * slot by subtraction, and a handle needs no memory of its own: base is the record's address less
 * its self_offset. The local page is wiped in every kind of forked child (MADV_WIPEONFORK): a child
 * that no fork handler saw has no slot rather than its parent's.
 */
#ifndef SMX_SEGMENT_H
#define SMX_SEGMENT_H

#include "atomics.h"
#include "shmetrics/layout.h"
#include "shmetrics/shmetrics.h"

#include <limits.h>
#include <sys/types.h>

#define SMX_PREFIX ((size_t)65536) /* at least a page, on every machine */
#define SMX_PATH_MAX 4096

/* What the hot path of gauges needs, and all that must not survive a fork. */
struct smx_local {
	uint64_t generation;		       /* of the slot held; 0: none */
	char *blocks[SMX_LAYOUT_GAUGE_BLOCKS]; /* gauge cells of the slot; NULL: not there */
	uint32_t slot;
	uint32_t retired_blocks; /* bit k: the slot has the retired block beside block k */
	uint32_t keeps;		 /* 1: the slot has SMX_SLOT_KEEP */
};

struct smx_segment {
	smx_layout_header *header; /* == base */
	uint64_t map_size;
	struct smx_segment *next; /* all segments of this process */
	unsigned open_count;
	bool private;

	/* the file; unused by private segments */
	int descriptor; /* kept for what cannot be opened again; checked before use; -1: none */
	dev_t device;
	ino_t inode;
	void *lock_page;    /* the mapping that carries the slot's lock; NULL: none */
	bool lock_is_posix; /* the fall-back: the lock belongs to the process and the descriptor */
	uint32_t slot;	    /* as in local, which a fork wipes: the parent's, in a child */
	uint64_t slot_generation;
	uint64_t grow_retry_ns; /* the file system refused: not asked again before */
	char path[SMX_PATH_MAX];
};

_Static_assert(sizeof(struct smx_segment) <= SMX_PREFIX, "the segment fits its part of the prefix");

static inline char *smx_base(const struct smx_segment *segment)
{
	return (char *)segment->header;
}

static inline void *smx_at(const struct smx_segment *segment, uint64_t offset)
{
	return smx_base(segment) + offset;
}

/* From any record to where its segment is mapped. */
static inline char *smx_base_of(const smx_layout_record *record)
{
	return (char *)(uintptr_t)record - record->self_offset;
}

static inline struct smx_local *smx_local_at(char *base)
{
	return (struct smx_local *)(void *)(base - SMX_PREFIX);
}

static inline struct smx_segment *smx_segment_at(char *base)
{
	return (struct smx_segment *)(void *)(base - 2 * SMX_PREFIX);
}

static inline struct smx_local *smx_local_of(const struct smx_segment *segment)
{
	return smx_local_at(smx_base(segment));
}

static inline void smx_dropped(smx_layout_header *header, smx_drop reason)
{
	smx_add(&header->dropped[reason], 1);
}

/* Bytes of the arena, as they are given out. */
static inline uint64_t smx_aligned(uint64_t size)
{
	return (size + SMX_LAYOUT_ALIGNMENT - 1) & ~(uint64_t)(SMX_LAYOUT_ALIGNMENT - 1);
}

/* The lock for what only set-up does: opening, closing, claiming, defining. Fork takes it. */
void smx_process_lock(void);
void smx_process_unlock(void);

#endif
