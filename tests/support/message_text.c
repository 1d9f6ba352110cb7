/* SPDX-License-Identifier: MIT */
/*
 * message_text.c - what is in delimited protobuf, as a text that a test can compare
 */
#include "message_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum type { END, NUMBER, SIGNED, DOUBLE, STRING, MESSAGE, NUMBERS };

struct message;

struct field {
	unsigned number;
	enum type type;
	const char *name;
	const struct message *message;
	bool repeated;
};

/* metrics.proto, by the numbers of its fields */
struct message {
	struct field fields[16];
};

static const struct message pair = {
	{{1, STRING, "name", NULL, false}, {2, STRING, "value", NULL, false}}};
static const struct message timestamp = {
	{{1, NUMBER, "seconds", NULL, false}, {2, NUMBER, "nanos", NULL, false}}};
static const struct message exemplar = {{{1, MESSAGE, "label", &pair, true},
					 {2, DOUBLE, "value", NULL, false},
					 {3, MESSAGE, "timestamp", &timestamp, false}}};
static const struct message gauge = {{{1, DOUBLE, "value", NULL, false}}};
static const struct message counter = {{{1, DOUBLE, "value", NULL, false},
					{2, MESSAGE, "exemplar", &exemplar, false},
					{3, MESSAGE, "start", &timestamp, false}}};
static const struct message summary = {{{1, NUMBER, "count", NULL, false},
					{2, DOUBLE, "sum", NULL, false},
					{4, MESSAGE, "start", &timestamp, false}}};
static const struct message bucket = {{{1, NUMBER, "count", NULL, false},
				       {2, DOUBLE, "bound", NULL, false},
				       {3, MESSAGE, "exemplar", &exemplar, false}}};
static const struct message span = {
	{{1, SIGNED, "offset", NULL, false}, {2, NUMBER, "length", NULL, false}}};
static const struct message histogram = {{{1, NUMBER, "count", NULL, false},
					  {2, DOUBLE, "sum", NULL, false},
					  {3, MESSAGE, "bucket", &bucket, true},
					  {5, SIGNED, "schema", NULL, false},
					  {6, DOUBLE, "zero_threshold", NULL, false},
					  {7, NUMBER, "zero_count", NULL, false},
					  {9, MESSAGE, "negative_span", &span, true},
					  {10, NUMBERS, "negative_delta", NULL, false},
					  {12, MESSAGE, "positive_span", &span, true},
					  {13, NUMBERS, "positive_delta", NULL, false},
					  {15, MESSAGE, "start", &timestamp, false},
					  {16, MESSAGE, "exemplars", &exemplar, true}}};
static const struct message metric = {{{1, MESSAGE, "label", &pair, true},
				       {2, MESSAGE, "gauge", &gauge, false},
				       {3, MESSAGE, "counter", &counter, false},
				       {4, MESSAGE, "summary", &summary, false},
				       {5, MESSAGE, "untyped", &gauge, false},
				       {7, MESSAGE, "histogram", &histogram, false}}};
static const struct message family = {{{1, STRING, "name", NULL, false},
				       {2, STRING, "help", NULL, false},
				       {3, NUMBER, "type", NULL, false},
				       {4, MESSAGE, "metric", &metric, true},
				       {5, STRING, "unit", NULL, false}}};

static bool take_number(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		unsigned char byte = *(*at)++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return (byte != 0 || shift == 0) && (shift < 63 || byte == 1);
	}
	return false;
}

static void print_signed(smx_buffer *text, uint64_t value)
{
	char out[32];
	int64_t number = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);

	smx_buffer_append(text, out, (size_t)snprintf(out, sizeof(out), "%" PRId64, number));
}

/* As RFC 3629 has it, without NUL. */
static bool is_utf8(const unsigned char *at, const unsigned char *end)
{
	while (at < end) {
		static const uint32_t least[] = {1, 0x80, 0x800, 0x10000};
		unsigned char first = *at++;
		int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
		uint32_t character = more ? first & (0x3fu >> more) : first;

		if ((first >= 0x80 && first < 0xc0) || first > 0xf7 || end - at < more)
			return false;
		for (int i = 0; i < more; i++, at++) {
			if ((*at & 0xc0) != 0x80)
				return false;
			character = character << 6 | (*at & 0x3f);
		}
		if (character < least[more] || character > 0x10ffff ||
		    (character >= 0xd800 && character < 0xe000))
			return false;
	}
	return true;
}

static bool take_message(const struct message *message, const unsigned char *at,
			 const unsigned char *end, smx_buffer *text);

static bool take_bytes(const struct field *field, const unsigned char *at, const unsigned char *end,
		       smx_buffer *text)
{
	uint64_t value;
	bool whole = true;

	if (field->type == MESSAGE) {
		smx_buffer_append(text, "{", 1);
		whole = take_message(field->message, at, end, text);
		smx_buffer_append(text, "}", 1);
	} else if (field->type == STRING) {
		smx_buffer_append(text, ":\"", 2);
		smx_buffer_append(text, at, (size_t)(end - at));
		smx_buffer_append(text, "\"", 1);
		whole = is_utf8(at, end);
	} else {
		smx_buffer_append(text, ":[", 2);
		while (at < end && whole) {
			whole = take_number(&at, end, &value);
			print_signed(text, value);
			smx_buffer_append(text, at < end ? "," : "", at < end);
		}
		smx_buffer_append(text, "]", 1);
	}
	return whole;
}

static bool take_field(const struct field *field, unsigned wire, const unsigned char **at,
		       const unsigned char *end, smx_buffer *text)
{
	char out[32];
	uint64_t value;
	double real;

	smx_buffer_append(text, field->name, strlen(field->name));
	switch (field->type) {
	case NUMBER:
	case SIGNED:
		if (wire != 0 || !take_number(at, end, &value))
			return false;
		smx_buffer_append(text, ":", 1);
		if (field->type == SIGNED)
			print_signed(text, value);
		else
			smx_buffer_append(text, out,
					  (size_t)snprintf(out, sizeof(out), "%" PRIu64, value));
		return true;
	case DOUBLE:
		if (wire != 1 || end - *at < 8)
			return false;
		memcpy(&real, *at, sizeof(real));
		*at += sizeof(real);
		smx_buffer_append(text, out, (size_t)snprintf(out, sizeof(out), ":%.17g", real));
		return true;
	default:
		if (wire != 2 || !take_number(at, end, &value) || value > (uint64_t)(end - *at))
			return false;
		*at += value;
		return take_bytes(field, *at - value, *at, text);
	}
}

static bool take_message(const struct message *message, const unsigned char *at,
			 const unsigned char *end, smx_buffer *text)
{
	const struct field *field = message->fields;
	bool again = true;

	for (bool first = true; at < end; first = false) {
		uint64_t tag;

		if (!take_number(&at, end, &tag))
			return false;
		for (; field->type != END && (field->number != tag >> 3 || !again); field++)
			again = true;
		if (field->type == END)
			return false;
		again = field->repeated;
		smx_buffer_append(text, " ", !first);
		if (!take_field(field, (unsigned)(tag & 7), &at, end, text))
			return false;
	}
	return true;
}

bool message_text(const smx_buffer *messages, smx_buffer *text)
{
	const unsigned char *at = (const unsigned char *)messages->data;
	const unsigned char *end = at + messages->size;

	while (at < end) {
		uint64_t size;

		if (!take_number(&at, end, &size) || size > (uint64_t)(end - at) ||
		    !take_message(&family, at, at + size, text))
			return false;
		at += size;
		smx_buffer_append(text, "\n", 1);
	}
	return true;
}
