/* SPDX-License-Identifier: MIT */
/*
 * buckets.c - the bounds of histograms and the table that finds a bucket
 */
#include "buckets.h"

#include "error.h"

#include <math.h>

const double *smx_buckets_default(size_t *count)
{
	static const double bounds[] = {.005, .01, .025, .05, .075, .1,	 .25,
					.5,   .75, 1.0,	 2.5, 5.0,  7.5, 10.0};

	*count = sizeof bounds / sizeof bounds[0];
	return bounds;
}

smx_status smx_buckets_check(const char *name, const double *bounds, size_t *count,
			     smx_error *error)
{
	if (*count > 0 && isinf(bounds[*count - 1]) && bounds[*count - 1] > 0)
		(*count)--;
	if (*count == 0 || *count > SMX_LAYOUT_BOUND_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"histogram %s: %zu finite bucket bounds, must be 1 to %u", name,
				*count, SMX_LAYOUT_BOUND_MAX);
	for (size_t i = 0; i < *count; i++) {
		if (!isfinite(bounds[i]))
			return smx_fail(error, SMX_ERR_INVALID, 0,
					"histogram %s: bucket bound %zu is not finite", name, i);
		if (i > 0 && !(bounds[i] > bounds[i - 1]))
			return smx_fail(error, SMX_ERR_INVALID, 0,
					"histogram %s: bucket bound %zu (%g) must be above the one "
					"before (%g)",
					name, i, bounds[i], bounds[i - 1]);
	}
	return SMX_OK;
}

static uint32_t key_of(double v)
{
	return (uint32_t)(smx_bits(v) >> SMX_BUCKETS_SHIFT);
}

uint32_t smx_buckets_table_count(const double *bounds, size_t count, uint32_t *low)
{
	uint32_t entries;

	*low = 0;
	if (count == 0 || bounds[0] <= 0)
		return 0;
	*low = key_of(bounds[0]);
	/* One entry beyond the last bound's: values above it have a place of their own. */
	entries = key_of(bounds[count - 1]) - *low + 2;
	return entries <= SMX_BUCKETS_TABLE_MAX ? entries : 0;
}

void smx_buckets_fill_table(const double *bounds, size_t count, uint32_t low, uint16_t *table,
			    uint32_t table_count)
{
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < table_count; i++) {
		/* The least value with this key; entry 0 also serves everything below. */
		double least = i == 0 ? 0.0 : smx_double((uint64_t)(low + i) << SMX_BUCKETS_SHIFT);

		while (bucket < count && bounds[bucket] < least)
			bucket++;
		table[i] = (uint16_t)bucket;
	}
}
