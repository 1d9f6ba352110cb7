/* SPDX-License-Identifier: MIT */
/*
 * words.c - the words of an exposition: names, escapes, labels, HELP, TYPE and UNIT
 */
#include "text/words.h"

#include "text/buffer.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

smx_text smx_words_text_of(const char *string)
{
	return (smx_text){string, string ? strlen(string) : 0};
}

/* ---- names ---- */

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

bool smx_words_is_old_name(smx_text name, bool colons)
{
	if (name.size == 0)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		char byte = name.data[i];

		if (!is_letter(byte) && !(i > 0 && is_digit(byte)) && !(colons && byte == ':'))
			return false;
	}
	return true;
}

static bool text_is(smx_text text, const char *string)
{
	return text.size == strlen(string) && memcmp(text.data, string, text.size) == 0;
}

bool smx_words_is_name(smx_text name)
{
	return name.size != 0 && smx_words_is_utf8(name);
}

bool smx_words_is_reserved(smx_text name)
{
	return (name.size >= 2 && memcmp(name.data, "__", 2) == 0) || text_is(name, "le") ||
	       text_is(name, "quantile");
}

bool smx_words_is_metric_name(smx_text name)
{
	return smx_words_is_old_name(name, true);
}

bool smx_words_is_label_name(smx_text name)
{
	return smx_words_is_old_name(name, false) && !smx_words_is_reserved(name);
}

/* ---- kinds ---- */

const char *smx_words_sample_suffix(smx_kind kind)
{
	switch (kind) {
	case SMX_COUNTER:
		return "_total";
	case SMX_INFO:
		return "_info";
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
		return "_bucket";
	default:
		return "";
	}
}

const char *const *smx_words_suffixes(smx_kind kind)
{
	static const char *const counter[] = {"", "_total", "_created", NULL};
	static const char *const histogram[] = {"", "_bucket", "_sum", "_count", "_created", NULL};
	static const char *const summary[] = {"", "_sum", "_count", "_created", NULL};
	static const char *const info[] = {"", "_info", NULL};
	static const char *const plain[] = {"", NULL};

	switch (kind) {
	case SMX_COUNTER:
		return counter;
	case SMX_HISTOGRAM:
	case SMX_NATIVE_HISTOGRAM:
		return histogram;
	case SMX_SUMMARY:
		return summary;
	case SMX_INFO:
		return info;
	default:
		return plain;
	}
}

/* ---- escapes ---- */

