/* SPDX-License-Identifier: MIT */
/*
 * reader_added.c - the label that a reader adds to every series
 *
 * It stands behind the segment's own, so that whatever renders a series shows it like any other. A
 * label of the segment with its name is called exported_NAME instead, as a Prometheus does it with
 * a label that a target has as well; and if there is one of that name too, exported_exported_NAME.
 */
#include "reader_internal.h"

#include <stdlib.h>

#define PREFIX "exported_"

static bool is_same(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static smx_text text_of(const char *string)
{
	return (smx_text){string, strlen(string)};
}

bool reader_added_keep(smx_reader *reader, const smx_reader_options *options)
{
	const char *value = options->label_value ? options->label_value : "";

	if (!options->label_name)
		return true;
	reader->added_name = strdup(options->label_name);
	reader->added_value = strdup(value);
	reader->added_info_name = malloc(strlen(PREFIX) + strlen(options->label_name) + 1);
	reader->added_count = 1;
	if (!reader->added_name || !reader->added_value || !reader->added_info_name)
		return false;
	memcpy(reader->added_info_name, PREFIX, strlen(PREFIX));
	strcpy(reader->added_info_name + strlen(PREFIX), options->label_name);
	return true;
}

void reader_added_free(smx_reader *reader)
{
	free(reader->added_name);
	free(reader->added_value);
	free(reader->added_info_name);
}

static bool is_among(smx_text name, const smx_text *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(names[i], name))
			return true;
	return false;
}

/* A name with as many prefixes as it takes to be no other's. NULL: no memory. */
static const char *rename_label(smx_reader *reader, smx_text name, const smx_text *names,
				size_t count)
{
	const size_t prefix = strlen(PREFIX);
	char *renamed;

	for (size_t times = 1;; times++) {
		renamed = reader_allocate(reader, times * prefix + name.size + 1);
		if (!renamed)
			return NULL;
		for (size_t i = 0; i < times; i++)
			memcpy(renamed + i * prefix, PREFIX, prefix);
		memcpy(renamed + times * prefix, name.data, name.size);
		renamed[times * prefix + name.size] = '\0';
		if (!is_among(text_of(renamed), names, count))
			return renamed;
	}
}

bool reader_added_to_family(smx_reader *reader, smx_text *names, size_t count)
{
	smx_text added;

	if (!reader->added_count)
		return true;
	added = text_of(reader->added_name);
	for (size_t i = 0; i < count; i++) {
		const char *renamed;

		if (!is_same(names[i], added))
			continue;
		renamed = rename_label(reader, added, names, count);
		if (!renamed)
			return false;
		names[i] = text_of(renamed);
		reader->info.renamed_label_count++;
		break; /* no record has a name twice */
	}
	names[count] = added;
	return true;
}

void reader_added_to_series(const smx_reader *reader, smx_text *values, size_t count)
{
	if (reader->added_count)
		values[count] = text_of(reader->added_value);
}

bool reader_added_to_info(const smx_reader *reader, smx_label *label)
{
	if (!reader->added_count || !is_same(label->name, text_of(reader->added_name)))
		return false;
	label->name = text_of(reader->added_info_name);
	return true;
}
