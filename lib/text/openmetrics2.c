/* SPDX-License-Identifier: MIT */
/*
 * openmetrics2.c - OpenMetrics 2.0, as of its release candidate 0
 *
 * A family has the name of its samples, with the _total and the _info. A histogram or a summary is
 * one sample (composite.c), and when a series was made stands in its own line, not in one more.
 * Only who names this version gets it: it may still change.
 */
#include "text/format.h"

const struct smx_text_format smx_text_format_openmetrics2 = {
	.end = "# EOF\n",
	.kinds =
		{
			[SMX_COUNTER] = {"counter", "_total"},
			[SMX_GAUGE] = {"gauge", ""},
			[SMX_HISTOGRAM] = {"histogram", ""},
			[SMX_NATIVE_HISTOGRAM] = {"histogram", ""},
			[SMX_SUMMARY] = {"summary", ""},
			[SMX_INFO] = {"info", "_info"},
			[SMX_STATE_SET] = {"stateset", ""},
			[SMX_UNKNOWN] = {"unknown", ""},
		},
	.has_composites = true,
	.type_before_help = true,
	.help_escapes_quotes = true,
	.has_units = true,
	.has_exemplars = true,
};
