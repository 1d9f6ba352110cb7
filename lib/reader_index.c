/* SPDX-License-Identifier: MIT */
/*
 * reader_index.c - the walk over the index: which records there are, and which are new
 */
#include "reader_internal.h"

#include <stdlib.h>

/* ---- the walk ---- */

/* What a record is, if the index of `type` may lead to it. */
static enum taken take_record(smx_reader *reader, uint64_t offset, uint32_t type)
{
	const smx_layout_record *record =
		(const smx_layout_record *)(const void *)(reader->base + offset);
	uint64_t size = smx_read_u32(&record->size);
	uint32_t is = smx_read_u32(&record->type);

	if (smx_read_relaxed(&record->self_offset) != offset || size % SMX_LAYOUT_ALIGNMENT != 0 ||
	    size < SMX_LAYOUT_ALIGNMENT)
		return TAKEN_DAMAGED;
	if (!reader_in_arena(reader, offset, size, SMX_LAYOUT_ALIGNMENT)) {
		if (!reader_is_ahead(reader, offset, size))
			return TAKEN_DAMAGED;
		reader->is_cut = true;
		return TAKEN_LATER;
	}
	if (is == SMX_RECORD_FAMILY && type == SMX_RECORD_FAMILY)
		return reader_add_family(reader, offset, size);
	if (is == SMX_RECORD_HEALTH && type == SMX_RECORD_FAMILY)
		return reader_add_health(reader, offset, size);
	if (is == SMX_RECORD_TEXT && type == SMX_RECORD_FAMILY)
		return TAKEN; /* looked at through the families */
	if (is == SMX_RECORD_SERIES && type == SMX_RECORD_SERIES)
		return reader_add_series(reader, offset, size);
	return TAKEN_DAMAGED;
}

/* A record met for the first time. False: no memory. */
static bool take_in(smx_reader *reader, uint64_t offset, uint32_t type)
{
	uint8_t *seen = &reader->seen[offset / SMX_LAYOUT_ALIGNMENT];
	bool again = *seen == SEEN_ONCE;

	if (*seen == SEEN_GOOD || *seen == SEEN_DAMAGED) /* two words lead to it */
		return true;
	switch (take_record(reader, offset, type)) {
	case TAKEN:
		*seen = SEEN_GOOD;
		return true;
	case TAKEN_DAMAGED:
		*seen = SEEN_DAMAGED;
		reader->info.damaged_count++;
		return true;
	case TAKEN_LATER:
		return true;
	case TAKEN_ORPHAN:
		/*
		 * Its family is published before it, but may have come after this walk had passed
		 * its place: the next one finds it. Unless that is cut: a new node holds what it
		 * replaces, so with it a family that is older than the limit is out of reach.
		 */
		again = again && !reader->is_cut;
		*seen = again ? SEEN_DAMAGED : SEEN_ONCE;
		reader->info.damaged_count += again;
		return true;
	case TAKEN_NO_MEMORY:
		break;
	}
	return false;
}

