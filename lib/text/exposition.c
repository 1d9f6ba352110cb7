/* SPDX-License-Identifier: MIT */
/*
 * exposition.c - an exposition: which families of its readers are rendered, in what room
 *
 * What a scrape costs: a look at each family (merge.c), then each series' lines (render.c). Nothing
 * is allocated but the buffer, unless there is something new.
 */
#include "shmetrics/exposition.h"

#include "text/merge.h"
#include "text/pairs.h"
#include "text/protobuf.h"
#include "text/render.h"
#include "text/spelling.h"
#include "text/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct smx_exposition {
	struct smx_merge merge;
	/* Room for what a reader tells of one series: of the largest histogram, of all writers. */
	uint64_t *counts, *part_counts;
	size_t count_room;
	smx_gauge_sample *samples;
	size_t sample_room;
	smx_buffer scratch; /* for a series that is respelled */
	bool created;
	smx_escaping escaping; /* of the last rendering */
};

static smx_status no_memory(smx_error *error, const char *what)
{
	if (error) {
		*error = (smx_error){.status = SMX_ERR_NO_MEMORY};
		snprintf(error->message, sizeof(error->message), "no memory for %s", what);
	}
	return SMX_ERR_NO_MEMORY;
}

/* ---- which families, in what room ---- */

/* Whether the name is the family's or one of its samples', if the family's is `own`. */
static bool is_named(const struct smx_family *family, smx_text own, smx_text name)
{
	const char *const *suffixes = smx_words_suffixes(family->kind);
	size_t size = own.size;

	if (name.size < size || memcmp(name.data, own.data, size) != 0)
		return false;
	if (name.size == size)
		return true;
	for (; *suffixes; suffixes++) {
		if (name.size - size == strlen(*suffixes) &&
		    memcmp(name.data + size, *suffixes, name.size - size) == 0)
			return true;
	}
	return false;
}

/* As the scraper knows it: what a text has between quotes is escaped for them. */
static smx_text known_name(const struct smx_family *family, smx_escaping escaping)
{
	return escaping == SMX_ESCAPING_ALLOW_UTF8 ? family->name
						   : smx_spelling_name(family, escaping);
}

/* By its own name, or by that which the scraper sees. */
static bool is_wanted(const struct smx_family *family, smx_escaping escaping, const smx_text *names,
		      size_t name_count)
{
	for (size_t i = 0; i < name_count; i++) {
		if (is_named(family, family->name, names[i]) ||
		    is_named(family, known_name(family, escaping), names[i]))
			return true;
	}
	return name_count == 0;
}

/* The help of the oldest reader that has one. */
static smx_text help_of(const struct smx_family *family)
{
	smx_text help = {NULL, 0};

	for (const struct smx_source *source = family->sources; source; source = source->next) {
		if (source->served && source->view->help.size != 0)
			help = source->view->help;
	}
	return help;
}

/* Room for the largest histogram and for the reader with most writers. */
static bool make_room(smx_exposition *exposition)
{
	const struct smx_merge *merge = &exposition->merge;
	size_t counts = 1, samples = 1;

	for (size_t i = 0; i < merge->family_count; i++) {
		if (smx_family_count_room(merge->families[i]) > counts)
			counts = smx_family_count_room(merge->families[i]);
	}
	for (size_t i = 0; i < merge->member_count; i++) {
		if (merge->members[i]->writer_count > samples)
			samples = merge->members[i]->writer_count;
	}
	if (counts > exposition->count_room) {
		free(exposition->counts);
		free(exposition->part_counts);
		exposition->counts = calloc(counts, sizeof(uint64_t));
		exposition->part_counts = calloc(counts, sizeof(uint64_t));
		exposition->count_room = exposition->counts && exposition->part_counts ? counts : 0;
	}
	if (samples > exposition->sample_room) {
		free(exposition->samples);
		exposition->samples = calloc(samples, sizeof(smx_gauge_sample));
		exposition->sample_room = exposition->samples ? samples : 0;
	}
	return exposition->count_room != 0 && exposition->sample_room != 0;
}

static bool render_in_format(const struct smx_rendering *rendering, struct smx_family *family)
{
	if (!rendering->format->is_protobuf) {
		smx_render_family(rendering, family, help_of(family));
		return true;
	}
	if (!smx_pairs_update(family))
		return false;
	smx_protobuf_render_family(rendering, family, help_of(family));
	return true;
}

