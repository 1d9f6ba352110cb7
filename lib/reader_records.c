/* SPDX-License-Identifier: MIT */
/*
 * reader_records.c - the check of every record that the index leads to, and the copy of it
 */
#include "reader_internal.h"

#include <math.h>
#include <stdlib.h>

#define CHUNK_SIZE 65536u
/* Larger keys are damage: the largest family is 8 + (128 + 34) * 257 bytes. */
#define KEY_MAX 65536u

/* ---- memory ---- */

void *reader_allocate(smx_reader *reader, size_t size)
{
	struct reader_chunk *chunk = reader->chunks;
	void *at;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = malloc(sizeof *chunk + 16 + room);
		if (!chunk)
			return NULL;
		chunk->next = reader->chunks;
		chunk->used = 0;
		chunk->size = room;
		reader->chunks = chunk;
	}
	at = (char *)(chunk + 1) + 8 + chunk->used;
	chunk->used += size;
	return at;
}

/* A key's bytes, copied: what is checked is what is used. NULL: none of it, *no_memory says why. */
static unsigned char *copy_key(smx_reader *reader, uint64_t offset, uint64_t size, bool *no_memory)
{
	unsigned char *copy;

	*no_memory = false;
	if (size > KEY_MAX || reader->copied_bytes + size > reader->limit)
		return NULL;
	copy = reader_allocate(reader, size + 1);
	if (!copy) {
		*no_memory = true;
		return NULL;
	}
	memcpy(copy, reader->base + offset, size);
	reader->copied_bytes += size;
	return copy;
}

/* ---- keys ---- */

static bool take_u16(struct reader_cursor *cursor, uint16_t *value)
{
	if (cursor->left < sizeof *value)
		return false;
	memcpy(value, cursor->at, sizeof *value);
	cursor->at += sizeof *value;
	cursor->left -= sizeof *value;
	return true;
}

bool reader_take_text(struct reader_cursor *cursor, size_t max, smx_text *text)
{
	uint16_t size;

	if (!take_u16(cursor, &size) || size > max || size > cursor->left)
		return false;
	text->data = (const char *)cursor->at;
	text->size = size;
	cursor->at += size;
	cursor->left -= size;
	return true;
}

static bool take_texts(struct reader_cursor *cursor, size_t count, size_t max, smx_text *texts)
{
	for (size_t i = 0; i < count; i++)
		if (!reader_take_text(cursor, max, &texts[i]))
			return false;
	return cursor->left == 0;
}

/* ---- families ---- */

static bool bounds_are_sound(const double *bounds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(bounds[i]) || (i > 0 && !(bounds[i] > bounds[i - 1])))
			return false;
	return true;
}

/* The numbers at the head of a key. */
struct family_head {
	uint16_t kind, mode, label_count, bound_count;
};

static bool kind_is_known(uint16_t kind)
{
	return kind >= SMX_COUNTER && kind <= SMX_STATE_SET;
}

/* Bounds of histograms, states of state sets, modes of gauges: each where it belongs only. */
static bool form_is_sound(const struct family_head *head)
{
	bool is_native = head->kind == SMX_NATIVE_HISTOGRAM;
	uint16_t bound_max = head->kind == SMX_HISTOGRAM || is_native ? SMX_LAYOUT_BOUND_MAX
			     : head->kind == SMX_STATE_SET	      ? SMX_LAYOUT_STATE_MAX
								      : 0;

	if (head->bound_count > bound_max)
		return false;
	if (!is_native && (bound_max > 0) != (head->bound_count > 0))
		return false;
	if (head->kind == SMX_STATE_SET)
		return head->mode == SMX_GAUGE_LIVE_MOST_RECENT;
	return (head->kind == SMX_GAUGE) == (head->mode > 0) && head->mode <= SMX_GAUGE_MOST_RECENT;
}

