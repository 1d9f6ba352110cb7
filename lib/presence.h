/* SPDX-License-Identifier: MIT */
/*
 * presence.h - which processes have defined a thing
 *
 * What is defined has a gauge number of its own; a cell of a slot's present generation says that
 * the slot's process has the definition. A dead process leaves it behind like any gauge.
 */
#ifndef SMX_PRESENCE_H
#define SMX_PRESENCE_H

#include "slot.h"

/* A number for a new definition. Beyond the last they share it: presence is then only a guess. */
static inline uint32_t smx_presence_number(struct smx_segment *segment)
{
	uint64_t gauge = smx_fetch_add(&segment->header->gauge_next, 1);

	return (uint32_t)(gauge < SMX_LAYOUT_GAUGE_MAX ? gauge : SMX_LAYOUT_GAUGE_MAX - 1);
}

/* Says that this process has the definition. Under smx_process_lock. */
static inline void smx_presence_declare(struct smx_segment *segment, uint32_t gauge)
{
	struct smx_local *local = smx_local_of(segment);

	smx_slot_claim(segment, NULL);
	if (smx_slot_ensure(segment, gauge, false))
		smx_publish(&smx_slot_cell(local, gauge)->tag, local->generation);
}

/* Whether this process has said so. */
static inline bool smx_presence_is_declared(const struct smx_segment *segment, uint32_t gauge)
{
	const struct smx_local *local = smx_local_of(segment);
	const smx_layout_gauge_cell *cell = smx_slot_cell(local, gauge);

	return cell && local->generation && smx_read_acquire(&cell->tag) == local->generation;
}

#endif
