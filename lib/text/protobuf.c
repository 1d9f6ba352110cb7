/* SPDX-License-Identifier: MIT */
/*
 * protobuf.c - delimited protocol buffers: a MetricFamily for each family
 *
 * The fields are those of Prometheus' metrics.proto (metrics_proto.h). It has the types of text
 * 0.0.4: an info and a state set are gauges here. A family is named as there, with the _total of a
 * counter: of that the scraper makes the names of the samples. Numbers are doubles, but for the
 * counts of histograms and summaries; a counter beyond 2^53 loses what a double cannot hold. Fields
 * stand in the order of their numbers, so that the bytes are those of any other encoder.
 */
#include "text/protobuf.h"

#include "text/buffer.h"
#include "text/combine.h"
#include "text/infolabels.h"
#include "text/metrics_proto.h"
#include "text/wire.h"
#include "text/words.h"

#include <math.h>

const struct smx_text_format smx_text_format_protobuf = {
	.end = "",
	.kinds =
		{
			[SMX_COUNTER] = {"counter", "_total"},
			[SMX_GAUGE] = {"gauge", ""},
			[SMX_HISTOGRAM] = {"histogram", ""},
			[SMX_NATIVE_HISTOGRAM] = {"histogram", ""},
			[SMX_SUMMARY] = {"summary", ""},
			[SMX_INFO] = {"gauge", "_info"},
			[SMX_STATE_SET] = {"gauge", ""},
			[SMX_UNKNOWN] = {"untyped", ""},
		},
	.is_protobuf = true,
	.has_units = true,
	.has_exemplars = true,
};

#define DOUBLE_SIZE 9u /* of a field below 16 */

static enum metric_type type_of(smx_kind kind)
{
	switch (kind) {
	case SMX_COUNTER:
		return TYPE_COUNTER;
	case SMX_SUMMARY:
		return TYPE_SUMMARY;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
		return TYPE_HISTOGRAM;
	case SMX_GAUGE:
	case SMX_INFO:
	case SMX_STATE_SET:
		return TYPE_GAUGE;
	default:
		return TYPE_UNTYPED;
	}
}

/* ---- parts of a metric ---- */

/* A rendering of one family. */
struct writing {
	const struct smx_rendering *rendering;
	const struct smx_family *family;
	smx_buffer *buffer;
	struct smx_message_lengths *lengths;
};

static struct smx_wire_message begin_metric(const struct writing *writing, size_t series)
{
	struct smx_wire_message metric =
		smx_wire_begin(writing->buffer, FAMILY_METRIC, &writing->lengths->metric);
	smx_text pairs = smx_pairs_of(writing->family, series);

	smx_buffer_append(writing->buffer, pairs.data, pairs.size);
	return metric;
}

/* A Gauge, a Counter or an Untyped with nothing but a value, which is field 1 in all of them. */
static void append_value(smx_buffer *buffer, enum metric_field field, double value)
{
	char *out = smx_buffer_reserve(buffer, 2 * SMX_WIRE_FIELD_ROOM);

	if (!out)
		return;
	out = smx_wire_put_size(out, field, DOUBLE_SIZE);
	smx_buffer_commit(buffer, smx_wire_put_double(out, GAUGE_VALUE, value));
}

/* Nothing where the time is not known. */
static void append_timestamp(smx_buffer *buffer, unsigned field, uint64_t unix_ns)
{
	uint64_t seconds = unix_ns / 1000000000, nanos = unix_ns % 1000000000;
	char *out = smx_buffer_reserve(buffer, 3 * SMX_WIRE_FIELD_ROOM);

	if (!out || unix_ns == 0)
		return;
	out = smx_wire_put_size(out, field,
				2 + smx_wire_varint_size(seconds) + smx_wire_varint_size(nanos));
	out = smx_wire_put_uint(out, TIMESTAMP_SECONDS, seconds);
	smx_buffer_commit(buffer, smx_wire_put_uint(out, TIMESTAMP_NANOS, nanos));
}

static void append_start(const struct writing *writing, unsigned field,
			 const struct smx_series *series)
{
	append_timestamp(writing->buffer, field, smx_combine_created_ns(series));
}

