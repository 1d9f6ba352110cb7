/* SPDX-License-Identifier: MIT */
/*
 * render.c - the lines of a family: the numbers of every series behind its text
 *
 * A series' text is made once (identity.c) and is the same in every text format. For each series
 * there is a copy of it, the reading of its cells, and a number.
 */
#include "text/render.h"

#include "text/buffer.h"
#include "text/combine.h"
#include "text/composite.h"
#include "text/infolabels.h"
#include "text/number.h"
#include "text/spelling.h"
#include "text/words.h"

#include <string.h>

/* The caller has seen to the room. */
static char *put(char *out, const char *text, size_t size)
{
	memcpy(out, text, size);
	return out + size;
}

/* Whether something stands in the braces of a series' text. */
static bool has_brace(const struct smx_family *family, const struct smx_series *series)
{
	return series->labels_size != 0 || family->is_quoted;
}

/* What follows the labels of a series that has some is written for that: `,le="0.1"} `. */
static char *put_tail(char *out, bool has_brace, const char *tail, size_t size)
{
	memcpy(out, tail, size);
	if (!has_brace)
		*out = '{';
	return out + size;
}

/* `x_sum{a="x"} `: the labels as the series' text has them. */
static char *put_derived(char *out, const struct smx_family *family,
			 const struct smx_series *series, const char *suffix)
{
	if (family->is_quoted)
		out = put(out, "{\"", 2);
	out = put(out, family->name.data, family->name.size);
	out = put(out, suffix, strlen(suffix));
	if (family->is_quoted)
		*out++ = '"';
	out = put(out, series->text + family->head.size, series->labels_size);
	if (has_brace(family, series))
		*out++ = '}';
	*out++ = ' ';
	return out;
}

#define LONGEST_SUFFIX sizeof("_created")

/* Room for any line of the series but for what stands behind its labels. */
static size_t line_room(const struct smx_series *series)
{
	return series->text_size + LONGEST_SUFFIX + SMX_NUMBER_ROOM + sizeof("} \n");
}

static void render_created(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series)
{
	uint64_t created_ns = smx_combine_created_ns(series);
	char *out;

	if (created_ns == 0)
		return;
	out = smx_buffer_reserve(rendering->buffer, line_room(series));
	if (!out)
		return;
	out = put_derived(out, family, series, "_created");
	out = smx_number_double(out, (double)created_ns / 1e9);
	*out++ = '\n';
	smx_buffer_commit(rendering->buffer, out);
}

bool smx_render_is_exemplar_fit(const smx_exemplar_view *exemplar)
{
	for (size_t i = 0; i < exemplar->label_count; i++) {
		if (!smx_words_is_utf8(exemplar->labels[i].value))
			return false;
	}
	return exemplar->unix_ns != 0;
}

bool smx_render_finds_exemplar(const struct smx_series *series, size_t bucket,
			       smx_exemplar_view *exemplar)
{
	return smx_combine_bucket_exemplar(series, bucket, exemplar) &&
	       smx_render_is_exemplar_fit(exemplar);
}

void smx_render_append_exemplar(smx_buffer *buffer, const smx_exemplar_view *exemplar)
{
	const char *before = "{";

	smx_buffer_append_string(buffer, " # ");
	for (size_t i = 0; i < exemplar->label_count; i++) {
		if (exemplar->labels[i].value.size == 0)
			continue; /* an empty label is an absent one */
		smx_words_label(buffer, before, exemplar->labels[i].name,
				exemplar->labels[i].value);
		before = ",";
	}
	smx_buffer_append_string(buffer, *before == '{' ? "{} " : "} ");
	smx_emit_double(buffer, exemplar->value);
	smx_buffer_append_string(buffer, " ");
	smx_emit_double(buffer, (double)exemplar->unix_ns / 1e9);
}

void smx_render_append_start(smx_buffer *buffer, const struct smx_series *series)
{
	uint64_t created_ns = smx_combine_created_ns(series);

	if (created_ns == 0)
		return;
	smx_buffer_append_string(buffer, " st@");
	smx_emit_double(buffer, (double)created_ns / 1e9);
}

