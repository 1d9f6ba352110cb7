/* SPDX-License-Identifier: MIT */
/*
 * arena.h - giving out the segment's memory
 */
#ifndef SMX_ARENA_H
#define SMX_ARENA_H

#include "segment.h"

/*
 * `size` zeroed bytes, aligned to 64, that nobody else can see; 0 if there is no room (counted by
 * its reason). Lock-free; a system call only when the file has to be extended.
 */
uint64_t smx_arena_reserve(struct smx_segment *segment, uint64_t size);

/* Gives back what was reserved last, if nobody has reserved since; else those bytes stay unused. */
void smx_arena_return(struct smx_segment *segment, uint64_t offset, uint64_t size);

/* The offset of the first of `count` cells in stripe 0, all zero; 0 if there is no room. */
uint64_t smx_arena_cells(struct smx_segment *segment, unsigned count);

/* Gives back cells that were never used, if nobody has reserved others of their tile since. */
void smx_arena_return_cells(struct smx_segment *segment, uint64_t offset, unsigned count);

#endif