static int by_offset(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/*
 * Takes in what is new as it lies in the file, not in the order of the hashes: every later scrape
 * then reads cells and texts from front to back.
 */
static bool take_in_fresh(smx_reader *reader, uint32_t type)
{
	bool enough = true;

	if (reader->fresh_count > 1)
		qsort(reader->fresh, reader->fresh_count, sizeof *reader->fresh, by_offset);
	for (size_t i = 0; i < reader->fresh_count && enough; i++)
		enough = take_in(reader, reader->fresh[i], type);
	reader->fresh_count = 0;
	return enough;
}

/* A record the index leads to. False: no memory. */
static bool visit_record(smx_reader *reader, uint64_t offset)
{
	uint8_t seen = SEEN_DAMAGED;

	if (reader_in_arena(reader, offset, SMX_LAYOUT_ALIGNMENT, SMX_LAYOUT_ALIGNMENT))
		seen = reader->seen[offset / SMX_LAYOUT_ALIGNMENT];
	else if (reader_is_ahead(reader, offset, SMX_LAYOUT_ALIGNMENT))
		return reader->is_cut = true;
	if (seen == SEEN_GOOD)
		return true;
	if (seen == SEEN_DAMAGED) {
		reader->info.damaged_count++;
		return true;
	}
	if (reader->fresh_count == reader->fresh_capacity) {
		size_t capacity = reader->fresh_capacity ? reader->fresh_capacity * 2 : 256;
		uint64_t *fresh = realloc(reader->fresh, capacity * sizeof *fresh);

		if (!fresh)
			return false;
		reader->fresh = fresh;
		reader->fresh_capacity = capacity;
	}
	reader->fresh[reader->fresh_count++] = offset;
	return true;
}

/*
 * Whether a node is to be visited, of which `bits` of the hash are left: each once a walk, so that
 * the walk ends however the words lead.
 */
static bool may_visit_node(smx_reader *reader, uint64_t offset, unsigned bits)
{
	uint8_t *seen;

	if (!reader_in_arena(reader, offset, sizeof(smx_layout_node), SMX_LAYOUT_ALIGNMENT)) {
		if (reader_is_ahead(reader, offset, sizeof(smx_layout_node)))
			reader->is_cut = true;
		else
			reader->info.damaged_count++;
		return false;
	}
	seen = &reader->seen[offset / SMX_LAYOUT_ALIGNMENT];
	if (bits < SMX_LAYOUT_NODE_BITS || *seen == reader->mark ||
	    (*seen != SEEN_NOT && *seen < SEEN_NODE)) {
		reader->info.damaged_count++;
		return false;
	}
	*seen = reader->mark;
	return true;
}

/* `bits` of the hash are left below these words. False: no memory. */
static bool visit_words(smx_reader *reader, uint64_t offset, unsigned count, unsigned bits)
{
	const uint64_t *words = (const uint64_t *)(const void *)(reader->base + offset);

	for (unsigned i = 0; i < count; i++) {
		uint64_t value = smx_read_acquire(&words[i]);

		if (!value)
			continue;
		if (!(value & SMX_LAYOUT_NODE_TAG)) {
			if (!visit_record(reader, value))
				return false;
			continue;
		}
		value &= ~SMX_LAYOUT_NODE_TAG;
		if (!may_visit_node(reader, value, bits))
			continue;
		if (!visit_words(reader, value, 1u << SMX_LAYOUT_NODE_BITS,
				 bits - SMX_LAYOUT_NODE_BITS))
			return false;
	}
	return true;
}

/* ---- what is new ---- */

static const smx_layout_header *header_of(const smx_reader *reader)
{
	return (const smx_layout_header *)(const void *)reader->base;
}

/*
 * The header counts series that are reserved or published. Where that is what was found, none was
 * pending, and none has come since while the number has not changed. After a writer was killed in
 * between it is never so, and every walk looks at the whole index.
 */
static bool are_series_known(const smx_reader *reader)
{
	return reader->are_series_complete &&
	       smx_read_acquire(&header_of(reader)->series_count) == reader->counted_series &&
	       reader->family_count == reader->counted_families;
}

static void count_series(smx_reader *reader, uint64_t counted)
{
	reader->counted_series = counted;
	reader->counted_families = reader->family_count;
	reader->are_series_complete = reader->info.damaged_count == 0 &&
				      reader->info.series_count - reader->overflow_count == counted;
	for (size_t i = 0; i < reader->family_count; i++)
		if (reader->families[i]->view.label_count > reader->added_count &&
		    !smx_read_acquire(&reader->families[i]->record->overflow_offset))
			reader->are_series_complete = false;
}

/*
 * Everything below a root. visits: how often this root was visited: nodes carry the mark of their
 * root's last visit, or none. False: no memory.
 */
static bool visit_root(smx_reader *reader, uint64_t root, unsigned root_bits, uint64_t *visits,
		       uint32_t type)
{
	reader->mark = (uint8_t)(SEEN_NODE | (++*visits % SEEN_NODE));
	return visit_words(reader, root, 1u << root_bits, 64 - root_bits) &&
	       take_in_fresh(reader, type);
}

static bool walk_series(smx_reader *reader)
{
	uint64_t counted = smx_read_acquire(&header_of(reader)->series_count);

	if (!visit_root(reader, reader->series_root, SMX_LAYOUT_SERIES_ROOT_BITS,
			&reader->series_visits, SMX_RECORD_SERIES))
		return false;
	count_series(reader, counted);
	return true;
}

bool reader_index_walk(smx_reader *reader)
{
	reader->is_cut = false;
	if (!visit_root(reader, reader->family_root, SMX_LAYOUT_FAMILY_ROOT_BITS,
			&reader->family_visits, SMX_RECORD_FAMILY))
		return false;
	if (!are_series_known(reader) && !walk_series(reader))
		return false;
	for (size_t i = 0; i < reader->family_count; i++)
		if (!reader_read_help(reader, reader->families[i]))
			return false;
	return true;
}

void reader_index_free(smx_reader *reader)
{
	free(reader->fresh);
	reader_healths_free(reader);
	reader_records_free(reader);
}
