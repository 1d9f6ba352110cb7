/* SPDX-License-Identifier: MIT */
/*
 * names.c - names of metrics, labels and segments
 *
 * Source of the rules: the data model of Prometheus 3, where any UTF-8 may be a name; OpenMetrics
 * 1.0 for the unit suffix. Scrapers that know the older character set alone get such names escaped.
 */
#include "names.h"

#include "error.h"
#include "labels.h"
#include "shmetrics/layout.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT_NAME_MAX 128
#define DEFAULT_DIRECTORY "/dev/shm"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- families ---- */

static bool is_name(const char *name, size_t size)
{
	return size > 0 && size <= SMX_LAYOUT_NAME_MAX &&
	       smx_labels_is_text((smx_text){name, size});
}

bool smx_names_is_label(smx_text name)
{
	return is_name(name.data, name.size) &&
	       !(name.size >= 2 && memcmp(name.data, "__", 2) == 0);
}

bool smx_names_is_reserved(smx_text name)
{
	return (name.size == strlen("le") && memcmp(name.data, "le", name.size) == 0) ||
	       (name.size == strlen("quantile") && memcmp(name.data, "quantile", name.size) == 0);
}

bool smx_names_is_exemplar_label(smx_text name)
{
	for (size_t i = 0; i < name.size; i++)
		if (!is_letter(name.data[i]) && !(i > 0 && is_digit(name.data[i])))
			return false;
	return smx_names_is_label(name);
}

static bool ends_with(const char *text, size_t size, const char *suffix)
{
	size_t length = strlen(suffix);

	return size > length && memcmp(text + size - length, suffix, length) == 0;
}

static smx_status check_label(const smx_definition *definition, size_t index, smx_kind kind,
			      smx_gauge_mode mode, smx_error *error)
{
	const char *label = definition->label_names ? definition->label_names[index] : NULL;
	const char *rule = NULL;

	if (!label)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %s: label name %zu is NULL",
				definition->name, index);
	if (!is_name(label, strlen(label)))
		rule = "must be UTF-8 and have 1 to 255 bytes";
	else if (strncmp(label, "__", 2) == 0)
		rule = "names that begin with __ are reserved";
	else if (strcmp(label, "le") == 0)
		rule = "is reserved for the buckets of histograms";
	else if (strcmp(label, "quantile") == 0)
		rule = "is reserved for summaries";
	else if (strcmp(label, "pid") == 0 && (mode == SMX_GAUGE_LIVE_ALL || mode == SMX_GAUGE_ALL))
		rule = "is added by the gauge modes liveall and all";
	else if (kind == SMX_STATE_SET && strcmp(label, definition->name) == 0)
		rule = "is the name of the state set, which adds it";
	for (size_t i = 0; !rule && i < index; i++)
		if (strcmp(definition->label_names[i], label) == 0)
			rule = "is given twice";
	if (rule)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric %s: label name \"%.60s\" %s",
				definition->name, label, rule);
	return SMX_OK;
}

static smx_status check_unit(const smx_definition *definition, smx_kind kind, size_t name_size,
			     smx_error *error)
{
	const char *unit = definition->unit;
	size_t size = unit ? strlen(unit) : 0;

	if (size == 0)
		return SMX_OK;
	if (kind == SMX_INFO || kind == SMX_STATE_SET)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"metric %s: a metric of type %s has no unit", definition->name,
				smx_kind_name(kind));
	if (size > SMX_LAYOUT_NAME_MAX || !ends_with(definition->name, name_size, unit) ||
	    definition->name[name_size - size - 1] != '_')
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"metric %s: its name must end with _ and its unit \"%.60s\"",
				definition->name, unit);
	return SMX_OK;
}

