/* SPDX-License-Identifier: MIT */
/*
 * text.c - strings as JSON, HTML and logfmt want them, and printf onto a buffer
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD";

void text_append(smx_buffer *buffer, const char *string)
{
	smx_buffer_append(buffer, string, strlen(string));
}

void text_printf(smx_buffer *buffer, const char *format, ...)
{
	char line[512];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (size < 0)
		return;
	if ((size_t)size >= sizeof(line))
		size = (int)sizeof(line) - 1;
	smx_buffer_append(buffer, line, (size_t)size);
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xC0) == 0x80;
}

/*
 * How many bytes the UTF-8 sequence at the start of `bytes` has; 0: it is none. The NUL ends every
 * check.
 */
static size_t sequence_size(const unsigned char *bytes)
{
	unsigned char first = bytes[0];

	if (first < 0x80)
		return 1;
	if (first < 0xC2 || first > 0xF4 || !is_continuation(bytes[1]))
		return 0;
	if (first < 0xE0)
		return 2;
	if (!is_continuation(bytes[2]))
		return 0;
	if (first < 0xF0) {
		if (first == 0xE0 && bytes[1] < 0xA0) /* overlong */
			return 0;
		if (first == 0xED && bytes[1] > 0x9F) /* surrogates */
			return 0;
		return 3;
	}
	if (!is_continuation(bytes[3]) || (first == 0xF0 && bytes[1] < 0x90) ||
	    (first == 0xF4 && bytes[1] > 0x8F))
		return 0;
	return 4;
}

/*
 * Appends one character that needs no escape, or the replacement; returns how many bytes it
 * consumed.
 */
static size_t append_character(smx_buffer *buffer, const char *string)
{
	size_t size = sequence_size((const unsigned char *)string);

	if (size == 0) {
		text_append(buffer, replacement);
		return 1;
	}
	smx_buffer_append(buffer, string, size);
	return size;
}

static void append_quoted(smx_buffer *buffer, const char *string)
{
	smx_buffer_append(buffer, "\"", 1);
	while (*string) {
		unsigned char byte = (unsigned char)*string;

		if (byte == '"' || byte == '\\') {
			text_printf(buffer, "\\%c", byte);
			string++;
		} else if (byte == '\n') {
			text_append(buffer, "\\n");
			string++;
		} else if (byte < 0x20 || byte == 0x7F) {
			text_printf(buffer, "\\u%04x", byte);
			string++;
		} else {
			string += append_character(buffer, string);
		}
	}
	smx_buffer_append(buffer, "\"", 1);
}

void text_json(smx_buffer *buffer, const char *string)
{
	append_quoted(buffer, string);
}

void text_html(smx_buffer *buffer, const char *string)
{
	while (*string) {
		unsigned char byte = (unsigned char)*string;

		switch (byte) {
		case '&':
			text_append(buffer, "&amp;");
			string++;
			break;
		case '<':
			text_append(buffer, "&lt;");
			string++;
			break;
		case '>':
			text_append(buffer, "&gt;");
			string++;
			break;
		case '"':
			text_append(buffer, "&quot;");
			string++;
			break;
		case '\'':
			text_append(buffer, "&#39;");
			string++;
			break;
		default:
			if (byte < 0x20 && byte != '\t' && byte != '\n') {
				text_append(buffer, replacement);
				string++;
			} else {
				string += append_character(buffer, string);
			}
		}
	}
}

void text_logfmt(smx_buffer *buffer, const char *string)
{
	bool bare = *string != '\0';

	for (const char *at = string; *at && bare; at++) {
		unsigned char byte = (unsigned char)*at;

		bare = byte > 0x20 && byte < 0x7F && byte != '"' && byte != '=' && byte != '\\';
	}
	if (bare)
		text_append(buffer, string);
	else
		append_quoted(buffer, string);
}