/* Takes the head; false where it cannot be that of a key with so many bytes left. */
static bool take_head(struct reader_cursor *cursor, struct family_head *head)
{
	if (!take_u16(cursor, &head->kind) || !take_u16(cursor, &head->mode) ||
	    !take_u16(cursor, &head->label_count) || !take_u16(cursor, &head->bound_count))
		return false;
	if (!kind_is_known(head->kind) || head->label_count > SMX_LAYOUT_LABEL_MAX ||
	    !form_is_sound(head))
		return false;
	/* Every text has two bytes of size: the arrays below are a multiple of the key. */
	return cursor->left >=
	       head->bound_count * (head->kind == SMX_STATE_SET ? 2u : sizeof(double)) +
		       head->label_count * 2u;
}

static bool states_are_sound(const smx_text *states, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (states[i].size == 0 || !reader_is_utf8(states[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (states[j].size == states[i].size &&
			    memcmp(states[j].data, states[i].data, states[i].size) == 0)
				return false;
	}
	return true;
}

/* Takes what lies behind the head: bounds or states, whose array the view has. */
static bool take_form(smx_family_view *view, const struct family_head *head,
		      struct reader_cursor *cursor, void *array)
{
	smx_text *states = array;
	double *bounds = array;

	if (head->kind != SMX_STATE_SET) {
		memcpy(bounds, cursor->at, head->bound_count * sizeof(double));
		cursor->at += head->bound_count * sizeof(double);
		cursor->left -= head->bound_count * sizeof(double);
		view->bounds = bounds;
		view->bound_count = head->bound_count;
		return bounds_are_sound(bounds, head->bound_count) &&
		       (head->kind != SMX_NATIVE_HISTOGRAM || reader_take_native(cursor, view));
	}
	for (size_t i = 0; i < head->bound_count; i++)
		if (!reader_take_text(cursor, SMX_LAYOUT_NAME_MAX, &states[i]))
			return false;
	view->states = states;
	view->state_count = head->bound_count;
	return states_are_sound(states, head->bound_count);
}

/* Fills a view from the rest of a copy of the key. */
static bool parse_family(smx_family_view *view, const struct family_head *head,
			 struct reader_cursor *cursor, smx_text *labels, void *array)
{
	if (!take_form(view, head, cursor, array) ||
	    !reader_take_text(cursor, SMX_LAYOUT_NAME_MAX, &view->name) || view->name.size == 0 ||
	    !reader_take_text(cursor, SMX_LAYOUT_NAME_MAX, &view->unit) ||
	    !take_texts(cursor, head->label_count, SMX_LAYOUT_NAME_MAX, labels))
		return false;
	view->kind = (smx_kind)head->kind;
	view->mode = (smx_gauge_mode)head->mode;
	view->label_names = labels;
	view->label_count = head->label_count;
	return true;
}

enum taken reader_add_family(smx_reader *reader, uint64_t offset, uint64_t size)
{
	const smx_layout_family *record =
		(const smx_layout_family *)(const void *)(reader->base + offset);
	uint64_t key_size = smx_read_u32(&record->key_size);
	struct reader_family *family;
	struct family_head head;
	struct reader_cursor cursor;
	smx_text *labels;
	void *array;
	bool no_memory;

	if (size < SMX_LAYOUT_FAMILY_KEY || key_size > size - SMX_LAYOUT_FAMILY_KEY)
		return TAKEN_DAMAGED;
	cursor.at = copy_key(reader, offset + SMX_LAYOUT_FAMILY_KEY, key_size, &no_memory);
	cursor.left = key_size;
	if (!cursor.at)
		return no_memory ? TAKEN_NO_MEMORY : TAKEN_DAMAGED;
	if (!take_head(&cursor, &head))
		return TAKEN_DAMAGED;
	labels = reader_allocate(reader, (head.label_count + 1u) * sizeof *labels);
	array = reader_allocate(reader, head.bound_count * sizeof(smx_text) + 1);
	family = calloc(1, sizeof *family);
	if (!labels || !array || !family || !reader_reserve_family(reader)) {
		reader_free_family(family);
		return TAKEN_NO_MEMORY;
	}
	family->view.id = offset;
	family->record = record;
	family->presence_gauge = smx_read_u32(&record->presence_gauge);
	family->view.created_unix_ns = smx_read_relaxed(&record->created_unix_ns);
	family->view.help = (smx_text){"", 0};
	if (!parse_family(&family->view, &head, &cursor, labels, array)) {
		reader_free_family(family);
		return TAKEN_DAMAGED;
	}
	if (!reader_reserve_cells(reader, &family->view) ||
	    !reader_added_to_family(reader, labels, head.label_count)) {
		reader_free_family(family);
		return TAKEN_NO_MEMORY;
	}
	family->view.label_count += reader->added_count;
	reader->has_kept_modes |= family->view.mode == SMX_GAUGE_ALL;
	reader->has_folded_modes |= family->view.mode >= SMX_GAUGE_SUM;
	reader_enter_family(reader, family);
	return TAKEN;
}

smx_text reader_find_text(const smx_reader *reader, uint64_t offset)
{
	const smx_layout_text *text =
		(const smx_layout_text *)(const void *)(reader->base + offset);
	uint32_t size;

	if (!reader_in_arena(reader, offset, sizeof *text, SMX_LAYOUT_ALIGNMENT) ||
	    smx_read_u32(&text->record.type) != SMX_RECORD_TEXT)
		return (smx_text){"", 0};
	size = smx_read_u32(&text->text_size);
	if (size > READER_TEXT_MAX ||
	    !reader_in_arena(reader, offset, sizeof *text + size, SMX_LAYOUT_ALIGNMENT))
		return (smx_text){"", 0};
	return (smx_text){(const char *)(text + 1), size};
}

/* The help text given last, copied when it has changed. */
bool reader_read_help(smx_reader *reader, struct reader_family *family)
{
	uint64_t offset = smx_read_acquire(&family->record->help_offset);
	smx_text text;
	char *copy;

	if (offset == family->help_offset)
		return true;
	if (reader_is_ahead(reader, offset, sizeof(smx_layout_text) + READER_TEXT_MAX))
		return true; /* the old text until the next walk */
	text = reader_find_text(reader, offset);
	if (text.size > SMX_LAYOUT_HELP_MAX)
		text.size = 0;
	copy = malloc(text.size + 1);
	if (!copy)
		return false;
	memcpy(copy, text.data, text.size);
	free(family->help);
	family->help = copy;
	family->view.help = (smx_text){copy, text.size};
	family->help_offset = offset;
	return true;
}

/* ---- series ---- */

/* Infos and gauges have none of their own. */
static bool has_cells(const smx_family_view *family)
{
	return family->kind != SMX_INFO && !reader_is_gauge(family->kind);
}

/* What the cells of one series take, over all stripes. */
static uint64_t cell_bytes(const smx_reader *reader, const smx_family_view *family)
{
	uint64_t count = reader_cell_count(family);

	return !has_cells(family) ? 0 : count * sizeof(smx_layout_cell) * reader->info.stripe_count;
}

/*
 * Whether every stripe of every cell lies within the limit.
 */
enum taken reader_check_cells(const smx_reader *reader, const smx_family_view *family,
			      uint64_t cells)
{
	uint64_t count = reader_cell_count(family);
	uint64_t tile = cells & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	uint64_t last = (cells % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell) + count - 1;
	uint64_t size = (last / SMX_LAYOUT_TILE_CELLS + 1) * SMX_LAYOUT_TILE_SIZE *
			reader->info.stripe_count;

	if (family->kind == SMX_INFO) /* looked at whenever its labels are asked for */
		return TAKEN;
	if (reader_is_gauge(family->kind))
		return cells < SMX_LAYOUT_GAUGE_MAX ? TAKEN : TAKEN_DAMAGED;
	if (cells % sizeof(smx_layout_cell) != 0)
		return TAKEN_DAMAGED;
	if (!reader_in_arena(reader, tile, size, SMX_LAYOUT_TILE_SIZE))
		return reader_is_ahead(reader, tile, size) ? TAKEN_LATER : TAKEN_DAMAGED;
	return TAKEN;
}

/*
 * All series' cells together are no more than fit within the limit, and a gauge number is one
 * series': what several name would be served many times over.
 */
static bool take_numbers(smx_reader *reader, const struct reader_series *series)
{
	uint64_t bytes = cell_bytes(reader, series->view.family);

	if (reader_is_gauge(series->view.family->kind))
		return reader_take_gauge(reader, series->cells);
	if (bytes > reader->limit - reader->cell_bytes)
		return false;
	reader->cell_bytes += bytes;
	return true;
}

static bool append_series(smx_reader *reader, struct reader_family *family,
			  struct reader_series *series)
{
	if (family->view.series_count == family->series_capacity) {
		size_t capacity = family->series_capacity ? family->series_capacity * 2 : 4;
		struct reader_series **list = realloc(family->series, capacity * sizeof *list);

		if (!list)
			return false;
		family->series = list;
		family->series_capacity = capacity;
	}
	family->series[family->view.series_count++] = series;
	if (series->view.overflow)
		reader->overflow_count++;
	reader->info.series_count++;
	return true;
}

enum taken reader_add_series(smx_reader *reader, uint64_t offset, uint64_t size)
{
	const smx_layout_series *record =
		(const smx_layout_series *)(const void *)(reader->base + offset);
	struct reader_family *family =
		reader_find_family(reader, smx_read_relaxed(&record->family_offset));
	uint64_t key_size = smx_read_u32(&record->key_size),
		 word = smx_read_acquire(&record->cells_or_gauge);
	struct reader_series *series;
	struct reader_cursor cursor;
	smx_text *values;
	unsigned char *key;
	enum taken taken;
	size_t own_count;
	bool no_memory;

	if (size < SMX_LAYOUT_SERIES_KEY || key_size > size - SMX_LAYOUT_SERIES_KEY)
		return TAKEN_DAMAGED;
	if (!family)
		return TAKEN_ORPHAN;
	taken = reader_check_cells(reader, &family->view, word & SMX_LAYOUT_PLACE_MASK);
	if (taken != TAKEN)
		return taken;
	key = copy_key(reader, offset + SMX_LAYOUT_SERIES_KEY, key_size, &no_memory);
	if (!key)
		return no_memory ? TAKEN_NO_MEMORY : TAKEN_DAMAGED;
	own_count = family->view.label_count - reader->added_count;
	series = reader_allocate(reader, sizeof *series);
	values = reader_allocate(reader, family->view.label_count * sizeof *values + 1);
	if (!series || !values)
		return TAKEN_NO_MEMORY;
	memset(series, 0, sizeof *series);
	series->view.id = offset;
	series->view.family = &family->view;
	series->view.label_values = values;
	series->view.overflow = smx_read_u32(&record->flags) & SMX_SERIES_OVERFLOW;
	reader_take_word(reader, series, word);
	cursor = (struct reader_cursor){key, key_size};
	if (!take_texts(&cursor, own_count, SMX_LAYOUT_LABEL_VALUE_MAX, values))
		return TAKEN_DAMAGED;
	reader_added_to_series(reader, values, own_count);
	if (!take_numbers(reader, series))
		return TAKEN_DAMAGED;
	return append_series(reader, family, series) ? TAKEN : TAKEN_NO_MEMORY;
}

void reader_records_free(smx_reader *reader)
{
	reader_families_free(reader);
	while (reader->chunks) {
		struct reader_chunk *next = reader->chunks->next;

		free(reader->chunks);
		reader->chunks = next;
	}
}