smx_status smx_names_check(const smx_definition *definition, smx_kind kind, smx_gauge_mode mode,
			   size_t *name_size, smx_error *error)
{
	smx_status status;
	size_t size;

	if (!definition || !definition->name)
		return smx_fail(error, SMX_ERR_INVALID, 0, "metric: its name must not be NULL");
	size = strlen(definition->name);
	if (!is_name(definition->name, size))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"metric name \"%.80s\" must be UTF-8 and have 1 to 255 bytes",
				definition->name);
	if (kind == SMX_COUNTER && ends_with(definition->name, size, "_total"))
		size -= strlen("_total");
	if (definition->label_count > SMX_LAYOUT_LABEL_MAX)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"metric %s: %zu label names, at most %u are allowed",
				definition->name, definition->label_count, SMX_LAYOUT_LABEL_MAX);
	for (size_t i = 0; i < definition->label_count; i++) {
		status = check_label(definition, i, kind, mode, error);
		if (status != SMX_OK)
			return status;
	}
	*name_size = size;
	return check_unit(definition, kind, size, error);
}

static const char *const *owned_suffixes(smx_kind kind)
{
	static const char *const counter[] = {"", "_total", "_created", NULL};
	static const char *const histogram[] = {"", "_bucket", "_sum", "_count", "_created", NULL};
	static const char *const summary[] = {"", "_sum", "_count", "_created", NULL};
	static const char *const info[] = {"", "_info", NULL};
	static const char *const gauge[] = {"", NULL};

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
		return gauge;
	}
}

static bool same_name(smx_text a, const char *suffix_a, smx_text b, const char *suffix_b)
{
	size_t extra_a = strlen(suffix_a), extra_b = strlen(suffix_b);

	/* The longer of the two base names must go on as the suffix of the shorter begins. */
	if (a.size + extra_a != b.size + extra_b)
		return false;
	if (a.size > b.size)
		return same_name(b, suffix_b, a, suffix_a);
	return memcmp(a.data, b.data, a.size) == 0 &&
	       memcmp(suffix_a, b.data + a.size, b.size - a.size) == 0 &&
	       strcmp(suffix_a + (b.size - a.size), suffix_b) == 0;
}

bool smx_names_collide(smx_text name_a, smx_kind kind_a, smx_text name_b, smx_kind kind_b)
{
	for (const char *const *a = owned_suffixes(kind_a); *a; a++)
		for (const char *const *b = owned_suffixes(kind_b); *b; b++)
			if (same_name(name_a, *a, name_b, *b))
				return true;
	return false;
}

/* ---- segments ---- */

static smx_status check_segment_name(const char *name, smx_error *error)
{
	size_t size = strlen(name);

	for (const char *c = name; *c; c++)
		if (!is_letter(*c) && !is_digit(*c) && *c != '-' && *c != '.')
			size = 0;
	if (size == 0 || size > SEGMENT_NAME_MAX || name[0] == '.')
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"segment name \"%.80s\" must be 1 to %d of [A-Za-z0-9._-] and not "
				"begin with "
				"a dot (a path has a slash)",
				name, SEGMENT_NAME_MAX);
	return SMX_OK;
}

smx_status smx_segment_resolve(const char *name, const char *directory, char *path,
			       size_t path_size, smx_error *error)
{
	char here[4096] = "";
	const char *suffix, *separator = "/";
	size_t size;
	int length;

	if (!name || !*name || !path)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"segment: its name must not be empty, nor path NULL");
	size = strlen(name);
	suffix = ends_with(name, size, SMX_SEGMENT_SUFFIX) ? "" : SMX_SEGMENT_SUFFIX;
	if (strchr(name, '/')) {
		const char *last = strrchr(name, '/') + 1;

		if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
			return smx_fail(error, SMX_ERR_INVALID, 0,
					"segment path \"%.80s\" names a folder", name);
		directory = "";
		separator = "";
	} else {
		if (check_segment_name(name, error) != SMX_OK)
			return SMX_ERR_INVALID;
		if (!directory || !*directory)
			directory = getenv("SHMETRICS_DIR");
		if (!directory || !*directory)
			directory = DEFAULT_DIRECTORY;
	}
	if (name[0] != '/' && directory[0] != '/') {
		if (!getcwd(here, sizeof here - 1))
			return smx_fail(error, SMX_ERR_SYSTEM, 0,
					"segment %.80s: no working directory", name);
		strcat(here, "/");
	}
	length = snprintf(path, path_size, "%s%s%s%s%s", here, directory, separator, name, suffix);
	if (length < 0 || (size_t)length >= path_size)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"segment \"%.80s\": its path is too long", name);
	return SMX_OK;
}
