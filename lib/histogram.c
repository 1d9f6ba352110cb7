/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - histograms
 *
 * An observation changes one cell, {count, sum} of one bucket in one stripe, by one 16-byte
 * compare-and-swap. So count and sum never disagree, whoever is killed, and everything else
 * (_count, cumulation, +Inf) is derived from the cells by the reader.
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

__attribute__((always_inline)) static inline void observe(smx_layout_series *series, double value,
							  uint32_t processor)
{
	char *base = smx_base_of(&series->record);
	const smx_layout_family *family =
		(const smx_layout_family *)(const void *)(base + series->family_offset);

	smx_cell_observe(smx_cell_at(series, smx_buckets_find(family, value),
				     processor & series->stripe_mask),
			 value);
}

/* What the fast path leaves: empty handles, NaN, threads without a restartable-sequences area. */
__attribute__((noinline, cold)) static void observe_slowly(smx_histogram histogram, double value)
{
	smx_layout_series *series = smx_series_to_observe(histogram.impl, value);

	if (series)
		observe(series, value, smx_processor_slow());
}

void smx_histogram_observe(smx_histogram histogram, double value)
{
	if (__builtin_expect(!histogram.impl || value != value, 0) || !smx_processor_is_fast())
		observe_slowly(histogram, value);
	else
		observe(smx_series_of(histogram.impl), value, smx_processor_fast());
}
