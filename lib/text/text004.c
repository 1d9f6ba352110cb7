/* SPDX-License-Identifier: MIT */
/*
 * text004.c - the Prometheus text format 0.0.4
 *
 * It knows five types: an info and a state set are gauges here, whatever is unknown is untyped.
 */
#include "text/format.h"

const struct smx_text_format smx_text_format_text004 = {
	.end = "",
	.kinds =
		{
			[SMX_COUNTER] = {"counter", "_total"},
			[SMX_GAUGE] = {"gauge", ""},
			[SMX_HISTOGRAM] = {"histogram", ""},
			[SMX_NATIVE_HISTOGRAM] = {"histogram", ""},
			[SMX_SUMMARY] = {"summary", ""},
			[SMX_INFO] = {"gauge", "_info"},
			[SMX_STATE_SET] = {"gauge", ""},
			[SMX_UNKNOWN] = {"untyped", ""},
		},
	.created_apart = true,
};
