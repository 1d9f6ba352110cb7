/* SPDX-License-Identifier: MIT */
/*
 * web_yaml.c - reads YAML strictly: what is not foreseen is a fault, with its file and line
 *
 * libyaml parses; an alias is the node it stands for, and since a reader descends by its tables
 * alone, no alias can make it go on for ever.
 */
#include "web_yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define DEPTH_MAX 16
#define STRING(x) #x
#define STRING_OF(x) STRING(x)

struct web_yaml {
	yaml_document_t document;
	const char *path;
	struct web_fault *fault;
};

static const yaml_node_t *node_of(const struct web_node *node)
{
	return (const yaml_node_t *)node;
}

size_t web_yaml_line(const struct web_node *node)
{
	return node_of(node)->start_mark.line + 1;
}

static const struct web_node *node_at(struct web_yaml *yaml, int index)
{
	return (const struct web_node *)yaml_document_get_node(&yaml->document, index);
}

static const char *text_of(const struct web_node *node)
{
	return (const char *)node_of(node)->data.scalar.value;
}

static bool is_scalar(const struct web_node *node)
{
	return node_of(node)->type == YAML_SCALAR_NODE;
}

static bool is_plain(const struct web_node *node)
{
	return is_scalar(node) && node_of(node)->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const struct web_node *node)
{
	const char *text = is_plain(node) ? text_of(node) : NULL;

	return text && (*text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

static bool is_text(const struct web_node *node)
{
	return is_scalar(node) && !is_null(node) &&
	       strlen(text_of(node)) == node_of(node)->data.scalar.length;
}

static bool refuse(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   const char *rule)
{
	return web_fault(yaml->fault, yaml->path, web_yaml_line(node), "%s: %s", name, rule);
}

static bool keep(struct web_yaml *yaml, const struct web_node *node, const char *name,
		 struct web_text *target)
{
	if (!is_text(node))
		return refuse(yaml, node, name, "must be a text that is not empty");
	target->text = strdup(text_of(node));
	target->line = web_yaml_line(node);
	return target->text || refuse(yaml, node, name, "no memory");
}

bool web_yaml_text(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target)
{
	return keep(yaml, node, name, target);
}

bool web_yaml_bool(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {{"true", true},   {"yes", true}, {"on", true},
		     {"false", false}, {"no", false}, {"off", false}};

	for (size_t i = 0; is_plain(node) && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text_of(node), words[i].text) == 0) {
			*(bool *)target = words[i].value;
			return true;
		}
	}
	return refuse(yaml, node, name, "must be true or false");
}

bool web_yaml_list(struct web_yaml *yaml, const struct web_node *node, const char *name,
		   void *target)
{
	const yaml_node_t *sequence = node_of(node);
	struct web_list *list = target;

	if (sequence->type != YAML_SEQUENCE_NODE)
		return refuse(yaml, node, name, "must be a list of texts");
	list->line = web_yaml_line(node);
	for (const yaml_node_item_t *item = sequence->data.sequence.items.start;
	     item < sequence->data.sequence.items.top; item++) {
		if (list->count == WEB_LIST_MAX)
			return refuse(yaml, node_at(yaml, *item), name, "has more than 64 entries");
		if (!keep(yaml, node_at(yaml, *item), name, &list->items[list->count]))
			return false;
		list->count++;
	}
	return list->count > 0 || refuse(yaml, node, name, "must not be an empty list");
}

/* Calls take for each pair, in their order, until it returns false. */
static bool each_pair(struct web_yaml *yaml, const struct web_node *node, const char *name,
		      bool (*take)(struct web_yaml *yaml, const struct web_node *key,
				   const struct web_node *value, void *argument),
		      void *argument)
{
	const yaml_node_t *mapping = node_of(node);
	const yaml_node_pair_t *first, *end;

	if (mapping->type != YAML_MAPPING_NODE)
		return refuse(yaml, node, name, "must be a mapping");
	first = mapping->data.mapping.pairs.start;
	end = mapping->data.mapping.pairs.top;
	if (end - first > WEB_PAIRS_MAX)
		return refuse(yaml, node, name, "has more than 256 entries");
	for (const yaml_node_pair_t *pair = first; pair < end; pair++) {
		const struct web_node *key = node_at(yaml, pair->key);

		if (!is_text(key))
			return refuse(yaml, key, name, "has a key that is not a text");
		for (const yaml_node_pair_t *before = first; before < pair; before++)
			if (strcmp(text_of(node_at(yaml, before->key)), text_of(key)) == 0)
				return web_fault(yaml->fault, yaml->path, web_yaml_line(key),
						 "%s: \"%s\" is there twice", name, text_of(key));
		if (!take(yaml, key, node_at(yaml, pair->value), argument))
			return false;
	}
	return true;
}

