/* SPDX-License-Identifier: MIT */
/*
 * reader_index.c - the walk over the index, and the check of every record it leads to
 */
#include "reader_internal.h"

#include <math.h>
#include <stdlib.h>

#define CHUNK_SIZE 65536u
#define KEY_MAX                                                                                    \
	65536u /* larger keys are damage: the largest family is 8 + 8,000 + 34 * 257 bytes */

/* ---- memory ---- */

static void *allocate(smx_reader *reader, size_t size)
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
	copy = allocate(reader, size + 1);
	if (!copy) {
		*no_memory = true;
		return NULL;
	}
	memcpy(copy, reader->base + offset, size);
	reader->copied_bytes += size;
	return copy;
}

/* ---- keys ---- */

struct cursor {
	const unsigned char *at;
	size_t left;
};

static bool take_u16(struct cursor *cursor, uint16_t *value)
{
	if (cursor->left < sizeof *value)
		return false;
	memcpy(value, cursor->at, sizeof *value);
	cursor->at += sizeof *value;
	cursor->left -= sizeof *value;
	return true;
}

static bool take_text(struct cursor *cursor, size_t max, smx_text *text)
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

static bool take_texts(struct cursor *cursor, size_t count, size_t max, smx_text *texts)
{
	for (size_t i = 0; i < count; i++)
		if (!take_text(cursor, max, &texts[i]))
			return false;
	return cursor->left == 0;
}

/* ---- hash tables of families ---- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ (x >> 29);
}

static uint64_t hash_text(smx_text text)
{
	uint64_t hash = text.size;

	for (size_t i = 0; i < text.size; i++)
		hash = mix(hash ^ (unsigned char)text.data[i]);
	return hash;
}

static struct reader_family *find_family(const smx_reader *reader, uint64_t offset)
{
	size_t mask = reader->table_size - 1, at;

	if (!reader->table_size)
		return NULL;
	for (at = mix(offset) & mask; reader->by_offset[at]; at = (at + 1) & mask) {
		struct reader_family *family = reader->families[reader->by_offset[at] - 1];

		if (family->view.id == offset)
			return family;
	}
	return NULL;
}

static void enter_family(smx_reader *reader, size_t index)
{
	struct reader_family *family = reader->families[index];
	size_t mask = reader->table_size - 1, at = mix(family->view.id) & mask;

	while (reader->by_offset[at])
		at = (at + 1) & mask;
	reader->by_offset[at] = index + 1;
	family->group = index;
	for (at = hash_text(family->view.name) & mask; reader->by_name[at]; at = (at + 1) & mask) {
		const smx_text *name = &reader->families[reader->by_name[at] - 1]->view.name;

		if (name->size == family->view.name.size &&
		    memcmp(name->data, family->view.name.data, name->size) == 0) {
			family->group = reader->by_name[at] - 1;
			return;
		}
	}
	reader->by_name[at] = index + 1;
}

/* Room for one family more, and tables at most half full. */
static bool grow_families(smx_reader *reader)
{
	size_t capacity = reader->family_capacity ? reader->family_capacity * 2 : 64;
	struct reader_family **families;
	size_t *by_offset, *by_name;

	if (reader->family_count < reader->family_capacity)
		return true;
	families = realloc(reader->families, capacity * sizeof *families);
	if (!families)
		return false;
	reader->families = families;
	by_offset = calloc(capacity * 2, sizeof *by_offset);
	by_name = calloc(capacity * 2, sizeof *by_name);
	if (!by_offset || !by_name) {
		free(by_offset);
		free(by_name);
		return false;
	}
	free(reader->by_offset);
	free(reader->by_name);
	reader->by_offset = by_offset;
	reader->by_name = by_name;
	reader->table_size = capacity * 2;
	reader->family_capacity = capacity;
	for (size_t i = 0; i < reader->family_count; i++)
		enter_family(reader, i);
	return true;
}

/* ---- families ---- */

static bool bounds_are_sound(const double *bounds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(bounds[i]) || (i > 0 && !(bounds[i] > bounds[i - 1])))
			return false;
	return true;
}

/* Fills a view from a copy of the key. */
static bool parse_family(struct reader_family *family, const unsigned char *key, size_t size,
			 smx_text *labels, double *bounds)
{
	struct cursor cursor = {key, size};
	smx_family_view *view = &family->view;
	uint16_t kind, mode, label_count, bound_count;

	if (!take_u16(&cursor, &kind) || !take_u16(&cursor, &mode) ||
	    !take_u16(&cursor, &label_count) || !take_u16(&cursor, &bound_count))
		return false;
	if (kind < SMX_COUNTER || kind > SMX_HISTOGRAM || label_count > SMX_LAYOUT_LABEL_MAX ||
	    bound_count > SMX_LAYOUT_BOUND_MAX || (kind == SMX_HISTOGRAM) != (bound_count > 0) ||
	    (kind == SMX_GAUGE) != (mode > 0) || mode > SMX_GAUGE_MOST_RECENT)
		return false;
	if (cursor.left < bound_count * sizeof(double))
		return false;
	memcpy(bounds, cursor.at, bound_count * sizeof(double));
	cursor.at += bound_count * sizeof(double);
	cursor.left -= bound_count * sizeof(double);
	if (!bounds_are_sound(bounds, bound_count) ||
	    !take_text(&cursor, SMX_LAYOUT_NAME_MAX, &view->name) || view->name.size == 0 ||
	    !take_text(&cursor, SMX_LAYOUT_NAME_MAX, &view->unit) ||
	    !take_texts(&cursor, label_count, SMX_LAYOUT_NAME_MAX, labels))
		return false;
	view->kind = (smx_kind)kind;
	view->mode = (smx_gauge_mode)mode;
	view->label_names = labels;
	view->label_count = label_count;
	view->bounds = bounds;
	view->bound_count = bound_count;
	return true;
}

