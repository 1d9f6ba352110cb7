/* SPDX-License-Identifier: MIT */
/*
 * spans.h - the buckets of a native histogram as formats write them: the ones that hold something,
 * in spans
 */
#ifndef SMX_TEXT_SPANS_H
#define SMX_TEXT_SPANS_H

#include "shmetrics/reader.h"

/* The buckets of one sign, from the least magnitude to the greatest. */
struct smx_native_buckets {
	const uint64_t *zero; /* the zero bucket's count, from which they lie */
	ptrdiff_t step;	      /* in this direction: 1 or -1 */
	size_t count;
	int first; /* index of the first */
};

/* counts: as smx_reader_native_histogram has them. Without negative buckets there are none. */
struct smx_native_buckets smx_native_positive(const smx_native_view *native,
					      const uint64_t *counts);
struct smx_native_buckets smx_native_negative(const smx_native_view *native,
					      const uint64_t *counts);

static inline uint64_t smx_native_zero_count(const smx_native_view *native, const uint64_t *counts)
{
	return counts[native->negative ? native->side : 0];
}

static inline uint64_t smx_native_count(const struct smx_native_buckets *buckets, size_t at)
{
	return buckets->zero[buckets->step * (ptrdiff_t)(at + 1)];
}

/* Buckets that are written one after the other. */
struct smx_native_span {
	size_t begin, length; /* of the buckets */
	int offset; /* how many buckets are left out; of the first span, the index it begins with */
};

/*
 * The span behind `span`, which is overwritten; before the first, all of it is 0. A span begins and
 * ends with a bucket that holds something, and goes on over gaps that take less to write than to
 * leave out. False: there is none.
 */
bool smx_native_next_span(const struct smx_native_buckets *buckets, struct smx_native_span *span);

#endif
