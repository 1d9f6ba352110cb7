/* SPDX-License-Identifier: MIT */
/*
 * negotiate.c - which format a scraper gets: the Accept header of RFC 9110, section 12.5.1
 *
 * The clause with the greatest q that names something there is; of equals, the first. Parameters
 * other than version and charset do not count: an escaping that is asked for is kept by names that
 * need none. Nobody is refused, who accepts nothing of it gets text 0.0.4.
 */
#include "text/format.h"

#include <string.h>
#include <strings.h>

/* What a wildcard means stands first. */
static const struct offer {
	const char *type, *subtype;
	const char *version, *default_version;
	smx_format format;
} offers[] = {
	{"text", "plain", "0.0.4", "0.0.4", SMX_FORMAT_TEXT_004},
	{"application", "openmetrics-text", "1.0.0", "0.0.1", SMX_FORMAT_OPENMETRICS_100},
};

#define OFFER_COUNT (sizeof(offers) / sizeof(offers[0]))

const struct smx_text_format *smx_text_format_of(smx_format format)
{
	switch (format) {
	case SMX_FORMAT_TEXT_004:
		return &smx_text_format_text004;
	case SMX_FORMAT_OPENMETRICS_100:
		return &smx_text_format_openmetrics;
	default:
		return NULL;
	}
}

struct clause {
	smx_text type, subtype, version, charset;
	int quality; /* in thousandths; below 0: malformed */
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool text_is(smx_text text, const char *word)
{
	return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

/* What stands before the next of `ends` that is not quoted, without blanks and quotes around it. */
static smx_text take(const char **at, const char *ends)
{
	const char *start = *at + strspn(*at, " \t"), *end = start;
	bool quoted = false;

	for (; *end && (quoted || !strchr(ends, *end)); end++) {
		if (*end == '"')
			quoted = !quoted;
		else if (quoted && *end == '\\' && end[1])
			end++;
	}
	*at = end;
	while (end > start && is_blank(end[-1]))
		end--;
	if (end - start >= 2 && *start == '"' && end[-1] == '"')
		return (smx_text){start + 1, (size_t)(end - start) - 2};
	return (smx_text){start, (size_t)(end - start)};
}

/* "0.75" is 750; what is no quality is -1. */
static int parse_quality(smx_text text)
{
	int quality = 0, unit = 100;

	if (text.size == 0 || (*text.data != '0' && *text.data != '1') ||
	    (text.size > 1 && text.data[1] != '.'))
		return -1;
	quality = (*text.data - '0') * 1000;
	for (size_t i = 2; i < text.size; i++, unit /= 10) {
		if (!is_digit(text.data[i]))
			return -1;
		quality += (text.data[i] - '0') * unit;
	}
	return quality <= 1000 ? quality : -1;
}

/* Leaves *at behind the comma, or at the end. */
static struct clause take_clause(const char **at)
{
	struct clause clause = {.quality = 1000};

	clause.type = take(at, "/;,");
	if (**at == '/') {
		++*at;
		clause.subtype = take(at, ";,");
	}
	while (**at == ';') {
		smx_text name, value = {"", 0};

		++*at;
		name = take(at, "=;,");
		if (**at == '=') {
			++*at;
			value = take(at, ";,");
		}
		if (text_is(name, "q"))
			clause.quality = parse_quality(value);
		else if (text_is(name, "version"))
			clause.version = value;
		else if (text_is(name, "charset"))
			clause.charset = value;
	}
	if (**at == ',')
		++*at;
	return clause;
}

static bool matches(const struct clause *clause, const struct offer *offer)
{
	if (clause->charset.size != 0 && !text_is(clause->charset, "utf-8"))
		return false;
	if (text_is(clause->type, "*"))
		return text_is(clause->subtype, "*");
	if (!text_is(clause->type, offer->type))
		return false;
	if (text_is(clause->subtype, "*"))
		return true;
	if (!text_is(clause->subtype, offer->subtype))
		return false;
	if (clause->version.size == 0)
		return strcmp(offer->version, offer->default_version) == 0;
	return text_is(clause->version, offer->version);
}

smx_format smx_format_choose(const char *accept)
{
	smx_format chosen = SMX_FORMAT_TEXT_004;
	int best = 0;

	while (accept && *accept) {
		struct clause clause = take_clause(&accept);

		for (size_t i = 0; i < OFFER_COUNT && clause.quality > best; i++) {
			if (matches(&clause, &offers[i])) {
				best = clause.quality;
				chosen = offers[i].format;
			}
		}
	}
	return chosen;
}
