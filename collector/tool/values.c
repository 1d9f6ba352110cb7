/* SPDX-License-Identifier: MIT */
/*
 * values.c - what the series of a segment hold, as JSON
 */
#include "values.h"

#include <stddef.h>
#include <stdlib.h>

bool values_make(struct values *values, const smx_reader *reader)
{
	size_t bound_most = 0, native_most = 0;

	for (size_t i = 0; i < smx_reader_family_count(reader); i++) {
		const smx_family_view *family = smx_reader_family(reader, i);

		if (family->bound_count > bound_most)
			bound_most = family->bound_count;
		if (family->native.count > native_most)
			native_most = family->native.count;
	}
	values->counts = calloc(bound_most + 1, sizeof(*values->counts));
	values->native_counts = calloc(native_most + 1, sizeof(*values->native_counts));
	values->samples = calloc(smx_reader_holder_count(reader) + 1, sizeof(*values->samples));
	return values->counts && values->native_counts && values->samples;
}

void values_free(struct values *values)
{
	free(values->counts);
	free(values->native_counts);
	free(values->samples);
}

/* ---- reading ---- */

/* Returns whether anything was recorded there. */
static bool read_histogram(const smx_reader *reader, const smx_series_view *series,
			   struct values *values)
{
	uint64_t total = 0;

	if (series->family->kind == SMX_NATIVE_HISTOGRAM)
		smx_reader_native_histogram(reader, series, values->native_counts, values->counts,
					    &values->sum);
	else
		smx_reader_histogram(reader, series, values->counts, &values->sum);
	for (size_t i = 0; i <= series->family->bound_count; i++)
		total += values->counts[i];
	return total > 0;
}

static bool read_series(smx_reader *reader, const smx_series_view *series, struct values *values)
{
	smx_gauge_sample total;

	switch (series->family->kind) {
	case SMX_COUNTER:
		values->counter = smx_reader_counter(reader, series);
		return values->counter.whole > 0 || values->counter.fraction > 0;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
		return read_histogram(reader, series, values);
	case SMX_SUMMARY:
		smx_reader_summary(reader, series, values->counts, &values->sum);
		return values->counts[0] > 0;
	case SMX_INFO:
		values->label_count = smx_reader_info_labels(reader, series, &values->labels);
		return values->label_count > 0;
	case SMX_STATE_SET:
		return smx_reader_state(reader, series, &values->state, &total) > 0;
	default:
		values->sample_count = smx_reader_gauge(reader, series, values->samples);
		return values->sample_count > 0;
	}
}

/* ---- writing ---- */

static void put_labels(struct json *json, const char *name, const smx_label *labels, size_t count)
{
	json_open(json, name, '{');
	for (size_t i = 0; i < count; i++)
		json_text_of(json, labels[i].name, labels[i].value);
	json_close(json, '}');
}

static void put_exemplar(struct json *json, const char *name, const smx_reader *reader,
			 const smx_series_view *series, size_t bucket)
{
	smx_exemplar_view exemplar;

	if (!smx_reader_exemplar(reader, series, bucket, &exemplar))
		return;
	json_open(json, name, '{');
	put_labels(json, "labels", exemplar.labels, exemplar.label_count);
	json_double(json, "value", exemplar.value);
	json_time(json, "time", exemplar.unix_ns);
	json_close(json, '}');
}

static void put_counter(struct json *json, smx_counter_sample sample)
{
	if (sample.fraction == 0)
		json_whole(json, "value", sample.whole);
	else
		json_double(json, "value", (double)sample.whole + sample.fraction);
}

/* A native histogram without bounds has exemplars, but not of buckets. */
static bool has_bucket_exemplars(const smx_family_view *family)
{
	return family->kind == SMX_HISTOGRAM || family->bound_count > 0;
}

