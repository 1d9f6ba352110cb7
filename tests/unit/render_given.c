/* SPDX-License-Identifier: MIT */
/*
 * render_given.c - renders families that it is given, in each format: half of a property test
 *
 *     render_given [--decimal-comma] FORMAT...
 *
 * Standard input is a world; all numbers are little-endian, a text is u32 size and bytes:
 *
 *     world    u32 families, each: u32 kind, name, help, unit, u32 labels, their names,
 *              u32 bounds, f64 each, u32 0 or 4, schema, first, side and whether negative,
 *              u32 states, their names, u32 series
 *     series   label values, u32 numbers, u64 each, u32 reals, f64 each, u32 native, u64 each,
 *              u32 own labels, name and value each
 *
 * The numbers are a counter's whole, a histogram's buckets, a summary's count, a state's index; the
 * reals are a counter's fraction, a gauge's value, a sum, and behind it an exemplar's value and
 * time in seconds. The own labels are an info's or the exemplar's. The answer is one rendering a
 * FORMAT, each behind its size (u64); 2.3 is the smx_format 2 and the smx_escaping 3. The locale is
 * that of the environment; --decimal-comma: fail if it has none. tests/judges/given.py writes
 * worlds. What is taken lives until the process ends.
 */
#include "fake_reader.h"
#include "shmetrics/exposition.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REALS_MAX 3
#define NATIVE_WORDS 4

struct input {
	const char *at, *end;
};

/* Where the next `size` bytes are. */
static const char *skip(struct input *input, size_t size)
{
	const char *at = input->at;

	if ((size_t)(input->end - at) < size) {
		fputs("render_given: a world is cut short\n", stderr);
		exit(2);
	}
	input->at += size;
	return at;
}

static void take(struct input *input, void *to, size_t size)
{
	memcpy(to, skip(input, size), size);
}

static uint32_t take_u32(struct input *input)
{
	uint32_t value;

	take(input, &value, sizeof(value));
	return value;
}

static smx_text take_text(struct input *input)
{
	uint32_t size = take_u32(input);

	return (smx_text){skip(input, size), size};
}

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* At most FAKE_LABELS_MAX texts. */
static size_t take_texts(struct input *input, smx_text *texts)
{
	uint32_t count = take_u32(input);

	if (count > FAKE_LABELS_MAX)
		abort();
	for (uint32_t i = 0; i < count; i++)
		texts[i] = take_text(input);
	return count;
}

static uint32_t take_own_labels(struct input *input, smx_label **labels)
{
	uint32_t count = take_u32(input);

	if (count > SMX_EXEMPLAR_LABEL_MAX)
		abort();
	*labels = must(calloc(count + 1, sizeof(**labels)));
	for (uint32_t i = 0; i < count; i++) {
		(*labels)[i].name = take_text(input);
		(*labels)[i].value = take_text(input);
	}
	return count;
}

/* In the last bucket, which every family has. */
static void add_exemplar(struct fake_series *series, const double *reals, const smx_label *labels,
			 size_t label_count)
{
	series->exemplars[series->view.family->bound_count] = (struct fake_exemplar){
		.value = reals[0],
		.unix_ns = (uint64_t)reals[1] * 1000000000 +
			   (uint64_t)((reals[1] - floor(reals[1])) * 1e9),
		.labels = labels,
		.label_count = label_count,
	};
}

static void set_numbers(struct fake_series *series, smx_kind kind, const uint64_t *numbers,
			uint32_t number_count, const double *reals)
{
	switch (kind) {
	case SMX_COUNTER:
		series->counter = (smx_counter_sample){numbers[0], reals[0]};
		break;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
	case SMX_SUMMARY:
		memcpy(series->counts, numbers, number_count * sizeof(*numbers));
		series->sum = reals[0];
		break;
	case SMX_STATE_SET:
		fake_gauge_set(series, 0, (double)numbers[0], 1);
		break;
	default:
		fake_gauge_set(series, 0, reals[0], 1);
	}
}

