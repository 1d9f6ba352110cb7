/* SPDX-License-Identifier: MIT */
/*
 * format.h - what differs between the formats: a table of each
 *
 * A sample is the same line in all text formats (words.h). What stands around it is not: the
 * headers, and what is served besides.
 */
#ifndef SMX_TEXT_FORMAT_H
#define SMX_TEXT_FORMAT_H

#include "shmetrics/exposition.h"

#define SMX_KIND_END (SMX_UNKNOWN + 1)

struct smx_text_format {
	const char *end; /* of an exposition */
	struct smx_kind_words {
		const char *type;	   /* as a TYPE line names it */
		const char *family_suffix; /* of the family's name in its header */
	} kinds[SMX_KIND_END];
	bool is_protobuf;    /* families are messages (protobuf.h), and there are no lines */
	bool has_composites; /* a histogram or summary is one sample; starts stand in the line */
	bool type_before_help;
	bool help_escapes_quotes;
	bool has_units;
	bool has_exemplars;
	bool has_created;   /* x_created, beside each series */
	bool created_apart; /* x_created, as a family of gauges */
	/*
	 * A _sum is what a counter is: never negative, never NaN. Where it could be it is left out,
	 * and with it the _count of a histogram.
	 */
	bool sums_are_counters;
};

extern const struct smx_text_format smx_text_format_text004;
extern const struct smx_text_format smx_text_format_openmetrics;
extern const struct smx_text_format smx_text_format_openmetrics2;
extern const struct smx_text_format smx_text_format_protobuf;

/* NULL: there is no such format, or it cannot be had with this escaping. */
const struct smx_text_format *smx_text_format_of(smx_exposition_type type);

/* For a number that may be no kind. */
static inline const struct smx_kind_words *
smx_text_format_kind(const struct smx_text_format *format, smx_kind kind)
{
	return &format->kinds[kind >= SMX_COUNTER && kind < SMX_KIND_END ? kind : SMX_UNKNOWN];
}

#endif
