/* SPDX-License-Identifier: MIT */
/*
 * fake_reader.c - readers whose contents a test makes up, instead of those of a segment
 */
#include "fake_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct smx_reader {
	struct fake_family **families;
	size_t family_count;
	smx_writer_view *writers;
	size_t writer_count;
};

static uint64_t clock_ns;

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

smx_text fake_text(const char *string)
{
	return (smx_text){string, strlen(string)};
}

smx_reader *fake_reader_create(void)
{
	return must(calloc(1, sizeof(smx_reader)));
}

static void free_family(struct fake_family *family)
{
	for (size_t i = 0; i < family->view.series_count; i++) {
		free(family->series[i]->gauge);
		free(family->series[i]);
	}
	free(family->series);
	free((void *)family->view.bounds);
	free(family);
}

void fake_reader_free(smx_reader *reader)
{
	for (size_t i = 0; i < reader->family_count; i++)
		free_family(reader->families[i]);
	free(reader->families);
	free(reader->writers);
	free(reader);
}

struct fake_family *fake_family_add_texts(smx_reader *reader, smx_kind kind, smx_text name,
					  const smx_text *labels, size_t label_count)
{
	struct fake_family *family = must(calloc(1, sizeof(*family)));

	if (label_count > FAKE_LABELS_MAX)
		abort();
	family->view = (smx_family_view){
		.id = reader->family_count + 1,
		.kind = kind,
		.mode = kind == SMX_GAUGE	? SMX_GAUGE_LIVE_SUM
			: kind == SMX_STATE_SET ? SMX_GAUGE_LIVE_MOST_RECENT
						: (smx_gauge_mode)0,
		.name = name,
		.help = fake_text("Help."),
		.label_names = family->label_names,
		.label_count = label_count,
		.created_unix_ns = ++clock_ns,
		.live_writers = 1,
		.served = true,
	};
	for (size_t i = 0; i < label_count; i++)
		family->label_names[i] = labels[i];
	reader->families =
		must(realloc(reader->families, (reader->family_count + 1) * sizeof(family)));
	reader->families[reader->family_count++] = family;
	return family;
}

/* Splits at commas; "" is one empty text, unless none at all is wanted. */
static size_t split(const char *string, smx_text *texts)
{
	size_t count = 0;

	for (;;) {
		size_t size = strcspn(string, ",");

		if (count == FAKE_LABELS_MAX)
			abort();
		texts[count++] = (smx_text){string, size};
		if (string[size] == '\0')
			return count;
		string += size + 1;
	}
}

struct fake_family *fake_family_add(smx_reader *reader, smx_kind kind, const char *name,
				    const char *labels)
{
	smx_text names[FAKE_LABELS_MAX];
	size_t count = *labels ? split(labels, names) : 0;

	return fake_family_add_texts(reader, kind, fake_text(name), names, count);
}

void fake_family_bounds(struct fake_family *family, const double *bounds, size_t count)
{
	if (count > FAKE_BOUNDS_MAX)
		abort();
	free((void *)family->view.bounds);
	family->view.bounds =
		memcpy(must(calloc(count + 1, sizeof(double))), bounds, count * sizeof(double));
	family->view.bound_count = count;
}

void fake_family_native(struct fake_family *family, int schema, int first, size_t side,
			bool negative)
{
	smx_native_view *native = &family->view.native;

	native->schema = schema;
	native->first = first;
	native->side = side;
	native->negative = negative;
	native->count = side * (negative ? 2 : 1) + 1;
	native->zero_threshold = exp2(ldexp(first - 1, -schema));
	if (native->count > FAKE_NATIVE_MAX)
		abort();
}

void fake_family_states(struct fake_family *family, const char *states)
{
	family->view.states = family->states;
	family->view.state_count = split(states, family->states);
}

struct fake_series *fake_series_add_texts(struct fake_family *family, const smx_text *values)
{
	struct fake_series *series = must(calloc(1, sizeof(*series)));
	size_t count = family->view.series_count;

	series->view = (smx_series_view){
		.id = count + 1, .family = &family->view, .label_values = series->values};
	for (size_t i = 0; i < family->view.label_count; i++)
		series->values[i] = values[i];
	/* Doubling would hide nothing here, but a million series must not take a million copies. */
	if ((count & (count - 1)) == 0)
		family->series =
			must(realloc(family->series, (count ? 2 * count : 1) * sizeof(series)));
	family->series[count] = series;
	family->view.series_count++;
	return series;
}

struct fake_series *fake_series_add(struct fake_family *family, const char *values)
{
	smx_text texts[FAKE_LABELS_MAX];

	if (split(values, texts) != family->view.label_count && family->view.label_count != 0)
		abort();
	return fake_series_add_texts(family, texts);
}

uint32_t fake_writer_add(smx_reader *reader, uint32_t slot, uint64_t generation, uint32_t pid)
{
	reader->writers = must(
		realloc(reader->writers, (reader->writer_count + 1) * sizeof(smx_writer_view)));
	reader->writers[reader->writer_count] =
		(smx_writer_view){.slot = slot, .pid = pid, .slot_generation = generation};
	return (uint32_t)reader->writer_count++;
}

void fake_writers_clear(smx_reader *reader)
{
	reader->writer_count = 0;
}

