/* SPDX-License-Identifier: MIT */
/*
 * series.c - finding the series of given label values, making it if it is new
 *
 * A look-up never fails and never blocks. Beyond a cap, without room, or with values that cannot be
 * kept it gives the family's overflow series, which was made with the family. A series that was
 * removed comes back (removal.c).
 */
#include "series.h"

#include "arena.h"
#include "error.h"
#include "index.h"
#include "intern.h"
#include "labels.h"
#include "platform.h"
#include "slot.h"

#define OVERFLOW_VALUE "_overflow"

/* The hash is over the family's offset and the key, so they lie together. */
struct series_key {
	smx_layout_family *family;
	uint32_t flags;
	uint64_t cells; /* reserved by make_series, with a place under the caps; 0: nothing was */
	size_t size;
	unsigned char bytes[sizeof(uint64_t) + SMX_LABELS_KEY_MAX];
};

static bool same_series(const struct smx_index_key *key, const smx_layout_record *record)
{
	const smx_layout_series *series = (const smx_layout_series *)(const void *)record;
	const struct series_key *wanted = key->data;

	return series->family_offset == wanted->family->record.self_offset &&
	       series->key_size == wanted->size &&
	       memcmp((const char *)series + SMX_LAYOUT_SERIES_KEY,
		      wanted->bytes + sizeof(uint64_t), wanted->size) == 0;
}

/* Takes one of the places that a cap allows. */
static bool take_place(uint64_t *count, uint64_t max)
{
	if (smx_fetch_add(count, 1) < max)
		return true;
	smx_add(count, UINT64_MAX);
	return false;
}

static bool take_places(struct smx_segment *segment, const struct series_key *wanted)
{
	smx_layout_family *family = wanted->family;

	if (wanted->flags & SMX_SERIES_OVERFLOW)
		return true;
	if (family->label_count == 0) { /* its one series came with the definition */
		smx_add(&family->series_count, 1);
		smx_add(&segment->header->series_count, 1);
		return true;
	}
	if (!take_place(&family->series_count, family->series_max)) {
		smx_dropped(segment->header, SMX_DROP_FAMILY_CAP);
		return false;
	}
	if (!take_place(&segment->header->series_count, segment->header->series_max)) {
		smx_add(&family->series_count, UINT64_MAX);
		smx_dropped(segment->header, SMX_DROP_SERIES_CAP);
		return false;
	}
	return true;
}

/*
 * The series' cells, its gauge number, which is never 0: the first is a family's, or the empty
 * label set of an info. 0: no room.
 */
static uint64_t reserve_cells(struct smx_segment *segment, const smx_layout_family *family)
{
	uint64_t gauge;

	if (family->kind == SMX_INFO)
		return smx_intern(segment, (smx_text){"", 0});
	if (!smx_kind_is_gauge(family->kind))
		return smx_arena_cells(segment, smx_family_cell_count(family));
	gauge = smx_fetch_add(&segment->header->gauge_next, 1);
	if (gauge < SMX_LAYOUT_GAUGE_MAX) {
		/* Seen by whoever sees the series, which is published after it. */
		if (smx_mode_fold(family->mode))
			smx_set_bits(&segment->header->fold_blocks,
				     UINT64_C(1) << smx_slot_block((uint32_t)gauge));
		return gauge;
	}
	smx_add(&segment->header->gauge_next, UINT64_MAX);
	smx_dropped(segment->header, SMX_DROP_SEGMENT_FULL);
	return 0;
}

/*
 * What was taken for a series that is not made after all. Cells stay unused unless they were last.
 */
static void give_back(struct smx_segment *segment, const struct series_key *wanted, uint64_t cells)
{
	uint64_t next = cells + 1;

	if (cells && smx_kind_is_gauge(wanted->family->kind))
		smx_publish_if(&segment->header->gauge_next, &next, cells);
	else if (cells && wanted->family->kind != SMX_INFO) /* a text stays */
		smx_arena_return_cells(segment, cells, smx_family_cell_count(wanted->family));
	if (wanted->flags & SMX_SERIES_OVERFLOW)
		return;
	smx_add(&wanted->family->series_count, UINT64_MAX);
	smx_add(&segment->header->series_count, UINT64_MAX);
}

static uint64_t make_series(struct smx_segment *segment, const struct smx_index_key *key)
{
	struct series_key *wanted = key->data;
	const smx_layout_family *family = wanted->family;
	uint64_t offset = 0, cells;
	smx_layout_series *series;

	if (!take_places(segment, wanted))
		return 0;
	cells = reserve_cells(segment, family);
	if (cells)
		offset = smx_arena_reserve(segment, key->record_size);
	if (!offset) {
		give_back(segment, wanted, cells);
		return 0;
	}
	wanted->cells = cells;
	series = smx_at(segment, offset);
	series->record = (smx_layout_record){SMX_RECORD_SERIES, (uint32_t)key->record_size,
					     key->hash, offset};
	series->family_offset = family->record.self_offset;
	series->cells_or_gauge = cells;
	series->stripe_mask = family->stripe_count - 1;
	series->flags = wanted->flags;
	series->kind = family->kind;
	series->mode = family->mode;
	series->key_size = (uint32_t)wanted->size;
	series->created_unix_ns = smx_platform_unix_ns();
	memcpy((char *)series + SMX_LAYOUT_SERIES_KEY, wanted->bytes + sizeof(uint64_t),
	       wanted->size);
	return offset;
}

