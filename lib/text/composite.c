/* SPDX-License-Identifier: MIT */
/*
 * composite.c - a histogram or a summary as one sample of OpenMetrics 2.0
 *
 * Count, sum and buckets are the fields of one value, native buckets first: who understands those
 * can leave out the rest. Behind it stand the exemplars of all buckets. The sum is always there,
 * also where it can go back; but a summary may not have one that is negative or NaN, and cannot be
 * without, so that one is left out.
 */
#include "text/composite.h"

#include "text/buffer.h"
#include "text/combine.h"
#include "text/number.h"
#include "text/spans.h"

#include <math.h>
#include <stdlib.h>

/* Most of a value is `before` and a number. */
static void append_number(smx_buffer *buffer, const char *before, uint64_t number)
{
	char *out;

	smx_buffer_append_string(buffer, before);
	out = smx_buffer_reserve(buffer, SMX_NUMBER_ROOM);
	if (out)
		smx_buffer_commit(buffer, smx_number_u64(out, number));
}

static void append_signed(smx_buffer *buffer, const char *before, int number)
{
	smx_buffer_append_string(buffer, before);
	append_number(buffer, number < 0 ? "-" : "", (uint64_t)llabs(number));
}

/* `x{a="b"} {count:3,sum:1.5,` */
static void append_totals(smx_buffer *buffer, const struct smx_family *family,
			  const struct smx_series *series, uint64_t count, double sum)
{
	smx_render_append_head(buffer, family, series);
	append_number(buffer, "{count:", count);
	smx_buffer_append_string(buffer, ",sum:");
	smx_emit_double(buffer, sum);
	smx_buffer_append_string(buffer, ",");
}

/* `bucket:[0.5:1,+Inf:3]` */
static void append_buckets(smx_buffer *buffer, const struct smx_family *family,
			   const uint64_t *counts)
{
	const double *bounds = family->sources->view->bounds;
	size_t bucket_count = family->tail_count;
	uint64_t cumulative = 0;
	char *out;

	smx_buffer_append_string(buffer, "bucket:[");
	out = smx_buffer_reserve(buffer, bucket_count * (2 * SMX_NUMBER_ROOM + 2));
	if (!out)
		return;
	for (size_t i = 0; i < bucket_count; i++) {
		cumulative = smx_add_saturated(cumulative, counts[i]);
		out = smx_number_bound(out, i + 1 < bucket_count ? bounds[i] : (double)INFINITY);
		*out++ = ':';
		out = smx_number_u64(out, cumulative);
		*out++ = i + 1 < bucket_count ? ',' : ']';
	}
	smx_buffer_commit(buffer, out);
}

/* `,positive_spans:[-1:2,3:1],positive_buckets:[5,7,10]`; nothing where all of them are empty. */
static void append_side(smx_buffer *buffer, const char *side, struct smx_native_buckets buckets)
{
	struct smx_native_span span = {0};
	const char *before = "_spans:[";

	while (smx_native_next_span(&buckets, &span)) {
		if (*before == '_') {
			smx_buffer_append_string(buffer, ",");
			smx_buffer_append_string(buffer, side);
		}
		append_signed(buffer, before, span.offset);
		append_number(buffer, ":", span.length);
		before = ",";
	}
	if (*before == '_')
		return;
	smx_buffer_append_string(buffer, "],");
	smx_buffer_append_string(buffer, side);
	before = "_buckets:[";
	span = (struct smx_native_span){0};
	while (smx_native_next_span(&buckets, &span)) {
		for (size_t i = 0; i < span.length; i++, before = ",")
			append_number(buffer, before, smx_native_count(&buckets, span.begin + i));
	}
	smx_buffer_append_string(buffer, "]");
}

/* `schema:3,zero_threshold:1e-128,zero_count:2` and the two sides. */
static void append_native(smx_buffer *buffer, const smx_native_view *native, const uint64_t *counts)
{
	append_signed(buffer, "schema:", native->schema);
	smx_buffer_append_string(buffer, ",zero_threshold:");
	smx_emit_double(buffer, native->zero_threshold);
	append_number(buffer, ",zero_count:", smx_native_zero_count(native, counts));
	append_side(buffer, "negative", smx_native_negative(native, counts));
	append_side(buffer, "positive", smx_native_positive(native, counts));
}

/* As in every format: without an observation there is no exemplar of it. */
static void append_exemplars(smx_buffer *buffer, const struct smx_family *family,
			     const struct smx_series *series, const uint64_t *counts)
{
	const bool are_of_buckets = family->kind == SMX_HISTOGRAM || family->tail_count > 1;
	smx_exemplar_view exemplar;

	for (size_t i = 0; i < smx_combine_exemplar_count(family); i++) {
		if (counts[are_of_buckets ? i : 0] != 0 &&
		    smx_combine_exemplar(series, i, &exemplar) &&
		    smx_render_is_exemplar_fit(&exemplar))
			smx_render_append_exemplar(buffer, &exemplar);
	}
}

void smx_composite_histogram(const struct smx_rendering *rendering, const struct smx_family *family,
			     const struct smx_series *series)
{
	const bool is_native = family->kind == SMX_NATIVE_HISTOGRAM;
	uint64_t *counts = rendering->counts, count = 0;
	double sum = smx_combine_histogram(series, counts, rendering->part_counts);

	for (size_t i = 0; i < family->tail_count; i++)
		count = smx_add_saturated(count, counts[i]);
	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	append_totals(rendering->buffer, family, series, count, sum);
	if (is_native)
		append_native(rendering->buffer, &family->native, counts + family->tail_count);
	if (is_native && family->tail_count > 1)
		smx_buffer_append_string(rendering->buffer, ",");
	if (!is_native || family->tail_count > 1)
		append_buckets(rendering->buffer, family, counts);
	smx_buffer_append_string(rendering->buffer, "}");
	smx_render_append_start(rendering->buffer, series);
	append_exemplars(rendering->buffer, family, series, counts);
	smx_buffer_append_string(rendering->buffer, "\n");
}

void smx_composite_summary(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series)
{
	double sum;
	uint64_t count = smx_combine_summary(series, &sum);

	if ((count == 0 && !smx_combine_is_asked_for(series)) || !(sum >= 0))
		return;
	append_totals(rendering->buffer, family, series, count, sum);
	smx_buffer_append_string(rendering->buffer, "quantile:[]}");
	smx_render_append_start(rendering->buffer, series);
	smx_buffer_append_string(rendering->buffer, "\n");
}
