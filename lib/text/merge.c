/* SPDX-License-Identifier: MIT */
/*
 * merge.c - the readers of an exposition: joining, leaving, and what their walks found
 */
#include "text/merge.h"

#include "text/buffer.h"

#include <stdlib.h>
#include <string.h>

void *smx_array_grow(void *array, size_t count, size_t *capacity, size_t item_size)
{
	size_t wanted = *capacity ? *capacity * 2 : 8;
	void *grown;

	if (count < *capacity)
		return array;
	if (wanted > SIZE_MAX / 2 / item_size)
		return NULL;
	grown = realloc(array, wanted * item_size);
	if (grown)
		*capacity = wanted;
	return grown;
}

bool smx_merge_add(struct smx_merge *merge, smx_reader *reader)
{
	struct smx_member **members;
	struct smx_member *member;

	for (size_t i = 0; i < merge->member_count; i++) {
		if (merge->members[i]->reader == reader)
			return true;
	}
	members = smx_array_grow(merge->members, merge->member_count, &merge->member_capacity,
				 sizeof(struct smx_member *));
	if (!members)
		return false;
	merge->members = members;
	member = calloc(1, sizeof(*member));
	if (!member)
		return false;
	member->reader = reader;
	members[merge->member_count++] = member;
	return true;
}

static void drop_empty_families(struct smx_merge *merge)
{
	size_t kept = 0;

	smx_table_clear(&merge->table);
	for (size_t i = 0; i < merge->family_count; i++) {
		struct smx_family *family = merge->families[i];

		if (!family->sources) {
			smx_family_free(family);
			continue;
		}
		merge->families[kept++] = family;
		smx_table_insert(&merge->table, family->hash, family);
	}
	merge->family_count = kept;
	merge->unsettled = true;
}

static void free_member(struct smx_member *member)
{
	for (size_t i = 0; i < member->source_count; i++) {
		if (member->sources[i])
			smx_family_drop_source(member->sources[i]->family, member->sources[i]);
	}
	free(member->sources);
	free(member->writers);
	free(member);
}

void smx_merge_remove(struct smx_merge *merge, const smx_reader *reader)
{
	size_t at = 0;

	while (at < merge->member_count && merge->members[at]->reader != reader)
		at++;
	if (at == merge->member_count)
		return;
	free_member(merge->members[at]);
	merge->member_count--;
	memmove(&merge->members[at], &merge->members[at + 1],
		(merge->member_count - at) * sizeof(struct smx_member *));
	drop_empty_families(merge);
}

void smx_merge_free(struct smx_merge *merge)
{
	while (merge->member_count != 0)
		smx_merge_remove(merge, merge->members[merge->member_count - 1]->reader);
	free(merge->members);
	free(merge->families);
	smx_table_free(&merge->table);
	smx_buffer_free(&merge->scratch);
}

/* *source is NULL afterwards if the family is not fit, or if this member has it already (a damaged
 * index). */
static bool make_source(struct smx_merge *merge, struct smx_member *member,
			const smx_family_view *view, struct smx_source **source)
{
	struct smx_family *family;

	*source = NULL;
	if (!smx_merge_find_family(merge, view, &family))
		return false;
	if (!family)
		return true;
	for (const struct smx_source *other = family->sources; other; other = other->next) {
		if (other->member == member)
			return true;
	}
	*source = malloc(sizeof(**source));
	if (!*source)
		return false;
	**source = (struct smx_source){family->sources, family, member, view, 0, false};
	family->sources = *source;
	return true;
}

/* Takes in the next family of the member's reader. */
static bool add_source(struct smx_merge *merge, struct smx_member *member)
{
	struct smx_source **sources;

	sources = smx_array_grow(member->sources, member->source_count, &member->source_capacity,
				 sizeof(struct smx_source *));
	if (!sources)
		return false;
	member->sources = sources;
	if (!make_source(merge, member, smx_reader_family(member->reader, member->source_count),
			 &sources[member->source_count]))
		return false;
	member->source_count++;
	return true;
}

static bool update_member(struct smx_merge *merge, struct smx_member *member)
{
	size_t family_count = smx_reader_family_count(member->reader);

	while (member->source_count < family_count) {
		if (!add_source(merge, member))
			return false;
	}
	for (size_t i = 0; i < member->source_count; i++) {
		struct smx_source *source = member->sources[i];

		if (!source)
			continue;
		source->served = source->view->served;
		/* What is hidden costs nothing until it is served. */
		if (source->served && !smx_merge_adopt_series(merge, source))
			return false;
	}
	return true;
}

bool smx_merge_update(struct smx_merge *merge)
{
	for (size_t i = 0; i < merge->member_count; i++) {
		if (!update_member(merge, merge->members[i]))
			return false;
	}
	return smx_merge_choose(merge) && smx_merge_label_writers(merge);
}
