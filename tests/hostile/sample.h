/* SPDX-License-Identifier: MIT */
/*
 * sample.h - a segment with one of everything, made by the library: what golden files and mutations
 * start from
 */
#ifndef SHMETRICS_TESTS_SAMPLE_H
#define SHMETRICS_TESTS_SAMPLE_H

#include "shmetrics/shmetrics.h"

typedef struct sample {
	smx_counter_family requests;	    /* labels method, path; at most 3 series */
	smx_counter_family bytes;	    /* no labels, unit bytes */
	smx_counter_family sized;	    /* golden.größe, label an.label */
	smx_histogram_family latency;	    /* label route, unit seconds */
	smx_histogram_family temperature;   /* no labels, negative bounds */
	smx_histogram_family wide;	    /* more buckets than a tile has cells */
	smx_gauge_family modes[6];	    /* by smx_gauge_mode, 1 to 5; label pool */
	smx_counter_family traced;	    /* no labels; with exemplars, as the next */
	smx_histogram_family durations;	    /* no labels */
	smx_summary_family payload;	    /* label route, unit bytes */
	smx_info_family build;		    /* no labels */
	smx_info_family node;		    /* label pool */
	smx_state_set_family phase;	    /* label pool; 3 states */
	smx_native_histogram_family native; /* label route, unit seconds; with exemplars */
	smx_native_histogram_family change; /* no labels; negative, and classic buckets */
	smx_health database, cache;
} sample;

#define SAMPLE_WIDE_BOUNDS 40

/* Defines the families; every process that records defines them. */
smx_status sample_define(smx_segment *segment, sample *s, smx_error *error);
/* What one process, of number 0, 1 or 2, records. */
void sample_record(const sample *s, unsigned process);

/*
 * Makes a segment at `path` (with a slash, ending in .smx1) in which three processes, alive at once
 * and on different processors where there are some, have recorded; copies the file to `copy` while
 * they live. Returns whether that worked; says on stderr why not.
 */
bool sample_write(const char *path, const char *copy);

#endif
