/* SPDX-License-Identifier: MIT */
/*
 * intern.c - texts as records of the segment, each there once
 *
 * Whoever gives the same text again gets the record that is there: a text that is set for ever
 * takes no more room than once.
 */
#include "intern.h"

#include "arena.h"
#include "index.h"

static bool same_text(const struct smx_index_key *key, const smx_layout_record *record)
{
	const smx_layout_text *text = (const smx_layout_text *)(const void *)record;
	const smx_text *wanted = key->data;

	return record->type == SMX_RECORD_TEXT && text->text_size == wanted->size &&
	       memcmp(text + 1, wanted->data, wanted->size) == 0;
}

static uint64_t make_text(struct smx_segment *segment, const struct smx_index_key *key)
{
	const smx_text *wanted = key->data;
	uint64_t offset = smx_arena_reserve(segment, key->record_size);
	smx_layout_text *text;

	if (!offset)
		return 0;
	text = smx_at(segment, offset);
	text->record =
		(smx_layout_record){SMX_RECORD_TEXT, (uint32_t)key->record_size, key->hash, offset};
	text->text_size = (uint32_t)wanted->size;
	memcpy(text + 1, wanted->data, wanted->size);
	return offset;
}

uint64_t smx_intern(struct smx_segment *segment, smx_text text)
{
	struct smx_index_key key = {.same = same_text, .make = make_text, .data = &text};
	smx_layout_record *record;
	bool made;

	key.hash = smx_index_hash(text.data, text.size, segment->header->hash_seed + 1);
	key.record_size = smx_aligned(sizeof(smx_layout_text) + text.size);
	record = smx_index_add(segment, smx_index_families(segment), &key, &made);
	return record ? record->self_offset : 0;
}
