/* SPDX-License-Identifier: MIT */
/*
 * arena.c - giving out the segment's memory
 *
 *  A1. All bytes from arena_next on are zero: pieces given back are zeroed first, and the file
 *      grows by zeros.
 *  A2. A reservation never passes `size`, and `size` never passes what the file has allocated: so
 *      no store to a reserved piece can meet a hole.
 *  A3. arena_next and cell_next change by one compare-and-swap each: a process killed between leaks
 *      what it had reserved, and blocks nobody.
 */
#include "arena.h"

#include "platform.h"

#define GROW_LEAST 65536u
#define GROW_MOST (UINT64_C(16) << 20)
#define GROW_RETRY_NS UINT64_C(1000000000)
#define PAGE 4096u

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* A quarter more, within bounds: few extensions, little held idle. */
static uint64_t comfortable_size(const smx_layout_header *header, uint64_t size, uint64_t need)
{
	uint64_t step = size / 4;

	if (step < GROW_LEAST)
		step = GROW_LEAST;
	if (step > GROW_MOST)
		step = GROW_MOST;
	if (size + step > need)
		need = size + step;
	need = round_up(need, PAGE);
	return need < header->size_max ? need : header->size_max;
}

/*
 * Extends the file so that `need` bytes may be used. Several may do so at once: allocation is
 * idempotent.
 */
static bool grow(struct smx_segment *segment, uint64_t need)
{
	smx_layout_header *header = segment->header;
	uint64_t size = smx_read_acquire(&header->size), target, now;
	smx_grow result;

	if (need > header->size_max) {
		smx_dropped(header, SMX_DROP_SEGMENT_FULL);
		return false;
	}
	now = smx_platform_monotonic_ns();
	if (now < smx_read_relaxed(&segment->grow_retry_ns)) {
		smx_dropped(header, SMX_DROP_NO_SPACE);
		return false;
	}
	target = comfortable_size(header, size, need);
	result = smx_platform_grow(segment, target);
	if (result == SMX_GROW_NO_SPACE && target > round_up(need, PAGE)) {
		target = round_up(need, PAGE);
		result = smx_platform_grow(segment, target);
	}
	if (result == SMX_GROW_OK) {
		smx_raise(&header->size, target);
		return true;
	}
	/* A full disk is not asked again for every new series. */
	smx_store_relaxed(&segment->grow_retry_ns, now + GROW_RETRY_NS);
	smx_dropped(header, result == SMX_GROW_NO_FILE ? SMX_DROP_NO_REOPEN : SMX_DROP_NO_SPACE);
	return false;
}

uint64_t smx_arena_reserve(struct smx_segment *segment, uint64_t size)
{
	smx_layout_header *header = segment->header;
	uint64_t next = smx_read_relaxed(&header->arena_next);

	size = round_up(size, SMX_LAYOUT_ALIGNMENT);
	for (;;) {
		if (size > header->size_max - next ||
		    next + size > smx_read_acquire(&header->size)) {
			if (!grow(segment, next + size))
				return 0;
			next = smx_read_relaxed(&header->arena_next);
		} else if (smx_publish_if(&header->arena_next, &next, next + size)) {
			return next;
		}
	}
}

void smx_arena_return(struct smx_segment *segment, uint64_t offset, uint64_t size)
{
	uint64_t end;

	size = round_up(size, SMX_LAYOUT_ALIGNMENT);
	end = offset + size;
	if (smx_read_relaxed(&segment->header->arena_next) != end)
		return;
	memset(smx_at(segment, offset), 0, size); /* A1 */
	smx_publish_if(&segment->header->arena_next, &end, offset);
}

/* Whole tiles, aligned to a stripe of a tile. */
static uint64_t reserve_tiles(struct smx_segment *segment, uint64_t count)
{
	uint64_t size = count * SMX_LAYOUT_TILE_SIZE * segment->header->stripe_count;
	/* Records are multiples of 64: up to 448 bytes more bring the tile to a multiple of 512. */
	uint64_t offset =
		smx_arena_reserve(segment, size + SMX_LAYOUT_TILE_SIZE - SMX_LAYOUT_ALIGNMENT);

	return round_up(offset, SMX_LAYOUT_TILE_SIZE);
}

static uint64_t left_in_tile(uint64_t cell)
{
	return cell ? SMX_LAYOUT_TILE_CELLS -
			       (cell % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell)
		    : 0;
}

/* The cell `count` further on, or 0 at the end of the tile. */
static uint64_t advance(uint64_t cell, unsigned count)
{
	return left_in_tile(cell) > count ? cell + count * sizeof(smx_layout_cell) : 0;
}

uint64_t smx_arena_cells(struct smx_segment *segment, unsigned count)
{
	uint64_t *next = &segment->header->cell_next;
	uint64_t seen = smx_read_acquire(next), tile;

	while (left_in_tile(seen) >= count)
		if (smx_publish_if(next, &seen, advance(seen, count)))
			return seen;
	tile = reserve_tiles(segment, (count + SMX_LAYOUT_TILE_CELLS - 1) / SMX_LAYOUT_TILE_CELLS);
	if (!tile)
		return 0;
	/* The rest of the new tile serves the next, unless the tile in use has more left. */
	if (count < SMX_LAYOUT_TILE_CELLS &&
	    left_in_tile(advance(tile, count)) > left_in_tile(seen))
		smx_publish_if(next, &seen, advance(tile, count));
	return tile;
}

void smx_arena_return_cells(struct smx_segment *segment, uint64_t offset, unsigned count)
{
	uint64_t next = advance(offset, count);

	/* The end of a tile is 0, as is "none": it does not say whose tile it was. */
	if (next)
		smx_publish_if(&segment->header->cell_next, &next, offset);
}
