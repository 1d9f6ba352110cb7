/* SPDX-License-Identifier: MIT */
/*
 * pattern.h - what --segment names: a segment, a glob of segments, or a path of either
 */
#ifndef COLLECTOR_PATTERN_H
#define COLLECTOR_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define SEGMENT_NAME_MAX 128

struct pattern {
	char *directory;		     /* as given, without a trailing slash */
	char glob[4 * SEGMENT_NAME_MAX + 1]; /* for the name without its .smx1 */
};

/*
 * default_directory: where names without a slash live. On failure says in rule[rule_size] which
 * rule the text breaks and returns false.
 */
bool pattern_parse(struct pattern *pattern, const char *text, const char *default_directory,
		   char *rule, size_t rule_size);
void pattern_free(struct pattern *pattern);

/*
 * If `file` is NAME.smx1 with a NAME that a segment may have, copies NAME and returns true. Other
 * files in the directory are none of ours, whatever the glob says.
 */
bool pattern_segment_name(const char *file, char name[SEGMENT_NAME_MAX + 1]);
/* Whether a segment may have this name. */
bool pattern_is_segment_name(const char *name);
bool pattern_matches(const struct pattern *pattern, const char *name);

#endif