/* A family record at a checked offset. *damaged, or false for want of memory. */
static bool add_family(smx_reader *reader, uint64_t offset, uint64_t size, bool *damaged)
{
	const smx_layout_family *record =
		(const smx_layout_family *)(const void *)(reader->base + offset);
	uint64_t key_size = record->key_size;
	struct reader_family *family;
	unsigned char *key;
	bool no_memory;

	*damaged = true;
	if (size < SMX_LAYOUT_FAMILY_KEY || key_size > size - SMX_LAYOUT_FAMILY_KEY)
		return true;
	key = copy_key(reader, offset + SMX_LAYOUT_FAMILY_KEY, key_size, &no_memory);
	if (!key)
		return !no_memory;
	family = calloc(1, sizeof *family);
	if (!family || !grow_families(reader)) {
		free(family);
		return false;
	}
	family->copy = malloc(SMX_LAYOUT_LABEL_MAX * sizeof(smx_text) +
			      SMX_LAYOUT_BOUND_MAX * sizeof(double));
	if (!family->copy) {
		free(family);
		return false;
	}
	family->view.id = offset;
	family->record = record;
	family->presence_gauge = record->presence_gauge;
	family->view.created_unix_ns = record->created_unix_ns;
	family->view.help = (smx_text){"", 0};
	if (!parse_family(family, key, key_size, family->copy,
			  (double *)(void *)((smx_text *)family->copy + SMX_LAYOUT_LABEL_MAX))) {
		free(family->copy);
		free(family);
		return true;
	}
	reader->families[reader->family_count] = family;
	enter_family(reader, reader->family_count++);
	*damaged = false;
	return true;
}

/* The help text given last, copied when it has changed. */
static bool read_help(smx_reader *reader, struct reader_family *family)
{
	uint64_t offset = smx_read_acquire(&family->record->help_offset), size;
	const smx_layout_text *text;
	char *copy;

	if (offset == family->help_offset)
		return true;
	family->help_offset = offset;
	family->view.help = (smx_text){"", 0};
	if (!offset || !reader_in_arena(reader, offset, sizeof *text, SMX_LAYOUT_ALIGNMENT))
		return true;
	text = (const smx_layout_text *)(const void *)(reader->base + offset);
	size = text->text_size;
	if (text->record.type != SMX_RECORD_TEXT || size > SMX_LAYOUT_HELP_MAX ||
	    !reader_in_arena(reader, offset, sizeof *text + size, SMX_LAYOUT_ALIGNMENT))
		return true;
	copy = malloc(size + 1);
	if (!copy)
		return false;
	memcpy(copy, text + 1, size);
	free(family->help);
	family->help = copy;
	family->view.help = (smx_text){copy, size};
	return true;
}

/* ---- series ---- */

/* Whether every stripe of every cell lies within the limit. */
static bool cells_are_sound(const smx_reader *reader, const smx_family_view *family, uint64_t cells)
{
	uint64_t count = family->kind == SMX_HISTOGRAM ? family->bound_count + 1 : 1;
	uint64_t tile = cells & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	uint64_t last = (cells % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell) + count - 1;
	uint64_t tiles = last / SMX_LAYOUT_TILE_CELLS + 1;

	return cells % sizeof(smx_layout_cell) == 0 &&
	       reader_in_arena(reader, tile,
			       tiles * SMX_LAYOUT_TILE_SIZE * reader->info.stripe_count,
			       SMX_LAYOUT_TILE_SIZE);
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
	reader->info.series_count++;
	return true;
}

