/* SPDX-License-Identifier: MIT */
/*
 * pattern.c - what --segment names: a segment, a glob of segments, or a path of either
 */
#include "pattern.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shmetrics/shmetrics.h"

static const char name_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
static const char glob_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*?[]!^";

static size_t size_without_suffix(const char *text)
{
	size_t size = strlen(text);
	size_t suffix = strlen(SMX_SEGMENT_SUFFIX);

	if (size > suffix && strcmp(text + size - suffix, SMX_SEGMENT_SUFFIX) == 0)
		return size - suffix;
	return size;
}

static bool brackets_balance(const char *glob)
{
	for (; *glob; glob++) {
		if (*glob == ']')
			return false;
		if (*glob != '[')
			continue;
		glob++;
		if (*glob == '!' || *glob == '^')
			glob++;
		if (*glob == '\0')
			return false;
		/* A ']' that comes first stands for itself. */
		glob = strchr(glob + 1, ']');
		if (!glob)
			return false;
	}
	return true;
}

static const char *broken_rule(const char *glob)
{
	if (*glob == '\0')
		return "must name a segment: NAME, a glob such as 'app-*', or a path";
	if (*glob == '.')
		return "a segment's name does not start with a dot";
	if (glob[strspn(glob, glob_characters)])
		return "a name has letters, digits, '.', '_' and '-' only; a glob also *, ? and "
		       "[...]";
	if (!brackets_balance(glob))
		return "the brackets of the glob do not match";
	if (!strpbrk(glob, "*?[") && strlen(glob) > SEGMENT_NAME_MAX)
		return "a segment's name has at most 128 characters";
	return NULL;
}

bool pattern_parse(struct pattern *pattern, const char *text, const char *default_directory,
		   char *rule, size_t rule_size)
{
	const char *slash = strrchr(text, '/');
	const char *base = slash ? slash + 1 : text;
	size_t size = size_without_suffix(base);
	const char *broken;

	*pattern = (struct pattern){0};
	if (size >= sizeof(pattern->glob)) {
		snprintf(rule, rule_size, "a glob has at most %zu characters",
			 sizeof(pattern->glob) - 1);
		return false;
	}
	memcpy(pattern->glob, base, size);
	broken = broken_rule(pattern->glob);
	if (broken) {
		snprintf(rule, rule_size, "%s", broken);
		return false;
	}
	if (!slash)
		pattern->directory = strdup(default_directory);
	else if (slash == text)
		pattern->directory = strdup("/");
	else
		pattern->directory = strndup(text, (size_t)(slash - text));
	if (!pattern->directory) {
		snprintf(rule, rule_size, "no memory");
		return false;
	}
	return true;
}

void pattern_free(struct pattern *pattern)
{
	free(pattern->directory);
	pattern->directory = NULL;
}

bool pattern_is_segment_name(const char *name)
{
	const size_t size = strlen(name);

	return size > 0 && size <= SEGMENT_NAME_MAX && name[0] != '.' &&
	       strspn(name, name_characters) == size;
}

bool pattern_segment_name(const char *file, char name[SEGMENT_NAME_MAX + 1])
{
	size_t size = size_without_suffix(file);

	if (file[size] == '\0' || size > SEGMENT_NAME_MAX || file[0] == '.' ||
	    strspn(file, name_characters) < size)
		return false;
	memcpy(name, file, size);
	name[size] = '\0';
	return true;
}

bool pattern_matches(const struct pattern *pattern, const char *name)
{
	return fnmatch(pattern->glob, name, 0) == 0;
}
