/* SPDX-License-Identifier: MIT */
/*
 * values.h - what the series of a segment hold, as JSON
 */
#ifndef SHMETRICS_TOOL_VALUES_H
#define SHMETRICS_TOOL_VALUES_H

#include "json.h"
#include "shmetrics/reader.h"

/* What a reader tells of one series, and room for that of the largest. */
struct values {
	smx_counter_sample counter;
	uint64_t *counts; /* of a histogram's buckets; of a summary one */
	uint64_t *native_counts;
	double sum;
	smx_gauge_sample *samples;
	size_t sample_count;
	size_t state;
	const smx_label *labels; /* of an info */
	size_t label_count;
};

/* False: out of memory. To be freed in any case. */
bool values_make(struct values *values, const smx_reader *reader);
void values_free(struct values *values);

/* Appends an object, or nothing for an overflow series that was never used. */
void values_put_series(struct json *json, smx_reader *reader, const smx_series_view *series,
		       struct values *values);

#endif