static bool render_family(const struct smx_rendering *rendering, struct smx_family *family)
{
	struct smx_family respelled;
	bool ok;

	/* In protobuf names need no quotes. */
	if (family->is_plain ||
	    (rendering->format->is_protobuf && rendering->escaping == SMX_ESCAPING_ALLOW_UTF8))
		return render_in_format(rendering, family);
	respelled = smx_spelling_apply(family, rendering->escaping);
	ok = render_in_format(rendering, &respelled);
	smx_pairs_free(&respelled);
	return ok;
}

/* ---- the exposition ---- */

smx_status smx_exposition_create(smx_exposition **exposition, smx_error *error)
{
	*exposition = calloc(1, sizeof(**exposition));
	if (!*exposition)
		return no_memory(error, "an exposition");
	(*exposition)->merge.seed = smx_table_draw_seed();
	return SMX_OK;
}

void smx_exposition_destroy(smx_exposition *exposition)
{
	if (!exposition)
		return;
	smx_merge_free(&exposition->merge);
	free(exposition->counts);
	free(exposition->part_counts);
	free(exposition->samples);
	smx_buffer_free(&exposition->scratch);
	free(exposition);
}

smx_status smx_exposition_add(smx_exposition *exposition, smx_reader *reader, smx_error *error)
{
	if (!smx_merge_add(&exposition->merge, reader))
		return no_memory(error, "another reader");
	return SMX_OK;
}

void smx_exposition_remove(smx_exposition *exposition, smx_reader *reader)
{
	smx_merge_remove(&exposition->merge, reader);
}

void smx_exposition_information(const smx_exposition *exposition, smx_exposition_info *info)
{
	smx_merge_tally(&exposition->merge, exposition->escaping, info);
}

void smx_exposition_hidden(const smx_exposition *exposition, const smx_reader *reader,
			   unsigned escapings,
			   void (*tell)(void *argument, smx_text family_name, smx_hiding reason),
			   void *argument)
{
	const struct smx_merge *merge = &exposition->merge;
	const struct smx_member *member = NULL;
	smx_hiding reason;

	for (size_t i = 0; i < merge->member_count && !member; i++)
		if (merge->members[i]->reader == reader)
			member = merge->members[i];
	for (size_t i = 0; member && i < member->source_count; i++)
		if (smx_merge_hides(member, i, escapings, &reason))
			tell(argument, smx_reader_family(reader, i)->name, reason);
}

bool smx_exposition_has_name(const smx_exposition *exposition, smx_escaping escaping, smx_text name)
{
	const struct smx_merge *merge = &exposition->merge;

	for (size_t i = 0; i < merge->family_count; i++) {
		const struct smx_family *family = merge->families[i];

		if (smx_family_is_shown(family, escaping) &&
		    is_named(family, known_name(family, escaping), name))
			return true;
	}
	return false;
}

void smx_exposition_set_created(smx_exposition *exposition, bool created)
{
	exposition->created = created;
}

void smx_exposition_set_reserved(smx_exposition *exposition,
				 bool (*is_reserved)(smx_text family_name, bool is_spelled))
{
	exposition->merge.is_reserved = is_reserved;
	exposition->merge.unsettled = true;
}

smx_status smx_exposition_render(smx_exposition *exposition, smx_exposition_type type,
				 const smx_text *names, size_t name_count, smx_buffer *buffer,
				 smx_error *error)
{
	struct smx_rendering rendering = {
		.format = smx_text_format_of(type),
		.buffer = buffer,
		.escaping = type.escaping,
		.created = exposition->created,
	};
	const struct smx_merge *merge = &exposition->merge;
	size_t size = buffer->size;

	if (!rendering.format) {
		if (error) {
			*error = (smx_error){.status = SMX_ERR_INVALID};
			snprintf(error->message, sizeof(error->message),
				 "there is no exposition format %d with escaping %d",
				 (int)type.format, (int)type.escaping);
		}
		return SMX_ERR_INVALID;
	}
	if (buffer->failed || !smx_merge_update(&exposition->merge) || !make_room(exposition))
		return no_memory(error, "what is to be served");
	exposition->escaping = type.escaping;
	rendering.counts = exposition->counts;
	rendering.part_counts = exposition->part_counts;
	rendering.samples = exposition->samples;
	rendering.scratch = &exposition->scratch;
	for (size_t i = 0; i < merge->family_count && !buffer->failed; i++) {
		struct smx_family *family = merge->families[i];

		if (smx_family_is_shown(family, type.escaping) &&
		    is_wanted(family, type.escaping, names, name_count) &&
		    !render_family(&rendering, family))
			buffer->failed = true;
	}
	if (buffer->failed) {
		buffer->failed = false;
		buffer->size = size;
		smx_buffer_free(&exposition->scratch);
		return no_memory(error, "the text");
	}
	return SMX_OK;
}
