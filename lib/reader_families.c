/* SPDX-License-Identifier: MIT */
/*
 * reader_families.c - the families that a reader knows, found by their offset and by their name
 *
 * Two open hash tables over one list. Those of one name are a group: one of them is served.
 */
#include "reader_internal.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Keyed: a file cannot be made so that its families fall together. */
static uint64_t hash_bytes(const smx_reader *reader, const void *bytes, size_t size)
{
	return XXH3_64bits_withSeed(bytes, size, reader->seed);
}

static uint64_t hash_offset(const smx_reader *reader, uint64_t offset)
{
	return hash_bytes(reader, &offset, sizeof offset);
}

struct reader_family *reader_find_family(const smx_reader *reader, uint64_t offset)
{
	size_t mask = reader->table_size - 1, at;

	if (!reader->table_size)
		return NULL;
	for (at = hash_offset(reader, offset) & mask; reader->by_offset[at]; at = (at + 1) & mask) {
		struct reader_family *family = reader->families[reader->by_offset[at] - 1];

		if (family->view.id == offset)
			return family;
	}
	return NULL;
}

static void enter_family(smx_reader *reader, size_t index)
{
	struct reader_family *family = reader->families[index];
	size_t mask = reader->table_size - 1, at = hash_offset(reader, family->view.id) & mask;

	while (reader->by_offset[at])
		at = (at + 1) & mask;
	reader->by_offset[at] = index + 1;
	family->group = index;
	for (at = hash_bytes(reader, family->view.name.data, family->view.name.size) & mask;
	     reader->by_name[at]; at = (at + 1) & mask) {
		const smx_text *name = &reader->families[reader->by_name[at] - 1]->view.name;

		if (name->size == family->view.name.size &&
		    memcmp(name->data, family->view.name.data, name->size) == 0) {
			family->group = reader->by_name[at] - 1;
			return;
		}
	}
	reader->by_name[at] = index + 1;
}

/* The tables are at most half full. */
bool reader_reserve_family(smx_reader *reader)
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

void reader_enter_family(smx_reader *reader, struct reader_family *family)
{
	reader->families[reader->family_count] = family;
	enter_family(reader, reader->family_count++);
}

void reader_free_family(struct reader_family *family)
{
	if (!family)
		return;
	free(family->series);
	free(family->help);
	free(family->totals);
	free(family->stamps_ns);
	free(family->runs);
	free(family);
}

void reader_families_free(smx_reader *reader)
{
	for (size_t i = 0; i < reader->family_count; i++)
		reader_free_family(reader->families[i]);
	free(reader->families);
	free(reader->by_offset);
	free(reader->by_name);
}
