/* SPDX-License-Identifier: MIT */
/*
 * fake_reader.h - readers whose contents a test makes up, instead of those of a segment
 *
 * It defines the smx_reader_* functions that rendering calls, so that rendering is tested alone,
 * and with contents that no writer would make. Strings are kept by reference where nothing else is
 * said.
 */
#ifndef SMX_FAKE_READER_H
#define SMX_FAKE_READER_H

#include "shmetrics/reader.h"

#define FAKE_LABELS_MAX 4
#define FAKE_BOUNDS_MAX 32
#define FAKE_NATIVE_MAX 64

struct fake_exemplar {
	double value;
	uint64_t unix_ns; /* 0: there is none */
	const smx_label *labels;
	size_t label_count;
};

struct fake_series {
	smx_series_view view; /* first: what rendering holds leads back here */
	smx_text values[FAKE_LABELS_MAX];
	smx_counter_sample counter;
	uint64_t counts[FAKE_BOUNDS_MAX + 1]; /* of a summary: one */
	uint64_t native_counts[FAKE_NATIVE_MAX];
	double sum;
	struct fake_exemplar exemplars[FAKE_BOUNDS_MAX + 1];
	const smx_label *info;
	size_t info_count;
	smx_gauge_sample *gauge; /* gauge_count of them, copied */
	size_t gauge_count;
};

struct fake_family {
	smx_family_view view; /* first, likewise */
	smx_text label_names[FAKE_LABELS_MAX];
	smx_text states[FAKE_LABELS_MAX];
	struct fake_series **series;
};

smx_reader *fake_reader_create(void);
void fake_reader_free(smx_reader *reader);

/* labels: names separated by commas, or "". A family is created a nanosecond after the one before.
 */
struct fake_family *fake_family_add(smx_reader *reader, smx_kind kind, const char *name,
				    const char *labels);
/* The same for names that are no strings. */
struct fake_family *fake_family_add_texts(smx_reader *reader, smx_kind kind, smx_text name,
					  const smx_text *labels, size_t label_count);
void fake_family_bounds(struct fake_family *family, const double *bounds, size_t count);
/* Native buckets from `first` on, `side` of a sign, at most FAKE_NATIVE_MAX in all. */
void fake_family_native(struct fake_family *family, int schema, int first, size_t side,
			bool negative);

/* states: separated by commas, at most FAKE_LABELS_MAX. */
void fake_family_states(struct fake_family *family, const char *states);

/* values: separated by commas, as many as the family has labels. */
struct fake_series *fake_series_add(struct fake_family *family, const char *values);
struct fake_series *fake_series_add_texts(struct fake_family *family, const smx_text *values);

/* One more live writer; returns its index. */
uint32_t fake_writer_add(smx_reader *reader, uint32_t slot, uint64_t generation, uint32_t pid);
void fake_writers_clear(smx_reader *reader);
/* What a writer holds. stamp_ns: for most recent. */
void fake_gauge_set(struct fake_series *series, uint32_t writer, double value, uint64_t stamp_ns);

/* A text of a string literal or another string. */
smx_text fake_text(const char *string);

#endif
