/* SPDX-License-Identifier: MIT */
/*
 * series.h - series as records of the segment, and the way from a handle to its cells
 */
#ifndef SMX_SERIES_H
#define SMX_SERIES_H

#include "family.h"
#include "segment.h"
#include "word.h"

/* A handle's pointer is the record itself. */
static inline smx_layout_series *smx_series_of(struct smx_series_record *impl)
{
	return (smx_layout_series *)(void *)impl;
}

/*
 * The series with these values (label_count of them), the overflow series, or NULL if there is
 * neither.
 */
smx_layout_series *smx_series_find(smx_layout_family *family, const smx_text *values);
/* The same with strings. */
smx_layout_series *smx_series_find_strings(smx_layout_family *family, const char *const *values);

/* The series with these values if there is one, removed or not. Makes nothing. */
smx_layout_series *smx_series_known(smx_layout_family *family, const smx_text *values);

/*
 * removal.c: a removed series is served again, from nothing. Lock-free. False: no room for other
 * cells.
 */
bool smx_series_bring_back(struct smx_segment *segment, smx_layout_series *series);

/* Sees to it that the family has its overflow series. */
void smx_series_overflow(struct smx_segment *segment, smx_layout_family *family);

/* Counts a record to an empty handle. */
void smx_series_unrecorded(void);
/* The series, if it may take the observation; NULL: that is counted, as unrecorded or as NaN. */
smx_layout_series *smx_series_to_observe(struct smx_series_record *impl, double value);

#endif
