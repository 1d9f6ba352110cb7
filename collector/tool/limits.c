/* SPDX-License-Identifier: MIT */
/*
 * limits.c - the limits of a segment that `run` makes, from its command line
 *
 * Checked here and not left to the library: a segment that cannot be made does not stop the
 * command, but a command line that makes no sense should.
 */
#include "limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shmetrics/layout.h"

#define SERIES_MOST 16777216u /* as shmetrics.h has it of series_max */

struct limit {
	const char *name;
	uint64_t least, most;
};

enum { SIZE, SERIES, FAMILY_SERIES, LIMIT_COUNT };

static const struct limit limits[LIMIT_COUNT] = {
	[SIZE] = {"size_max_bytes", SMX_LAYOUT_SIZE_MAX_LEAST, SMX_LAYOUT_SIZE_MAX},
	[SERIES] = {"series_max", 1, SERIES_MOST},
	[FAMILY_SERIES] = {"family_series_max", 1, SERIES_MOST},
};

static int find(const char *text, size_t size)
{
	int found = 0;

	while (found < LIMIT_COUNT &&
	       (strlen(limits[found].name) != size || memcmp(limits[found].name, text, size) != 0))
		found++;
	return found;
}

/* Whether all of text is a number from least to most. */
static bool read_number(const char *text, const struct limit *limit, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	/* 18 digits are less than 2^64, and more than any limit. */
	if (digits == 0 || digits > 18 || text[digits])
		return false;
	*number = strtoull(text, NULL, 10);
	return *number >= limit->least && *number <= limit->most;
}

bool limits_parse(const char *text, smx_segment_options *options, char *why, size_t why_size)
{
	size_t name_size = strcspn(text, "=");
	int which = find(text, name_size);
	uint64_t number;

	if (which == LIMIT_COUNT || text[name_size] != '=') {
		snprintf(why, why_size,
			 "must be NAME=N, with size_max_bytes, series_max or family_series_max");
		return false;
	}
	if (!read_number(text + name_size + 1, &limits[which], &number)) {
		snprintf(why, why_size, "must be a number from %" PRIu64 " to %" PRIu64,
			 limits[which].least, limits[which].most);
		return false;
	}
	if (which == SIZE)
		options->size_max_bytes = number;
	else if (which == SERIES)
		options->series_max = (uint32_t)number;
	else
		options->family_series_max = (uint32_t)number;
	return true;
}
