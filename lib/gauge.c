/* SPDX-License-Identifier: MIT */
/*
 * gauge.c - gauges
 *
 * A process writes only the cells of its own slot. Each update swaps {value, tag} as one, so a cell
 * is never of two generations: killed before the swap, the old value stands; after it, the new one.
 * The tag also says of which incarnation of the series the cell is. It is read again whenever a
 * cell has another tag, so that a thread that stood still does not write over what is of a later
 * one.
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

static void dropped(const smx_layout_series *series)
{
	smx_dropped((smx_layout_header *)(void *)smx_base_of(&series->record), SMX_DROP_GAUGE);
}

static inline smx_layout_gauge_cell *cell_of(const smx_layout_series *series,
					     const struct smx_local *local)
{
	return smx_slot_cell(local, (uint32_t)smx_word_target(smx_word_of(series)));
}

/* ---- tags that say who ---- */

/* fold: of the mode, SMX_FOLD_*. */
static inline uint64_t own_tag(const smx_layout_series *series, const struct smx_local *local,
			       uint64_t fold)
{
	return smx_gauge_tag(smx_word_of(series), fold, local->generation);
}

/* value = keep * value + amount, where a value that is not this owner's counts as 0. */
__attribute__((always_inline)) static inline void
update_owned(const smx_layout_series *series, const struct smx_local *local,
	     smx_layout_gauge_cell *cell, uint64_t fold, bool keep, double amount)
{
	uint64_t tag = own_tag(series, local, fold);
	smx_pair seen = smx_pair_guess(cell), next;

	do {
		if (__builtin_expect(seen.second != tag, 0)) {
			smx_fence_loads(); /* who wrote that tag had seen its incarnation */
			tag = own_tag(series, local, fold);
		}
		next.first = smx_bits((keep && seen.second == tag ? smx_double(seen.first) : 0.0) +
				      amount);
		next.second = tag;
	} while (!smx_pair_swap(cell, &seen, next));
}

/* ---- tags that say when ---- */

/* Whether this owner set a cell with this stamp, since the series began. */
static bool is_own_stamp(const smx_layout_series *series, const struct smx_local *local,
			 uint64_t stamp)
{
	const smx_layout_slot *slots =
		(const smx_layout_slot *)(const void *)(smx_base_of(&series->record) +
							SMX_LAYOUT_HEADER_SIZE);

	return stamp > smx_read_relaxed(&series->since_ns) &&
	       stamp >= smx_read_relaxed(&slots[local->slot].claimed_ns);
}

/* Now, but after the last stamp and after what belongs to no incarnation. */
static uint64_t next_stamp(const smx_layout_series *series, uint64_t last)
{
	uint64_t now = smx_platform_monotonic_ns(), since = smx_read_relaxed(&series->since_ns);

	if (last < since)
		last = since;
	return now > last ? now : last + 1;
}

static void update_stamped(const smx_layout_series *series, const struct smx_local *local,
			   smx_layout_gauge_cell *cell, bool keep, double amount)
{
	smx_pair seen = smx_pair_guess(cell), next;

	do {
		bool own = keep && is_own_stamp(series, local, seen.second);

		next.first = smx_bits((own ? smx_double(seen.first) : 0.0) + amount);
		next.second = next_stamp(series, seen.second);
	} while (!smx_pair_swap(cell, &seen, next));
}

/* ---- recording ---- */

/*
 * The modes that include the dead. A slot without the retired cells of SUM, MIN and MAX does not
 * record them: what the process holds would be lost when it dies.
 */
__attribute__((noinline)) static void update_outliving(const smx_layout_series *series, bool keep,
						       double amount)
{
	char *base = smx_base_of(&series->record);
	const struct smx_local *local = smx_local_at(base);
	smx_layout_gauge_cell *cell = cell_of(series, local);
	uint32_t block = smx_slot_block((uint32_t)smx_word_target(smx_word_of(series)));
	uint64_t fold = smx_mode_fold(series->mode);

	if (!cell || (fold && !((smx_read_u32(&local->retired_blocks) >> block) & 1))) {
		dropped(series);
		return;
	}
	if (series->mode == SMX_GAUGE_ALL && !smx_read_u32(&local->keeps))
		smx_slot_keep(base);
	if (smx_mode_is_stamped(series->mode))
		update_stamped(series, local, cell, keep, amount);
	else
		update_owned(series, local, cell, fold, keep, amount);
}

/* In line, so that a set does not wait for the value that was there. */
__attribute__((always_inline)) static inline void update(smx_gauge gauge, bool keep, double amount)
{
	const smx_layout_series *series = smx_series_of(gauge.impl);
	const struct smx_local *local;
	smx_layout_gauge_cell *cell;

	if (__builtin_expect(!series, 0)) {
		smx_series_unrecorded();
		return;
	}
	if (series->mode >= SMX_GAUGE_ALL) {
		update_outliving(series, keep, amount);
		return;
	}
	local = smx_local_at(smx_base_of(&series->record));
	cell = cell_of(series, local);
	if (__builtin_expect(!cell, 0))
		dropped(series);
	else if (series->mode == SMX_GAUGE_LIVE_MOST_RECENT)
		update_stamped(series, local, cell, keep, amount);
	else
		update_owned(series, local, cell, 0, keep, amount);
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
	cell = cell_of(series, local);
	if (!cell ||
	    !smx_pair_read(&cell->tag, (const uint64_t *)(const void *)&cell->value, &tag, &value))
		return 0;
	if (smx_mode_is_stamped(series->mode)
		    ? !is_own_stamp(series, local, tag)
		    : tag != own_tag(series, local, smx_mode_fold(series->mode)))
		return 0;
	return smx_double(value);
}