static void take_series(struct input *input, struct fake_family *family)
{
	uint64_t numbers[FAKE_BOUNDS_MAX + 1] = {0};
	double reals[REALS_MAX] = {0};
	smx_text values[FAKE_LABELS_MAX];
	struct fake_series *series;
	smx_label *labels;
	uint32_t number_count, real_count, native_count, label_count;

	for (size_t i = 0; i < family->view.label_count; i++)
		values[i] = take_text(input);
	series = fake_series_add_texts(family, values);
	number_count = take_u32(input);
	if (number_count > FAKE_BOUNDS_MAX + 1)
		abort();
	take(input, numbers, number_count * sizeof(*numbers));
	real_count = take_u32(input);
	if (real_count > REALS_MAX)
		abort();
	take(input, reals, real_count * sizeof(*reals));
	native_count = take_u32(input);
	if (native_count > FAKE_NATIVE_MAX)
		abort();
	take(input, series->native_counts, native_count * sizeof(*series->native_counts));
	label_count = take_own_labels(input, &labels);
	set_numbers(series, family->view.kind, numbers, number_count, reals);
	if (real_count == REALS_MAX) {
		add_exemplar(series, reals + 1, labels, label_count);
	} else {
		series->info = labels;
		series->info_count = label_count;
	}
}

static void take_native(struct input *input, struct fake_family *family)
{
	uint32_t words[NATIVE_WORDS], count = take_u32(input);

	if (count != 0 && count != NATIVE_WORDS)
		abort();
	take(input, words, count * sizeof(*words));
	if (count != 0)
		fake_family_native(family, (int)words[0], (int)words[1], words[2], words[3] != 0);
}

static void take_family(struct input *input, smx_reader *reader)
{
	smx_kind kind = (smx_kind)take_u32(input);
	smx_text name = take_text(input), help = take_text(input), unit = take_text(input);
	smx_text labels[FAKE_LABELS_MAX];
	size_t label_count = take_texts(input, labels);
	struct fake_family *family = fake_family_add_texts(reader, kind, name, labels, label_count);
	double bounds[FAKE_BOUNDS_MAX];
	uint32_t bound_count = take_u32(input);

	family->view.help = help;
	family->view.unit = unit;
	if (bound_count > FAKE_BOUNDS_MAX)
		abort();
	take(input, bounds, bound_count * sizeof(*bounds));
	fake_family_bounds(family, bounds, bound_count);
	take_native(input, family);
	family->view.state_count = take_texts(input, family->states);
	family->view.states = family->states;
	for (uint32_t count = take_u32(input); count > 0; count--)
		take_series(input, family);
}

/* word: "1.0" is the first format and the first escaping. */
static void render(smx_exposition *exposition, const char *word)
{
	const char *dot = strchr(word, '.');
	const smx_exposition_type type = {(smx_format)atoi(word),
					  (smx_escaping)(dot ? atoi(dot + 1) : 0)};
	smx_buffer buffer = {0};
	uint64_t size;

	if (smx_exposition_render(exposition, type, NULL, 0, &buffer, NULL) != SMX_OK)
		exit(1);
	smx_emit_end(&buffer, type);
	size = buffer.size;
	fwrite(&size, sizeof(size), 1, stdout);
	fwrite(buffer.data, 1, buffer.size, stdout);
	smx_buffer_free(&buffer);
}

static struct input read_all(void)
{
	smx_buffer buffer = {0};
	char piece[65536];
	size_t size;

	while ((size = fread(piece, 1, sizeof(piece), stdin)) > 0)
		smx_buffer_append(&buffer, piece, size);
	if (buffer.failed)
		abort();
	return (struct input){buffer.data, buffer.data + buffer.size};
}

int main(int argc, char **argv)
{
	smx_reader *reader = fake_reader_create();
	struct input input = read_all();
	smx_exposition *exposition;
	int first = 1;

	setlocale(LC_ALL, "");
	if (argc > 1 && strcmp(argv[1], "--decimal-comma") == 0) {
		first = 2;
		if (strcmp(localeconv()->decimal_point, ",") != 0) {
			fputs("render_given: the locale has no decimal comma\n", stderr);
			return 3;
		}
	}
	fake_writer_add(reader, 0, 1, 1);
	for (uint32_t count = take_u32(&input); count > 0; count--)
		take_family(&input, reader);
	if (input.at != input.end || smx_exposition_create(&exposition, NULL) != SMX_OK ||
	    smx_exposition_add(exposition, reader, NULL) != SMX_OK)
		return 1;
	for (int i = first; i < argc; i++)
		render(exposition, argv[i]);
	return 0;
}
