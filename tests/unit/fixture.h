/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - a folder of its own in /dev/shm for each test, and segments in it
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"

#include <stdio.h>
#include <string.h>

/* .init and .fini of every suite that makes segments: SHMETRICS_DIR is the folder. */
void fixture_begin(void);
void fixture_end(void);

/* A segment with small defaults: 4 slots, 2 stripes, 1 MiB; fails the test if it cannot be had. */
smx_segment *fixture_segment(const char *name);

/* A reader of it; fails the test if it cannot be had. */
smx_reader *fixture_reader(const smx_segment *segment);

/* Definitions in one line; label_names NULL: no labels. */
smx_counter_family fixture_counter(smx_segment *segment, const char *name, const char *label);
smx_gauge_family fixture_gauge(smx_segment *segment, const char *name, smx_gauge_mode mode,
			       const char *label);
smx_histogram_family fixture_histogram(smx_segment *segment, const char *name, const char *label);

/* What a reader sees: the family of a name that is served, NULL if none. */
const smx_family_view *fixture_family(const smx_reader *reader, const char *name);
/* The series whose first label value is `value`, or without labels the only one; NULL if none. */
const smx_series_view *fixture_series(const smx_reader *reader, const char *name,
				      const char *value);

#endif
