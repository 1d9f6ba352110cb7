/* SPDX-License-Identifier: MIT */
/*
 * reader.h - the reader: see what is in a segment without trusting it, and without touching it
 *
 * The conventions stand at the top of types.h. Of this header:
 *
 *  1. A reader writes nothing to the segment, takes no lock that a writer waits for, and never
 *     delays one.
 *  2. It takes every byte of the segment for hostile: whatever it says, the reader does not crash,
 *     hang, allocate beyond a multiple of the file's size, or read outside its mapping. A damaged
 *     record is skipped and counted (smx_reader_info.damaged_count), the rest is still served.
 *  3. smx_reader_walk looks at the segment; everything else tells what the last walk found, except
 *     that the numbers of counters and histograms are read at the time of the call. One thread at a
 *     time per reader.
 *  4. Views and texts live until smx_reader_close; families and series, once found, stay at their
 *     index. The list of writers lives until the next walk.
 */
#ifndef SHMETRICS_READER_H
#define SHMETRICS_READER_H

#include "shmetrics/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct smx_reader smx_reader;
struct smx_segment;

typedef struct smx_reader_options {
	uint64_t size_limit_bytes; /* larger segments are refused; 0: 64 GiB */
	int64_t owner_id;	   /* also accept files of this user; 0: none */
	uint32_t flags;		   /* SMX_READER_* */
	/*
	 * A label that every series gets behind its own; NULL: none. One of its own with this name
	 * is called exported_NAME then, and counted (renamed_label_count). Both are copied.
	 */
	const char *label_name, *label_value;
} smx_reader_options;

/* Accept a file of any owner that this process may read. */
#define SMX_READER_ANY_OWNER 1u

/*
 * Opens the segment file at `path` read-only. options: NULL for the defaults. Accepted are regular
 * files (no symbolic link) of this user, root or owner_id, not writable by others. Fails:
 * NOT_FOUND, PERMISSION, FORMAT (not a segment, another layout version, damaged header, full of
 * holes, larger than the limit), NO_MEMORY, SYSTEM. On failure *reader is NULL.
 */
SMX_API smx_status smx_reader_open(const char *path, const smx_reader_options *options,
				   smx_reader **reader, smx_error *error);

/*
 * Reads a segment that this process writes to, private ones included. Close it before the segment.
 * Between walks it holds no descriptor, and a forked child may go on with it.
 */
SMX_API smx_status smx_reader_open_segment(struct smx_segment *segment, smx_reader **reader,
					   smx_error *error);

SMX_API void smx_reader_close(smx_reader *reader);

/*
 * Turns a page of a mapped segment that vanished (a truncated file) into zeros instead of death:
 * installs a SIGBUS handler for the mappings of readers only; other SIGBUS go to the handler that
 * was there before. For programs whose signal handlers are their own, such as the collector; never
 * for a worker. Call it once.
 */
SMX_API smx_status smx_reader_guard_install(smx_error *error);

/*
 * Looks at the segment once: new families and series, live writers, sizes. Cost: the index,
 * unless the segment counts no series that are new; a probe a live writer, and after a claim a look
 * at every slot. Fails: FORMAT (truncated, or a page vanished: close the reader
 * and open it again), NO_MEMORY, SYSTEM.
 */
SMX_API smx_status smx_reader_walk(smx_reader *reader, smx_error *error);

/* ---- the segment as a whole ---- */

typedef struct smx_reader_info {
	uint8_t generation_id[16]; /* random, one a generation */
	uint8_t boot_id[16];
	uint64_t created_unix_ns;
	uint64_t size_bytes; /* of the file, published */
	uint64_t size_max_bytes;
	uint64_t used_bytes;   /* of the file, given out */
	uint64_t series_count; /* as the reader sees it */
	uint64_t series_max;
	uint64_t family_count;
	uint64_t conflict_count; /* names that live processes define in several ways */
	uint32_t stripe_count;
	uint32_t slot_max;
	uint32_t slots_live;	/* held by a live process */
	uint32_t slots_dead;	/* held before, free now */
	uint64_t damaged_count; /* records skipped in the last walk */
	uint64_t dropped[SMX_DROP_COUNT];
	uint64_t removal_epoch;
	uint64_t device; /* of the file, as in stat(2); 0 for a private segment */
	uint64_t inode;
	uint64_t walk_ns;	      /* how long the last walk took */
	uint64_t renamed_label_count; /* families with a label of the added one's name */
	uint64_t claim_count;	      /* slots taken so far: one by each process that came */
} smx_reader_info;

