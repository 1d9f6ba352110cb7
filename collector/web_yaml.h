/* SPDX-License-Identifier: MIT */
/*
 * web_yaml.h - reads YAML strictly: what is not foreseen is a fault, with its file and line
 *
 * A reader is a table of keys for each mapping. Unknown and repeated keys, another type than the
 * table's, empty values and a second document are faults. Each function that takes a node returns
 * false after it has filled the fault.
 */
#ifndef COLLECTOR_WEB_YAML_H
#define COLLECTOR_WEB_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "web_fault.h"
#include "web_file.h"

#define WEB_LIST_MAX 64
#define WEB_PAIRS_MAX 256

struct web_text {
	char *text; /* NULL: not given */
	size_t line;
};

struct web_list {
	struct web_text items[WEB_LIST_MAX];
	size_t count;
	size_t line; /* 0: not given */
};

struct web_pairs {
	struct web_text *names;
	struct web_text *values;
	size_t count;
	size_t line; /* 0: not given */
};

struct web_yaml; /* a document being read */
struct web_node; /* a place in it */

struct web_key {
	const char *name;
	bool (*take)(struct web_yaml *yaml, const struct web_node *node, const char *name,
		     void *target);
	size_t offset; /* of what take fills, in the mapping's target */
};

/* For a web_key: a struct web_text, a bool *, a struct web_list, a struct web_pairs. */
bool web_yaml_text(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target);
bool web_yaml_bool(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target);
bool web_yaml_list(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target);
bool web_yaml_pairs(struct web_yaml *yaml, const struct web_node *node, const char *name,
		    void *target);

/* For a taker of one's own: a mapping in the mapping. */
bool web_yaml_mapping(struct web_yaml *yaml, const struct web_node *node, const char *name,
		      const struct web_key *keys, size_t key_count, void *target);
size_t web_yaml_line(const struct web_node *node);

/* The whole document: a mapping, or nothing at all. */
bool web_yaml_read(const struct web_file *file, const struct web_key *keys, size_t key_count,
		   void *target, struct web_fault *fault);

void web_text_free(struct web_text *text);
void web_list_free(struct web_list *list);
void web_pairs_free(struct web_pairs *pairs);

#endif