/* A series record at a checked offset. *later: its family is not known yet. */
static bool add_series(smx_reader *reader, uint64_t offset, uint64_t size, bool *damaged,
		       bool *later)
{
	const smx_layout_series *record =
		(const smx_layout_series *)(const void *)(reader->base + offset);
	struct reader_family *family = find_family(reader, record->family_offset);
	uint64_t key_size = record->key_size;
	struct reader_series *series;
	struct cursor cursor;
	smx_text *values;
	unsigned char *key;
	bool no_memory;

	*damaged = true;
	if (size < SMX_LAYOUT_SERIES_KEY || key_size > size - SMX_LAYOUT_SERIES_KEY)
		return true;
	if (!family) {
		*later = true;
		return true;
	}
	key = copy_key(reader, offset + SMX_LAYOUT_SERIES_KEY, key_size, &no_memory);
	if (!key)
		return !no_memory;
	series = allocate(reader, sizeof *series);
	values = allocate(reader, family->view.label_count * sizeof *values + 1);
	if (!series || !values)
		return false;
	memset(series, 0, sizeof *series);
	series->cells = smx_read_acquire(&record->cells_or_gauge);
	series->view.id = offset;
	series->view.family = &family->view;
	series->view.label_values = values;
	series->view.created_unix_ns = record->created_unix_ns;
	series->view.overflow = record->flags & SMX_SERIES_OVERFLOW;
	cursor = (struct cursor){key, key_size};
	if (!take_texts(&cursor, family->view.label_count, SMX_LAYOUT_LABEL_VALUE_MAX, values))
		return true;
	if (family->view.kind == SMX_GAUGE ? series->cells >= SMX_LAYOUT_GAUGE_MAX
					   : !cells_are_sound(reader, &family->view, series->cells))
		return true;
	*damaged = false;
	return append_series(reader, family, series);
}

/* ---- the walk ---- */

/* A record the index leads to. False: no memory. */
static bool visit_record(smx_reader *reader, uint64_t offset, uint32_t type)
{
	const smx_layout_record *record;
	bool damaged = true, later = false, enough = true;
	uint8_t *seen;
	uint64_t size;

	if (!reader_in_arena(reader, offset, SMX_LAYOUT_ALIGNMENT, SMX_LAYOUT_ALIGNMENT)) {
		reader->info.damaged_count++;
		return true;
	}
	seen = &reader->seen[offset / SMX_LAYOUT_ALIGNMENT];
	if (*seen == SEEN_GOOD)
		return true;
	record = (const smx_layout_record *)(const void *)(reader->base + offset);
	size = record->size;
	if (*seen == SEEN_NOT && record->self_offset == offset &&
	    size % SMX_LAYOUT_ALIGNMENT == 0 && size >= SMX_LAYOUT_ALIGNMENT &&
	    reader_in_arena(reader, offset, size, SMX_LAYOUT_ALIGNMENT)) {
		if (record->type == SMX_RECORD_FAMILY && type == SMX_RECORD_FAMILY)
			enough = add_family(reader, offset, size, &damaged);
		else if (record->type == SMX_RECORD_TEXT && type == SMX_RECORD_FAMILY)
			damaged = false; /* looked at through the families */
		else if (record->type == SMX_RECORD_SERIES && type == SMX_RECORD_SERIES)
			enough = add_series(reader, offset, size, &damaged, &later);
	}
	if (later || !enough) /* the family was published after this walk had passed it */
		return enough;
	*seen = damaged ? SEEN_DAMAGED : SEEN_GOOD;
	if (damaged)
		reader->info.damaged_count++;
	return true;
}

/* `bits` of the hash are left below these words. False: no memory. */
static bool visit_words(smx_reader *reader, uint64_t offset, unsigned count, unsigned bits,
			uint32_t type)
{
	const uint64_t *words = (const uint64_t *)(const void *)(reader->base + offset);

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = smx_read_acquire(&words[i]);

		if (!value)
			continue;
		if (!(value & SMX_LAYOUT_NODE_TAG)) {
			if (!visit_record(reader, value, type))
				return false;
			continue;
		}
		value &= ~SMX_LAYOUT_NODE_TAG;
		if (bits < SMX_LAYOUT_NODE_BITS || reader->node_budget == 0 ||
		    !reader_in_arena(reader, value, sizeof(smx_layout_node),
				     SMX_LAYOUT_ALIGNMENT)) {
			reader->info.damaged_count++;
			continue;
		}
		reader->node_budget--;
		if (!visit_words(reader, value, 1u << SMX_LAYOUT_NODE_BITS,
				 bits - SMX_LAYOUT_NODE_BITS, type))
			return false;
	}
	return true;
}

bool reader_index_walk(smx_reader *reader)
{
	reader->node_budget = reader->limit / sizeof(smx_layout_node);
	if (!visit_words(reader, reader->family_root, 1u << SMX_LAYOUT_FAMILY_ROOT_BITS,
			 64 - SMX_LAYOUT_FAMILY_ROOT_BITS, SMX_RECORD_FAMILY) ||
	    !visit_words(reader, reader->series_root, 1u << SMX_LAYOUT_SERIES_ROOT_BITS,
			 64 - SMX_LAYOUT_SERIES_ROOT_BITS, SMX_RECORD_SERIES))
		return false;
	for (size_t i = 0; i < reader->family_count; i++)
		if (!read_help(reader, reader->families[i]))
			return false;
	return true;
}

void reader_index_free(smx_reader *reader)
{
	for (size_t i = 0; i < reader->family_count; i++) {
		free(reader->families[i]->series);
		free(reader->families[i]->help);
		free(reader->families[i]->copy);
		free(reader->families[i]);
	}
	free(reader->families);
	free(reader->by_offset);
	free(reader->by_name);
	while (reader->chunks) {
		struct reader_chunk *next = reader->chunks->next;

		free(reader->chunks);
		reader->chunks = next;
	}
}