void smx_render_append_head(smx_buffer *buffer, const struct smx_family *family,
			    const struct smx_series *series)
{
	char *out = smx_buffer_reserve(buffer, line_room(series));

	if (out)
		smx_buffer_commit(buffer, put_derived(out, family, series, ""));
}

/* What stands behind the number of a counter or a bucket. */
static void append_exemplar(smx_buffer *buffer, const struct smx_series *series, size_t bucket)
{
	smx_exemplar_view exemplar;

	if (smx_render_finds_exemplar(series, bucket, &exemplar))
		smx_render_append_exemplar(buffer, &exemplar);
}

static void render_counter(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series)
{
	smx_counter_sample sample = smx_combine_counter(series);
	char *out;

	if (sample.whole == 0 && sample.fraction == 0 && !smx_combine_is_asked_for(series))
		return;
	out = smx_buffer_reserve(rendering->buffer, line_room(series));
	if (!out)
		return;
	out = put(out, series->text, series->text_size);
	if (sample.fraction == 0)
		out = smx_number_u64(out, sample.whole);
	else
		out = smx_number_double(out, (double)sample.whole + sample.fraction);
	if (rendering->format->has_exemplars) {
		smx_buffer_commit(rendering->buffer, out);
		if (rendering->format->has_composites)
			smx_render_append_start(rendering->buffer, series);
		append_exemplar(rendering->buffer, series, 0);
		out = smx_buffer_reserve(rendering->buffer, 1);
		if (!out)
			return;
	}
	*out++ = '\n';
	smx_buffer_commit(rendering->buffer, out);
	if (rendering->created && rendering->format->has_created)
		render_created(rendering, family, series);
}

static void render_gauge(const struct smx_rendering *rendering, const struct smx_family *family,
			 const struct smx_series *series)
{
	double value;
	char *out;

	if (!smx_combine_gauge(series, family->mode, &value) &&
	    (!smx_mode_is_sum(family->mode) || !smx_combine_is_asked_for(series)))
		return;
	out = smx_buffer_reserve(rendering->buffer, line_room(series));
	if (!out)
		return;
	out = put(out, series->text, series->text_size);
	out = smx_number_double(out, value);
	*out++ = '\n';
	smx_buffer_commit(rendering->buffer, out);
}

static void render_writers_of_part(const struct smx_rendering *rendering,
				   const struct smx_family *family, const struct smx_series *series,
				   const struct smx_part *part)
{
	const struct smx_member *member = part->source->member;
	size_t count = smx_reader_gauge(member->reader, part->view, rendering->samples);

	for (size_t i = 0; i < count; i++) {
		const smx_gauge_sample *sample = &rendering->samples[i];
		const struct smx_writer_label *label;
		char *out;

		if (sample->writer >= member->writer_count)
			continue;
		label = &member->writers[sample->writer];
		out = smx_buffer_reserve(rendering->buffer, line_room(series) + label->size);
		if (!out)
			return;
		out = put(out, series->text, series->text_size);
		out = put_tail(out, has_brace(family, series), label->text, label->size);
		out = smx_number_double(out, sample->value);
		*out++ = '\n';
		smx_buffer_commit(rendering->buffer, out);
	}
}

static void render_writers(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series)
{
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (smx_part_is_served(part))
			render_writers_of_part(rendering, family, series, part);
	}
}

/* The _sum and _count; what a format cannot have is left out. */
static char *put_totals(char *out, const struct smx_rendering *rendering,
			const struct smx_family *family, const struct smx_series *series,
			uint64_t count, double sum)
{
	bool has_sum =
		!rendering->format->sums_are_counters || (sum >= 0 && !family->may_be_negative);

	if (has_sum) {
		out = put_derived(out, family, series, "_sum");
		out = smx_number_double(out, sum);
		*out++ = '\n';
	}
	if (has_sum || family->kind == SMX_SUMMARY) {
		out = put_derived(out, family, series, "_count");
		out = smx_number_u64(out, count);
		*out++ = '\n';
	}
	return out;
}