SMX_API const smx_reader_info *smx_reader_information(const smx_reader *reader);
/*
 * Whether the path still names the file that this reader has mapped. False after rm or a new
 * generation.
 */
SMX_API bool smx_reader_is_current(const smx_reader *reader);
/* The path given to smx_reader_open; "" for a private segment. */
SMX_API const char *smx_reader_path(const smx_reader *reader);

/* A process: a live one, or a dead one whose gauges of mode ALL are still shown. */
typedef struct smx_writer_view {
	uint32_t slot;
	uint32_t pid; /* in the writer's own PID namespace */
	uint64_t slot_generation;
	uint64_t claimed_monotonic_ns;
	bool live;
} smx_writer_view;

/* The live ones, which come first. */
SMX_API size_t smx_reader_writer_count(const smx_reader *reader);
/* The live ones and the last 64 dead ones that had a gauge of mode ALL. */
SMX_API size_t smx_reader_holder_count(const smx_reader *reader);
/* index below smx_reader_holder_count; else NULL. */
SMX_API const smx_writer_view *smx_reader_writer(const smx_reader *reader, size_t index);

/* ---- families and series ---- */

/* How the native buckets of a family lie: as layout.h and shmetrics.h say. */
typedef struct smx_native_view {
	int schema;
	int first;	       /* index of the bucket of the least magnitudes beside zero's */
	size_t side;	       /* buckets of a sign; the last has what is above the range */
	bool negative;	       /* negative values have buckets, too */
	double zero_threshold; /* magnitudes up to it are in the zero bucket */
	size_t count;	       /* native buckets in all: side of each sign, and one */
} smx_native_view;

typedef struct smx_family_view {
	uint64_t id; /* where the record lies; constant within a generation */
	smx_kind kind;
	smx_gauge_mode mode; /* of gauges; of state sets LIVE_MOST_RECENT */
	smx_text name;	     /* without _total */
	smx_text help;	     /* as last given; re-read by each walk */
	smx_text unit;	     /* empty if none */
	const smx_text *label_names;
	size_t label_count;
	const double *bounds;	/* of histograms: strictly increasing, finite */
	size_t bound_count;	/* of native ones it may be 0 */
	smx_native_view native; /* of native histograms */
	const smx_text *states; /* of state sets: not empty, none twice */
	size_t state_count;
	uint64_t created_unix_ns;
	uint32_t live_writers; /* live processes that have defined it */
	bool served;	       /* false: another definition of the name has more live writers */
	size_t series_count;   /* removed ones too: they keep their place */
} smx_family_view;

typedef struct smx_series_view {
	uint64_t id;
	const smx_family_view *family;
	const smx_text *label_values;
	uint64_t created_unix_ns; /* or when it last came back or was reset */
	bool overflow; /* the family's overflow series: not to be shown before it is used */
	bool removed;  /* as of the last walk: not to be shown */
} smx_series_view;

SMX_API size_t smx_reader_family_count(const smx_reader *reader);
SMX_API const smx_family_view *smx_reader_family(const smx_reader *reader, size_t index);
/* index below family->series_count, in the order in which the reader found them. */
SMX_API const smx_series_view *smx_reader_series(const smx_reader *reader,
						 const smx_family_view *family, size_t index);

/* ---- numbers ---- */

/* A counter is whole + fraction; both grow only. */
typedef struct smx_counter_sample {
	uint64_t whole;
	double fraction;
} smx_counter_sample;

SMX_API smx_counter_sample smx_reader_counter(const smx_reader *reader,
					      const smx_series_view *series);

/*
 * counts: bound_count + 1 numbers, not cumulative, the last for values above every bound. sum
 * belongs to exactly the observations counted.
 */
SMX_API void smx_reader_histogram(const smx_reader *reader, const smx_series_view *series,
				  uint64_t *counts, double *sum);

/*
 * native_counts: native.count numbers, in ascending order of value: the negative buckets, if there
 * are any, from the greatest magnitudes on; that of zero; the positive ones. bucket_counts:
 * bound_count + 1, as of smx_reader_histogram. Both are of the same observations, and so is sum.
 */
