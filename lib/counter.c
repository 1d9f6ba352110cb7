/* SPDX-License-Identifier: MIT */
/*
 * counter.c - counters
 *
 * An increment is one atomic addition to one stripe: killed before it, nothing was counted; after
 * it, all was. Whole amounts go to the cell's integer and stay exact to 2^64; others to its double.
 */
#include "stripe.h"

#define TWO_TO_64 18446744073709551616.0

smx_counter smx_counter_with(smx_counter_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_counter){(struct smx_series_record *)(void *)series};
}

smx_counter smx_counter_with_text(smx_counter_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_counter){(struct smx_series_record *)(void *)series};
}

/* What the fast path leaves: empty handles, and threads without a restartable-sequences area. */
__attribute__((noinline, cold)) static void add_slowly(smx_counter counter, uint64_t amount)
{
	if (!counter.impl)
		smx_series_unrecorded();
	else
		smx_add(&smx_cell(smx_series_of(counter.impl), smx_processor_slow())->count,
			amount);
}

static inline void add(smx_counter counter, uint64_t amount)
{
	if (__builtin_expect(!counter.impl, 0) || !smx_processor_is_fast())
		add_slowly(counter, amount);
	else
		smx_add(&smx_cell(smx_series_of(counter.impl), smx_processor_fast())->count,
			amount);
}

void smx_counter_inc(smx_counter counter)
{
	add(counter, 1);
}

void smx_counter_add_whole(smx_counter counter, uint64_t amount)
{
	add(counter, amount);
}

/* Amounts that are no whole number below 2^64. */
__attribute__((noinline)) static void add_fraction(smx_counter counter, double amount)
{
	smx_layout_series *series = smx_series_of(counter.impl);
	uint32_t processor = smx_processor_is_fast() ? smx_processor_fast() : smx_processor_slow();

	if (!series)
		smx_series_unrecorded();
	else if (amount > 0)
		smx_add_double(&smx_cell(series, processor)->sum, amount);
	else
		smx_dropped((smx_layout_header *)(void *)smx_base_of(&series->record),
			    amount < 0 ? SMX_DROP_NEGATIVE : SMX_DROP_NAN);
}

void smx_counter_add(smx_counter counter, double amount)
{
	if (amount >= 0 && amount < TWO_TO_64 && amount == (double)(uint64_t)amount)
		add(counter, (uint64_t)amount);
	else
		add_fraction(counter, amount);
}

static double add_up(smx_layout_series *series, uint64_t cells)
{
	uint64_t whole = 0;
	double fraction = 0;

	for (uint64_t stripe = 0; stripe <= series->stripe_mask; stripe++) {
		const smx_layout_cell *cell = smx_cell_place(series, cells, 0, stripe);

		whole += smx_read_relaxed(&cell->count);
		fraction +=
			smx_double(smx_read_relaxed((const uint64_t *)(const void *)&cell->sum));
	}
	return (double)whole + fraction;
}

double smx_counter_value(smx_counter counter)
{
	smx_layout_series *series = smx_series_of(counter.impl);
	uint64_t before, word = series ? smx_word_of(series) : 0;
	double value;

	if (!series)
		return 0;
	do { /* again if the cells may have been set to zero meanwhile (W3) */
		before = word;
		value = add_up(series, smx_word_target(word));
		smx_fence_loads();
		word = smx_word_of(series);
	} while (!smx_word_same_incarnation(word, before));
	return value;
}
