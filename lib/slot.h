/* SPDX-License-Identifier: MIT */
/*
 * slot.h - this process's place in a segment: proof of life, and its gauge cells
 */
#ifndef SMX_SLOT_H
#define SMX_SLOT_H

#include "segment.h"

/*
 * Claims a slot unless one is held. Under smx_process_lock, or in a fork handler's child. False:
 * none to be had.
 */
bool smx_slot_claim(struct smx_segment *segment, smx_error *error);

/*
 * In the child of a fork: forgets the parent's slot, claims one, says again which families are
 * defined.
 */
void smx_slot_after_fork(struct smx_segment *segment);

/* Gives the slot up. Under smx_process_lock. */
void smx_slot_release(struct smx_segment *segment);

/*
 * Makes the cell of a gauge number usable by this process. folds: its mode has a fold, so the
 * retired cell is needed too. False: no slot, or no room (counted).
 */
bool smx_slot_ensure(struct smx_segment *segment, uint32_t gauge, bool folds);

/* Makes this process's cell of a gauge series present, at 0, unless it is. */
void smx_slot_start(struct smx_segment *segment, const smx_layout_series *series);

/* Says that this process's slot is to outlive it. Async-signal-safe, no system call. */
void smx_slot_keep(char *base);

static inline uint32_t smx_slot_block(uint32_t gauge)
{
	return 31u - (uint32_t)__builtin_clz(gauge / SMX_LAYOUT_GAUGE_BLOCK_FIRST + 1);
}

/*
 * The cell of a gauge number, NULL where there is none. Async-signal-safe, no lock, no system call.
 */
static inline smx_layout_gauge_cell *smx_slot_cell(const struct smx_local *local, uint32_t gauge)
{
	uint32_t block = smx_slot_block(gauge);
	uint32_t first = SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((1u << block) - 1);
	char *cells = __atomic_load_n(&local->blocks[block], __ATOMIC_ACQUIRE);

	return cells ? (smx_layout_gauge_cell *)(void *)cells + (gauge - first) : NULL;
}

#endif
