/* SPDX-License-Identifier: MIT */
/*
 * escape.c - names beyond the older character set, written in it
 *
 * Source: "UTF-8 metric and label name escaping schemes" of Prometheus. Of the two ways to read it,
 * dots leave a name of the older set alone, underscores and all: so do the scrapers' own libraries,
 * and a recording rule for http_requests_total goes on finding it.
 */
#include "text/escape.h"

#include "text/buffer.h"
#include "text/words.h"

#include <stdio.h>

/* The characters that stay; `first`: at the beginning of a name. */
static bool is_kept(uint32_t character, bool first, bool colons)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       character == '_' || (colons && character == ':') ||
	       (!first && character >= '0' && character <= '9');
}

/* The character at `at`, which leads behind it afterwards. What is no UTF-8 is U+FFFD. */
static uint32_t next_character(const unsigned char **at, const unsigned char *end)
{
	size_t bad, size = smx_words_character_size(*at, (size_t)(end - *at), &bad);
	uint32_t character = size < 2 ? **at : **at & (0x7fu >> size);

	if (size == 0) {
		*at += bad;
		return 0xfffd;
	}
	for (size_t i = 1; i < size; i++)
		character = character << 6 | ((*at)[i] & 0x3f);
	*at += size;
	return character;
}

static void append_number(smx_buffer *buffer, uint32_t character)
{
	char *out = smx_buffer_reserve(buffer, sizeof("_10ffff_"));

	if (out)
		smx_buffer_commit(buffer, out + sprintf(out, "_%x_", character));
}

static void append_character(smx_buffer *buffer, uint32_t character, bool kept,
			     smx_escaping escaping)
{
	const char byte = (char)character;

	if (character == '_' && escaping != SMX_ESCAPING_UNDERSCORES)
		smx_buffer_append_string(buffer, "__");
	else if (kept)
		smx_buffer_append(buffer, &byte, 1);
	else if (escaping == SMX_ESCAPING_VALUES)
		append_number(buffer, character);
	else if (escaping == SMX_ESCAPING_DOTS)
		smx_buffer_append_string(buffer, character == '.' ? "_dot_" : "__");
	else
		smx_buffer_append_string(buffer, "_");
}

void smx_escape_name(smx_buffer *buffer, smx_text name, smx_escaping escaping, bool colons)
{
	const unsigned char *begin = (const unsigned char *)name.data, *at = begin;
	const unsigned char *end = begin + name.size;

	if (escaping == SMX_ESCAPING_ALLOW_UTF8 || smx_words_is_old_name(name, colons)) {
		smx_buffer_append(buffer, name.data, name.size);
		return;
	}
	if (escaping == SMX_ESCAPING_VALUES)
		smx_buffer_append_string(buffer, "U__");
	while (at < end) {
		bool first = at == begin;
		uint32_t character = next_character(&at, end);

		append_character(buffer, character, is_kept(character, first, colons), escaping);
	}
}
