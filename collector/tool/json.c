/* SPDX-License-Identifier: MIT */
/*
 * json.c - writing JSON onto a buffer
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tool.h"

static void put(struct json *json, const char *text)
{
	smx_buffer_append(&json->buffer, text, strlen(text));
}

/* The size of the UTF-8 character at the front of data, 0 if there is none. */
static size_t character_size(const unsigned char *data, size_t size)
{
	static const unsigned char least_second[] = {0xa0, 0x90}, most_second[] = {0x9f, 0x8f};
	size_t wanted = data[0] < 0x80	 ? 1
			: data[0] < 0xc2 ? 0
			: data[0] < 0xe0 ? 2
			: data[0] < 0xf0 ? 3
					 : 4;

	if (wanted == 0 || wanted > size || data[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < wanted; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((data[0] == 0xe0 && data[1] < least_second[0]) ||
	    (data[0] == 0xf0 && data[1] < least_second[1]) ||
	    (data[0] == 0xed && data[1] > most_second[0]) ||
	    (data[0] == 0xf4 && data[1] > most_second[1]))
		return 0;
	return wanted;
}

static void put_text(struct json *json, smx_text text)
{
	const unsigned char *data = (const unsigned char *)text.data;
	char escape[8];

	put(json, "\"");
	for (size_t i = 0; i < text.size;) {
		size_t size = character_size(data + i, text.size - i);

		if (size == 0) {
			put(json, "\xef\xbf\xbd");
			size = 1;
		} else if (data[i] == '"' || data[i] == '\\') {
			snprintf(escape, sizeof(escape), "\\%c", data[i]);
			put(json, escape);
		} else if (data[i] < 0x20 || data[i] == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", data[i]);
			put(json, escape);
		} else {
			smx_buffer_append(&json->buffer, data + i, size);
		}
		i += size;
	}
	put(json, "\"");
}

static void put_string(struct json *json, const char *string)
{
	put_text(json, (smx_text){string, strlen(string)});
}

static void new_line(struct json *json)
{
	put(json, "\n");
	for (unsigned i = 0; i < json->depth; i++)
		put(json, "  ");
}

/* What comes before a value. */
static void begin(struct json *json, const char *name)
{
	if (json->follows)
		put(json, ",");
	if (json->depth)
		new_line(json);
	json->follows = true;
	if (name) {
		put_string(json, name);
		put(json, ": ");
	}
}

void json_open(struct json *json, const char *name, char kind)
{
	begin(json, name);
	smx_buffer_append(&json->buffer, &kind, 1);
	json->depth++;
	json->follows = false;
}

void json_close(struct json *json, char kind)
{
	json->depth--;
	if (json->follows)
		new_line(json);
	smx_buffer_append(&json->buffer, &kind, 1);
	json->follows = true;
}

void json_text(struct json *json, const char *name, smx_text value)
{
	begin(json, name);
	put_text(json, value);
}

void json_text_of(struct json *json, smx_text name, smx_text value)
{
	begin(json, NULL);
	put_text(json, name);
	put(json, ": ");
	put_text(json, value);
}

void json_string(struct json *json, const char *name, const char *value)
{
	begin(json, name);
	put_string(json, value);
}

void json_whole(struct json *json, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	begin(json, name);
	put(json, text);
}

void json_double(struct json *json, const char *name, double value)
{
	begin(json, name);
	if (!isfinite(value))
		put(json, "\"");
	smx_emit_double(&json->buffer, value);
	if (!isfinite(value))
		put(json, "\"");
}

void json_bool(struct json *json, const char *name, bool value)
{
	begin(json, name);
	put(json, value ? "true" : "false");
}

void json_time(struct json *json, const char *name, uint64_t unix_ns)
{
	char text[40];

	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, unix_ns / 1000000000u,
		 unix_ns % 1000000000u);
	begin(json, name);
	put(json, text);
}

int json_print(struct json *json)
{
	int status = TOOL_DONE;

	put(json, "\n");
	if (json->buffer.failed) {
		say("out of memory");
		status = TOOL_FAILED;
	} else {
		fwrite(json->buffer.data, 1, json->buffer.size, stdout);
		status = finish_output(TOOL_DONE);
	}
	smx_buffer_free(&json->buffer);
	return status;
}
