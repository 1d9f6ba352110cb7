/* SPDX-License-Identifier: MIT */
/*
 * reader_labels.c - labels that are values: those of infos, and exemplars
 *
 * They change while they are read. Each is copied first, then checked, and only the copy is used.
 */
#include "reader_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define EXEMPLAR_TRIES 3 /* one that is being written is whole soon, or was left by a dead writer */

/* What the last info had: valid until the next one's are asked for. */
struct reader_labels {
	unsigned char bytes[SMX_LAYOUT_INFO_MAX];
	smx_label labels[SMX_LAYOUT_INFO_LABEL_MAX];
};

/* Unicode 15, table 3-7: no surrogates, shortest form. */
static bool is_sequence(const unsigned char *at, size_t length)
{
	unsigned char low = 0x80, high = 0xbf;

	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (length > 1 && (at[1] < low || at[1] > high))
		return false;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return false;
	return true;
}

bool reader_is_utf8(smx_text text)
{
	const unsigned char *at = (const unsigned char *)text.data;

	for (size_t left = text.size; left > 0;) {
		size_t length = *at < 0x80		   ? 1
				: *at < 0xc2 || *at > 0xf4 ? 0
				: *at < 0xe0		   ? 2
				: *at < 0xf0		   ? 3
							   : 4;

		if (*at == 0 || length == 0 || length > left || !is_sequence(at, length))
			return false;
		at += length;
		left -= length;
	}
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_label_name(smx_text name)
{
	return name.size > 0 && reader_is_utf8(name) &&
	       !(name.size >= 2 && memcmp(name.data, "__", 2) == 0);
}

/* Of the older character set, which is all that exemplars may have. */
static bool is_old_label_name(smx_text name)
{
	for (size_t i = 0; i < name.size; i++)
		if (!is_letter(name.data[i]) &&
		    !(i > 0 && name.data[i] >= '0' && name.data[i] <= '9'))
			return false;
	return is_label_name(name);
}

static int compare(smx_text a, smx_text b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool take_label(struct reader_cursor *cursor, smx_label *label)
{
	return reader_take_text(cursor, SMX_LAYOUT_NAME_MAX, &label->name) &&
	       is_label_name(label->name) &&
	       reader_take_text(cursor, SMX_LAYOUT_LABEL_VALUE_MAX, &label->value);
}

/* ---- infos ---- */

static bool is_label_of(const smx_family_view *family, smx_text name)
{
	for (size_t i = 0; i < family->label_count; i++)
		if (compare(family->label_names[i], name) == 0)
			return true;
	return false;
}

/* Whether another one has the name of the one at index. */
static bool is_there(const smx_label *labels, size_t count, size_t index)
{
	for (size_t i = 0; i < count; i++)
		if (i != index && compare(labels[i].name, labels[index].name) == 0)
			return true;
	return false;
}

/* Takes all labels of a copy; 0 where one of them breaks a rule. */
static size_t take_info(const smx_reader *reader, const smx_family_view *family,
			struct reader_cursor cursor, smx_label *labels)
{
	size_t count = 0;

	for (; cursor.left > 0; count++) {
		if (count == SMX_LAYOUT_INFO_LABEL_MAX || !take_label(&cursor, &labels[count]))
			return 0;
		if (count > 0 && compare(labels[count - 1].name, labels[count].name) >= 0)
			return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (reader_added_to_info(reader, &labels[i]) && is_there(labels, count, i))
			return 0;
		if (is_label_of(family, labels[i].name))
			return 0;
	}
	return count;
}

size_t smx_reader_info_labels(smx_reader *reader, const smx_series_view *view,
			      const smx_label **labels)
{
	const smx_layout_series *record =
		(const smx_layout_series *)(const void *)(reader->base + view->id);
	struct reader_cursor cursor;
	smx_text text;

	*labels = NULL;
	if (!reader->labels)
		reader->labels = malloc(sizeof *reader->labels);
	if (!reader->labels)
		return 0;
	text = reader_find_text(reader,
				smx_read_acquire(&record->cells_or_gauge) & SMX_LAYOUT_PLACE_MASK);
	if (text.size > sizeof reader->labels->bytes)
		return 0;
	memcpy(reader->labels->bytes, text.data, text.size);
	cursor = (struct reader_cursor){reader->labels->bytes, text.size};
	*labels = reader->labels->labels;
	return take_info(reader, view->family, cursor, reader->labels->labels);
}

/* ---- exemplars ---- */

/* Copies words that others may write meanwhile. */
static void copy_words(void *to, const void *from, size_t size)
{
	const uint64_t *words = from;

	for (size_t i = 0; i < size / sizeof *words; i++) {
		uint64_t word = smx_read_relaxed(&words[i]);

		memcpy((char *)to + i * sizeof word, &word, sizeof word);
	}
}

/* One whole exemplar. False: it is being written, was left half-written, or there was never one. */
static bool copy_exemplar(const void *from, smx_layout_exemplar *copy)
{
	for (int i = 0; i < EXEMPLAR_TRIES; i++) {
		copy_words(copy, from, sizeof *copy);
		if (copy->checksum ==
		    XXH3_64bits(&copy->life, sizeof *copy - sizeof copy->checksum))
			return true;
	}
	return false;
}

SMX_LAYOUT_ASSERT(SMX_NATIVE_EXEMPLAR_MAX == SMX_LAYOUT_NATIVE_EXEMPLARS, "both are of layout.h");

/* How many exemplars a series has room for. */
static size_t exemplar_count(const smx_family_view *family)
{
	if (family->kind == SMX_NATIVE_HISTOGRAM && family->bound_count == 0)
		return SMX_NATIVE_EXEMPLAR_MAX;
	if (family->kind == SMX_HISTOGRAM || family->kind == SMX_NATIVE_HISTOGRAM)
		return family->bound_count + 1;
	return family->kind == SMX_COUNTER;
}

/*
 * Whether the value lies in the bucket; every one does in a counter's, and where no bounds part
 * those of a native histogram.
 */
static bool is_in_bucket(const smx_family_view *family, size_t bucket, double value)
{
	if (family->kind == SMX_COUNTER)
		return value >= 0;
	if (family->bound_count == 0)
		return value == value;
	return (bucket == family->bound_count ? value == value : value <= family->bounds[bucket]) &&
	       (bucket == 0 || value > family->bounds[bucket - 1]);
}

static size_t count_characters(smx_text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

static bool take_exemplar(smx_exemplar_view *view, size_t size)
{
	struct reader_cursor cursor = {(const unsigned char *)view->bytes, size};
	size_t characters = 0;

	for (view->label_count = 0; cursor.left > 0; view->label_count++) {
		smx_label *label = &view->labels[view->label_count];

		if (view->label_count == SMX_EXEMPLAR_LABEL_MAX || !take_label(&cursor, label) ||
		    !is_old_label_name(label->name))
			return false;
		for (size_t i = 0; i < view->label_count; i++)
			if (compare(view->labels[i].name, label->name) == 0)
				return false;
		characters += count_characters(label->name) + count_characters(label->value);
	}
	return characters <= SMX_LAYOUT_EXEMPLAR_CHARACTERS;
}

bool smx_reader_exemplar(const smx_reader *reader, const smx_series_view *series, size_t bucket,
			 smx_exemplar_view *view)
{
	const smx_layout_series *record =
		(const smx_layout_series *)(const void *)(reader->base + series->id);
	uint64_t offset = smx_read_acquire(&record->exemplar_offset);
	uint64_t word = smx_read_acquire(&record->cells_or_gauge);
	size_t count = exemplar_count(series->family);
	smx_layout_exemplar copy;

	if (!offset || bucket >= count ||
	    !reader_in_arena(reader, offset, count * sizeof copy, SMX_LAYOUT_ALIGNMENT) ||
	    !copy_exemplar(reader->base + offset + bucket * sizeof copy, &copy))
		return false;
	if (copy.life != ((word >> SMX_LAYOUT_PLACE_BITS) & SMX_LAYOUT_LIFE_MASK) ||
	    !is_in_bucket(series->family, bucket, copy.value) ||
	    copy.label_size > sizeof view->bytes)
		return false;
	view->value = copy.value;
	view->unix_ns = copy.unix_ns;
	memcpy(view->bytes, copy.labels, copy.label_size);
	return take_exemplar(view, copy.label_size);
}
