/* SPDX-License-Identifier: MIT */
/*
 * negotiate.c - what a scraper gets: the Accept header of RFC 9110, section 12.5.1
 *
 * The clause with the greatest q that names something there is; of equals, the first. Parameters
 * that tell no two formats apart do not count, and an escaping that nobody knows is none. Nobody is
 * refused, who accepts nothing of it gets text 0.0.4.
 *
 * Where no escaping is named it is what prometheus/common answers: underscores, but for OpenMetrics
 * 2.0, whose names are of any UTF-8 by its own definition.
 */
#include "text/escape.h"
#include "text/format.h"

#include <string.h>
#include <strings.h>

struct parameter {
	const char *name, *value;
	const char *if_missing;
};

/* The Content-Types of a format that tells its escaping only where it is not the usual one. */
#define WITH_ESCAPING(type)                                                                        \
	{                                                                                          \
		type, type "; escaping=dots", type "; escaping=values",                            \
			type "; escaping=allow-utf-8"                                              \
	}

/*
 * A row a format. Where a clause names several, as with a wildcard, it means the first. What has no
 * Content-Type cannot be had: text 0.0.4 knows of no escaping. OpenMetrics 2.0 always says which: a
 * reader of it has no usual one to fall back on.
 */
static const struct offer {
	smx_format format;
	const struct smx_text_format *text;
	const char *type, *subtype;
	struct parameter parameters[2];
	const char *content_types[SMX_ESCAPING_COUNT];
	smx_escaping unsaid; /* for a clause that names none */
} offers[] = {
	{SMX_FORMAT_TEXT_004,
	 &smx_text_format_text004,
	 "text",
	 "plain",
	 {{"version", "0.0.4", "0.0.4"}},
	 {"text/plain; version=0.0.4; charset=utf-8"},
	 SMX_ESCAPING_UNDERSCORES},
	{SMX_FORMAT_TEXT_100,
	 &smx_text_format_text004, /* and what an escaping adds */
	 "text",
	 "plain",
	 {{"version", "1.0.0", "0.0.4"}},
	 {"text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
	  "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
	  "text/plain; version=1.0.0; charset=utf-8; escaping=values",
	  "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
	 SMX_ESCAPING_UNDERSCORES},
	{SMX_FORMAT_OPENMETRICS_100,
	 &smx_text_format_openmetrics,
	 "application",
	 "openmetrics-text",
	 {{"version", "1.0.0", "0.0.1"}},
	 WITH_ESCAPING("application/openmetrics-text; version=1.0.0; charset=utf-8"),
	 SMX_ESCAPING_UNDERSCORES},
	{SMX_FORMAT_OPENMETRICS_200,
	 &smx_text_format_openmetrics2,
	 "application",
	 "openmetrics-text",
	 {{"version", "2.0.0", "0.0.1"}},
	 {"application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=underscores",
	  "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=dots",
	  "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=values",
	  "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=allow-utf-8"},
	 SMX_ESCAPING_ALLOW_UTF8},
	{SMX_FORMAT_PROTOBUF,
	 &smx_text_format_protobuf,
	 "application",
	 "vnd.google.protobuf",
	 {{"proto", "io.prometheus.client.MetricFamily", ""}, {"encoding", "delimited", ""}},
	 WITH_ESCAPING("application/vnd.google.protobuf; "
		       "proto=io.prometheus.client.MetricFamily; encoding=delimited"),
	 SMX_ESCAPING_UNDERSCORES},
};

#define OFFER_COUNT (sizeof(offers) / sizeof(offers[0]))
#define OFFER_PARAMETERS (sizeof(offers[0].parameters) / sizeof(offers[0].parameters[0]))

static const struct offer *find_offer(smx_exposition_type type)
{
	for (size_t i = 0; i < OFFER_COUNT; i++) {
		if (offers[i].format == type.format && type.escaping >= SMX_ESCAPING_UNDERSCORES &&
		    type.escaping < SMX_ESCAPING_COUNT && offers[i].content_types[type.escaping])
			return &offers[i];
	}
	return NULL;
}

const struct smx_text_format *smx_text_format_of(smx_exposition_type type)
{
	const struct offer *offer = find_offer(type);

	return offer ? offer->text : NULL;
}

const char *smx_format_content_type(smx_exposition_type type)
{
	const struct offer *offer = find_offer(type);

	return offer ? offer->content_types[type.escaping] : offers[0].content_types[0];
}

/* ---- the header ---- */

#define CLAUSE_PARAMETERS 8 /* of more the first */

struct clause {
	smx_text type, subtype;
	struct {
		smx_text name, value;
	} parameters[CLAUSE_PARAMETERS];
	size_t parameter_count;
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

static void take_parameter(struct clause *clause, const char **at)
{
	smx_text name = take(at, "=;,"), value = {"", 0};

	if (**at == '=') {
		++*at;
		value = take(at, ";,");
	}
	if (text_is(name, "q")) {
		clause->quality = parse_quality(value);
	} else if (clause->parameter_count < CLAUSE_PARAMETERS) {
		clause->parameters[clause->parameter_count].name = name;
		clause->parameters[clause->parameter_count++].value = value;
	}
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
		++*at;
		take_parameter(&clause, at);
	}
	if (**at == ',')
		++*at;
	return clause;
}

/* Of two with one name, the last. Empty: there is none. */
static smx_text parameter_of(const struct clause *clause, const char *name)
{
	for (size_t i = clause->parameter_count; i-- > 0;) {
		if (text_is(clause->parameters[i].name, name))
			return clause->parameters[i].value;
	}
	return (smx_text){"", 0};
}

/* ---- the choice ---- */

static bool parameter_matches(const struct clause *clause, const struct parameter *parameter)
{
	smx_text value = parameter_of(clause, parameter->name);

	if (value.size == 0)
		return strcmp(parameter->if_missing, parameter->value) == 0;
	return text_is(value, parameter->value);
}

static bool matches(const struct clause *clause, const struct offer *offer)
{
	smx_text charset = parameter_of(clause, "charset");

	if (charset.size != 0 && !text_is(charset, "utf-8"))
		return false;
	if (text_is(clause->type, "*"))
		return text_is(clause->subtype, "*");
	if (!text_is(clause->type, offer->type))
		return false;
	if (text_is(clause->subtype, "*"))
		return true;
	if (!text_is(clause->subtype, offer->subtype))
		return false;
	for (size_t i = 0; i < OFFER_PARAMETERS && offer->parameters[i].name; i++) {
		if (!parameter_matches(clause, &offer->parameters[i]))
			return false;
	}
	return true;
}

static smx_escaping escaping_of(const struct clause *clause, const struct offer *offer)
{
	static const char *const words[SMX_ESCAPING_COUNT] = {"underscores", "dots", "values",
							      "allow-utf-8"};
	smx_text escaping = parameter_of(clause, "escaping");

	for (int i = 0; i < SMX_ESCAPING_COUNT; i++) {
		if (text_is(escaping, words[i]) && offer->content_types[i])
			return (smx_escaping)i;
	}
	return offer->unsaid;
}

smx_exposition_type smx_format_choose(const char *accept)
{
	smx_exposition_type chosen = {SMX_FORMAT_TEXT_004, SMX_ESCAPING_UNDERSCORES};
	int best = 0;

	while (accept && *accept) {
		struct clause clause = take_clause(&accept);

		for (size_t i = 0; i < OFFER_COUNT && clause.quality > best; i++) {
			if (matches(&clause, &offers[i])) {
				best = clause.quality;
				chosen.format = offers[i].format;
				chosen.escaping = escaping_of(&clause, &offers[i]);
			}
		}
	}
	return chosen;
}
