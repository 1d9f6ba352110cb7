/* SPDX-License-Identifier: MIT */
/*
 * reader_internal.h - the reader's private model of a segment
 *
 * reader*.c share no code with the writers, which trust a segment; here every number that comes
 * from one is checked before it is used, once, and copied, so that a writer that changes it
 * afterwards changes nothing. What is read again and again (cells, slots, index words) is checked
 * each time.
 */
#ifndef SMX_READER_INTERNAL_H
#define SMX_READER_INTERNAL_H

#include "atomics.h"
#include "error.h"
#include "shmetrics/layout.h"
#include "shmetrics/reader.h"

/* A live process, and where its gauge cells are. */
struct reader_writer {
	smx_writer_view view;
	/* NULL: not there, or damaged */
	const smx_layout_gauge_cell *blocks[SMX_LAYOUT_GAUGE_BLOCKS];
};

/* Where the gauge cells of a slot are, whoever has it. NULL: not there, or damaged. */
struct reader_holder {
	const smx_layout_directory *directory;
	const smx_layout_gauge_cell *live[SMX_LAYOUT_GAUGE_BLOCKS];
	const smx_layout_gauge_cell *retired[SMX_LAYOUT_GAUGE_BLOCKS];
};

struct reader_series {
	smx_series_view view;
	uint32_t total;	 /* of gauges: index in its family's totals */
	bool word_known; /* it was looked at before */
	uint64_t cells; /* offset of the first cell, checked for all stripes; or the gauge number */
	uint64_t word;	/* as it was last looked at, sound */
	uint64_t since_ns; /* of gauges whose tags are times */
};

struct reader_family {
	smx_family_view view;
	const smx_layout_family *record; /* for what changes: the help's offset */
	uint32_t presence_gauge;
	uint64_t help_offset; /* of the copy in view.help */
	char *help;
	size_t group;		    /* index of the first family with the same name */
	struct reader_family *best; /* in the first of a group: the one that is served */
	bool is_conflict;	    /* there, too: live processes define it in two ways */
	struct reader_series **series;
	size_t series_capacity;
	/* of gauges: what all slots hold together, in the order of gauge numbers */
	struct reader_total *totals;
	uint64_t *stamps_ns;	 /* of most recent values, beside totals */
	struct reader_run *runs; /* where the cells are */
	size_t total_count, run_count;
	uint64_t total_walk; /* the walk after which the totals were added up */
	uint64_t total_look; /* the look at the words of all series that they stand for */
};

struct reader_health {
	smx_health_view view;
	const smx_layout_health *record;
	uint32_t presence_gauge;
	char *name;
	char detail[SMX_LAYOUT_HEALTH_DETAIL_MAX]; /* of view.detail */
};

struct reader_total {
	double value;
	uint64_t base;	 /* of tags: the incarnation and the fold; or the time that began it */
	uint32_t count;	 /* slots that hold one */
	uint32_t writer; /* whose value it is, where it is one's */
};

/* Gauges whose cells lie side by side in every slot. */
struct reader_run {
	uint32_t first; /* among the totals */
	uint32_t count;
	uint32_t gauge; /* number of the first */
};

/* Memory that is freed all at once. */
struct reader_chunk {
	struct reader_chunk *next;
	size_t used, size;
};

struct smx_reader {
	const char *base;
	uint64_t map_size;
	int descriptor; /* for probes and sizes; -1: private memory, or between walks */
	bool owns_mapping, owns_descriptor, private;
	/*
	 * reader_self.c: of a segment that this process writes to there is a descriptor during a
	 * walk only. NULL: the reader has one of its own for good.
	 */
	struct smx_segment *self;
	bool (*begin_walk)(smx_reader *reader);
	void (*end_walk)(smx_reader *reader);
	char *path;
	int guard; /* number of the guarded range, -1: none */
	smx_reader_info info;

	/* from the header, checked when opened, never read again */
	uint64_t arena, size_max;
	uint64_t slots, family_root, series_root;

	uint64_t limit; /* bytes that may be read: grows only */
	/* The walk leaves out a part of the index that lies where the segment has grown to. */
	bool is_cut;
	uint8_t *seen; /* one a 64 bytes of the file: enum seen */
	size_t seen_count;
	size_t overflow_count;	  /* series that are a family's overflow series */
	bool are_series_complete; /* the last look at the index found all that the header counts */
	uint64_t counted_series, counted_families; /* what it counted then */
	uint64_t *fresh; /* records that this walk met for the first time */
	size_t fresh_count, fresh_capacity;
	uint64_t copied_bytes; /* of keys: never more than the file has */
	uint64_t cell_bytes;   /* of all series: the same */
	uint64_t family_visits, series_visits;
	uint8_t mark;  /* of the nodes visited now */
	uint64_t seed; /* of hash tables, random */

