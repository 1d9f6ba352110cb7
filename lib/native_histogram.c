/* SPDX-License-Identifier: MIT */
/*
 * native_histogram.c - native histograms: buckets that grow exponentially, chosen once
 *
 * A Prometheus client may widen its buckets while it runs, because it has a lock for that. Here
 * schema and range are part of the definition, so every process has the same cells and an
 * observation is what it is for any histogram: one 16-byte compare-and-swap of one cell. That holds
 * with classic buckets, too. A cell stands for what is in one native and one classic bucket
 * (layout.h), and readers add up the one or the other: both are of exactly the same observations.
 */
#include "native_histogram.h"

#include "buckets.h"
#include "error.h"
#include "stripe.h"

#include <math.h>

#define LEAST_MIN 1e-300 /* below it the first bucket's lower bound could have less than 53 bits */

static const smx_native_options default_options = {.schema = 3, .least = 1e-4, .greatest = 100};

/* ---- definition ---- */

static uint64_t bucket_count(const smx_layout_native *native)
{
	return (uint64_t)native->side * (native->flags & SMX_NATIVE_NEGATIVE ? 2 : 1) + 1;
}

/* The buckets that the range takes: their outer bounds are the nearest outside of it. */
static smx_layout_native lay_out(const smx_native_options *options)
{
	int32_t schema = options->schema;
	int32_t low = smx_native_index(smx_bits(options->least), schema);
	int32_t high = smx_native_index(smx_bits(options->greatest), schema);

	if (smx_native_bound(low, schema) > options->least)
		low--;
	return (smx_layout_native){schema, low + 1, (uint32_t)(high - low) + 1,
				   options->negative ? SMX_NATIVE_NEGATIVE : 0};
}

static smx_status take_options(const char *name, const smx_native_options *options,
			       smx_layout_native *native, smx_error *error)
{
	if (options->schema < SMX_LAYOUT_NATIVE_SCHEMA_MIN ||
	    options->schema > SMX_LAYOUT_NATIVE_SCHEMA_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"native histogram %.80s: schema %d, must be %d to %d", name,
				options->schema, SMX_LAYOUT_NATIVE_SCHEMA_MIN,
				SMX_LAYOUT_NATIVE_SCHEMA_MAX);
	if (!(options->least >= LEAST_MIN && options->least < options->greatest &&
	      isfinite(options->greatest)))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"native histogram %.80s: the range %g to %g must be of finite "
				"numbers, the first 1e-300 or more and below the other",
				name, options->least, options->greatest);
	*native = lay_out(options);
	if (bucket_count(native) > SMX_LAYOUT_NATIVE_BUCKET_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"native histogram %.80s: schema %d from %g to %g takes %llu "
				"buckets, at most %u are allowed",
				name, options->schema, options->least, options->greatest,
				(unsigned long long)bucket_count(native),
				SMX_LAYOUT_NATIVE_BUCKET_MAX);
	return SMX_OK;
}

smx_status smx_native_histogram_define(smx_segment *segment, const smx_definition *definition,
				       const smx_native_options *options,
				       smx_native_histogram_family *family, smx_error *error)
{
	const char *name = smx_name_of(definition);
	struct smx_family_form form = {.kind = SMX_NATIVE_HISTOGRAM};
	smx_layout_native native;
	size_t bound_count;
	smx_status status;

	if (family)
		family->impl = NULL;
	if (!options)
		options = &default_options;
	status = take_options(name, options, &native, error);
	if (status != SMX_OK)
		return status;
	bound_count = options->bound_count;
	if (bound_count > 0 && !options->bounds)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"native histogram %.80s: bounds are NULL", name);
	if (bound_count > 0) {
		status = smx_buckets_check(name, options->bounds, &bound_count, error);
		if (status != SMX_OK)
			return status;
		form.bounds = options->bounds;
		form.count = bound_count;
	}
	form.native = &native;
	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_native_histogram smx_native_histogram_with(smx_native_histogram_family family,
					       const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_native_histogram){(struct smx_series_record *)(void *)series};
}

smx_native_histogram smx_native_histogram_with_text(smx_native_histogram_family family,
						    const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_native_histogram){(struct smx_series_record *)(void *)series};
}

/* ---- observations ---- */

__attribute__((always_inline)) static inline void observe(smx_layout_series *series, double value,
							  uint32_t processor)
{
	char *base = smx_base_of(&series->record);
	const smx_layout_family *family =
		(const smx_layout_family *)(const void *)(base + series->family_offset);
	bool lacking;
	uint32_t cell = smx_native_place(family, value, &lacking);

	if (family->bound_count > 0)
		cell += smx_buckets_find(family, value);
	smx_cell_observe(smx_cell_at(series, cell, processor & series->stripe_mask), value);
	if (__builtin_expect(lacking, 0))
		smx_dropped((smx_layout_header *)(void *)base, SMX_DROP_RANGE);
}

/* What the fast path leaves: empty handles, NaN, threads without a restartable-sequences area. */
__attribute__((noinline, cold)) static void observe_slowly(smx_native_histogram histogram,
							   double value)
{
	smx_layout_series *series = smx_series_to_observe(histogram.impl, value);

	if (series)
		observe(series, value, smx_processor_slow());
}

void smx_native_histogram_observe(smx_native_histogram histogram, double value)
{
	if (__builtin_expect(!histogram.impl || value != value, 0) || !smx_processor_is_fast())
		observe_slowly(histogram, value);
	else
		observe(smx_series_of(histogram.impl), value, smx_processor_fast());
}
