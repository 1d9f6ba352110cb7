/* SPDX-License-Identifier: MIT */
/*
 * gauge.c - gauges
 *
 * A process writes only the cells of its own slot. Each update swaps {value, tag} as one, so a cell
 * is never of two generations: killed before the swap, the old value stands; after it, the new one.
 */
#include "platform.h"
#include "series.h"
#include "slot.h"

smx_gauge smx_gauge_with(smx_gauge_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_gauge){(struct smx_series_record *)(void *)series};
}

smx_gauge smx_gauge_with_text(smx_gauge_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_gauge){(struct smx_series_record *)(void *)series};
}

/* This process's cell; NULL: none, which is counted. */
static smx_layout_gauge_cell *own_cell(const smx_layout_series *series,
				       const struct smx_local **local)
{
	char *base = smx_base_of(&series->record);
	smx_layout_gauge_cell *cell;

	*local = smx_local_at(base);
	cell = smx_slot_cell(*local, (uint32_t)series->cells_or_gauge);
	if (__builtin_expect(!cell, 0))
		smx_dropped((smx_layout_header *)(void *)base, SMX_DROP_GAUGE);
	return cell;
}

/* Whether a cell's tag says that this owner wrote it. */
static bool is_own(const smx_layout_series *series, const struct smx_local *local, uint64_t tag)
{
	const smx_layout_slot *slots;

	if (series->mode != SMX_GAUGE_LIVE_MOST_RECENT)
		return tag == local->generation;
	slots = (const smx_layout_slot *)(const void *)(smx_base_of(&series->record) +
							SMX_LAYOUT_HEADER_SIZE);
	return tag != 0 && tag >= smx_read_relaxed(&slots[local->slot].claimed_ns);
}

/* The tag of an update: the generation, or a time after the last one's. */
static uint64_t next_tag(const smx_layout_series *series, const struct smx_local *local,
			 uint64_t last)
{
	uint64_t now;

	if (series->mode != SMX_GAUGE_LIVE_MOST_RECENT)
		return local->generation;
	now = smx_platform_monotonic_ns();
	return now > last ? now : last + 1;
}

/* value = keep * value + amount, where a value that is not this owner's counts as 0. */
static void update(smx_gauge gauge, bool keep, double amount)
{
	const smx_layout_series *series = smx_series_of(gauge.impl);
	const struct smx_local *local;
	smx_layout_gauge_cell *cell;
	smx_pair seen, next;

	if (__builtin_expect(!series, 0)) {
		smx_series_unrecorded();
		return;
	}
	cell = own_cell(series, &local);
	if (!cell)
		return;
	seen = smx_pair_guess(cell);
	do {
		double before =
			keep && is_own(series, local, seen.second) ? smx_double(seen.first) : 0.0;

		next.first = smx_bits(before + amount);
		next.second = next_tag(series, local, seen.second);
	} while (!smx_pair_swap(cell, &seen, next));
}

void smx_gauge_set(smx_gauge gauge, double value)
{
	update(gauge, false, value);
}

void smx_gauge_add(smx_gauge gauge, double amount)
{
	update(gauge, true, amount);
}

void smx_gauge_inc(smx_gauge gauge)
{
	update(gauge, true, 1.0);
}

void smx_gauge_dec(smx_gauge gauge)
{
	update(gauge, true, -1.0);
}

double smx_gauge_value(smx_gauge gauge)
{
	const smx_layout_series *series = smx_series_of(gauge.impl);
	const smx_layout_gauge_cell *cell;
	const struct smx_local *local;
	uint64_t tag, value;

	if (!series)
		return 0;
	local = smx_local_at(smx_base_of(&series->record));
	cell = smx_slot_cell(local, (uint32_t)series->cells_or_gauge);
	if (!cell ||
	    !smx_pair_read(&cell->tag, (const uint64_t *)(const void *)&cell->value, &tag, &value))
		return 0;
	return is_own(series, local, tag) ? smx_double(value) : 0;
}