void fake_gauge_set(struct fake_series *series, uint32_t writer, double value, uint64_t stamp_ns)
{
	size_t at = 0;

	while (at < series->gauge_count && series->gauge[at].writer != writer)
		at++;
	if (at == series->gauge_count) {
		series->gauge = must(realloc(series->gauge, (at + 1) * sizeof(smx_gauge_sample)));
		series->gauge_count++;
	}
	series->gauge[at] = (smx_gauge_sample){writer, value, stamp_ns};
}

/* ---- what rendering calls ---- */

size_t smx_reader_writer_count(const smx_reader *reader)
{
	return reader->writer_count;
}

/* The fake does not tell the dead that are shown from the live. */
size_t smx_reader_holder_count(const smx_reader *reader)
{
	return reader->writer_count;
}

const smx_writer_view *smx_reader_writer(const smx_reader *reader, size_t index)
{
	return &reader->writers[index];
}

size_t smx_reader_family_count(const smx_reader *reader)
{
	return reader->family_count;
}

const smx_family_view *smx_reader_family(const smx_reader *reader, size_t index)
{
	return &reader->families[index]->view;
}

const smx_series_view *smx_reader_series(const smx_reader *reader, const smx_family_view *family,
					 size_t index)
{
	(void)reader;
	return &((const struct fake_family *)family)->series[index]->view;
}

smx_counter_sample smx_reader_counter(const smx_reader *reader, const smx_series_view *series)
{
	(void)reader;
	return ((const struct fake_series *)series)->counter;
}

void smx_reader_histogram(const smx_reader *reader, const smx_series_view *series, uint64_t *counts,
			  double *sum)
{
	const struct fake_series *fake = (const struct fake_series *)series;

	(void)reader;
	memcpy(counts, fake->counts, (series->family->bound_count + 1) * sizeof(uint64_t));
	*sum = fake->sum;
}

void smx_reader_native_histogram(const smx_reader *reader, const smx_series_view *series,
				 uint64_t *native_counts, uint64_t *bucket_counts, double *sum)
{
	const struct fake_series *fake = (const struct fake_series *)series;

	memcpy(native_counts, fake->native_counts, series->family->native.count * sizeof(uint64_t));
	smx_reader_histogram(reader, series, bucket_counts, sum);
}

void smx_reader_summary(const smx_reader *reader, const smx_series_view *series, uint64_t *count,
			double *sum)
{
	const struct fake_series *fake = (const struct fake_series *)series;

	(void)reader;
	*count = fake->counts[0];
	*sum = fake->sum;
}

size_t smx_reader_info_labels(smx_reader *reader, const smx_series_view *series,
			      const smx_label **labels)
{
	const struct fake_series *fake = (const struct fake_series *)series;

	(void)reader;
	*labels = fake->info;
	return fake->info_count;
}

bool smx_reader_exemplar(const smx_reader *reader, const smx_series_view *series, size_t bucket,
			 smx_exemplar_view *exemplar)
{
	const struct fake_exemplar *fake = &((const struct fake_series *)series)->exemplars[bucket];

	(void)reader;
	exemplar->value = fake->value;
	exemplar->unix_ns = fake->unix_ns;
	exemplar->label_count = fake->label_count;
	for (size_t i = 0; i < fake->label_count; i++)
		exemplar->labels[i] = fake->labels[i];
	return fake->unix_ns != 0;
}

/* Only writers that live have a value. */
size_t smx_reader_gauge(const smx_reader *reader, const smx_series_view *series,
			smx_gauge_sample *samples)
{
	const struct fake_series *fake = (const struct fake_series *)series;
	size_t count = 0;

	for (size_t i = 0; i < fake->gauge_count; i++) {
		if (fake->gauge[i].writer < reader->writer_count)
			samples[count++] = fake->gauge[i];
	}
	return count;
}

static bool is_preferred(smx_gauge_mode mode, const smx_gauge_sample *sample,
			 const smx_gauge_sample *than)
{
	if (mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT)
		return sample->stamp_ns > than->stamp_ns;
	if (isnan(than->value))
		return true;
	return mode == SMX_GAUGE_LIVE_MIN || mode == SMX_GAUGE_MIN ? sample->value < than->value
								   : sample->value > than->value;
}

size_t smx_reader_gauge_total(smx_reader *reader, const smx_series_view *series,
			      smx_gauge_sample *total)
{
	const struct fake_series *fake = (const struct fake_series *)series;
	smx_gauge_mode mode = series->family->mode;
	size_t count = 0;

	*total = (smx_gauge_sample){0, 0.0, 0};
	for (size_t i = 0; i < fake->gauge_count; i++) {
		if (fake->gauge[i].writer >= reader->writer_count)
			continue;
		if (count > 0 && (mode == SMX_GAUGE_LIVE_SUM || mode == SMX_GAUGE_SUM))
			total->value += fake->gauge[i].value;
		else if (count == 0 || is_preferred(mode, &fake->gauge[i], total))
			*total = fake->gauge[i];
		count++;
	}
	return count;
}

size_t smx_reader_state(smx_reader *reader, const smx_series_view *series, size_t *state,
			smx_gauge_sample *total)
{
	size_t count = smx_reader_gauge_total(reader, series, total);

	*state = count != 0 ? (size_t)total->value : 0;
	return count;
}
