/* SPDX-License-Identifier: MIT */
/*
 * merge.h - families and series over several readers: what is one and the same, and what is served
 *
 * A member is a reader of the exposition. A family here is one definition (name, kind, mode, label
 * names, bounds), whichever readers have it; each of these is a source. A series is what is served
 * under one label set; each place where its numbers lie is a part. Nearly always there is one
 * source and one part.
 */
#ifndef SMX_TEXT_MERGE_H
#define SMX_TEXT_MERGE_H

#include "shmetrics/exposition.h"
#include "text/escape.h"
#include "text/table.h"

struct smx_family;
struct smx_spelling;

struct smx_writer_label {
	uint32_t slot;
	uint32_t pid;
	uint32_t ordinal; /* among the writers of all members with this pid, from 1; 0: none yet */
	uint32_t size;
	char text[36]; /* ,pid="12-2"} and a space */
};

/* 12-2 */
static inline smx_text smx_writer_label_value(const struct smx_writer_label *label)
{
	return (smx_text){label->text + sizeof(",pid=\"") - 1,
			  label->size - (sizeof(",pid=\"\"} ") - 1)};
}

struct smx_source {
	struct smx_source *next; /* of the same family */
	struct smx_family *family;
	struct smx_member *member;
	const smx_family_view *view;
	size_t series_seen;
	bool served;
};

struct smx_member {
	smx_reader *reader;
	/* By the reader's index of families; NULL where one is not fit to be served. */
	struct smx_source **sources;
	size_t source_count;
	size_t source_capacity;
	struct smx_writer_label *writers;
	size_t writer_count;
};

struct smx_part {
	struct smx_part *next;
	struct smx_source *source;
	const smx_series_view *view;
};

/*
 * text: what stands before the number and never changes. Of counters and gauges with one sample the
 * whole: `name_total{a="x"} `; of those with several samples the beginning of each:
 * `name_bucket{a="x"`.
 */
struct smx_series {
	uint64_t hash; /* of the labels in text */
	struct smx_part first;
	uint32_t text_size;
	uint32_t labels_size;
	char text[];
};

struct smx_family {
	smx_text name, unit;
	char *key; /* what makes it this definition; name and unit point into it */
	size_t key_size;
	uint64_t hash;
	uint64_t order; /* of discovery */
	/*
	 * Names as they stand in the text. is_plain: all are of the older character set, and the
	 * same for every scraper; else the texts are made anew for each (spelling.h), and these
	 * tell the series apart and nothing else.
	 */
	smx_text *label_names;
	size_t label_count;
	bool is_plain;
	struct smx_spelling *spellings[SMX_ESCAPING_COUNT];
	bool is_respelled; /* a copy (spelling.h) */
	bool is_quoted;	   /* the name stands in the braces: {"x.y_total",a="x"} */
	smx_kind kind;
	smx_gauge_mode mode;
	bool may_be_negative; /* of histograms: the first bound is, or there are negative buckets */
	smx_native_view native; /* of native histograms */
	smx_buffer head;	/* `name_total`, `name_bucket` */
	/*
	 * Of histograms `,le="0.1"} ` one after the other, of state sets `,name="state"} `, and
	 * where each ends.
	 */
	smx_buffer tails;
	size_t *tail_ends;
	size_t tail_count;
	struct smx_source *sources;
	struct smx_series **series; /* in the order in which they were found */
	size_t series_count;
	size_t series_capacity;
	struct smx_table table;	 /* of series, by the text of their labels */
	struct smx_pairs *pairs; /* pairs.h; NULL: nobody has asked for protobuf */
	/* as of the last smx_merge_update */
	uint64_t live_writers;
	uint64_t created_unix_ns; /* by the first of its sources */
	bool served;		  /* by any of its sources */
	bool chosen;		  /* among the definitions of its name */
	unsigned shown;	   /* by escaping, a bit each: chosen, and no sample name is another's */
	unsigned reserved; /* likewise: chosen, but the name is not to be had */
};

