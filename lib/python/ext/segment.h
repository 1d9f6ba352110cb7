/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the type Segment, for the files that define metrics in one
 */
#ifndef SHMETRICS_PYTHON_SEGMENT_H
#define SHMETRICS_PYTHON_SEGMENT_H

#include "core.h"

/* segment: a Segment. Lives as long as it. */
smx_segment *segment_of(PyObject *segment);

#endif
