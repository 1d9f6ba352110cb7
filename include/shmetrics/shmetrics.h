/* SPDX-License-Identifier: MIT */
/*
 * shmetrics.h - the writer: open a segment, define families, record
 *
 * The conventions (failure, ownership, threads, units) stand at the top of types.h. Of this header:
 *
 *  1. Open once, early: in the server before it forks, or in each worker. A forked child inherits
 *     the segment and every handle, and gets a slot of its own from a fork handler. Nothing needs
 *     to be called.
 *  2. A family is a metric name with its type, help and label names; a series is a family with
 *     label values. Look a series up once and keep the handle, or look it up each time: a look-up
 *     takes no lock.
 *  3. Handles are values of one pointer, valid until smx_segment_close and in every forked child.
 *     The empty handle ({0}, or what a failed definition leaves) may be recorded to: nothing
 *     happens but a count.
 *  4. The recording functions are async-signal-safe, and so is a look-up of a series that exists;
 *     the look-up takes 8 KiB of stack, which an alternate signal stack needs beside its frame.
 *  5. Of the definitions that conflict within a process those of a process without a slot are not
 *     noticed: nothing says which are its own.
 */
#ifndef SHMETRICS_SHMETRICS_H
#define SHMETRICS_SHMETRICS_H

#include "shmetrics/types.h"
#include "shmetrics/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the segment ---- */

typedef struct smx_segment smx_segment;

/*
 * How a segment is made. Zero means the default everywhere, and the options count only for the
 * process that creates the segment; all others take what they find.
 */
typedef struct smx_segment_options {
	uint64_t size_max_bytes; /* it never grows beyond; default 256 MiB, from 1 MiB to 64 GiB */
	uint32_t series_max;	 /* in all families; default 200,000, at most 16,777,216 */
	uint32_t family_series_max; /* in one, unless it says otherwise; default 10,000 */
	uint32_t slot_max;	    /* processes alive at once; default 1,024, at most 32,768 */
	uint32_t stripe_count;	    /* 1, 2, 4, 8 or 16; default: processors, at most 4 */
	uint32_t flags;		    /* SMX_SEGMENT_* */
	int64_t group_id;	    /* group of the file; 0: left as the system gives it */
} smx_segment_options;

/*
 * Go on with the counters that the last writer of this boot left, instead of starting a new
 * generation.
 */
#define SMX_SEGMENT_KEEP 1u
/* Attach to a segment that exists; SMX_ERR_NOT_FOUND where there is none. */
#define SMX_SEGMENT_NO_CREATE 2u

/*
 * Opens the segment `name`, making it if need be, and claims a slot for this process.
 *
 * name: 1 to 128 characters of [A-Za-z0-9._-], not starting with a dot: the file NAME.smx1 in the
 * directory SHMETRICS_DIR, or /dev/shm where that is unset. With a slash it is a path; ".smx1" is
 * added unless there. NULL: the value of SHMETRICS_SEGMENT; if that is unset or empty, a segment
 * private to this process. options: NULL for the defaults.
 *
 * If no live process holds a slot of an existing segment, a new generation takes its place: a
 * segment lives from its first writer to its last (SMX_SEGMENT_KEEP goes on instead). Opening the
 * same name twice in one process gives the same object, counted. When all slots are held the
 * segment still opens: counters and histograms work, gauges are dropped and counted.
 *
 * Fails: INVALID (name or option), FULL (no room for even an empty segment), PERMISSION (a file or
 * folder that may not be opened, or that neither this user nor root owns), FORMAT (a damaged or
 * foreign file that live processes hold), NOT_FOUND, NO_MEMORY, SYSTEM. On failure *segment is
 * NULL.
 */
SMX_API smx_status smx_segment_open(const char *name, const smx_segment_options *options,
				    smx_segment **segment, smx_error *error);

