/* SPDX-License-Identifier: MIT */
/*
 * text004.h - the words of the Prometheus text format 0.0.4: names, escapes, labels, HELP and TYPE
 */
#ifndef SMX_TEXT_TEXT004_H
#define SMX_TEXT_TEXT004_H

#include "shmetrics/exposition.h"

/* [a-zA-Z_:][a-zA-Z0-9_:]* */
bool smx_text004_is_metric_name(smx_text name);
/* [a-zA-Z_][a-zA-Z0-9_]*, and not a name that means something to Prometheus: __*, le, quantile */
bool smx_text004_is_label_name(smx_text name);

/* The kind as a TYPE line names it: "counter", "untyped", ... */
const char *smx_text004_type(smx_kind kind);
/* What the format adds to the name of a family, already on its HELP and TYPE lines: "_total" or "".
 */
const char *smx_text004_family_suffix(smx_kind kind);
/* The suffixes of a family's sample names, ended by NULL. */
const char *const *smx_text004_sample_suffixes(smx_kind kind);

/* HELP, if there is any, and TYPE. */
void smx_text004_header(smx_buffer *buffer, smx_text name, smx_text help, smx_kind kind);

/*
 * {a="x",b="y" without the closing brace; nothing at all if every value is empty, since an empty
 * label is an absent one. Bytes that are no UTF-8, and NUL, become U+FFFD.
 */
void smx_text004_labels(smx_buffer *buffer, const smx_text *names, const smx_text *values,
			size_t count);

#endif
