/* SPDX-License-Identifier: MIT */
/*
 * removal.c - a series is removed, comes back, is reset
 *
 *  W1. One word of the record decides, and each of the three is one compare-and-swap of it. A
 *      process killed before it has changed nothing that is served; after it, all is done.
 *  W2. Whoever follows the word of a new incarnation finds cells that held nothing when the word
 *      led to them: they are set to zero by one process, which has taken them from the series'
 *      spares, before the compare-and-swap (a release) that publishes them. Two processes never
 *      have one spare: it is taken by a compare-and-swap of the stack's word, whose count of
 *      changes tells apart two moments with the same top.
 *  W3. Cells are set to zero only when no word leads to them, so what is counted under an
 *      incarnation is never taken away from it. A writer that read the word before and adds after
 *      adds to whichever incarnation has those cells then: it happened then. A pair stays a pair:
 *      it is set to zero by a 16-byte compare-and-swap.
 *  W4. removal_begun is raised before anything, and removal_epoch after everything. A reader that
 *      has read cells and then finds removal_begun where it was when the two were equal knows that
 *      nobody has begun to set them to zero. If a process was killed in between, the two are never
 *      equal again: readers then look at the words each time, which is slower and as right.
 *  W5. Cells stay with their series, and a set goes back to the spares with each change, lost or
 *      won: a series has at most one set more than processes that were changing it at once, and one
 *      for each that was killed while it did.
 *  W6. Time stamps tell incarnations apart by since_ns, raised before the word changes. The time
 *      was read before the word that is compared: so if another was quicker, whatever was recorded
 *      since is later than it. A process killed in between has raised it under a series that is
 *      removed, or was to be reset anyway.
 */
#include "arena.h"
#include "index.h"
#include "intern.h"
#include "labels.h"
#include "platform.h"
#include "slot.h"
#include "stripe.h"

/* ---- announcing ---- */

/* Relaxed: what follows is a compare-and-swap with release, and is not seen before it. */
static void begin(smx_layout_header *header)
{
	smx_add(&header->removal_begun, 1);
}

static void finish(smx_layout_header *header)
{
	smx_publish_count(&header->removal_epoch);
}

/* ---- spares ---- */

static uint64_t next_top(uint64_t top, uint64_t offset)
{
	return ((top & ~SMX_LAYOUT_PLACE_MASK) + (UINT64_C(1) << SMX_LAYOUT_PLACE_BITS)) | offset;
}

static uint64_t offset_of(const struct smx_segment *segment, const void *at)
{
	return (uint64_t)((const char *)at - smx_base(segment));
}

static void put_spare(struct smx_segment *segment, smx_layout_series *series,
		      smx_layout_spare *spare)
{
	uint64_t top = smx_read_relaxed(&series->spares);

	do
		smx_store_relaxed(&spare->next, smx_word_target(top));
	while (!smx_publish_if(&series->spares, &top, next_top(top, offset_of(segment, spare))));
}

/* Cells that nobody has seen. NULL: no room, counted. */
static smx_layout_spare *make_spare(struct smx_segment *segment, unsigned count)
{
	uint64_t cells = smx_arena_cells(segment, count), offset = 0;
	smx_layout_spare *spare;

	if (cells)
		offset = smx_arena_reserve(segment, sizeof *spare);
	if (!offset) {
		if (cells)
			smx_arena_return_cells(segment, cells, count);
		return NULL;
	}
	spare = smx_at(segment, offset);
	spare->cells = cells;
	return spare;
}

static void clear_cells(smx_layout_series *series, uint64_t cells, unsigned count)
{
	for (uint64_t stripe = 0; stripe <= series->stripe_mask; stripe++) {
		for (unsigned i = 0; i < count; i++) {
			smx_layout_cell *cell = smx_cell_place(series, cells, i, stripe);
			smx_pair seen = smx_pair_guess(cell), zero = {0, smx_bits(0.0)};

			while (!smx_pair_swap(cell, &seen, zero))
				;
		}
	}
}

/* Cells of this process alone, all zero. NULL: no room, counted. */
static smx_layout_spare *take_spare(struct smx_segment *segment, smx_layout_series *series,
				    unsigned count)
{
	uint64_t top = smx_read_acquire(&series->spares);

	while (smx_word_target(top)) {
		smx_layout_spare *spare = smx_at(segment, smx_word_target(top));
		/* If another has taken this one meanwhile, it is wrong, and the swap fails. */
		uint64_t next = smx_read_relaxed(&spare->next);

		if (smx_publish_if(&series->spares, &top, next_top(top, next))) {
			clear_cells(series, spare->cells, count);
			return spare;
		}
	}
	return make_spare(segment, count);
}

/* ---- a new incarnation ---- */

enum renewal { RENEWED, CHANGED, NO_ROOM };

static smx_layout_family *family_of(const struct smx_segment *segment,
				    const smx_layout_series *series)
{
	return smx_at(segment, series->family_offset);
}

/*
 * From this word to its next incarnation, which holds nothing. asked_ns: CLOCK_MONOTONIC before the
 * word was read. CHANGED: another was quicker, *word is what is there.
 */