/* A segment that no other process sees and no file backs. Fails: INVALID, NO_MEMORY. */
SMX_API smx_status smx_segment_open_private(const smx_segment_options *options,
					    smx_segment **segment, smx_error *error);

/*
 * Gives the slot back (its gauges vanish from the next scrape) and unmaps. Every handle becomes
 * invalid.
 */
SMX_API void smx_segment_close(smx_segment *segment);

/* The absolute path of the file; "" for a private segment. Lives as long as the segment. */
SMX_API const char *smx_segment_path(const smx_segment *segment);

/*
 * Whether this process holds a slot. If not, asks for one again (a raw-forked child, or slots were
 * short).
 */
SMX_API bool smx_segment_claim(smx_segment *segment, smx_error *error);

/*
 * Writes the path that `name` stands for (the rules of smx_segment_open) into path[path_size].
 * directory: where plain names live; NULL: SHMETRICS_DIR, else /dev/shm. Fails: INVALID.
 */
SMX_API smx_status smx_segment_resolve(const char *name, const char *directory, char *path,
				       size_t path_size, smx_error *error);

/*
 * The file name's ending: the layout's major version is part of it, so old and new code never share
 * a file.
 */
#define SMX_SEGMENT_SUFFIX ".smx1"

/* ---- families ---- */

/*
 * What all kinds of family have. name: UTF-8, 1 to 255 bytes, without the suffixes that the
 * exposition adds (a counter's _total is accepted and cut off). unit: NULL or a word that the name
 * must end with ("seconds"). label_names: UTF-8, 1 to 255 bytes each, no "__" in front, not "le",
 * "quantile" or (for gauges of the modes LIVE_ALL and ALL) "pid", none twice, at most 32. Names
 * beyond [a-zA-Z_:][a-zA-Z0-9_:]*, of labels without the colon, are escaped for scrapers that do
 * not ask for them as they are; two that come out alike are not both served. help: NULL or UTF-8;
 * it may differ between processes, the text given last is served.
 */
typedef struct smx_definition {
	const char *name;
	const char *help;
	const char *unit;
	const char *const *label_names;
	size_t label_count;
	uint32_t series_max; /* 0: the segment's family_series_max */
} smx_definition;

typedef struct smx_counter_family {
	struct smx_family_record *impl;
} smx_counter_family;
typedef struct smx_gauge_family {
	struct smx_family_record *impl;
} smx_gauge_family;
typedef struct smx_histogram_family {
	struct smx_family_record *impl;
} smx_histogram_family;
typedef struct smx_native_histogram_family {
	struct smx_family_record *impl;
} smx_native_histogram_family;
typedef struct smx_summary_family {
	struct smx_family_record *impl;
} smx_summary_family;
typedef struct smx_info_family {
	struct smx_family_record *impl;
} smx_info_family;
typedef struct smx_state_set_family {
	struct smx_family_record *impl;
} smx_state_set_family;

/*
 * Defines a family, or finds it if any process has defined it alike. The same definition again is
 * the same family. If this process has defined the name otherwise (kind, label names, unit, mode,
 * bounds, native buckets), that is an error; if only other processes have (a rolling deployment),
 * both live on and the one that more live processes use is served. A family without labels has its
 * series at once. On failure *family is the empty family, whose series are empty handles. Fails:
 * INVALID, CONFLICT (also with the sample names of another family: a histogram x, native or not,
 * owns x_bucket, x_sum and x_count, a summary x_sum and x_count, an info x_info), FULL.
 */
SMX_API smx_status smx_counter_define(smx_segment *segment, const smx_definition *definition,
				      smx_counter_family *family, smx_error *error);
SMX_API smx_status smx_gauge_define(smx_segment *segment, const smx_definition *definition,
				    smx_gauge_mode mode, smx_gauge_family *family,
				    smx_error *error);
/*
 * bounds: the upper bounds of the buckets, inclusive, strictly increasing, finite, 1 to 1,000 of
 * them (a last +Inf is accepted and cut off). NULL with bound_count 0: prometheus_client's default
 * for latencies, 5 ms to 10 s.
 */