static bool take_pair(struct web_yaml *yaml, const struct web_node *key,
		      const struct web_node *value, void *argument)
{
	struct web_pairs *pairs = argument;
	const size_t at = pairs->count++;

	return keep(yaml, key, text_of(key), &pairs->names[at]) &&
	       keep(yaml, value, text_of(key), &pairs->values[at]);
}

bool web_yaml_pairs(struct web_yaml *yaml, const struct web_node *node, const char *name,
		    void *target)
{
	struct web_pairs *pairs = target;

	pairs->line = web_yaml_line(node);
	pairs->names = calloc(WEB_PAIRS_MAX, sizeof(*pairs->names));
	pairs->values = calloc(WEB_PAIRS_MAX, sizeof(*pairs->values));
	if (!pairs->names || !pairs->values)
		return refuse(yaml, node, name, "no memory");
	if (!each_pair(yaml, node, name, take_pair, pairs))
		return false;
	return pairs->count > 0 || refuse(yaml, node, name, "must not be an empty mapping");
}

struct table {
	const char *name;
	const struct web_key *keys;
	size_t count;
	char *target;
};

static bool take_known(struct web_yaml *yaml, const struct web_node *key,
		       const struct web_node *value, void *argument)
{
	const struct table *table = argument;

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->keys[i].name, text_of(key)) == 0)
			return table->keys[i].take(yaml, value, table->keys[i].name,
						   table->target + table->keys[i].offset);
	return web_fault(yaml->fault, yaml->path, web_yaml_line(key), "%s: unknown key \"%s\"",
			 table->name, text_of(key));
}

bool web_yaml_mapping(struct web_yaml *yaml, const struct web_node *node, const char *name,
		      const struct web_key *keys, size_t key_count, void *target)
{
	struct table table = {name, keys, key_count, target};

	return each_pair(yaml, node, name, take_known, &table);
}

static bool refuse_syntax(const yaml_parser_t *parser, const char *path, struct web_fault *fault)
{
	const char *problem = parser->problem ? parser->problem : "no memory";

	return web_fault(fault, path, parser->problem_mark.line + 1, "is no YAML: %s", problem);
}

static int depth_of(yaml_event_type_t type)
{
	switch (type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return 1;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return -1;
	default:
		return 0;
	}
}

/*
 * libyaml's time grows with the square of the depth: a file of brackets would take it minutes. What
 * is no YAML is left to the reader, who says so.
 */
static bool is_shallow(const struct web_file *file, struct web_fault *fault)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool is_end = false;
	size_t line = 0;
	int depth = 0;

	if (!yaml_parser_initialize(&parser))
		return web_fault(fault, file->path, 0, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)file->data, file->size);
	while (!is_end && depth <= DEPTH_MAX && yaml_parser_parse(&parser, &event)) {
		is_end = event.type == YAML_STREAM_END_EVENT;
		depth += depth_of(event.type);
		line = event.start_mark.line + 1;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return depth <= DEPTH_MAX || web_fault(fault, file->path, line,
					       "is nested more than " STRING_OF(DEPTH_MAX) " deep");
}

bool web_yaml_read(const struct web_file *file, const struct web_key *keys, size_t key_count,
		   void *target, struct web_fault *fault)
{
	struct web_yaml yaml = {.path = file->path, .fault = fault};
	yaml_document_t second;
	yaml_parser_t parser;
	yaml_node_t *root;
	bool ok;

	if (!is_shallow(file, fault))
		return false;
	if (!yaml_parser_initialize(&parser))
		return web_fault(fault, file->path, 0, "no memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)file->data, file->size);
	if (!yaml_parser_load(&parser, &yaml.document)) {
		ok = refuse_syntax(&parser, file->path, fault);
		yaml_parser_delete(&parser);
		return ok;
	}
	root = yaml_document_get_root_node(&yaml.document);
	ok = !root || is_null((struct web_node *)root) ||
	     web_yaml_mapping(&yaml, (struct web_node *)root, "the file", keys, key_count, target);
	if (ok && root && !yaml_parser_load(&parser, &second)) {
		ok = refuse_syntax(&parser, file->path, fault);
	} else if (ok && root) {
		root = yaml_document_get_root_node(&second);
		if (root)
			ok = web_fault(fault, file->path, root->start_mark.line + 1,
				       "there is a second document");
		yaml_document_delete(&second);
	}
	yaml_document_delete(&yaml.document);
	yaml_parser_delete(&parser);
	return ok;
}

void web_text_free(struct web_text *text)
{
	if (text->text)
		explicit_bzero(text->text, strlen(text->text)); /* it may be a hash */
	free(text->text);
}

void web_list_free(struct web_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		web_text_free(&list->items[i]);
}

void web_pairs_free(struct web_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		web_text_free(&pairs->names[i]);
		web_text_free(&pairs->values[i]);
	}
	free(pairs->names);
	free(pairs->values);
}