static void append_exemplar(const struct writing *writing, unsigned field,
			    const smx_exemplar_view *exemplar)
{
	smx_buffer *buffer = writing->buffer;
	struct smx_wire_message message =
		smx_wire_begin(buffer, field, &writing->lengths->exemplar);
	char *out;

	for (size_t i = 0; i < exemplar->label_count; i++) {
		if (exemplar->labels[i].value.size != 0) /* an empty label is an absent one */
			smx_pairs_append(buffer, exemplar->labels[i].name,
					 exemplar->labels[i].value);
	}
	out = smx_buffer_reserve(buffer, SMX_WIRE_FIELD_ROOM);
	if (out)
		smx_buffer_commit(buffer,
				  smx_wire_put_double(out, EXEMPLAR_VALUE, exemplar->value));
	append_timestamp(buffer, EXEMPLAR_TIMESTAMP, exemplar->unix_ns);
	smx_wire_end(buffer, message);
}

/* ---- kinds: one function each, the series that it writes by its index ---- */

static void write_counter(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	smx_counter_sample sample = smx_combine_counter(series);
	smx_buffer *buffer = writing->buffer;
	struct smx_wire_message metric, counter;
	smx_exemplar_view exemplar;
	char *out;

	if (sample.whole == 0 && sample.fraction == 0 && !smx_combine_is_asked_for(series))
		return;
	metric = begin_metric(writing, index);
	counter = smx_wire_begin(buffer, METRIC_COUNTER, &writing->lengths->value);
	out = smx_buffer_reserve(buffer, SMX_WIRE_FIELD_ROOM);
	if (out)
		smx_buffer_commit(buffer,
				  smx_wire_put_double(out, COUNTER_VALUE,
						      (double)sample.whole + sample.fraction));
	if (smx_render_finds_exemplar(series, 0, &exemplar))
		append_exemplar(writing, COUNTER_EXEMPLAR, &exemplar);
	append_start(writing, COUNTER_START, series);
	smx_wire_end(buffer, counter);
	smx_wire_end(buffer, metric);
}

static void write_gauge(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	const smx_gauge_mode mode = writing->family->mode;
	struct smx_wire_message metric;
	double value;

	if (!smx_combine_gauge(series, mode, &value) &&
	    (!smx_mode_is_sum(mode) || !smx_combine_is_asked_for(series)))
		return;
	metric = begin_metric(writing, index);
	append_value(writing->buffer, METRIC_GAUGE, value);
	smx_wire_end(writing->buffer, metric);
}

static void write_writers_of_part(const struct writing *writing, size_t index,
				  const struct smx_part *part)
{
	static const smx_text pid = {"pid", 3};
	const struct smx_member *member = part->source->member;
	smx_gauge_sample *samples = writing->rendering->samples;
	size_t count = smx_reader_gauge(member->reader, part->view, samples);

	for (size_t i = 0; i < count; i++) {
		struct smx_wire_message metric;

		if (samples[i].writer >= member->writer_count)
			continue;
		metric = begin_metric(writing, index);
		smx_pairs_append(writing->buffer, pid,
				 smx_writer_label_value(&member->writers[samples[i].writer]));
		append_value(writing->buffer, METRIC_GAUGE, samples[i].value);
		smx_wire_end(writing->buffer, metric);
	}
}

static void write_writers(const struct writing *writing, size_t index)
{
	const struct smx_part *part = &writing->family->series[index]->first;

	for (; part; part = part->next) {
		if (smx_part_is_served(part))
			write_writers_of_part(writing, index, part);
	}
}

static char *put_bucket(char *out, uint64_t cumulative_count, double upper_bound)
{
	out = smx_wire_put_size(out, HISTOGRAM_BUCKET,
				1 + smx_wire_varint_size(cumulative_count) + DOUBLE_SIZE);
	out = smx_wire_put_uint(out, BUCKET_CUMULATIVE_COUNT, cumulative_count);
	return smx_wire_put_double(out, BUCKET_UPPER_BOUND, upper_bound);
}

#define BUCKET_ROOM (3 * SMX_WIRE_FIELD_ROOM)

static void append_bucket_with_exemplar(const struct writing *writing, uint64_t cumulative_count,
					double upper_bound, const smx_exemplar_view *exemplar)
{
	smx_buffer *buffer = writing->buffer;
	struct smx_wire_message bucket =
		smx_wire_begin(buffer, HISTOGRAM_BUCKET, &writing->lengths->bucket);
	char *out = smx_buffer_reserve(buffer, BUCKET_ROOM);

	if (!out)
		return;
	out = smx_wire_put_uint(out, BUCKET_CUMULATIVE_COUNT, cumulative_count);
	smx_buffer_commit(buffer, smx_wire_put_double(out, BUCKET_UPPER_BOUND, upper_bound));
	append_exemplar(writing, BUCKET_EXEMPLAR, exemplar);
	smx_wire_end(buffer, bucket);
}