SMX_API smx_status smx_histogram_define(smx_segment *segment, const smx_definition *definition,
					const double *bounds, size_t bound_count,
					smx_histogram_family *family, smx_error *error);

/* How the buckets of a native histogram lie. */
typedef struct smx_native_options {
	int schema; /* -4 to 8: 2^schema buckets an octave; below 0 one for 2^-schema octaves */
	/*
	 * The range of magnitudes: positive, finite, 1e-300 <= least < greatest. Those above least
	 * and up to greatest have buckets of their own; at or below least may be the zero bucket.
	 */
	double least, greatest;
	bool negative;	      /* negative values too have buckets, as many again */
	const double *bounds; /* NULL, or classic buckets besides, as of smx_histogram_define */
	size_t bound_count;
} smx_native_options;

/*
 * A histogram whose buckets grow exponentially, as Prometheus' native histograms have it: with
 * schema 3 each is at most 9.1 % wider than the one before. options: NULL for schema 3 and 0.1 ms
 * to 100 s, without negative values. There are at most 4,096 buckets (INVALID); each takes 16 bytes
 * of every series, times the segment's stripes. A value that the range lacks is recorded, and
 * counted as smx_drop says: a magnitude above it in the bucket next to the range, a negative value
 * of a histogram that has no negative buckets in the zero bucket. Formats without native histograms
 * show the classic buckets, or only how many values there were, and their sum.
 */
SMX_API smx_status smx_native_histogram_define(smx_segment *segment,
					       const smx_definition *definition,
					       const smx_native_options *options,
					       smx_native_histogram_family *family,
					       smx_error *error);

/* How many values there were, and their sum; no quantiles. */
SMX_API smx_status smx_summary_define(smx_segment *segment, const smx_definition *definition,
				      smx_summary_family *family, smx_error *error);
/* Labels that describe something, such as a version; without a unit. Served as x_info, always 1. */
SMX_API smx_status smx_info_define(smx_segment *segment, const smx_definition *definition,
				   smx_info_family *family, smx_error *error);
/*
 * One of several states, without a unit. states: 1 to 128 different UTF-8 strings of 1 to 255
 * bytes. No label may have the family's name. Present is what a live process has set last; until
 * one has, the first.
 */
SMX_API smx_status smx_state_set_define(smx_segment *segment, const smx_definition *definition,
					const char *const *states, size_t state_count,
					smx_state_set_family *family, smx_error *error);

/* ---- series ---- */

typedef struct smx_counter {
	struct smx_series_record *impl;
} smx_counter;
typedef struct smx_gauge {
	struct smx_series_record *impl;
} smx_gauge;
typedef struct smx_histogram {
	struct smx_series_record *impl;
} smx_histogram;
typedef struct smx_native_histogram {
	struct smx_series_record *impl;
} smx_native_histogram;
typedef struct smx_summary {
	struct smx_series_record *impl;
} smx_summary;
typedef struct smx_info {
	struct smx_series_record *impl;
} smx_info;
typedef struct smx_state_set {
	struct smx_series_record *impl;
} smx_state_set;

/*
 * The series with these label values, in the order of the family's label_names; made if it is new.
 * values: label_count NUL-terminated strings, or NULL if the family has no labels. Never fails: a
 * value that is no UTF-8 has its bad bytes replaced by U+FFFD; one that is too long, or a series
 * beyond a cap, gives the family's overflow series (every label value "_overflow") and is counted;
 * the empty family gives the empty handle. Takes no lock; makes a system call only when the segment
 * has to grow. A gauge's series starts at 0 for this process. A removed series comes back.
 * Async-signal-safe if the series exists.
 */
SMX_API smx_counter smx_counter_with(smx_counter_family family, const char *const *values);
SMX_API smx_gauge smx_gauge_with(smx_gauge_family family, const char *const *values);
SMX_API smx_histogram smx_histogram_with(smx_histogram_family family, const char *const *values);
SMX_API smx_native_histogram smx_native_histogram_with(smx_native_histogram_family family,
						       const char *const *values);
