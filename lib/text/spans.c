/* SPDX-License-Identifier: MIT */
/*
 * spans.c - the buckets of a native histogram as formats write them
 */
#include "text/spans.h"

/* Another span takes as much room as two buckets or more. */
#define GAP_MAX 2u

struct smx_native_buckets smx_native_positive(const smx_native_view *native, const uint64_t *counts)
{
	return (struct smx_native_buckets){counts + (native->negative ? native->side : 0), 1,
					   native->side, native->first};
}

struct smx_native_buckets smx_native_negative(const smx_native_view *native, const uint64_t *counts)
{
	return (struct smx_native_buckets){counts + (native->negative ? native->side : 0), -1,
					   native->negative ? native->side : 0, native->first};
}

/* The next bucket from `at` on that holds something; count: there is none. */
static size_t next_filled(const struct smx_native_buckets *buckets, size_t at)
{
	while (at < buckets->count && smx_native_count(buckets, at) == 0)
		at++;
	return at;
}

bool smx_native_next_span(const struct smx_native_buckets *buckets, struct smx_native_span *span)
{
	size_t before = span->begin + span->length;
	size_t begin = next_filled(buckets, before), end = begin + 1, next;

	if (begin == buckets->count)
		return false;
	while ((next = next_filled(buckets, end)) < buckets->count && next - end <= GAP_MAX)
		end = next + 1;
	span->begin = begin;
	span->length = end - begin;
	span->offset = before == 0 ? buckets->first + (int)begin : (int)(begin - before);
	return true;
}