static inline struct smx_index_key key_of(struct smx_segment *segment, struct series_key *wanted)
{
	struct smx_index_key key = {.same = same_series, .make = make_series, .data = wanted};

	memcpy(wanted->bytes, &wanted->family->record.self_offset, sizeof(uint64_t));
	key.hash = smx_index_hash(wanted->bytes, sizeof(uint64_t) + wanted->size,
				  segment->header->hash_seed);
	key.record_size = (SMX_LAYOUT_SERIES_KEY + wanted->size + SMX_LAYOUT_ALIGNMENT - 1) &
			  ~(uint64_t)(SMX_LAYOUT_ALIGNMENT - 1);
	return key;
}

static smx_layout_series *add(struct smx_segment *segment, struct series_key *wanted)
{
	struct smx_index_key key = key_of(segment, wanted);
	struct smx_index_root root = smx_index_series(segment);
	smx_layout_record *record;
	smx_layout_series *series;
	bool made = false;

	record = smx_index_find(segment, root, &key);
	if (!record)
		record = smx_index_add(segment, root, &key, &made);
	if (!made && wanted->cells) /* another was quicker */
		give_back(segment, wanted, wanted->cells);
	if (!record) /* the last place may have been taken for the very same series */
		record = smx_index_find(segment, root, &key);
	series = (smx_layout_series *)(void *)record;
	if (series && (smx_word_of(series) & SMX_WORD_REMOVED) &&
	    !smx_series_bring_back(segment, series))
		return NULL;
	/* A gauge series exists for a process once it has looked it up: from 0. */
	if (series && smx_kind_is_gauge(series->kind) && !(wanted->flags & SMX_SERIES_OVERFLOW))
		smx_slot_start(segment, series);
	return series;
}

static smx_layout_series *overflow_of(smx_layout_family *family)
{
	char *base = smx_base_of(&family->record);
	uint64_t offset = smx_read_acquire(&family->overflow_offset);
	smx_layout_series *series = offset ? (smx_layout_series *)(void *)(base + offset) : NULL;

	if (series && smx_kind_is_gauge(series->kind))
		smx_slot_start(smx_segment_at(base), series);
	return series;
}

void smx_series_overflow(struct smx_segment *segment, smx_layout_family *family)
{
	struct series_key wanted;
	smx_layout_series *series;
	smx_text value = {OVERFLOW_VALUE, sizeof OVERFLOW_VALUE - 1};
	uint64_t none = 0;

	if (smx_read_acquire(&family->overflow_offset))
		return;
	wanted.family = family;
	wanted.flags = SMX_SERIES_OVERFLOW;
	wanted.cells = 0;
	wanted.size = 0;
	for (unsigned i = 0; i < family->label_count; i++)
		smx_labels_append(wanted.bytes + sizeof(uint64_t), &wanted.size, value);
	series = add(segment, &wanted);
	if (series)
		smx_publish_if(&family->overflow_offset, &none, series->record.self_offset);
}

/* False: a value that cannot be kept. */
static bool want(struct series_key *wanted, smx_layout_family *family, const smx_text *values)
{
	wanted->family = family;
	wanted->flags = 0;
	wanted->cells = 0;
	wanted->size = 0;
	for (unsigned i = 0; i < family->label_count; i++) {
		if (!values ||
		    !smx_labels_append(wanted->bytes + sizeof(uint64_t), &wanted->size, values[i]))
			return false;
	}
	return true;
}

smx_layout_series *smx_series_find(smx_layout_family *family, const smx_text *values)
{
	struct series_key wanted;
	struct smx_segment *segment;
	smx_layout_series *series;

	if (!family)
		return NULL;
	segment = smx_segment_at(smx_base_of(&family->record));
	if (!want(&wanted, family, values)) {
		smx_dropped(segment->header, SMX_DROP_LABEL);
		return overflow_of(family);
	}
	series = add(segment, &wanted);
	return series ? series : overflow_of(family);
}

smx_layout_series *smx_series_known(smx_layout_family *family, const smx_text *values)
{
	struct smx_segment *segment = smx_segment_at(smx_base_of(&family->record));
	struct series_key wanted;
	struct smx_index_key key;
	smx_layout_record *record;

	if (!want(&wanted, family, values))
		return NULL;
	key = key_of(segment, &wanted);
	record = smx_index_find(segment, smx_index_series(segment), &key);
	return (smx_layout_series *)(void *)record;
}

smx_layout_series *smx_series_find_strings(smx_layout_family *family, const char *const *values)
{
	smx_text texts[SMX_LAYOUT_LABEL_MAX];

	if (!family)
		return NULL;
	for (unsigned i = 0; values && i < family->label_count; i++)
		texts[i] =
			(smx_text){values[i] ? values[i] : "", values[i] ? strlen(values[i]) : 0};
	return smx_series_find(family, values ? texts : NULL);
}

/* ---- records that have nowhere to go ---- */

static uint64_t unrecorded_count;

void smx_series_unrecorded(void)
{
	smx_add(&unrecorded_count, 1);
}

smx_layout_series *smx_series_to_observe(struct smx_series_record *impl, double value)
{
	smx_layout_series *series = smx_series_of(impl);

	if (!series) {
		smx_series_unrecorded();
	} else if (value != value) {
		smx_dropped((smx_layout_header *)(void *)smx_base_of(&series->record),
			    SMX_DROP_NAN);
		return NULL;
	}
	return series;
}

uint64_t smx_unrecorded_count(void)
{
	return smx_read_relaxed(&unrecorded_count);
}
