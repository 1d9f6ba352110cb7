/* SPDX-License-Identifier: MIT */
/*
 * stripe.h - which copy of a cell this processor uses, and where it lies
 *
 * The processor's number is a hint: every access is atomic, so any stripe is right, and a thread
 * that moves between the load and the addition only shares a cache line for once.
 */
#ifndef SMX_STRIPE_H
#define SMX_STRIPE_H

#include "series.h"

#include <stddef.h>

/*
 * Where the thread's restartable-sequences area lies, from the thread pointer; 0: there is none.
 * The kernel keeps the number of the processor there (rseq(2); glibc registers it since 2.35). Set
 * when the library is loaded.
 */
extern ptrdiff_t smx_rseq_offset __attribute__((visibility("hidden")));

/* The processor's number by asking for it: a call into the vDSO. */
uint32_t smx_processor_slow(void);

static inline bool smx_processor_is_fast(void)
{
	return __builtin_expect(smx_rseq_offset != 0, 1);
}

/* Only where smx_processor_is_fast: one load. */
static inline uint32_t smx_processor_fast(void)
{
#ifdef __GLIBC__
	/* cpu_id_start, the area's first word: always a valid number. */
	const char *area = (const char *)__builtin_thread_pointer() + smx_rseq_offset;

	return __atomic_load_n((const uint32_t *)(const void *)area, __ATOMIC_RELAXED);
#else
	return 0; /* the offset is 0: nobody asks */
#endif
}

/* The series' only cell (counters), in the stripe of a processor. */
static inline smx_layout_cell *smx_cell(smx_layout_series *series, uint32_t processor)
{
	uint64_t stripe = processor & series->stripe_mask;
	char *cell = smx_base_of(&series->record) + smx_word_target(smx_word_of(series));

	return (smx_layout_cell *)(void *)(cell + stripe * SMX_LAYOUT_TILE_SIZE);
}

/* Cell i of those whose first is at `offset`, in a stripe: the formula of layout.h. */
static inline smx_layout_cell *smx_cell_place(smx_layout_series *series, uint64_t offset,
					      uint32_t i, uint64_t stripe)
{
	uint64_t tile = offset & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	uint64_t n = (offset % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell) + i;
	uint64_t stripes = (uint64_t)series->stripe_mask + 1;

	tile += (n / SMX_LAYOUT_TILE_CELLS) * SMX_LAYOUT_TILE_SIZE * stripes +
		stripe * SMX_LAYOUT_TILE_SIZE;
	return (smx_layout_cell *)(void *)(smx_base_of(&series->record) + tile +
					   (n % SMX_LAYOUT_TILE_CELLS) * sizeof(smx_layout_cell));
}

/* Cell i of the series in a stripe. */
static inline smx_layout_cell *smx_cell_at(smx_layout_series *series, uint32_t i, uint64_t stripe)
{
	return smx_cell_place(series, smx_word_target(smx_word_of(series)), i, stripe);
}

/* Counts `value` in a cell: count and sum as one, so that they never disagree. */
static inline void smx_cell_observe(smx_layout_cell *cell, double value)
{
	smx_pair seen = smx_pair_guess(cell), next;

	do {
		next.first = seen.first + 1;
		next.second = smx_bits(smx_double(seen.second) + value);
	} while (!smx_pair_swap(cell, &seen, next));
}

#endif