	struct reader_health *healths[SMX_LAYOUT_HEALTH_MAX];
	size_t health_count;

	struct reader_family **families;
	size_t family_count, family_capacity;
	size_t *by_offset, *by_name; /* hash tables of family index + 1 */
	size_t table_size;

	uint64_t walk; /* number of the last one */
	struct reader_writer *writers;
	size_t writer_count;
	uint64_t claims; /* the header's claim_count before the last look at all slots */
	uint64_t *dead;	 /* by slot: the generation that was seen dead */
	uint64_t *live;	 /* by slot: the walk that saw its owner live */

	/* reader_words.c */
	uint64_t removals;    /* the header's removal_epoch when words were last looked at */
	bool are_words_known; /* none was on its way then, and all were sound */
	uint64_t unsettled_words, words_look;
	uint8_t *gauges; /* one bit a gauge number: a series has it */

	/* reader_dead.c */
	bool has_kept_modes, has_folded_modes; /* ALL; SUM, MIN, MAX, MOST_RECENT */
	size_t kept_count;		       /* dead, behind the live writers */
	struct reader_holder *holders;	       /* by slot */
	uint64_t holder_count;
	uint64_t block_bytes; /* of their blocks together */
	/* reader_added.c */
	char *added_name, *added_value, *added_info_name;
	size_t added_count; /* labels of views that the segment does not have: 0 or 1 */

	struct reader_chunk *chunks;
	struct reader_labels *labels; /* of the last smx_reader_info_labels; made at the first */

	/* reader_native.c: room for the cells of the largest native histogram */
	uint64_t *cells;
	size_t cell_room;
};

/*
 * What is known of the 64 bytes at an offset. SEEN_ONCE: a record that could not be taken yet; if
 * it cannot the next time, it is damaged. SEEN_NODE and above: a node, by the visit of its root
 * whose number ends in the lower bits.
 */
enum seen { SEEN_NOT = 0, SEEN_ONCE, SEEN_GOOD, SEEN_DAMAGED, SEEN_NODE = 128 };

/* State sets are gauges in all but what their numbers mean. */
static inline bool reader_is_gauge(smx_kind kind)
{
	return kind == SMX_GAUGE || kind == SMX_STATE_SET;
}

/* Whether size bytes at offset lie in the arena, within what may be read, aligned. */
static inline bool reader_in_arena(const smx_reader *reader, uint64_t offset, uint64_t size,
				   uint64_t align)
{
	return offset >= reader->arena && offset % align == 0 && offset <= reader->limit &&
	       size <= reader->limit - offset;
}

/*
 * Whether what is not within the limit lies where the segment has grown to since the limit was
 * read: then it is no damage, but the next walk's.
 */
static inline bool reader_is_ahead(const smx_reader *reader, uint64_t offset, uint64_t size)
{
	const smx_layout_header *header = (const smx_layout_header *)(const void *)reader->base;
	uint64_t end = smx_read_acquire(&header->size);

	if (end > reader->map_size)
		end = reader->map_size;
	return end > reader->limit && offset >= reader->arena && offset <= end &&
	       size <= end - offset;
}

/* What became of a record. */
enum taken {
	TAKEN,
	TAKEN_DAMAGED,
	TAKEN_LATER,  /* some of it came after this walk had begun, where the segment has grown */
	TAKEN_ORPHAN, /* its family has not been found */
	TAKEN_NO_MEMORY
};

/* What a text record may hold at most. */
#define READER_TEXT_MAX                                                                            \
	(SMX_LAYOUT_HELP_MAX > SMX_LAYOUT_INFO_MAX ? SMX_LAYOUT_HELP_MAX : SMX_LAYOUT_INFO_MAX)

/* reader_records.c: a record of `size` bytes within the limit, checked and copied. */
enum taken reader_add_family(smx_reader *reader, uint64_t offset, uint64_t size);
enum taken reader_add_series(smx_reader *reader, uint64_t offset, uint64_t size);
/* Whether all stripes of the cells at this offset may be read, or the gauge number is one. */
enum taken reader_check_cells(const smx_reader *reader, const smx_family_view *family,
			      uint64_t cells);
/* Looks for a new help text. False: no memory. */
bool reader_read_help(smx_reader *reader, struct reader_family *family);
/* The bytes of a sound text record within the limit; empty where there is none. */
smx_text reader_find_text(const smx_reader *reader, uint64_t offset);
void reader_records_free(smx_reader *reader);
/* Memory that lives as long as the reader. NULL: there is none. */
void *reader_allocate(smx_reader *reader, size_t size);

/* reader_families.c */

