/* SPDX-License-Identifier: MIT */
/*
 * exposition.c - rendering: the numbers of every series behind its text
 *
 * What a scrape costs: a look at each family (merge.c), then for each series a copy of its text,
 * the reading of its cells, and a number. Nothing is allocated but the buffer, unless there is
 * something new.
 */
#include "shmetrics/exposition.h"

#include "text/buffer.h"
#include "text/merge.h"
#include "text/number.h"
#include "text/text004.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct smx_exposition {
	struct smx_merge merge;
	/* Room for what a reader tells of one series: of the largest histogram, of all its writers.
	 */
	uint64_t *counts, *part_counts;
	size_t count_room;
	smx_gauge_sample *samples;
	size_t sample_room;
};

static smx_status no_memory(smx_error *error, const char *what)
{
	if (error) {
		*error = (smx_error){.status = SMX_ERR_NO_MEMORY};
		snprintf(error->message, sizeof(error->message), "no memory for %s", what);
	}
	return SMX_ERR_NO_MEMORY;
}

/* ---- numbers of one series, over all its parts ---- */

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static smx_counter_sample read_counter(const struct smx_series *series)
{
	smx_counter_sample total = {0, 0};

	for (const struct smx_part *part = &series->first; part; part = part->next) {
		smx_counter_sample sample;

		if (!part->source->served)
			continue;
		sample = smx_reader_counter(part->source->member->reader, part->view);
		total.whole = add_saturated(total.whole, sample.whole);
		/* No writer makes one that is negative or NaN; a counter must never be. */
		if (sample.fraction > 0)
			total.fraction += sample.fraction;
	}
	return total;
}

/* Fills exposition->counts, not cumulative. */
static double read_histogram(smx_exposition *exposition, const struct smx_series *series,
			     size_t bucket_count)
{
	double sum = 0, part_sum;
	bool first = true;

	memset(exposition->counts, 0, bucket_count * sizeof(uint64_t));
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		uint64_t *counts = first ? exposition->counts : exposition->part_counts;

		if (!part->source->served)
			continue;
		smx_reader_histogram(part->source->member->reader, part->view, counts, &part_sum);
		/* Not 0 + sum: a sum of -0 stays one. */
		sum = first ? part_sum : sum + part_sum;
		for (size_t i = 0; !first && i < bucket_count; i++)
			exposition->counts[i] = add_saturated(exposition->counts[i], counts[i]);
		first = false;
	}
	return sum;
}

/* NaN gives way to any number, so that the outcome does not depend on the order of the writers. */
static bool is_preferred(smx_gauge_mode mode, const smx_gauge_sample *sample,
			 const smx_gauge_sample *than)
{
	if (mode == SMX_GAUGE_LIVE_MOST_RECENT)
		return sample->stamp_ns > than->stamp_ns;
	if (isnan(than->value))
		return true;
	return mode == SMX_GAUGE_LIVE_MIN ? sample->value < than->value
					  : sample->value > than->value;
}

/* The one sample of a gauge that has one. False: nobody has a value. */
static bool read_gauge(const struct smx_series *series, smx_gauge_mode mode, double *value)
{
	smx_gauge_sample best = {0};
	size_t count = 0;

	for (const struct smx_part *part = &series->first; part; part = part->next) {
		smx_gauge_sample total;
		size_t here;

		if (!part->source->served)
			continue;
		here = smx_reader_gauge_total(part->source->member->reader, part->view, &total);
		if (here == 0)
			continue;
		if (count != 0 && mode == SMX_GAUGE_LIVE_SUM)
			best.value += total.value;
		else if (count == 0 || is_preferred(mode, &total, &best))
			best = total;
		count += here;
	}
	*value = best.value;
	return count != 0;
}

/*
 * Whether an application asked for the series, and its reader serves the family. If not (what was
 * too much is counted there), it is shown only with a number in it.
 */
static bool is_asked_for(const struct smx_series *series)
{
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (part->source->served && !part->view->overflow)
			return true;
	}
	return false;
}

/* ---- lines ---- */

/* The caller has seen to the room. */
static char *put(char *out, const char *text, size_t size)
{
	memcpy(out, text, size);
	return out + size;
}

/* What follows the labels of a series that has some is written for that: `,le="0.1"} `. */
static char *put_tail(char *out, const struct smx_series *series, const char *tail, size_t size)
{
	memcpy(out, tail, size);
	if (series->labels_size == 0)
		*out = '{';
	return out + size;
}