static void put_histogram(struct json *json, const smx_reader *reader,
			  const smx_series_view *series, const struct values *values)
{
	const smx_family_view *family = series->family;
	uint64_t total = 0;

	for (size_t i = 0; i <= family->bound_count; i++)
		total += values->counts[i];
	json_whole(json, "count", total);
	json_double(json, "sum", values->sum);
	json_open(json, "buckets", '[');
	total = 0;
	for (size_t i = 0; i <= family->bound_count; i++) {
		total += values->counts[i];
		json_open(json, NULL, '{');
		if (i < family->bound_count)
			json_double(json, "le", family->bounds[i]);
		else
			json_string(json, "le", "+Inf");
		json_whole(json, "count", total);
		if (has_bucket_exemplars(family))
			put_exemplar(json, "exemplar", reader, series, i);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* The buckets of one sign that have anything, by index: from `zero` in steps of 1 or -1. */
static void put_side(struct json *json, const char *name, const smx_native_view *native,
		     const uint64_t *zero, ptrdiff_t step)
{
	json_open(json, name, '[');
	for (size_t i = 0; i < native->side; i++) {
		uint64_t count = zero[step * (ptrdiff_t)(i + 1)];

		if (count == 0)
			continue;
		json_open(json, NULL, '{');
		json_double(json, "index", native->first + (double)i);
		json_whole(json, "count", count);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_native(struct json *json, const smx_reader *reader, const smx_series_view *series,
		       const struct values *values)
{
	const smx_native_view *native = &series->family->native;
	const uint64_t *zero = values->native_counts + (native->negative ? native->side : 0);

	put_histogram(json, reader, series, values);
	json_open(json, "native", '{');
	json_double(json, "schema", native->schema);
	json_double(json, "zero_threshold", native->zero_threshold);
	json_whole(json, "zero_count", *zero);
	if (native->negative)
		put_side(json, "negative", native, zero, -1);
	put_side(json, "positive", native, zero, 1);
	json_close(json, '}');
	if (has_bucket_exemplars(series->family))
		return;
	json_open(json, "exemplars", '[');
	for (size_t i = 0; i < SMX_NATIVE_EXEMPLAR_MAX; i++)
		put_exemplar(json, NULL, reader, series, i);
	json_close(json, ']');
}

static bool is_most_recent(smx_gauge_mode mode)
{
	return mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT;
}

/* What is served of a gauge in a mode that combines the processes' values. */
static void put_total(struct json *json, smx_reader *reader, const smx_series_view *series)
{
	smx_gauge_mode mode = series->family->mode;
	smx_gauge_sample total;

	if (mode == SMX_GAUGE_LIVE_ALL || mode == SMX_GAUGE_ALL)
		return;
	if (smx_reader_gauge_total(reader, series, &total) > 0 || mode == SMX_GAUGE_LIVE_SUM ||
	    mode == SMX_GAUGE_SUM)
		json_double(json, "value", total.value);
}

static void put_gauge(struct json *json, smx_reader *reader, const smx_series_view *series,
		      const struct values *values)
{
	put_total(json, reader, series);
	json_open(json, "values", '[');
	for (size_t i = 0; i < values->sample_count; i++) {
		const smx_gauge_sample *sample = &values->samples[i];
		const smx_writer_view *writer = smx_reader_writer(reader, sample->writer);

		json_open(json, NULL, '{');
		if (writer)
			json_whole(json, "pid", writer->pid);
		if (writer && !writer->live)
			json_bool(json, "live", false);
		json_double(json, "value", sample->value);
		if (is_most_recent(series->family->mode))
			json_whole(json, "set_monotonic_ns", sample->stamp_ns);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_values(struct json *json, smx_reader *reader, const smx_series_view *series,
		       const struct values *values)
{
	switch (series->family->kind) {
	case SMX_COUNTER:
		put_counter(json, values->counter);
		put_exemplar(json, "exemplar", reader, series, 0);
		break;
	case SMX_HISTOGRAM:
		put_histogram(json, reader, series, values);
		break;
	case SMX_NATIVE_HISTOGRAM:
		put_native(json, reader, series, values);
		break;
	case SMX_SUMMARY:
		json_whole(json, "count", values->counts[0]);
		json_double(json, "sum", values->sum);
		break;
	case SMX_INFO:
		put_labels(json, "info", values->labels, values->label_count);
		break;
	case SMX_STATE_SET:
		if (values->state < series->family->state_count)
			json_text(json, "state", series->family->states[values->state]);
		break;
	default:
		put_gauge(json, reader, series, values);
	}
}

void values_put_series(struct json *json, smx_reader *reader, const smx_series_view *series,
		       struct values *values)
{
	const smx_family_view *family = series->family;

	if (!read_series(reader, series, values) && series->overflow)
		return;
	json_open(json, NULL, '{');
	json_open(json, "labels", '{');
	for (size_t i = 0; i < family->label_count; i++)
		json_text_of(json, family->label_names[i], series->label_values[i]);
	json_close(json, '}');
	if (series->overflow)
		json_bool(json, "overflow", true);
	if (series->removed)
		json_bool(json, "removed", true);
	json_time(json, "created", series->created_unix_ns);
	put_values(json, reader, series, values);
	json_close(json, '}');
}