SMX_API smx_summary smx_summary_with(smx_summary_family family, const char *const *values);
SMX_API smx_info smx_info_with(smx_info_family family, const char *const *values);
SMX_API smx_state_set smx_state_set_with(smx_state_set_family family, const char *const *values);
/* The same with lengths. */
SMX_API smx_counter smx_counter_with_text(smx_counter_family family, const smx_text *values);
SMX_API smx_gauge smx_gauge_with_text(smx_gauge_family family, const smx_text *values);
SMX_API smx_histogram smx_histogram_with_text(smx_histogram_family family, const smx_text *values);
SMX_API smx_native_histogram smx_native_histogram_with_text(smx_native_histogram_family family,
							    const smx_text *values);
SMX_API smx_summary smx_summary_with_text(smx_summary_family family, const smx_text *values);
SMX_API smx_info smx_info_with_text(smx_info_family family, const smx_text *values);
SMX_API smx_state_set smx_state_set_with_text(smx_state_set_family family, const smx_text *values);

/*
 * Sets all labels of an info, in the place of those set before by any process; the same set again
 * takes no room. labels: at most 64, names as in a definition, different from each other and from
 * the family's label names; together 4,096 bytes with 4 more for each. What is no UTF-8 in a value
 * becomes U+FFFD. Copied. The empty handle: nothing happens but a count. Fails: INVALID, FULL.
 */
SMX_API smx_status smx_info_set(smx_info info, const smx_label *labels, size_t label_count,
				smx_error *error);

/* ---- removing series ---- */

/*
 * A removed series is not exported any more, by the next scrape. Asking for its label values again
 * brings it back, from nothing; an increment through a handle from before the removal is exported
 * from then on, and not before. Its place under the caps stays taken, its memory is used again: one
 * set of label values removed and made for ever takes no more than a few sets of cells. Overflow
 * series and the series of families without labels are not removed. All are atomic, safe when
 * killed anywhere, lock-free and async-signal-safe.
 *
 * `family` is the impl of any family's handle, `series` of any series'; both may be NULL.
 */

/* values: label_count of them. True: this call removed the series. False: there is none. */
SMX_API bool smx_series_remove(struct smx_family_record *family, const smx_text *values);
/*
 * Removes all series with these values: a value with data NULL stands for any, and so does values
 * NULL for all. Returns how many this call removed. Looks at all series of the segment.
 */
SMX_API size_t smx_series_remove_matching(struct smx_family_record *family, const smx_text *values);
/*
 * Sets a series back to nothing, for all processes, as if it had been removed and made at once; it
 * is never missing from a scrape. A gauge starts at 0 for this process and has no value of others.
 * A removed series stays removed, and overflow series of families with labels are left alone.
 * Without room for other cells (the first reset of a series takes some) it stays as it is, which is
 * counted.
 */
SMX_API void smx_series_reset(struct smx_series_record *series);
/* One load: for caches of handles, which ask for the series again when it is true. */
SMX_API bool smx_series_is_removed(const struct smx_series_record *series);

/* ---- recording: async-signal-safe, no lock, no system call, no allocation, no failure ---- */

/* Adds one: one atomic addition. */
SMX_API void smx_counter_inc(smx_counter counter);
/* Adds a whole number, exact to 2^64. */
SMX_API void smx_counter_add_whole(smx_counter counter, uint64_t amount);
/*
 * Adds any amount that is not negative; whole ones below 2^64 stay exact. Negative and NaN: counted
 * only.
 */
SMX_API void smx_counter_add(smx_counter counter, double amount);

SMX_API void smx_gauge_set(smx_gauge gauge, double value);
SMX_API void smx_gauge_add(smx_gauge gauge, double amount);
SMX_API void smx_gauge_inc(smx_gauge gauge);
SMX_API void smx_gauge_dec(smx_gauge gauge);

