/* SPDX-License-Identifier: MIT */
/*
 * words.h - the words of an exposition: names, escapes, labels, HELP, TYPE and UNIT
 *
 * Names and texts come from segments that nobody vouches for. What is written here parses whatever
 * they hold: a Prometheus drops a whole scrape for one bad byte in it.
 */
#ifndef SMX_TEXT_WORDS_H
#define SMX_TEXT_WORDS_H

#include "text/format.h"

/* NULL is an empty text. */
smx_text smx_words_text_of(const char *string);

/*
 * A name of the older character set, which every scraper understands: [a-zA-Z_:][a-zA-Z0-9_:]*, the
 * colons in names of metrics alone.
 */
bool smx_words_is_old_name(smx_text name, bool colons);
/* A name by Prometheus 3: any text. */
bool smx_words_is_name(smx_text name);
/* A label that means something to Prometheus: __*, le, quantile. */
bool smx_words_is_reserved(smx_text name);
/* Of the older set, and a label's not reserved. */
bool smx_words_is_metric_name(smx_text name);
bool smx_words_is_label_name(smx_text name);
/* Whether the text is served byte for byte: UTF-8 without a NUL. */
bool smx_words_is_utf8(smx_text text);

/*
 * How many bytes at `text` make one character, or 0 if they make none; then *bad is how many of
 * them are replaced together: the longest beginning of a character, as the Unicode standard
 * recommends.
 */
size_t smx_words_character_size(const unsigned char *text, size_t size, size_t *bad);
/* As between quotes: \\, \", \n. Bytes that are no UTF-8, and NUL, become U+FFFD. */
void smx_words_escaped(smx_buffer *buffer, smx_text text);

/*
 * What a sample's name has behind the family's: "_total", "_info", "_bucket", else "". The same in
 * every format.
 */
const char *smx_words_sample_suffix(smx_kind kind);
/*
 * The suffixes of all names that are the family's in any format, ended by NULL; at most
 * SMX_WORDS_SUFFIXES_MAX.
 */
const char *const *smx_words_suffixes(smx_kind kind);
#define SMX_WORDS_SUFFIXES_MAX 5u

/*
 * HELP, if there is any, TYPE and, in formats that have it and if the name ends in it, UNIT. A name
 * that is not of the older set stands in quotes; it is escaped already.
 */
void smx_words_header(smx_buffer *buffer, const struct smx_text_format *format, smx_kind kind,
		      smx_text name, smx_text unit, smx_text help);

/*
 * Whether the unit may be told: one that the name does not end in would cost the whole scrape, as
 * would one of an info or a state set, or one with more in it than the older character set.
 */
bool smx_words_has_unit(smx_kind kind, smx_text name, smx_text unit);

/* The text by itself, where nothing needs an escape. Bytes that are no UTF-8, and NUL, as below. */
void smx_words_append_text(smx_buffer *buffer, smx_text text);

/* `before`, then x="value", the value escaped. */
void smx_words_label(smx_buffer *buffer, const char *before, smx_text name, smx_text value);
/*
 * {a="x",b="y" without the closing brace; nothing at all if every value is empty, since an empty
 * label is an absent one.
 */
void smx_words_labels(smx_buffer *buffer, const smx_text *names, const smx_text *values,
		      size_t count);

#endif
