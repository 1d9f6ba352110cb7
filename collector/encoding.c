/* SPDX-License-Identifier: MIT */
/*
 * encoding.c - which content coding a request's Accept-Encoding asks for (RFC 9110, 12.5.3)
 */
#include "encoding.h"

#include <string.h>
#include <strings.h>

#define SPACE " \t"

struct span {
	const char *at;
	size_t size;
};

static struct span trimmed(const char *at, size_t size)
{
	while (size && strchr(SPACE, *at)) {
		at++;
		size--;
	}
	while (size && strchr(SPACE, at[size - 1]))
		size--;
	return (struct span){at, size};
}

static bool is(struct span span, const char *word)
{
	return span.size == strlen(word) && strncasecmp(span.at, word, span.size) == 0;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3"0" ] ), in thousandths; else 0. */
static int weight_of(struct span value)
{
	int weight, unit = 100;

	if (value.size == 0 || value.size > 5 || (value.at[0] != '0' && value.at[0] != '1') ||
	    (value.size > 1 && value.at[1] != '.'))
		return 0;
	weight = (value.at[0] - '0') * 1000;
	for (size_t i = 2; i < value.size; i++, unit /= 10) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		weight += (value.at[i] - '0') * unit;
	}
	return weight > 1000 ? 0 : weight;
}

/* The weight that the parameters of a coding state; 1000 if none. */
static int weight_in(const char *at, const char *end)
{
	while (at < end) {
		const char *semicolon = memchr(at, ';', (size_t)(end - at));
		const char *next = semicolon ? semicolon : end;
		struct span parameter = trimmed(at, (size_t)(next - at));

		if (parameter.size >= 2 && strncasecmp(parameter.at, "q=", 2) == 0)
			return weight_of((struct span){parameter.at + 2, parameter.size - 2});
		at = next + 1;
	}
	return 1000;
}

bool encoding_wants_gzip(const char *accept)
{
	int gzip = -1, identity = -1, any = -1; /* -1: not mentioned */

	while (accept && *accept) {
		size_t size = strcspn(accept, ",");
		const char *semicolon = memchr(accept, ';', size);
		size_t name_size = semicolon ? (size_t)(semicolon - accept) : size;
		struct span name = trimmed(accept, name_size);
		int weight = semicolon ? weight_in(semicolon + 1, accept + size) : 1000;

		if (is(name, "gzip") || is(name, "x-gzip"))
			gzip = weight > gzip ? weight : gzip;
		else if (is(name, "identity"))
			identity = weight;
		else if (is(name, "*"))
			any = weight;
		accept += size;
		accept += *accept == ',';
	}
	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}