/* The buckets with bounds, cumulative, +Inf among them. */
static void append_buckets(const struct writing *writing, const struct smx_series *series,
			   const uint64_t *counts)
{
	/* Of any source: they are part of the definition. */
	const double *bounds = writing->family->sources->view->bounds;
	const size_t bucket_count = writing->family->tail_count;
	uint64_t cumulative = 0;
	char *out = smx_buffer_reserve(writing->buffer, bucket_count * BUCKET_ROOM);

	for (size_t i = 0; out && i < bucket_count; i++) {
		double bound = i + 1 < bucket_count ? bounds[i] : (double)INFINITY;
		smx_exemplar_view exemplar;

		cumulative = smx_add_saturated(cumulative, counts[i]);
		if (counts[i] == 0 || !smx_render_finds_exemplar(series, i, &exemplar)) {
			out = put_bucket(out, cumulative, bound);
			continue;
		}
		smx_buffer_commit(writing->buffer, out);
		append_bucket_with_exemplar(writing, cumulative, bound, &exemplar);
		out = smx_buffer_reserve(writing->buffer, (bucket_count - i) * BUCKET_ROOM);
	}
	if (out)
		smx_buffer_commit(writing->buffer, out);
}

/* Of a histogram and of a summary: fields 1 and 2 in both. */
static void append_totals(smx_buffer *buffer, uint64_t count, double sum)
{
	char *out = smx_buffer_reserve(buffer, 2 * SMX_WIRE_FIELD_ROOM);

	if (!out)
		return;
	out = smx_wire_put_uint(out, HISTOGRAM_COUNT, count);
	smx_buffer_commit(buffer, smx_wire_put_double(out, HISTOGRAM_SUM, sum));
}

/*
 * The one bucket of a native histogram without bounds: it is told only for its exemplar, which an
 * older Prometheus looks for nowhere else.
 */
static void append_bucket_of_all(const struct writing *writing, const struct smx_series *series,
				 uint64_t count)
{
	smx_exemplar_view exemplar;

	if (smx_render_finds_exemplar(series, 0, &exemplar))
		append_bucket_with_exemplar(writing, count, (double)INFINITY, &exemplar);
}

static void append_exemplars(const struct writing *writing, const struct smx_series *series)
{
	smx_exemplar_view exemplar;

	for (size_t i = 0; i < smx_combine_exemplar_count(writing->family); i++) {
		if (smx_combine_exemplar(series, i, &exemplar) &&
		    smx_render_is_exemplar_fit(&exemplar))
			append_exemplar(writing, HISTOGRAM_EXEMPLARS, &exemplar);
	}
}

static void write_histogram(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	const size_t bucket_count = writing->family->tail_count;
	uint64_t *counts = writing->rendering->counts, count = 0;
	double sum = smx_combine_histogram(series, counts, writing->rendering->part_counts);
	struct smx_wire_message metric, histogram;
	bool is_native;

	for (size_t i = 0; i < bucket_count; i++)
		count = smx_add_saturated(count, counts[i]);
	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	metric = begin_metric(writing, index);
	histogram = smx_wire_begin(writing->buffer, METRIC_HISTOGRAM, &writing->lengths->value);
	append_totals(writing->buffer, count, sum);
	/* More than any writer counts: differences would be no numbers. */
	is_native = writing->family->kind == SMX_NATIVE_HISTOGRAM && count <= INT64_MAX;
	if (is_native && bucket_count == 1)
		append_bucket_of_all(writing, series, count);
	else
		append_buckets(writing, series, counts);
	if (is_native)
		smx_protobuf_append_native(writing->buffer, &writing->family->native,
					   counts + bucket_count);
	append_start(writing, HISTOGRAM_START, series);
	if (is_native)
		append_exemplars(writing, series);
	smx_wire_end(writing->buffer, histogram);
	smx_wire_end(writing->buffer, metric);
}

static void write_summary(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	double sum;
	uint64_t count = smx_combine_summary(series, &sum);
	struct smx_wire_message metric, summary;

	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	metric = begin_metric(writing, index);
	summary = smx_wire_begin(writing->buffer, METRIC_SUMMARY, &writing->lengths->value);
	append_totals(writing->buffer, count, sum);
	append_start(writing, SUMMARY_START, series);
	smx_wire_end(writing->buffer, summary);
	smx_wire_end(writing->buffer, metric);
}

static void write_states(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	const smx_text *states = writing->family->sources->view->states;
	size_t present;

	if (!smx_combine_state(series, &present) && !smx_combine_is_asked_for(series))
		return;
	for (size_t i = 0; i < writing->family->tail_count; i++) {
		struct smx_wire_message metric = begin_metric(writing, index);

		smx_pairs_append(writing->buffer, writing->family->name, states[i]);
		append_value(writing->buffer, METRIC_GAUGE, i == present);
		smx_wire_end(writing->buffer, metric);
	}
}