static void render_counter(const struct smx_series *series, smx_buffer *buffer)
{
	smx_counter_sample sample = read_counter(series);
	char *out;

	if (sample.whole == 0 && sample.fraction == 0 && !is_asked_for(series))
		return;
	out = smx_buffer_reserve(buffer, series->text_size + SMX_NUMBER_ROOM + 1);
	if (!out)
		return;
	out = put(out, series->text, series->text_size);
	if (sample.fraction == 0)
		out = smx_number_u64(out, sample.whole);
	else
		out = smx_number_double(out, (double)sample.whole + sample.fraction);
	*out++ = '\n';
	smx_buffer_commit(buffer, out);
}

static void render_gauge(const struct smx_family *family, const struct smx_series *series,
			 smx_buffer *buffer)
{
	double value;
	char *out;

	if (!read_gauge(series, family->mode, &value) &&
	    (family->mode != SMX_GAUGE_LIVE_SUM || !is_asked_for(series)))
		return;
	out = smx_buffer_reserve(buffer, series->text_size + SMX_NUMBER_ROOM + 1);
	if (!out)
		return;
	out = put(out, series->text, series->text_size);
	out = smx_number_double(out, value);
	*out++ = '\n';
	smx_buffer_commit(buffer, out);
}

static void render_writers_of_part(smx_exposition *exposition, const struct smx_series *series,
				   const struct smx_part *part, smx_buffer *buffer)
{
	const struct smx_member *member = part->source->member;
	size_t count = smx_reader_gauge(member->reader, part->view, exposition->samples);

	for (size_t i = 0; i < count; i++) {
		const smx_gauge_sample *sample = &exposition->samples[i];
		const struct smx_writer_label *label;
		char *out;

		if (sample->writer >= member->writer_count)
			continue;
		label = &member->writers[sample->writer];
		out = smx_buffer_reserve(buffer,
					 series->text_size + label->size + SMX_NUMBER_ROOM + 1);
		if (!out)
			return;
		out = put(out, series->text, series->text_size);
		out = put_tail(out, series, label->text, label->size);
		out = smx_number_double(out, sample->value);
		*out++ = '\n';
		smx_buffer_commit(buffer, out);
	}
}

static void render_writers(smx_exposition *exposition, const struct smx_series *series,
			   smx_buffer *buffer)
{
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (part->source->served)
			render_writers_of_part(exposition, series, part, buffer);
	}
}

/* `x_sum{a="x"} `: the labels as the text of the buckets has them. */
static char *put_derived(char *out, const struct smx_family *family,
			 const struct smx_series *series, const char *suffix)
{
	out = put(out, family->name.data, family->name.size);
	out = put(out, suffix, strlen(suffix));
	out = put(out, series->text + family->head.size, series->labels_size);
	if (series->labels_size != 0)
		*out++ = '}';
	*out++ = ' ';
	return out;
}

static void render_histogram(smx_exposition *exposition, const struct smx_family *family,
			     const struct smx_series *series, smx_buffer *buffer)
{
	size_t bucket_count = family->bound_count + 1, tail = 0;
	double sum = read_histogram(exposition, series, bucket_count);
	uint64_t count = 0;
	char *out;

	for (size_t i = 0; i < bucket_count; i++)
		count = add_saturated(count, exposition->counts[i]);
	if (count == 0 && !is_asked_for(series))
		return;
	out = smx_buffer_reserve(buffer,
				 (bucket_count + 2) * (series->text_size + SMX_NUMBER_ROOM + 1) +
					 family->tails.size);
	if (!out)
		return;
	count = 0;
	for (size_t i = 0; i < bucket_count; i++) {
		count = add_saturated(count, exposition->counts[i]);
		out = put(out, series->text, series->text_size);
		out = put_tail(out, series, family->tails.data + tail, family->tail_ends[i] - tail);
		out = smx_number_u64(out, count);
		*out++ = '\n';
		tail = family->tail_ends[i];
	}
	out = put_derived(out, family, series, "_sum");
	out = smx_number_double(out, sum);
	*out++ = '\n';
	out = put_derived(out, family, series, "_count");
	out = smx_number_u64(out, count);
	*out++ = '\n';
	smx_buffer_commit(buffer, out);
}

/* ---- families ---- */

