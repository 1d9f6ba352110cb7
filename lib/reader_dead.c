/* SPDX-License-Identifier: MIT */
/*
 * reader_dead.c - what the dead have left, for the gauge modes that include them
 *
 * Nothing of this is done for a segment that has no such gauge.
 */
#include "reader_internal.h"

#include <stdlib.h>

static const smx_layout_slot *slot_at(const smx_reader *reader, uint64_t slot)
{
	return (const smx_layout_slot *)(const void *)(reader->base + reader->slots) + slot;
}

/* ---- the cells of all slots, whoever has them ---- */

/*
 * The block that a word leads to; NULL: none, or damage. All blocks together are no more than the
 * file has, so what is added up is bounded by it.
 */
static const smx_layout_gauge_cell *find_block(smx_reader *reader, const uint64_t *word,
					       unsigned block)
{
	uint64_t offset = smx_read_acquire(word);
	uint64_t size =
		((uint64_t)SMX_LAYOUT_GAUGE_BLOCK_FIRST << block) * sizeof(smx_layout_gauge_cell);

	if (!offset)
		return NULL;
	if (!reader_in_arena(reader, offset, size, SMX_LAYOUT_ALIGNMENT)) {
		if (!reader_is_ahead(reader, offset, size))
			reader->info.damaged_count++;
		return NULL;
	}
	if (size > reader->limit - reader->block_bytes) {
		reader->info.damaged_count++;
		return NULL;
	}
	reader->block_bytes += size;
	return (const smx_layout_gauge_cell *)(const void *)(reader->base + offset);
}

/* What a slot has more than the last time: the words of a directory are set once and stay. */
static void look_at_holder(smx_reader *reader, uint64_t slot, uint64_t gauges)
{
	struct reader_holder *holder = &reader->holders[slot];
	uint64_t offset = smx_read_acquire(&slot_at(reader, slot)->directory_offset);

	if (!offset)
		return;
	if (!holder->directory) {
		if (!reader_in_arena(reader, offset, sizeof *holder->directory,
				     SMX_LAYOUT_ALIGNMENT)) {
			if (!reader_is_ahead(reader, offset, sizeof *holder->directory))
				reader->info.damaged_count++;
			return;
		}
		holder->directory =
			(const smx_layout_directory *)(const void *)(reader->base + offset);
	}
	for (unsigned k = 0; k < SMX_LAYOUT_GAUGE_BLOCKS; k++) {
		if (SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((UINT64_C(1) << k) - 1) >= gauges)
			break;
		if (!holder->live[k])
			holder->live[k] = find_block(reader, &holder->directory->live[k], k);
		if (!holder->retired[k])
			holder->retired[k] = find_block(reader, &holder->directory->retired[k], k);
	}
}

static bool look_at_holders(smx_reader *reader, uint64_t used)
{
	const smx_layout_header *header = (const smx_layout_header *)(const void *)reader->base;
	uint64_t gauges = smx_read_acquire(&header->gauge_next);

	if (!reader->holders)
		reader->holders = calloc(reader->info.slot_max, sizeof *reader->holders);
	if (!reader->holders)
		return false;
	for (uint64_t slot = 0; slot < used; slot++)
		look_at_holder(reader, slot, gauges);
	reader->holder_count = used;
	return true;
}

/* ---- dead processes that are shown by themselves ---- */

/* Whether the slot stands for a dead owner that is kept; *writer says which (S5 in slot.c). */
static bool look_at_kept(const smx_reader *reader, uint32_t number, struct reader_writer *writer)
{
	const smx_layout_slot *slot = slot_at(reader, number);
	uint64_t generation = smx_read_acquire(&slot->generation);

	if (generation == 0 || reader->dead[number] != generation ||
	    !(smx_read_flags(&slot->flags) & SMX_SLOT_KEEP))
		return false;
	memset(&writer->view, 0, sizeof writer->view);
	writer->view.slot = number;
	writer->view.slot_generation = generation;
	writer->view.pid = smx_read_flags(&slot->pid);
	writer->view.claimed_monotonic_ns = smx_read_acquire(&slot->claimed_ns);
	return (smx_read_flags(&slot->flags) & SMX_SLOT_KEEP) &&
	       smx_read_acquire(&slot->generation) == generation;
}

static int newest_first(const void *left, const void *right)
{
	const smx_writer_view *a = &((const struct reader_writer *)left)->view;
	const smx_writer_view *b = &((const struct reader_writer *)right)->view;

	if (a->claimed_monotonic_ns != b->claimed_monotonic_ns)
		return a->claimed_monotonic_ns < b->claimed_monotonic_ns ? 1 : -1;
	return (a->slot > b->slot) - (a->slot < b->slot);
}

/* They stand behind the live writers: a slot is one or the other, so there is room for all. */
static void look_at_all_kept(smx_reader *reader, uint64_t used)
{
	struct reader_writer *kept = &reader->writers[reader->writer_count];
	size_t count = 0;

	for (uint32_t slot = 0; slot < used; slot++)
		count += reader->live[slot] != reader->walk &&
			 look_at_kept(reader, slot, &kept[count]);
	qsort(kept, count, sizeof *kept, newest_first);
	if (count > SMX_KEPT_MAX)
		count = SMX_KEPT_MAX;
	for (size_t i = 0; i < count; i++)
		reader_find_blocks(reader, &kept[i]);
	reader->kept_count = count;
}

bool reader_dead_walk(smx_reader *reader, uint64_t used)
{
	reader->kept_count = 0;
	if (reader->has_kept_modes)
		look_at_all_kept(reader, used);
	return !reader->has_folded_modes || look_at_holders(reader, used);
}
