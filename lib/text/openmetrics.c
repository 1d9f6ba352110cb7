/* SPDX-License-Identifier: MIT */
/*
 * openmetrics.c - OpenMetrics 1.0
 *
 * A header names the family, without the _total and _info of its samples. There are no timestamps:
 * one in milliseconds would be taken for seconds, far in the future.
 */
#include "text/format.h"

const struct smx_text_format smx_text_format_openmetrics = {
	.end = "# EOF\n",
	.kinds =
		{
			[SMX_COUNTER] = {"counter", ""},
			[SMX_GAUGE] = {"gauge", ""},
			[SMX_HISTOGRAM] = {"histogram", ""},
			[SMX_NATIVE_HISTOGRAM] = {"histogram", ""},
			[SMX_SUMMARY] = {"summary", ""},
			[SMX_INFO] = {"info", ""},
			[SMX_STATE_SET] = {"stateset", ""},
			[SMX_UNKNOWN] = {"unknown", ""},
		},
	.type_before_help = true,
	.help_escapes_quotes = true,
	.has_units = true,
	.has_exemplars = true,
	.has_created = true,
	.sums_are_counters = true,
};