static enum renewal renew(struct smx_segment *segment, smx_layout_series *series, uint64_t *word,
			  uint64_t asked_ns)
{
	uint64_t before = smx_word_target(*word), target = before;
	smx_layout_spare *spare = NULL;
	bool renewed;

	begin(segment->header);
	if (series->kind == SMX_INFO) {
		target = smx_intern(segment, (smx_text){"", 0});
	} else if (!smx_kind_is_gauge(series->kind)) {
		spare = take_spare(segment, series,
				   smx_family_cell_count(family_of(segment, series)));
		target = spare ? spare->cells : 0;
	}
	if (!target) {
		finish(segment->header);
		return NO_ROOM;
	}
	if (smx_mode_is_stamped(series->mode))
		smx_raise(&series->since_ns, asked_ns); /* W6 */
	smx_raise(&series->created_unix_ns, smx_platform_unix_ns());
	renewed = smx_publish_if(&series->cells_or_gauge, word, smx_word_next(*word, target));
	if (spare && renewed)
		spare->cells = before;
	if (spare)
		put_spare(segment, series, spare);
	finish(segment->header);
	return renewed ? RENEWED : CHANGED;
}

bool smx_series_bring_back(struct smx_segment *segment, smx_layout_series *series)
{
	uint64_t asked_ns, word = smx_word_of(series);

	while (word & SMX_WORD_REMOVED) {
		asked_ns = smx_platform_monotonic_ns();
		word = smx_word_of(series);
		if (!(word & SMX_WORD_REMOVED))
			break;
		switch (renew(segment, series, &word, asked_ns)) {
		case RENEWED:
			return true;
		case CHANGED:
			break;
		case NO_ROOM: /* unless another had some */
			return !(smx_word_of(series) & SMX_WORD_REMOVED);
		}
	}
	return true;
}

void smx_series_reset(struct smx_series_record *impl)
{
	smx_layout_series *series = smx_series_of(impl);
	struct smx_segment *segment;
	uint64_t asked_ns, first, word;

	if (!series || (series->flags & SMX_SERIES_OVERFLOW))
		return;
	segment = smx_segment_at(smx_base_of(&series->record));
	asked_ns = smx_platform_monotonic_ns();
	word = first = smx_word_of(series);
	/* Who finds it removed or of a later incarnation has nothing left to take away. */
	while (!(word & SMX_WORD_REMOVED) && smx_word_same_incarnation(word, first)) {
		switch (renew(segment, series, &word, asked_ns)) {
		case RENEWED:
			if (smx_kind_is_gauge(series->kind))
				smx_slot_start(segment, series);
			return;
		case CHANGED:
			break;
		case NO_ROOM:
			return;
		}
	}
}

/* ---- removing ---- */

/* True: this call removed it. */
static bool remove_series(struct smx_segment *segment, smx_layout_series *series)
{
	uint64_t word = smx_word_of(series);
	bool removed = false;

	if ((series->flags & SMX_SERIES_OVERFLOW) || (word & SMX_WORD_REMOVED))
		return false;
	begin(segment->header);
	while (!removed && !(word & SMX_WORD_REMOVED))
		removed = smx_publish_if(&series->cells_or_gauge, &word, word | SMX_WORD_REMOVED);
	finish(segment->header);
	return removed;
}

bool smx_series_remove(struct smx_family_record *impl, const smx_text *values)
{
	smx_layout_family *family = smx_family_of(impl);
	smx_layout_series *series;

	if (!family || family->label_count == 0)
		return false;
	series = smx_series_known(family, values);
	return series && remove_series(smx_segment_at(smx_base_of(&family->record)), series);
}

struct matching {
	struct smx_segment *segment;
	const smx_layout_family *family;
	bool wanted[SMX_LAYOUT_LABEL_MAX];
	unsigned char key[SMX_LABELS_KEY_MAX]; /* of the wanted values alone */
	size_t removed;
};

/* Whether the values of a series are the wanted ones where there is one. */
static bool matches(const struct matching *matching, const smx_layout_series *series)
{
	const unsigned char *at = (const unsigned char *)series + SMX_LAYOUT_SERIES_KEY;
	const unsigned char *wanted = matching->key;

	for (unsigned i = 0; i < matching->family->label_count; i++) {
		uint16_t length;
		size_t size;

		memcpy(&length, at, sizeof length);
		size = sizeof length + length;
		if (matching->wanted[i]) {
			if (memcmp(at, wanted, sizeof length) != 0 || memcmp(at, wanted, size) != 0)
				return false;
			wanted += size;
		}
		at += size;
	}
	return true;
}

static void remove_if_matching(smx_layout_record *record, void *data)
{
	smx_layout_series *series = (smx_layout_series *)(void *)record;
	struct matching *matching = data;

	if (series->family_offset == matching->family->record.self_offset &&
	    matches(matching, series))
		matching->removed += remove_series(matching->segment, series);
}

size_t smx_series_remove_matching(struct smx_family_record *impl, const smx_text *values)
{
	struct matching matching = {.family = smx_family_of(impl)};
	size_t size = 0;

	if (!matching.family || matching.family->label_count == 0)
		return 0;
	matching.segment = smx_segment_at(smx_base_of(&matching.family->record));
	for (unsigned i = 0; values && i < matching.family->label_count; i++) {
		matching.wanted[i] = values[i].data != NULL;
		if (matching.wanted[i] && !smx_labels_append(matching.key, &size, values[i]))
			return 0; /* a value that no series can have */
	}
	smx_index_each(matching.segment, smx_index_series(matching.segment), remove_if_matching,
		       &matching);
	return matching.removed;
}

bool smx_series_is_removed(const struct smx_series_record *series)
{
	const smx_layout_series *record = (const smx_layout_series *)(const void *)series;

	return record && (smx_read_relaxed(&record->cells_or_gauge) & SMX_WORD_REMOVED) != 0;
}
