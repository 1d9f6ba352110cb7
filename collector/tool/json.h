/* SPDX-License-Identifier: MIT */
/*
 * json.h - writing JSON onto a buffer
 *
 * Ours, because no library at hand writes whole numbers up to 2^64 - 1, which counters are. A value
 * is written by naming it (in an object; NULL in an array) and giving it; commas and indentation
 * come by themselves. What is no UTF-8 becomes U+FFFD; what JSON has no number for becomes the
 * strings "+Inf", "-Inf" and "NaN".
 */
#ifndef SHMETRICS_TOOL_JSON_H
#define SHMETRICS_TOOL_JSON_H

#include "shmetrics/exposition.h"

struct json {
	smx_buffer buffer;
	unsigned depth;
	bool follows; /* a value precedes on this level */
};

/* kind: '{' or '['. */
void json_open(struct json *json, const char *name, char kind);
/* kind: '}' or ']'. */
void json_close(struct json *json, char kind);

void json_text(struct json *json, const char *name, smx_text value);
void json_string(struct json *json, const char *name, const char *value);
void json_whole(struct json *json, const char *name, uint64_t value);
void json_double(struct json *json, const char *name, double value);
void json_bool(struct json *json, const char *name, bool value);
/* Nanoseconds since 1970 as seconds, exactly. */
void json_time(struct json *json, const char *name, uint64_t unix_ns);
/* A name that is no constant. */
void json_text_of(struct json *json, smx_text name, smx_text value);

/* Writes all to standard output and frees it; returns an exit status. */
int json_print(struct json *json);

#endif
