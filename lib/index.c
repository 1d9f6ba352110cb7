/* SPDX-License-Identifier: MIT */
/*
 * index.c - the insert-only trie of layout.h
 *
 *  X1. A key is published once: all who add it meet at the same word, and a word changes by
 *      compare-and-swap. Who loses looks again at what stands there now, and finds the winner's
 *      record.
 *  X2. A record that can be found stays findable, at every moment: the node that takes its word's
 *      place holds it.
 *  X3. A process killed anywhere leaks at most one record and one node, and leaves no word that
 *      others wait for: nobody waits.
 *  X4. A look-up reads at most 1 + (64 - bits) / 4 words and one record's key.
 */
#include "index.h"

#include "arena.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert((64 - SMX_LAYOUT_FAMILY_ROOT_BITS) % SMX_LAYOUT_NODE_BITS == 0 &&
		       (64 - SMX_LAYOUT_SERIES_ROOT_BITS) % SMX_LAYOUT_NODE_BITS == 0,
	       "the nodes use up the bits of the hash evenly");

static const unsigned node_mask = (1u << SMX_LAYOUT_NODE_BITS) - 1;

uint64_t smx_index_hash(const void *bytes, size_t size, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, size, seed);
}

struct smx_index_root smx_index_families(const struct smx_segment *segment)
{
	uint64_t offset = segment->header->toc[SMX_TOC_FAMILY_ROOT].offset;

	return (struct smx_index_root){smx_at(segment, offset), SMX_LAYOUT_FAMILY_ROOT_BITS};
}

struct smx_index_root smx_index_series(const struct smx_segment *segment)
{
	uint64_t offset = segment->header->toc[SMX_TOC_SERIES_ROOT].offset;

	return (struct smx_index_root){smx_at(segment, offset), SMX_LAYOUT_SERIES_ROOT_BITS};
}

static uint64_t *child_word(const struct smx_segment *segment, uint64_t node, uint64_t hash,
			    unsigned shift)
{
	smx_layout_node *at = smx_at(segment, node & ~SMX_LAYOUT_NODE_TAG);

	return &at->words[(hash >> shift) & node_mask];
}

/*
 * The word where the key belongs: empty, or a record. *shift: how many bits of the hash are left
 * below it.
 */
static uint64_t *descend(const struct smx_segment *segment, uint64_t *word, uint64_t hash,
			 uint64_t *value, unsigned *shift)
{
	*value = smx_read_acquire(word);
	while (*value & SMX_LAYOUT_NODE_TAG) {
		*shift -= SMX_LAYOUT_NODE_BITS;
		word = child_word(segment, *value, hash, *shift);
		*value = smx_read_acquire(word);
	}
	return word;
}

smx_layout_record *smx_index_find(const struct smx_segment *segment, struct smx_index_root root,
				  const struct smx_index_key *key)
{
	unsigned shift = 64 - root.bits;
	uint64_t value;
	smx_layout_record *record;

	descend(segment, &root.words[key->hash >> shift], key->hash, &value, &shift);
	if (!value)
		return NULL;
	record = smx_at(segment, value);
	return record->hash == key->hash && key->same(key, record) ? record : NULL;
}

/*
 * Puts a node that holds `record` in its word's place; at least 4 bits of hash are left, as the
 * hashes differ. False: no room.
 */
static bool split(struct smx_segment *segment, uint64_t *word, uint64_t value, unsigned shift)
{
	const smx_layout_record *record = smx_at(segment, value);
	uint64_t node = smx_arena_reserve(segment, sizeof(smx_layout_node));

	if (!node)
		return false;
	*child_word(segment, node, record->hash, shift - SMX_LAYOUT_NODE_BITS) = value;
	if (!smx_publish_if(word, &value, node | SMX_LAYOUT_NODE_TAG))
		smx_arena_return(segment, node, sizeof(smx_layout_node));
	return true;
}

smx_layout_record *smx_index_add(struct smx_segment *segment, struct smx_index_root root,
				 struct smx_index_key *key, bool *made)
{
	unsigned shift = 64 - root.bits;
	uint64_t *word = &root.words[key->hash >> shift];
	uint64_t mine = 0, value;
	smx_layout_record *record = NULL;

	*made = false;
	for (;;) {
		word = descend(segment, word, key->hash, &value, &shift);
		if (!value) {
			if (!mine)
				mine = key->make(segment, key);
			if (!mine)
				return NULL;
			if (smx_publish_if(word, &value, mine)) {
				*made = true;
				return smx_at(segment, mine);
			}
			continue;
		}
		record = smx_at(segment, value);
		if (record->hash == key->hash) {
			if (!key->same(key, record)) {
				smx_dropped(segment->header, SMX_DROP_COLLISION);
				record = NULL;
			}
			break;
		}
		if (!split(segment, word, value, shift)) {
			record = NULL;
			break;
		}
	}
	if (mine)
		smx_arena_return(segment, mine, key->record_size);
	return record;
}

static void each_below(const struct smx_segment *segment, uint64_t *words, unsigned count,
		       void (*visit)(smx_layout_record *, void *), void *data)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t value = smx_read_acquire(&words[i]);

		if (value & SMX_LAYOUT_NODE_TAG)
			each_below(segment, smx_at(segment, value & ~SMX_LAYOUT_NODE_TAG),
				   1u << SMX_LAYOUT_NODE_BITS, visit, data);
		else if (value)
			visit(smx_at(segment, value), data);
	}
}

void smx_index_each(const struct smx_segment *segment, struct smx_index_root root,
		    void (*visit)(smx_layout_record *record, void *data), void *data)
{
	each_below(segment, root.words, 1u << root.bits, visit, data);
}
