/* SPDX-License-Identifier: MIT */
/*
 * fold.c - what the dead owners of a slot held goes on counting
 *
 *  D1. What a dead process held of a gauge of mode SUM, MIN or MAX counts once for ever: as its
 *      live cell until that is folded, and in the retired cell from then on. The one
 *      compare-and-swap that adds the value also takes over the live cell's tag, by which everybody
 *      sees that it is done; a process killed anywhere in here leaves each cell before or after it,
 *      and the next one goes on.
 *  D2. Nobody else folds: the claim lock is held. Nobody writes the live cells: their owner is
 *      dead, and the next one has not begun. So both cells stand still.
 *  D3. Nothing is lost when the next owner writes its live cell: it writes after its generation is
 *      published, which is after the fold.
 *  D4. A reader reads the retired cell, the live one, and the retired one again. If that has not
 *      changed, the live value was folded into it or not, and the tags say which. (All by acquire
 *      loads, in this order: who sees a live cell of the next owner sees the fold before it.)
 */
#include "fold.h"

#include <math.h>

/* Whether a live cell counts beside a retired one, by their tags. */
static bool is_newer(uint64_t live, uint64_t retired)
{
	/* Incarnations come round: the lesser way says which is the later. */
	int64_t later = (int64_t)(((live >> SMX_TAG_INCARNATION_SHIFT) -
				   (retired >> SMX_TAG_INCARNATION_SHIFT))
				  << SMX_TAG_INCARNATION_SHIFT);

	if (retired == 0 || later != 0)
		return retired == 0 || later > 0;
	return (live & SMX_TAG_GENERATION_MASK) > (retired & SMX_TAG_GENERATION_MASK);
}

/* NaN gives way to any number, as for readers. */
static double combine(uint64_t fold, double retired, double live)
{
	if (fold == SMX_FOLD_SUM)
		return retired + live;
	if (isnan(retired) || isnan(live))
		return isnan(retired) ? live : retired;
	if (fold == SMX_FOLD_MIN)
		return live < retired ? live : retired;
	return live > retired ? live : retired;
}

static void fold_cell(const smx_layout_gauge_cell *live, smx_layout_gauge_cell *retired)
{
	smx_pair dead = smx_pair_guess(live), seen, next;
	uint64_t fold = (dead.second & SMX_TAG_FOLD_MASK) >> SMX_TAG_FOLD_SHIFT;

	if (!fold)
		return;
	seen = smx_pair_guess(retired);
	do {
		bool same = seen.second != 0 && (dead.second >> SMX_TAG_INCARNATION_SHIFT) ==
							(seen.second >> SMX_TAG_INCARNATION_SHIFT);
		double value = smx_double(dead.first);

		if (!is_newer(dead.second, seen.second))
			return;
		next.first = smx_bits(same ? combine(fold, smx_double(seen.first), value) : value);
		next.second = dead.second;
	} while (!smx_pair_swap(retired, &seen, next));
}

void smx_fold_slot(const struct smx_segment *segment, const smx_layout_slot *slot)
{
	uint64_t offset = smx_read_acquire(&slot->directory_offset);
	const smx_layout_directory *directory = offset ? smx_at(segment, offset) : NULL;

	for (unsigned block = 0; directory && block < SMX_LAYOUT_GAUGE_BLOCKS; block++) {
		uint64_t live = smx_read_acquire(&directory->live[block]);
		uint64_t retired = smx_read_acquire(&directory->retired[block]);
		uint32_t count = live && retired ? SMX_LAYOUT_GAUGE_BLOCK_FIRST << block : 0;
		const smx_layout_gauge_cell *from = smx_at(segment, live);
		smx_layout_gauge_cell *to = smx_at(segment, retired);

		for (uint32_t i = 0; i < count; i++)
			fold_cell(&from[i], &to[i]);
	}
}
