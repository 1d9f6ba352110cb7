/* SPDX-License-Identifier: MIT */
/*
 * protobuf_native.c - the buckets of a native histogram in its message: spans of those that hold
 * something, and what each count differs by from the one before
 *
 * They are fields 5 to 13 of a Histogram, between its buckets with bounds and its start.
 */
#include "text/protobuf.h"

#include "text/buffer.h"
#include "text/combine.h"
#include "text/metrics_proto.h"
#include "text/spans.h"
#include "text/wire.h"

static void append_span(smx_buffer *buffer, unsigned field, int offset, size_t length)
{
	uint64_t zigzag = smx_wire_zigzag(offset);
	char *out = smx_buffer_reserve(buffer, 3 * SMX_WIRE_FIELD_ROOM);

	if (!out)
		return;
	out = smx_wire_put_size(out, field,
				2 + smx_wire_varint_size(zigzag) + smx_wire_varint_size(length));
	out = smx_wire_put_uint(out, SPAN_OFFSET, zigzag);
	smx_buffer_commit(buffer, smx_wire_put_uint(out, SPAN_LENGTH, length));
}

/* Of the buckets in a span; *before is the count of the last one before it. */
static char *put_deltas(char *out, const struct smx_native_buckets *buckets,
			const struct smx_native_span *span, int64_t *before)
{
	for (size_t i = span->begin; i < span->begin + span->length; i++) {
		int64_t count = (int64_t)smx_native_count(buckets, i);

		out = smx_wire_put_varint(out, smx_wire_zigzag(count - *before));
		*before = count;
	}
	return out;
}

/* The same, counted. */
static size_t size_of_deltas(const struct smx_native_buckets *buckets,
			     const struct smx_native_span *span, int64_t *before)
{
	size_t size = 0;

	for (size_t i = span->begin; i < span->begin + span->length; i++) {
		int64_t count = (int64_t)smx_native_count(buckets, i);

		size += smx_wire_varint_size(smx_wire_zigzag(count - *before));
		*before = count;
	}
	return size;
}

/* Returns whether there are any. */
static bool append_buckets(smx_buffer *buffer, const struct smx_native_buckets *buckets,
			   unsigned span_field, unsigned delta_field)
{
	struct smx_native_span span = {0};
	int64_t before = 0;
	size_t size = 0;
	char *out;

	while (smx_native_next_span(buckets, &span)) {
		append_span(buffer, span_field, span.offset, span.length);
		size += size_of_deltas(buckets, &span, &before);
	}
	if (size == 0)
		return false;
	out = smx_buffer_reserve(buffer, SMX_WIRE_FIELD_ROOM + size);
	if (!out)
		return true;
	out = smx_wire_put_size(out, delta_field, size);
	before = 0;
	for (span = (struct smx_native_span){0}; smx_native_next_span(buckets, &span);)
		out = put_deltas(out, buckets, &span, &before);
	smx_buffer_commit(buffer, out);
	return true;
}

void smx_protobuf_append_native(smx_buffer *buffer, const smx_native_view *native,
				const uint64_t *counts)
{
	struct smx_native_buckets negative = smx_native_negative(native, counts);
	struct smx_native_buckets positive = smx_native_positive(native, counts);
	char *out = smx_buffer_reserve(buffer, 3 * SMX_WIRE_FIELD_ROOM);
	bool any;

	if (!out)
		return;
	out = smx_wire_put_uint(out, HISTOGRAM_SCHEMA, smx_wire_zigzag(native->schema));
	out = smx_wire_put_double(out, HISTOGRAM_ZERO_THRESHOLD, native->zero_threshold);
	out = smx_wire_put_uint(out, HISTOGRAM_ZERO_COUNT, smx_native_zero_count(native, counts));
	smx_buffer_commit(buffer, out);
	any = append_buckets(buffer, &negative, HISTOGRAM_NEGATIVE_SPAN, HISTOGRAM_NEGATIVE_DELTA);
	any |= append_buckets(buffer, &positive, HISTOGRAM_POSITIVE_SPAN, HISTOGRAM_POSITIVE_DELTA);
	if (!any) /* what tells an empty one from a histogram that is not native */
		append_span(buffer, HISTOGRAM_POSITIVE_SPAN, 0, 0);
}
