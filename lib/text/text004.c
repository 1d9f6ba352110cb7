/* SPDX-License-Identifier: MIT */
/*
 * text004.c - the words of the Prometheus text format 0.0.4: names, escapes, labels, HELP and TYPE
 *
 * Names and texts come from segments that nobody vouches for. What is written here parses whatever
 * they hold: a Prometheus drops a whole scrape for one bad byte in it.
 */
#include "text/text004.h"

#include "text/buffer.h"
#include "text/number.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* ---- names ---- */

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_name(smx_text name, bool colons)
{
	if (name.size == 0)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		char byte = name.data[i];
		bool digit = byte >= '0' && byte <= '9';

		if (!is_letter(byte) && !(digit && i > 0) && !(colons && byte == ':'))
			return false;
	}
	return true;
}

static bool text_is(smx_text text, const char *string)
{
	return text.size == strlen(string) && memcmp(text.data, string, text.size) == 0;
}

bool smx_text004_is_metric_name(smx_text name)
{
	return is_name(name, true);
}

bool smx_text004_is_label_name(smx_text name)
{
	return is_name(name, false) && !(name.size >= 2 && memcmp(name.data, "__", 2) == 0) &&
	       !text_is(name, "le") && !text_is(name, "quantile");
}

/* ---- kinds ---- */

struct kind_words {
	const char *type;
	const char *family_suffix;
	const char *sample_suffixes[5];
};

/* Info and state sets exist in OpenMetrics only; here they are gauges. */
static const struct kind_words words_of_kinds[] = {
	[SMX_COUNTER] = {"counter", "_total", {"_total"}},
	[SMX_GAUGE] = {"gauge", "", {""}},
	[SMX_HISTOGRAM] = {"histogram", "", {"", "_bucket", "_sum", "_count"}},
	[SMX_NATIVE_HISTOGRAM] = {"histogram", "", {"", "_bucket", "_sum", "_count"}},
	[SMX_SUMMARY] = {"summary", "", {"", "_sum", "_count"}},
	[SMX_INFO] = {"gauge", "_info", {"_info"}},
	[SMX_STATE_SET] = {"gauge", "", {""}},
	[SMX_UNKNOWN] = {"untyped", "", {""}},
};

static const struct kind_words *words_of(smx_kind kind)
{
	size_t count = sizeof(words_of_kinds) / sizeof(words_of_kinds[0]);

	return &words_of_kinds[kind >= SMX_COUNTER && (size_t)kind < count ? kind : SMX_UNKNOWN];
}

const char *smx_text004_type(smx_kind kind)
{
	return words_of(kind)->type;
}

const char *smx_text004_family_suffix(smx_kind kind)
{
	return words_of(kind)->family_suffix;
}

const char *const *smx_text004_sample_suffixes(smx_kind kind)
{
	return words_of(kind)->sample_suffixes;
}

/* ---- escapes ---- */

/*
 * How many bytes at `text` make one character, or 0 if they make none; then *bad is how many of
 * them are replaced together: the longest beginning of a character, as the Unicode standard
 * recommends.
 */
static size_t character_size(const unsigned char *text, size_t size, size_t *bad)
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

enum place { IN_LABEL, IN_HELP };

/* What stands for the ASCII character `byte`, or NULL for itself. */
static const char *escape_of(unsigned char byte, enum place place)
{
	switch (byte) {
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '"':
		return place == IN_LABEL ? "\\\"" : NULL;
	case '\r':
		/* At the end of a HELP line it would make a line end that is not LF. */
		return place == IN_HELP ? " " : NULL;
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
		size_t bad, length = character_size(bytes + at, text.size - at, &bad);
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

void smx_text004_labels(smx_buffer *buffer, const smx_text *names, const smx_text *values,
			size_t count)
{
	const char *before = "{";

	for (size_t i = 0; i < count; i++) {
		if (values[i].size == 0)
			continue;
		smx_buffer_append_string(buffer, before);
		smx_buffer_append(buffer, names[i].data, names[i].size);
		smx_buffer_append_string(buffer, "=\"");
		append_escaped(buffer, values[i], IN_LABEL);
		smx_buffer_append_string(buffer, "\"");
		before = ",";
	}
}

/* ---- HELP and TYPE ---- */

static void begin_comment(smx_buffer *buffer, const char *word, smx_text name, smx_kind kind)
{
	smx_buffer_append_string(buffer, word);
	smx_buffer_append(buffer, name.data, name.size);
	smx_buffer_append_string(buffer, smx_text004_family_suffix(kind));
	smx_buffer_append_string(buffer, " ");
}

void smx_text004_header(smx_buffer *buffer, smx_text name, smx_text help, smx_kind kind)
{
	if (help.size != 0) {
		begin_comment(buffer, "# HELP ", name, kind);
		append_escaped(buffer, help, IN_HELP);
		smx_buffer_append_string(buffer, "\n");
	}
	begin_comment(buffer, "# TYPE ", name, kind);
	smx_buffer_append_string(buffer, smx_text004_type(kind));
	smx_buffer_append_string(buffer, "\n");
}

/* ---- metrics that live in no segment ---- */

static smx_text text_of(const char *string)
{
	return (smx_text){string, string ? strlen(string) : 0};
}

void smx_emit_family(smx_buffer *buffer, smx_format format, const char *name, const char *help,
		     smx_kind kind)
{
	(void)format;
	if (smx_text004_is_metric_name(text_of(name)))
		smx_text004_header(buffer, text_of(name), text_of(help), kind);
}

/* A handful of labels at a time, so that no allocation besides the buffer's can fail. */
static void append_labels(smx_buffer *buffer, const char *const *names, const char *const *values,
			  size_t count)
{
	size_t start = buffer->size;

	for (size_t i = 0; i < count; i++) {
		smx_text name = text_of(names[i]), value = text_of(values[i]);
		size_t at = buffer->size;

		if (!smx_text004_is_label_name(name))
			continue;
		smx_text004_labels(buffer, &name, &value, 1);
		if (at > start && buffer->size > at)
			buffer->data[at] = ',';
	}
	smx_buffer_append_string(buffer, buffer->size > start ? "} " : " ");
}

void smx_emit_sample(smx_buffer *buffer, smx_format format, const char *name, smx_kind kind,
		     const char *const *label_names, const char *const *label_values,
		     size_t label_count, double value)
{
	(void)format;
	if (!smx_text004_is_metric_name(text_of(name)))
		return;
	smx_buffer_append_string(buffer, name);
	smx_buffer_append_string(buffer, smx_text004_family_suffix(kind));
	append_labels(buffer, label_names, label_values, label_count);
	smx_emit_double(buffer, value);
	smx_buffer_append_string(buffer, "\n");
}

void smx_emit_double(smx_buffer *buffer, double value)
{
	char *out = smx_buffer_reserve(buffer, SMX_NUMBER_ROOM);

	if (out)
		smx_buffer_commit(buffer, smx_number_double(out, value));
}

const char *smx_format_content_type(smx_format format)
{
	(void)format; /* whoever asks for an unknown one gets what is always understood */
	return "text/plain; version=0.0.4; charset=utf-8";
}
