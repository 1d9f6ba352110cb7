/* SPDX-License-Identifier: MIT */
/*
 * reader_native.c - native histograms: how their buckets lie, and what is in each
 *
 * With bounds a cell stands for one native bucket and one bucket of the bounds at once. Which, is
 * found by walking up both in order of value: each cell is one step of either.
 */
#include "reader_internal.h"

#include "native.h"

#include <stdlib.h>

/* ---- how the buckets lie ---- */

bool reader_take_native(struct reader_cursor *cursor, smx_family_view *view)
{
	smx_layout_native native;
	uint32_t signs;

	if (cursor->left < sizeof native)
		return false;
	memcpy(&native, cursor->at, sizeof native);
	cursor->at += sizeof native;
	cursor->left -= sizeof native;
	signs = native.flags & SMX_NATIVE_NEGATIVE ? 2 : 1;
	if (native.schema < SMX_LAYOUT_NATIVE_SCHEMA_MIN ||
	    native.schema > SMX_LAYOUT_NATIVE_SCHEMA_MAX || native.side < 2 ||
	    native.side > (SMX_LAYOUT_NATIVE_BUCKET_MAX - 1) / signs ||
	    (native.flags & ~SMX_NATIVE_NEGATIVE) != 0)
		return false;
	view->native.schema = native.schema;
	view->native.first = native.first;
	view->native.side = native.side;
	view->native.negative = signs == 2;
	view->native.count = (size_t)native.side * signs + 1;
	/* All bounds of the range are doubles of full precision: no index is beyond 262,144. */
	if (native.first < -262144 || native.first > 262144)
		return false;
	view->native.zero_threshold = smx_native_bound(native.first - 1, native.schema);
	return view->native.zero_threshold > 0 &&
	       smx_native_bound(native.first + (int32_t)native.side - 3, native.schema) <
		       smx_double(UINT64_C(2047) << SMX_NATIVE_MANTISSA_BITS);
}

uint64_t reader_cell_count(const smx_family_view *family)
{
	switch (family->kind) {
	case SMX_HISTOGRAM:
		return family->bound_count + 1;
	case SMX_NATIVE_HISTOGRAM:
		return family->native.count + family->bound_count;
	default:
		return 1;
	}
}

bool reader_reserve_cells(smx_reader *reader, const smx_family_view *family)
{
	size_t count = (size_t)reader_cell_count(family);
	uint64_t *cells;

	if (family->kind != SMX_NATIVE_HISTOGRAM || count <= reader->cell_room)
		return true;
	cells = realloc(reader->cells, count * sizeof *cells);
	if (!cells)
		return false;
	reader->cells = cells;
	reader->cell_room = count;
	return true;
}

/* ---- what is in each ---- */

/* The upper bound of a native bucket that is not the last; below 0 it belongs to the next. */
static double upper_bound(const smx_native_view *native, size_t bucket)
{
	size_t zero = native->negative ? native->side : 0;
	int32_t below = native->first - 1; /* the bucket whose upper bound the first begins with */

	return bucket < zero
		       ? -smx_native_bound(below + (int32_t)(zero - 1 - bucket), native->schema)
		       : smx_native_bound(below + (int32_t)(bucket - zero), native->schema);
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* Each cell's count, to its native bucket and to its bucket of the bounds. */
static void split(const smx_family_view *family, const uint64_t *cells, uint64_t *native_counts,
		  uint64_t *bucket_counts)
{
	const smx_native_view *native = &family->native;
	size_t last = native->count - 1, n = 0, bucket = 0;

	memset(native_counts, 0, native->count * sizeof *native_counts);
	memset(bucket_counts, 0, (family->bound_count + 1) * sizeof *bucket_counts);
	for (;; cells++) {
		native_counts[n] = add(native_counts[n], *cells);
		bucket_counts[bucket] = add(bucket_counts[bucket], *cells);
		/* Of two equal bounds either may be the first; a negative native one is. */
		if (n < last && (bucket == family->bound_count ||
				 upper_bound(native, n) <= family->bounds[bucket]))
			n++;
		else if (bucket < family->bound_count)
			bucket++;
		else
			return;
	}
}

void smx_reader_native_histogram(const smx_reader *reader, const smx_series_view *series,
				 uint64_t *native_counts, uint64_t *bucket_counts, double *sum)
{
	reader_read_cells(reader, series, reader->cells, sum);
	split(series->family, reader->cells, native_counts, bucket_counts);
}
