/* SPDX-License-Identifier: MIT */
/*
 * combine.h - the numbers of one series, over all its parts
 *
 * What a family's readers do not serve counts for nothing here.
 */
#ifndef SMX_TEXT_COMBINE_H
#define SMX_TEXT_COMBINE_H

#include "text/merge.h"

static inline uint64_t smx_add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

smx_counter_sample smx_combine_counter(const struct smx_series *series);
/*
 * Fills counts, not cumulative: one a bound and one beyond, then of native histograms one a native
 * bucket, as smx_reader_native_histogram has them. part_counts has room for as many. Returns the
 * sum.
 */
double smx_combine_histogram(const struct smx_series *series, uint64_t *counts,
			     uint64_t *part_counts);
/* The one sample of a gauge that has one. False: nobody has a value. */
bool smx_combine_gauge(const struct smx_series *series, smx_gauge_mode mode, double *value);
/* Returns how many observations there were. */
uint64_t smx_combine_summary(const struct smx_series *series, double *sum);
/* The index of a state set's present state: the one set last. False: none was, it is the first. */
bool smx_combine_state(const struct smx_series *series, size_t *state);
/*
 * The labels of an info, of the first part that has any; how many. They live until the next call
 * for any reader of the series.
 */
size_t smx_combine_info(const struct smx_series *series, const smx_label **labels);
/*
 * The latest exemplar of a counter (bucket 0) or of a histogram's bucket, or one of a native
 * histogram without bounds. False: there is none.
 */
bool smx_combine_exemplar(const struct smx_series *series, size_t bucket,
			  smx_exemplar_view *exemplar);
/*
 * Of all that a histogram has the one to stand behind a bucket of its bounds: where a native one
 * has no bounds, the latest of its exemplars.
 */
bool smx_combine_bucket_exemplar(const struct smx_series *series, size_t bucket,
				 smx_exemplar_view *exemplar);
/* How many exemplars a series may have. */
size_t smx_combine_exemplar_count(const struct smx_family *family);
/* When the oldest part of it was made. */
uint64_t smx_combine_created_ns(const struct smx_series *series);
/*
 * Whether an application asked for the series, and its reader serves the family. If not (what was
 * too much is counted there), it is shown only with a number in it.
 */
bool smx_combine_is_asked_for(const struct smx_series *series);

#endif