/* An exemplar of any length has been appended where room was reserved: reserves it anew. */
static char *put_exemplar(char *out, const struct smx_rendering *rendering,
			  const struct smx_series *series, size_t bucket, size_t room)
{
	smx_buffer_commit(rendering->buffer, out);
	append_exemplar(rendering->buffer, series, bucket);
	return smx_buffer_reserve(rendering->buffer, room);
}

static void render_histogram(const struct smx_rendering *rendering, const struct smx_family *family,
			     const struct smx_series *series)
{
	/* What is behind a pointer would be read again after each byte that is written. */
	const bool has_exemplars = rendering->format->has_exemplars;
	const bool braced = has_brace(family, series);
	const size_t bucket_count = family->tail_count, *tail_ends = family->tail_ends;
	const char *tails = family->tails.data;
	uint64_t *counts = rendering->counts, count = 0;
	size_t room = (bucket_count + 2) * line_room(series) + family->tails.size, tail = 0;
	double sum = smx_combine_histogram(series, counts, rendering->part_counts);
	char *out;

	for (size_t i = 0; i < bucket_count; i++)
		count = smx_add_saturated(count, counts[i]);
	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	out = smx_buffer_reserve(rendering->buffer, room);
	count = 0;
	for (size_t i = 0; out && i < bucket_count; i++) {
		count = smx_add_saturated(count, counts[i]);
		out = put(out, series->text, series->text_size);
		out = put_tail(out, braced, tails + tail, tail_ends[i] - tail);
		out = smx_number_u64(out, count);
		if (has_exemplars && counts[i] != 0)
			out = put_exemplar(out, rendering, series, i, room);
		if (out)
			*out++ = '\n';
		tail = tail_ends[i];
	}
	if (!out)
		return;
	out = put_totals(out, rendering, family, series, count, sum);
	smx_buffer_commit(rendering->buffer, out);
	if (rendering->created && rendering->format->has_created)
		render_created(rendering, family, series);
}

static void render_summary(const struct smx_rendering *rendering, const struct smx_family *family,
			   const struct smx_series *series)
{
	double sum;
	uint64_t count = smx_combine_summary(series, &sum);
	char *out;

	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	out = smx_buffer_reserve(rendering->buffer, 2 * line_room(series));
	if (!out)
		return;
	smx_buffer_commit(rendering->buffer,
			  put_totals(out, rendering, family, series, count, sum));
	if (rendering->created && rendering->format->has_created)
		render_created(rendering, family, series);
}

static void render_states(const struct smx_rendering *rendering, const struct smx_family *family,
			  const struct smx_series *series)
{
	size_t present, tail = 0;
	char *out;

	if (!smx_combine_state(series, &present) && !smx_combine_is_asked_for(series))
		return;
	out = smx_buffer_reserve(rendering->buffer,
				 family->tail_count * line_room(series) + family->tails.size);
	if (!out)
		return;
	for (size_t i = 0; i < family->tail_count; i++) {
		out = put(out, series->text, series->text_size);
		out = put_tail(out, has_brace(family, series), family->tails.data + tail,
			       family->tail_ends[i] - tail);
		tail = family->tail_ends[i];
		*out++ = i == present ? '1' : '0';
		*out++ = '\n';
	}
	smx_buffer_commit(rendering->buffer, out);
}

static void render_info(const struct smx_rendering *rendering, const struct smx_family *family,
			const struct smx_series *series)
{
	const char *before = has_brace(family, series) ? "," : "{";
	const smx_label *given = NULL;
	smx_label labels[SMX_INFOLABELS_MAX];
	size_t count = smx_combine_info(series, &given);

	if (count == 0 && !smx_combine_is_asked_for(series))
		return;
	smx_buffer_append(rendering->buffer, series->text, series->text_size);
	/* The series may have been in scratch. */
	count = smx_infolabels_spell(family, rendering->escaping, true, given, count, labels,
				     rendering->scratch);
	for (size_t i = 0; i < count; i++, before = ",")
		smx_words_label(rendering->buffer, before, labels[i].name, labels[i].value);
	smx_buffer_append_string(rendering->buffer, *before == '{' ? " 1\n" : "} 1\n");
	if (rendering->scratch->failed)
		rendering->buffer->failed = true;
}