struct smx_merge {
	uint64_t seed;
	struct smx_member **members;
	size_t member_count;
	size_t member_capacity;
	struct smx_family **families; /* by name, then in the order of discovery */
	size_t family_count;
	size_t family_capacity;
	struct smx_table table; /* of families, by key */
	uint64_t next_order;
	smx_buffer scratch;
	bool unsorted;	/* families were added */
	bool unsettled; /* what is shown has to be worked out again */
	/* Names that no family is served under; NULL: none. */
	bool (*is_reserved)(smx_text family_name, bool is_spelled);
};

#define SMX_NATIVE_SIDE_MAX 4095u
#define SMX_NATIVE_INDEX_MAX 262144 /* of the bucket that ends in 2^1024, in the finest schema */

/* All of these return false when there is no memory; what there was before stays usable. */

bool smx_merge_add(struct smx_merge *merge, smx_reader *reader);
void smx_merge_remove(struct smx_merge *merge, const smx_reader *reader);
void smx_merge_free(struct smx_merge *merge);
/* Takes in what the readers' last walks found, and decides what is shown. */
bool smx_merge_update(struct smx_merge *merge);

/* identity.c: a reader's family, if it is fit to be served. *family is NULL if it is not. */
bool smx_merge_find_family(struct smx_merge *merge, const smx_family_view *view,
			   struct smx_family **family);
bool smx_merge_adopt_series(struct smx_merge *merge, struct smx_source *source);
/* Takes away everything that came from the source and frees the source. The family may be empty
 * after. */
void smx_family_drop_source(struct smx_family *family, struct smx_source *source);
void smx_family_free(struct smx_family *family);
/* Whether each process is a sample of its own, with a pid label. */
static inline bool smx_mode_shows_each(smx_gauge_mode mode)
{
	return mode == SMX_GAUGE_LIVE_ALL || mode == SMX_GAUGE_ALL;
}
static inline bool smx_family_has_one_sample(const struct smx_family *family)
{
	return family->kind == SMX_COUNTER ||
	       (family->kind == SMX_GAUGE && !smx_mode_shows_each(family->mode));
}
static inline bool smx_kind_is_histogram(smx_kind kind)
{
	return kind == SMX_HISTOGRAM || kind == SMX_NATIVE_HISTOGRAM;
}
/* How many numbers a reader tells of a series: of native histograms bounds first. */
static inline size_t smx_family_count_room(const struct smx_family *family)
{
	return family->tail_count +
	       (family->kind == SMX_NATIVE_HISTOGRAM ? family->native.count : 0);
}
static inline bool smx_family_is_shown(const struct smx_family *family, smx_escaping escaping)
{
	return family->shown & 1u << escaping;
}
static inline bool smx_mode_is_sum(smx_gauge_mode mode)
{
	return mode == SMX_GAUGE_LIVE_SUM || mode == SMX_GAUGE_SUM;
}
/* Whether a part of a series has numbers that are to be shown. */
static inline bool smx_part_is_served(const struct smx_part *part)
{
	return part->source->served && !part->view->removed;
}

/* choice.c: decides what is shown. */
bool smx_merge_choose(struct smx_merge *merge);

/* tally.c: what is shown, and what is not, to scrapers with this escaping. */
void smx_merge_tally(const struct smx_merge *merge, smx_escaping escaping,
		     smx_exposition_info *info);
/* Whether a family of a member is left out for one of these escapings, and why. */
bool smx_merge_hides(const struct smx_member *member, size_t index, unsigned escapings,
		     smx_hiding *reason);

/* writers.c: gives each writer of each member its pid label. */
bool smx_merge_label_writers(struct smx_merge *merge);

/* An array of pointers or structs with room for one more; NULL: no memory, the array is as it was.
 */
void *smx_array_grow(void *array, size_t count, size_t *capacity, size_t item_size);

#endif
