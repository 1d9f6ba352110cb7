/* SPDX-License-Identifier: MIT */
/*
 * buckets.h - which bucket a value belongs to
 */
#ifndef SMX_BUCKETS_H
#define SMX_BUCKETS_H

#include "atomics.h"
#include "shmetrics/layout.h"
#include "shmetrics/types.h"

#define SMX_BUCKETS_SHIFT                                                                          \
	50 /* sign, exponent and two bits of mantissa are left: a quarter of an octave */
#define SMX_BUCKETS_TABLE_MAX 2048u

/* Checks bounds; *count loses a last +Inf. name: of the metric, for the message. Fails: INVALID. */
smx_status smx_buckets_check(const char *name, const double *bounds, size_t *count,
			     smx_error *error);

/* prometheus_client's default bounds: 5 ms to 10 s. */
const double *smx_buckets_default(size_t *count);

/* How many entries the search table of these bounds has; 0: none is worth it. */
uint32_t smx_buckets_table_count(const double *bounds, size_t count, uint32_t *low);
void smx_buckets_fill_table(const double *bounds, size_t count, uint32_t low, uint16_t *table,
			    uint32_t table_count);

/*
 * The first bucket whose bound is not below v, or bound_count. v is not NaN. The table gives the
 * first bucket that any value of v's quarter octave may be in; with at most one bound a quarter
 * octave one comparison is left.
 */
static inline uint32_t smx_buckets_find(const smx_layout_family *family, double v)
{
	const char *record = (const char *)family;
	const double *bounds = (const double *)(const void *)(record + SMX_LAYOUT_FAMILY_BOUNDS);
	uint32_t count = family->bound_count, bucket = 0;

	if (family->table_count) {
		const uint16_t *table =
			(const uint16_t *)(const void *)(record + family->table_offset);
		/* Negative values have the sign bit: as signed numbers they are below every key. */
		int64_t key = (int64_t)smx_bits(v) >> SMX_BUCKETS_SHIFT;
		int64_t index = key - (int64_t)family->table_low;
		int64_t last = (int64_t)family->table_count - 1;

		index = index < 0 ? 0 : index;
		index = index > last ? last : index;
		bucket = table[index];
		while (bucket < count && v > bounds[bucket])
			bucket++;
		return bucket;
	}
	while (count > 0) {
		uint32_t half = count / 2;

		if (bounds[bucket + half] < v) {
			bucket += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return bucket;
}

#endif
