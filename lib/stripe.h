/* SPDX-License-Identifier: MIT */
/*
 * stripe.h - which copy of a cell this processor uses, and where it lies
 *
 * The processor's number is a hint: every access is atomic, so any stripe is right, and a thread that moves
 * between the load and the addition only shares a cache line for once.
 */
#ifndef SMX_STRIPE_H
#define SMX_STRIPE_H

#include "series.h"

#include <sched.h>
#include <stddef.h>

#if defined(__linux__) && defined(__GLIBC__) && !defined(SMX_PORTABLE) &&                                    \
	(defined(__x86_64__) || defined(__aarch64__))
#define SMX_HAVE_RSEQ 1
#include <sys/rseq.h>
#if __GNUC__ < 11
#undef SMX_HAVE_RSEQ
#endif
#endif

#ifdef SMX_HAVE_RSEQ
/* Weak: a program may meet an older C library than it was built with. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
#endif

static inline uint32_t smx_processor(void)
{
#ifdef SMX_HAVE_RSEQ
	if (__builtin_expect(&__rseq_size != NULL && __rseq_size != 0, 1)) {
		const struct rseq *area =
		    (const struct rseq *)(const void *)((const char *)__builtin_thread_pointer() + __rseq_offset);

		return __atomic_load_n(&area->cpu_id_start, __ATOMIC_RELAXED);
	}
#endif
#ifdef __linux__
	int processor = sched_getcpu();

	return processor > 0 ? (uint32_t)processor : 0;
#else
	return 0;
#endif
}

static inline uint64_t smx_stripe(const smx_layout_series *series)
{
	return smx_processor() & series->stripe_mask;
}

/* The series' only cell (counters), in the stripe of this processor. */
static inline smx_layout_cell *smx_cell(smx_layout_series *series)
{
	char *cell = smx_base_of(&series->record) + series->cells_or_gauge;

	return (smx_layout_cell *)(void *)(cell + smx_stripe(series) * SMX_LAYOUT_TILE_SIZE);
}

/* Cell i of the series in a stripe: the formula of layout.h. */
static inline smx_layout_cell *smx_cell_at(smx_layout_series *series, uint32_t i, uint64_t stripe)
{
	uint64_t offset = series->cells_or_gauge;
	uint64_t tile = offset & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	uint64_t n = (offset % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell) + i;
	uint64_t stripes = (uint64_t)series->stripe_mask + 1;

	tile += (n / SMX_LAYOUT_TILE_CELLS) * SMX_LAYOUT_TILE_SIZE * stripes + stripe * SMX_LAYOUT_TILE_SIZE;
	return (smx_layout_cell *)(void *)(smx_base_of(&series->record) + tile +
					   (n % SMX_LAYOUT_TILE_CELLS) * sizeof(smx_layout_cell));
}

#endif
