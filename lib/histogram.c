/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - histograms
 *
 * An observation changes one cell, {count, sum} of one bucket in one stripe, by one 16-byte compare-and-swap. So
 * count and sum never disagree, whoever is killed, and everything else (_count, cumulation, +Inf) is
 * derived from the cells by the reader.
 */
#include "buckets.h"
#include "stripe.h"

smx_histogram smx_histogram_with(smx_histogram_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_histogram){(struct smx_series_record *)(void *)series};
}

smx_histogram smx_histogram_with_text(smx_histogram_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_histogram){(struct smx_series_record *)(void *)series};
}

void smx_histogram_observe(smx_histogram histogram, double value)
{
	smx_layout_series *series = smx_series_of(histogram.impl);
	const smx_layout_family *family;
	smx_layout_cell *cell;
	smx_pair seen, next;
	char *base;

	if (__builtin_expect(!series, 0)) {
		smx_series_unrecorded();
		return;
	}
	base = smx_base_of(&series->record);
	if (__builtin_expect(value != value, 0)) {
		smx_dropped((smx_layout_header *)(void *)base, SMX_DROP_NAN);
		return;
	}
	family = (const smx_layout_family *)(const void *)(base + series->family_offset);
	cell = smx_cell_at(series, smx_buckets_find(family, value), smx_stripe(series));
	seen = smx_pair_guess(cell);
	do {
		next.first = seen.first + 1;
		next.second = smx_bits(smx_double(seen.second) + value);
	} while (!smx_pair_swap(cell, &seen, next));
}