/* Whether the name is the family's or one of its samples'. */
static bool is_named(const struct smx_family *family, smx_text name)
{
	const char *const *suffixes = smx_text004_sample_suffixes(family->kind);
	size_t size = family->name.size;

	if (name.size < size || memcmp(name.data, family->name.data, size) != 0)
		return false;
	if (name.size == size)
		return true;
	for (; *suffixes; suffixes++) {
		if (name.size - size == strlen(*suffixes) &&
		    memcmp(name.data + size, *suffixes, name.size - size) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct smx_family *family, const smx_text *names, size_t name_count)
{
	for (size_t i = 0; i < name_count; i++) {
		if (is_named(family, names[i]))
			return true;
	}
	return name_count == 0;
}

/* The help of the oldest reader that has one. */
static smx_text help_of(const struct smx_family *family)
{
	smx_text help = {NULL, 0};

	for (const struct smx_source *source = family->sources; source; source = source->next) {
		if (source->served && source->view->help.size != 0)
			help = source->view->help;
	}
	return help;
}

static void render_family(smx_exposition *exposition, const struct smx_family *family,
			  smx_buffer *buffer)
{
	smx_text004_header(buffer, family->name, help_of(family), family->kind);
	for (size_t i = 0; i < family->series_count && !buffer->failed; i++) {
		const struct smx_series *series = family->series[i];

		if (family->kind == SMX_COUNTER)
			render_counter(series, buffer);
		else if (family->kind == SMX_HISTOGRAM)
			render_histogram(exposition, family, series, buffer);
		else if (family->mode == SMX_GAUGE_LIVE_ALL)
			render_writers(exposition, series, buffer);
		else
			render_gauge(family, series, buffer);
	}
}

/* Room for the largest histogram and for the reader with most writers. */
static bool make_room(smx_exposition *exposition)
{
	const struct smx_merge *merge = &exposition->merge;
	size_t counts = 1, samples = 1;

	for (size_t i = 0; i < merge->family_count; i++) {
		if (merge->families[i]->bound_count + 1 > counts)
			counts = merge->families[i]->bound_count + 1;
	}
	for (size_t i = 0; i < merge->member_count; i++) {
		if (merge->members[i]->writer_count > samples)
			samples = merge->members[i]->writer_count;
	}
	if (counts > exposition->count_room) {
		free(exposition->counts);
		free(exposition->part_counts);
		exposition->counts = calloc(counts, sizeof(uint64_t));
		exposition->part_counts = calloc(counts, sizeof(uint64_t));
		exposition->count_room = exposition->counts && exposition->part_counts ? counts : 0;
	}
	if (samples > exposition->sample_room) {
		free(exposition->samples);
		exposition->samples = calloc(samples, sizeof(smx_gauge_sample));
		exposition->sample_room = exposition->samples ? samples : 0;
	}
	return exposition->count_room != 0 && exposition->sample_room != 0;
}

/* ---- the exposition ---- */

smx_status smx_exposition_create(smx_exposition **exposition, smx_error *error)
{
	*exposition = calloc(1, sizeof(**exposition));
	if (!*exposition)
		return no_memory(error, "an exposition");
	(*exposition)->merge.seed = smx_table_draw_seed();
	return SMX_OK;
}

void smx_exposition_destroy(smx_exposition *exposition)
{
	if (!exposition)
		return;
	smx_merge_free(&exposition->merge);
	free(exposition->counts);
	free(exposition->part_counts);
	free(exposition->samples);
	free(exposition);
}

smx_status smx_exposition_add(smx_exposition *exposition, smx_reader *reader, smx_error *error)
{
	if (!smx_merge_add(&exposition->merge, reader))
		return no_memory(error, "another reader");
	return SMX_OK;
}

void smx_exposition_remove(smx_exposition *exposition, smx_reader *reader)
{
	smx_merge_remove(&exposition->merge, reader);
}

smx_status smx_exposition_render(smx_exposition *exposition, smx_format format,
				 const smx_text *names, size_t name_count, smx_buffer *buffer,
				 smx_error *error)
{
	const struct smx_merge *merge = &exposition->merge;
	size_t size = buffer->size;

	if (format != SMX_FORMAT_TEXT_004) {
		if (error) {
			*error = (smx_error){.status = SMX_ERR_INVALID};
			snprintf(error->message, sizeof(error->message),
				 "there is no exposition format %d", (int)format);
		}
		return SMX_ERR_INVALID;
	}
	if (buffer->failed || !smx_merge_update(&exposition->merge) || !make_room(exposition))
		return no_memory(error, "what is to be served");
	for (size_t i = 0; i < merge->family_count && !buffer->failed; i++) {
		if (merge->families[i]->shown && is_wanted(merge->families[i], names, name_count))
			render_family(exposition, merge->families[i], buffer);
	}
	if (buffer->failed) {
		buffer->failed = false;
		buffer->size = size;
		return no_memory(error, "the text");
	}
	return SMX_OK;
}