static void render_series(const struct smx_rendering *rendering, const struct smx_family *family,
			  const struct smx_series *series)
{
	switch (family->kind) {
	case SMX_COUNTER:
		render_counter(rendering, family, series);
		break;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM: /* its classic buckets; without any all are in one */
		if (rendering->format->has_composites)
			smx_composite_histogram(rendering, family, series);
		else
			render_histogram(rendering, family, series);
		break;
	case SMX_SUMMARY:
		if (rendering->format->has_composites)
			smx_composite_summary(rendering, family, series);
		else
			render_summary(rendering, family, series);
		break;
	case SMX_STATE_SET:
		render_states(rendering, family, series);
		break;
	case SMX_INFO:
		render_info(rendering, family, series);
		break;
	default:
		if (smx_family_has_one_sample(family))
			render_gauge(rendering, family, series);
		else
			render_writers(rendering, family, series);
	}
}

/* As the series of the family itself, a moment ago. */
static bool is_rendered(const struct smx_rendering *rendering, const struct smx_family *family,
			const struct smx_series *series)
{
	smx_counter_sample sample = {0};
	double sum;

	if (smx_combine_is_asked_for(series))
		return true;
	if (family->kind == SMX_COUNTER) {
		sample = smx_combine_counter(series);
		return sample.whole != 0 || sample.fraction != 0;
	}
	if (family->kind == SMX_SUMMARY)
		return smx_combine_summary(series, &sum) != 0;
	(void)smx_combine_histogram(series, rendering->counts, rendering->part_counts);
	for (size_t i = 0; i < family->tail_count; i++) {
		if (rendering->counts[i] != 0)
			return true;
	}
	return false;
}

/* NULL: no memory. */
static const struct smx_series *spelled(const struct smx_rendering *rendering,
					const struct smx_family *family,
					const struct smx_series *series)
{
	return family->is_respelled ? smx_spelling_series(family, series, rendering->scratch)
				    : series;
}

/* Where x_created has no place among the samples of x: as gauges behind them. */
static void render_created_apart(const struct smx_rendering *rendering,
				 const struct smx_family *family, smx_text help)
{
	smx_buffer name = {0};

	smx_buffer_append(&name, family->name.data, family->name.size);
	smx_buffer_append_string(&name, "_created");
	if (name.failed) {
		smx_buffer_free(&name);
		rendering->buffer->failed = true;
		return;
	}
	smx_words_header(rendering->buffer, rendering->format, SMX_GAUGE,
			 (smx_text){name.data, name.size}, (smx_text){NULL, 0}, help);
	smx_buffer_free(&name);
	for (size_t i = 0; i < family->series_count && !rendering->buffer->failed; i++) {
		const struct smx_series *series;

		if (!is_rendered(rendering, family, family->series[i]))
			continue;
		series = spelled(rendering, family, family->series[i]);
		if (series)
			render_created(rendering, family, series);
		else
			rendering->buffer->failed = true;
	}
}

static bool has_created(const struct smx_family *family)
{
	return family->kind == SMX_COUNTER || family->kind == SMX_SUMMARY ||
	       smx_kind_is_histogram(family->kind);
}

void smx_render_family(const struct smx_rendering *rendering, const struct smx_family *family,
		       smx_text help)
{
	smx_words_header(rendering->buffer, rendering->format, family->kind, family->name,
			 family->unit, help);
	for (size_t i = 0; i < family->series_count && !rendering->buffer->failed; i++) {
		const struct smx_series *series = spelled(rendering, family, family->series[i]);

		if (series)
			render_series(rendering, family, series);
		else
			rendering->buffer->failed = true;
	}
	if (rendering->created && rendering->format->created_apart && has_created(family))
		render_created_apart(rendering, family, help);
}