size_t smx_words_character_size(const unsigned char *text, size_t size, size_t *bad)
{
	unsigned char first = text[0], low = 0x80, high = 0xbf;
	size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	*bad = 1;
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* shorter forms exist */
	else if (first == 0xed)
		high = 0x9f; /* surrogates */
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	for (; *bad < length; ++*bad) {
		if (*bad == size || text[*bad] < low || text[*bad] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

bool smx_words_is_utf8(smx_text text)
{
	for (size_t at = 0, bad, length; at < text.size; at += length) {
		length = smx_words_character_size((const unsigned char *)text.data + at,
						  text.size - at, &bad);
		if (length == 0 || text.data[at] == '\0')
			return false;
	}
	return true;
}

enum place { IN_LABEL, IN_HELP, IN_QUOTED_HELP, IN_MESSAGE };

/* What stands for the ASCII character `byte`, or NULL for itself. */
static const char *escape_of(unsigned char byte, enum place place)
{
	if (place == IN_MESSAGE && byte != '\0')
		return NULL; /* its length stands before it */
	switch (byte) {
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '"':
		return place == IN_HELP ? NULL : "\\\"";
	case '\r':
		/* At the end of a HELP line it would make a line end that is not LF. */
		return place == IN_LABEL ? NULL : " ";
	case '\0':
		return REPLACEMENT; /* Prometheus takes it for the end of the input. */
	default:
		return NULL;
	}
}

static void append_escaped(smx_buffer *buffer, smx_text text, enum place place)
{
	const unsigned char *bytes = (const unsigned char *)text.data;
	size_t plain = 0; /* where what has not been appended yet begins */
	size_t at = 0;

	while (at < text.size) {
		size_t bad, length = smx_words_character_size(bytes + at, text.size - at, &bad);
		const char *instead = length == 0   ? REPLACEMENT
				      : length == 1 ? escape_of(bytes[at], place)
						    : NULL;

		if (length == 0)
			length = bad;
		if (instead) {
			smx_buffer_append(buffer, bytes + plain, at - plain);
			smx_buffer_append_string(buffer, instead);
			plain = at + length;
		}
		at += length;
	}
	smx_buffer_append(buffer, bytes + plain, at - plain);
}

void smx_words_append_text(smx_buffer *buffer, smx_text text)
{
	append_escaped(buffer, text, IN_MESSAGE);
}

void smx_words_escaped(smx_buffer *buffer, smx_text text)
{
	append_escaped(buffer, text, IN_LABEL);
}

void smx_words_label(smx_buffer *buffer, const char *before, smx_text name, smx_text value)
{
	smx_buffer_append_string(buffer, before);
	smx_buffer_append(buffer, name.data, name.size);
	smx_buffer_append_string(buffer, "=\"");
	append_escaped(buffer, value, IN_LABEL);
	smx_buffer_append_string(buffer, "\"");
}

void smx_words_labels(smx_buffer *buffer, const smx_text *names, const smx_text *values,
		      size_t count)
{
	const char *before = "{";

	for (size_t i = 0; i < count; i++) {
		if (values[i].size == 0)
			continue;
		smx_words_label(buffer, before, names[i], values[i]);
		before = ",";
	}
}

/* ---- HELP, TYPE, UNIT ---- */

/* Of a family, as its comments have it. */
struct heading {
	const struct smx_kind_words *words;
	smx_text name;
	const char *quote; /* around it */
};

static void begin_comment(smx_buffer *buffer, const char *word, const struct heading *heading)
{
	smx_buffer_append_string(buffer, word);
	smx_buffer_append_string(buffer, heading->quote);
	smx_buffer_append(buffer, heading->name.data, heading->name.size);
	smx_buffer_append_string(buffer, heading->words->family_suffix);
	smx_buffer_append_string(buffer, heading->quote);
	smx_buffer_append_string(buffer, " ");
}

static void append_type(smx_buffer *buffer, const struct heading *heading)
{
	begin_comment(buffer, "# TYPE ", heading);
	smx_buffer_append_string(buffer, heading->words->type);
	smx_buffer_append_string(buffer, "\n");
}

bool smx_words_has_unit(smx_kind kind, smx_text name, smx_text unit)
{
	for (size_t i = 0; i < unit.size; i++) {
		if (!is_letter(unit.data[i]) && !is_digit(unit.data[i]) && unit.data[i] != ':')
			return false;
	}
	return unit.size != 0 && kind != SMX_INFO && kind != SMX_STATE_SET &&
	       name.size > unit.size + 1 && name.data[name.size - unit.size - 1] == '_' &&
	       memcmp(name.data + name.size - unit.size, unit.data, unit.size) == 0;
}

void smx_words_header(smx_buffer *buffer, const struct smx_text_format *format, smx_kind kind,
		      smx_text name, smx_text unit, smx_text help)
{
	const struct heading heading = {smx_text_format_kind(format, kind), name,
					smx_words_is_metric_name(name) ? "" : "\""};

	if (format->type_before_help)
		append_type(buffer, &heading);
	if (format->has_units && smx_words_has_unit(kind, name, unit)) {
		begin_comment(buffer, "# UNIT ", &heading);
		smx_buffer_append(buffer, unit.data, unit.size);
		smx_buffer_append_string(buffer, "\n");
	}
	if (help.size != 0) {
		begin_comment(buffer, "# HELP ", &heading);
		append_escaped(buffer, help,
			       format->help_escapes_quotes ? IN_QUOTED_HELP : IN_HELP);
		smx_buffer_append_string(buffer, "\n");
	}
	if (!format->type_before_help)
		append_type(buffer, &heading);
}
