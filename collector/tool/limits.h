/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the limits of a segment that `run` makes, from its command line
 */
#ifndef SHMETRICS_TOOL_LIMITS_H
#define SHMETRICS_TOOL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "shmetrics/shmetrics.h"

/*
 * Reads "NAME=N" into the limit of that name; the names are those of smx_segment_options, and of
 * shmetrics.configure(). False, with the reason in why: there is no such limit, or N is none.
 */
bool limits_parse(const char *text, smx_segment_options *options, char *why, size_t why_size);

#endif