static void write_info(const struct writing *writing, size_t index)
{
	const struct smx_series *series = writing->family->series[index];
	const struct smx_rendering *rendering = writing->rendering;
	const smx_label *given = NULL;
	smx_label labels[SMX_INFOLABELS_MAX];
	size_t count = smx_combine_info(series, &given);
	struct smx_wire_message metric;

	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	metric = begin_metric(writing, index);
	count = smx_infolabels_spell(writing->family, rendering->escaping, false, given, count,
				     labels, rendering->scratch);
	if (rendering->scratch->failed)
		writing->buffer->failed = true;
	for (size_t i = 0; i < count; i++)
		smx_pairs_append(writing->buffer, labels[i].name, labels[i].value);
	append_value(writing->buffer, METRIC_GAUGE, 1);
	smx_wire_end(writing->buffer, metric);
}

typedef void write_series(const struct writing *writing, size_t index);

static write_series *writer_of(const struct smx_family *family)
{
	switch (family->kind) {
	case SMX_COUNTER:
		return write_counter;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
		return write_histogram;
	case SMX_SUMMARY:
		return write_summary;
	case SMX_STATE_SET:
		return write_states;
	case SMX_INFO:
		return write_info;
	default:
		return smx_family_has_one_sample(family) ? write_gauge : write_writers;
	}
}

/* ---- families ---- */

static void append_head(smx_buffer *buffer, smx_kind kind, smx_text name, smx_text help)
{
	const char *suffix = smx_text_format_kind(&smx_text_format_protobuf, kind)->family_suffix;
	unsigned char length = 1;
	struct smx_wire_message message = smx_wire_begin(buffer, FAMILY_NAME, &length);
	char *out;

	smx_buffer_append(buffer, name.data, name.size);
	smx_buffer_append_string(buffer, suffix);
	smx_wire_end(buffer, message);
	if (help.size != 0)
		smx_wire_append_text(buffer, FAMILY_HELP, help);
	out = smx_buffer_reserve(buffer, SMX_WIRE_FIELD_ROOM);
	if (out)
		smx_buffer_commit(buffer, smx_wire_put_uint(out, FAMILY_TYPE, type_of(kind)));
}

void smx_protobuf_render_family(const struct smx_rendering *rendering,
				const struct smx_family *family, smx_text help)
{
	const struct writing writing = {rendering, family, rendering->buffer,
					&family->pairs->lengths};
	write_series *write = writer_of(family);
	struct smx_wire_message message =
		smx_wire_begin(writing.buffer, 0, &writing.lengths->family);

	append_head(writing.buffer, family->kind, family->name, help);
	for (size_t i = 0; i < family->series_count && !writing.buffer->failed; i++)
		write(&writing, i);
	if (smx_words_has_unit(family->kind, family->name, family->unit))
		smx_wire_append_text(writing.buffer, FAMILY_UNIT, family->unit);
	smx_wire_end(writing.buffer, message);
}

/* ---- what lives in no segment ---- */

void smx_protobuf_begin_family(smx_buffer *buffer, smx_kind kind, smx_text name, smx_text help)
{
	unsigned char length = SMX_PROTOBUF_LENGTH_ROOM;

	smx_wire_begin(buffer, 0, &length);
	append_head(buffer, kind, name, help);
}

void smx_protobuf_end_family(smx_buffer *buffer, size_t start)
{
	unsigned char length = SMX_PROTOBUF_LENGTH_ROOM;

	smx_wire_end(buffer, (struct smx_wire_message){start + length, length, &length});
}

void smx_protobuf_append_sample(smx_buffer *buffer, smx_kind kind, const char *const *label_names,
				const char *const *label_values, size_t label_count, double value)
{
	unsigned char length = 1;
	struct smx_wire_message metric = smx_wire_begin(buffer, FAMILY_METRIC, &length);

	for (size_t i = 0; i < label_count; i++) {
		smx_text name = smx_words_text_of(label_names[i]);
		smx_text label_value = smx_words_text_of(label_values[i]);

		if (label_value.size != 0 && smx_words_is_label_name(name))
			smx_pairs_append(buffer, name, label_value);
	}
	append_value(buffer,
		     kind == SMX_COUNTER   ? METRIC_COUNTER
		     : kind == SMX_UNKNOWN ? METRIC_UNTYPED
					   : METRIC_GAUGE,
		     value);
	smx_wire_end(buffer, metric);
}