/*
 * Counts `value` in the first bucket whose bound is not below it: one 16-byte compare-and-swap.
 * NaN: counted as dropped. Infinities are recorded.
 */
SMX_API void smx_histogram_observe(smx_histogram histogram, double value);

/* The same, for its native bucket and its classic one together. */
SMX_API void smx_native_histogram_observe(smx_native_histogram histogram, double value);

/* Adds one to the count and `value` to the sum, as one. NaN: counted as dropped. */
SMX_API void smx_summary_observe(smx_summary summary, double value);

/* state: index in the family's states; one that is none counts as an empty handle does. */
SMX_API void smx_state_set_set(smx_state_set set, size_t state);

/*
 * Records as smx_counter_add and smx_histogram_observe do, and keeps (value, time, labels) as the
 * exemplar of the counter or of the value's bucket: the last one is served, in formats that have
 * exemplars. labels: names and values of at most 128 characters in all, names as in a definition;
 * an exemplar that breaks this, does not fit 216 bytes with 4 for each label, or whose value is not
 * recorded, is not kept (the first two are counted). The first exemplar of a series takes room in
 * the segment: 256 bytes for each bucket.
 */
SMX_API void smx_counter_add_exemplar(smx_counter counter, double amount, const smx_label *labels,
				      size_t label_count);
SMX_API void smx_histogram_observe_exemplar(smx_histogram histogram, double value,
					    const smx_label *labels, size_t label_count);
/* One without classic buckets keeps at most 9 exemplars, of different buckets. */
SMX_API void smx_native_histogram_observe_exemplar(smx_native_histogram histogram, double value,
						   const smx_label *labels, size_t label_count);

/* How often this process recorded to an empty handle, of any kind. Async-signal-safe. */
SMX_API uint64_t smx_unrecorded_count(void);

/* ---- health checks ---- */

/*
 * A check of something that the program depends on: the program asks, off the path of its requests,
 * and stores the outcome here; whoever reads the segment (the collector's readiness) has it at
 * once.
 */
typedef struct smx_health {
	struct smx_health_record *impl;
} smx_health;

/*
 * Defines a check, or finds it if any process has. name: UTF-8, 1 to 128 bytes. ttl_seconds: how
 * long an outcome counts, above 0; as given last by any process. A segment has at most 256 checks.
 * On failure *health is the empty handle. Fails: INVALID, FULL.
 */
SMX_API smx_status smx_health_define(smx_segment *segment, const char *name, double ttl_seconds,
				     smx_health *health, smx_error *error);

/*
 * Stores an outcome, in the place of the last one's by any process. detail: NULL, or why; what is
 * beyond 480 bytes is cut off, what is no UTF-8 becomes U+FFFD. duration_seconds: how long the
 * check took. Async-signal-safe, as recording is. Two at once are harmless: one of them counts.
 */
SMX_API void smx_health_report(smx_health health, bool up, double duration_seconds,
			       const char *detail);

/*
 * Seconds since the last outcome of any process; INFINITY before the first and for the empty
 * handle. Async-signal-safe.
 */
SMX_API double smx_health_age(smx_health health);

/* An outcome, copied. */
typedef struct smx_health_outcome {
	bool up;
	double age_seconds; /* since it was reported */
	double duration_seconds;
	char detail[481];
} smx_health_outcome;

/*
 * The last outcome of any process. False: there is none, *outcome is as it was. Async-signal-safe.
 */
SMX_API bool smx_health_last(smx_health health, smx_health_outcome *outcome);

/* ---- what this process sees of its own records ---- */

/* The series' total over all processes. 0 for the empty handle. */
SMX_API double smx_counter_value(smx_counter counter);
/* This process's own value; 0 if it has none. */
SMX_API double smx_gauge_value(smx_gauge gauge);

#ifdef __cplusplus
}
#endif
#endif