/* The one at this offset; NULL: none. */
struct reader_family *reader_find_family(const smx_reader *reader, uint64_t offset);
/* Room for one more. False: no memory. */
bool reader_reserve_family(smx_reader *reader);
/* Takes one over, for which there is room; its view has an id and a name. */
void reader_enter_family(smx_reader *reader, struct reader_family *family);
/* One that was not entered, or NULL. */
void reader_free_family(struct reader_family *family);
void reader_families_free(smx_reader *reader);

/* reader_labels.c: whether it is UTF-8 without a NUL, so what differs here differs rendered. */
bool reader_is_utf8(smx_text text);

/* Texts of a copy, of which `left` bytes are left: u16 size and bytes each. */
struct reader_cursor {
	const unsigned char *at;
	size_t left;
};
/* False: there is none, or it has more than max bytes. */
bool reader_take_text(struct reader_cursor *cursor, size_t max, smx_text *text);

/* reader_added.c. What may fail is out of memory then. */
bool reader_added_keep(smx_reader *reader, const smx_reader_options *options);
void reader_added_free(smx_reader *reader);
/* names has room for one more than count. Renames what has the added label's name. */
bool reader_added_to_family(smx_reader *reader, smx_text *names, size_t count);
void reader_added_to_series(const smx_reader *reader, smx_text *values, size_t count);
/* Renames a label of an info if it has that name; true then. */
bool reader_added_to_info(const smx_reader *reader, smx_label *label);

/* reader_index.c: new families and series; the help of all. False: no memory. */
bool reader_index_walk(smx_reader *reader);
void reader_index_free(smx_reader *reader);

/* reader_native.c */

/* How the buckets lie, from a key. False: not soundly. */
bool reader_take_native(struct reader_cursor *cursor, smx_family_view *view);
/* How many cells a series has; 1 where it has a number or a text instead. */
uint64_t reader_cell_count(const smx_family_view *family);
/* Room for them, where they are looked at together. False: no memory. */
bool reader_reserve_cells(smx_reader *reader, const smx_family_view *family);

/* reader_values.c: all cells of a series, over all stripes, and their sum. */
void reader_read_cells(const smx_reader *reader, const smx_series_view *view, uint64_t *counts,
		       double *sum);

/* reader_health.c: a record of `size` bytes within the limit, checked, its name copied. */
enum taken reader_add_health(smx_reader *reader, uint64_t offset, uint64_t size);
void reader_healths_free(smx_reader *reader);

/*
 * reader_slots.c: who lives, who has defined what. False: no memory, or the system refused to say.
 */
bool reader_slots_walk(smx_reader *reader);
const smx_layout_gauge_cell *reader_gauge_cell(const struct reader_writer *writer, uint64_t gauge);
/* The live blocks of the slot that the view names. */
void reader_find_blocks(smx_reader *reader, struct reader_writer *writer);

static inline uint32_t reader_block_of(uint64_t gauge)
{
	return 31u - (uint32_t)__builtin_clz((uint32_t)(gauge / SMX_LAYOUT_GAUGE_BLOCK_FIRST) + 1);
}

/* reader_dead.c: what the dead have left in `used` slots. False: no memory. */
bool reader_dead_walk(smx_reader *reader, uint64_t used);

/* reader_words.c */

/* The series as the word says; it stays as it was unless TAKEN. */
enum taken reader_take_word(const smx_reader *reader, struct reader_series *series, uint64_t word);
/* Looks at the words of all series if one may have changed. */
void reader_words_walk(smx_reader *reader);
/*
 * After reading the series' cells for the tries-th time: whether they were its own. False: they may
 * have been set to zero meanwhile; it has others now, to be read instead.
 */
bool reader_follow(const smx_reader *reader, struct reader_series *series, int tries);
/* Each gauge number is one series': what is added up is bounded. False: another has it. */
bool reader_take_gauge(smx_reader *reader, uint64_t gauge);

/* What the tags of a series' gauge cells must say besides the generation, or be after. */
static inline uint64_t reader_tag_base(const struct reader_series *series)
{
	smx_gauge_mode mode = series->view.family->mode;
	uint64_t fold = mode == SMX_GAUGE_SUM	? SMX_FOLD_SUM
			: mode == SMX_GAUGE_MIN ? SMX_FOLD_MIN
			: mode == SMX_GAUGE_MAX ? SMX_FOLD_MAX
						: 0;

	if (mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT)
		return series->since_ns;
	return series->word >> SMX_LAYOUT_PLACE_BITS << SMX_TAG_INCARNATION_SHIFT |
	       fold << SMX_TAG_FOLD_SHIFT;
}

/* guard.c */
int smx_guard_add(const void *start, size_t size);
void smx_guard_remove(int guard);
bool smx_guard_hit(int guard);

/* reader.c, for reader_self.c: takes over what its arguments say. */
smx_status smx_reader_over(const char *base, const smx_layout_header *header, int descriptor,
			   bool owns_descriptor, const char *path, smx_reader **reader,
			   smx_error *error);

#endif
