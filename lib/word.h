/* SPDX-License-Identifier: MIT */
/*
 * word.h - the word that decides what a series is, and the tags of gauge cells, for writers
 */
#ifndef SMX_WORD_H
#define SMX_WORD_H

#include "atomics.h"
#include "shmetrics/layout.h"
#include "shmetrics/types.h"

/*
 * Acquire: what the word leads to was set to zero before. (On x86-64 a plain load.)
 */
static inline uint64_t smx_word_of(const smx_layout_series *series)
{
	return smx_read_acquire(&series->cells_or_gauge);
}

/* The offset of the first cell, or the gauge number. */
static inline uint64_t smx_word_target(uint64_t word)
{
	return word & SMX_LAYOUT_PLACE_MASK;
}

/* The next incarnation, not removed. After the last comes the first again. */
static inline uint64_t smx_word_next(uint64_t word, uint64_t target)
{
	uint64_t next = (word & ~SMX_LAYOUT_PLACE_MASK) + (UINT64_C(1) << SMX_LAYOUT_PLACE_BITS);

	return (next & ~SMX_WORD_REMOVED) | target;
}

/* Whether both are of one incarnation, removed or not. */
static inline bool smx_word_same_incarnation(uint64_t a, uint64_t b)
{
	return (((a ^ b) & ~SMX_WORD_REMOVED) >> SMX_LAYOUT_PLACE_BITS) == 0;
}

/* ---- gauges ---- */

/* Whether the tags of a mode are times. */
static inline bool smx_mode_is_stamped(unsigned mode)
{
	return mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT;
}

/* SMX_FOLD_*: what the dead of a mode come to; 0: nothing. */
static inline uint64_t smx_mode_fold(unsigned mode)
{
	_Static_assert(SMX_GAUGE_MIN - SMX_GAUGE_SUM == SMX_FOLD_MIN - SMX_FOLD_SUM &&
			       SMX_GAUGE_MAX - SMX_GAUGE_SUM == SMX_FOLD_MAX - SMX_FOLD_SUM,
		       "folds are in the order of the modes");
	return mode >= SMX_GAUGE_SUM && mode <= SMX_GAUGE_MAX ? mode - SMX_GAUGE_SUM + SMX_FOLD_SUM
							      : 0;
}

/* The tag of a cell; the bits of the incarnation that do not fit fall off at the top. */
static inline uint64_t smx_gauge_tag(uint64_t word, uint64_t fold, uint64_t generation)
{
	return (word >> SMX_LAYOUT_PLACE_BITS << SMX_TAG_INCARNATION_SHIFT) |
	       fold << SMX_TAG_FOLD_SHIFT | generation;
}

#endif