SMX_API void smx_reader_native_histogram(const smx_reader *reader, const smx_series_view *series,
					 uint64_t *native_counts, uint64_t *bucket_counts,
					 double *sum);

SMX_API void smx_reader_summary(const smx_reader *reader, const smx_series_view *series,
				uint64_t *count, double *sum);

typedef struct smx_gauge_sample {
	uint32_t writer; /* index for smx_reader_writer */
	double value;
	uint64_t stamp_ns; /* CLOCK_MONOTONIC when set; of most recent values only, else 0 */
} smx_gauge_sample;

/*
 * Fills samples (room for smx_reader_holder_count of them) with what each live process holds, and
 * in the mode ALL each dead one that is still shown; returns how many.
 */
SMX_API size_t smx_reader_gauge(const smx_reader *reader, const smx_series_view *series,
				smx_gauge_sample *samples);

/*
 * What live processes, and in the modes without LIVE dead ones too, hold together, as the family's
 * mode says: their sum, the least, the greatest (of numbers before NaN), or the most recent; not
 * for LIVE_ALL and ALL. Returns how many values there were (the dead of one slot are one); with
 * none *total is zero. total->writer is a live process, or 0 where the mode includes the dead. All
 * series of a family are read at the first call after a walk: a writer's cells lie side by side, a
 * series' cells do not.
 */
SMX_API size_t smx_reader_gauge_total(smx_reader *reader, const smx_series_view *series,
				      smx_gauge_sample *total);

/*
 * A state set is a gauge whose value is the index of its state: *total as of
 * smx_reader_gauge_total. *state: below family->state_count; 0, the first, where no live process
 * holds one. Returns how many hold one.
 */
SMX_API size_t smx_reader_state(smx_reader *reader, const smx_series_view *series, size_t *state,
				smx_gauge_sample *total);

/* ---- labels that are values ---- */

/*
 * The labels that an info was last given: *labels, in ascending order of their names, which are
 * valid, different from each other and from the family's. Returns how many; they live until the
 * next call for this reader. What is damaged has none.
 */
SMX_API size_t smx_reader_info_labels(smx_reader *reader, const smx_series_view *series,
				      const smx_label **labels);

#define SMX_NATIVE_EXEMPLAR_MAX 9 /* of a series of a native histogram without bounds */
#define SMX_EXEMPLAR_LABEL_MAX 44
/* An exemplar; its labels are in it, so it must not be copied. */
typedef struct smx_exemplar_view {
	double value;
	uint64_t unix_ns; /* when it was recorded */
	size_t label_count;
	smx_label labels[SMX_EXEMPLAR_LABEL_MAX]; /* names valid and different */
	char bytes[216];			  /* what they are made of */
} smx_exemplar_view;

/*
 * The exemplar of a counter (bucket 0) or of a histogram's bucket (0 to bound_count), in which its
 * value lies; of a native histogram without bounds, below SMX_NATIVE_EXEMPLAR_MAX, of any native
 * bucket. False: there is none. It has at most 128 characters.
 */
SMX_API bool smx_reader_exemplar(const smx_reader *reader, const smx_series_view *series,
				 size_t bucket, smx_exemplar_view *exemplar);

/* ---- health checks ---- */

typedef struct smx_health_view {
	smx_text name;	    /* UTF-8 unless damaged; not empty, none twice */
	bool reported;	    /* there is an outcome; else what follows but ttl_seconds is empty */
	bool up;	    /* as it was reported */
	bool stale;	    /* older than its time to live, or not reported */
	smx_text detail;    /* UTF-8 unless damaged */
	double age_seconds; /* INFINITY where there is no outcome */
	double ttl_seconds;
	double duration_seconds;
	uint32_t live_writers; /* live processes that have defined it */
} smx_health_view;

/* As of the last walk. */
SMX_API size_t smx_reader_health_count(const smx_reader *reader);
/*
 * A check, read at the time of the call, but for its name and live_writers. The view lives until
 * the next call for the same index. NULL beyond the last.
 */
SMX_API const smx_health_view *smx_reader_health(smx_reader *reader, size_t index);

#ifdef __cplusplus
}
#endif
#endif
