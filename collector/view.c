/* SPDX-License-Identifier: MIT */
/*
 * view.c - an exposition of what the catalog has: of all segments together, or of those with one
 * name
 *
 * Which segments are wanted and which are members is marked in the segments by the number of the
 * comparison, so that two lists are compared in one pass over each.
 */
#include "view.h"
#include "selfmetrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t comparison;

struct view *view_create(const char *name)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	snprintf(view->name, sizeof(view->name), "%s", name);
	if (smx_exposition_create(&view->exposition, NULL) == SMX_OK) {
		smx_exposition_set_reserved(view->exposition, selfmetrics_is_reserved);
		return view;
	}
	free(view);
	return NULL;
}

static void leave(struct view *view, size_t index)
{
	struct segment *segment = view->members[index];

	smx_exposition_remove(view->exposition, segment->reader);
	view->members[index] = view->members[--view->member_count];
	segment_put(segment);
}

void view_destroy(struct view *view)
{
	if (!view)
		return;
	while (view->member_count)
		leave(view, 0);
	smx_exposition_destroy(view->exposition);
	free(view);
}

bool view_is_of(const struct view *view, const struct segment *segment)
{
	return view->name[0] == '\0' || strcmp(view->name, segment->name) == 0;
}

static void join(struct view *view, struct segment *segment)
{
	if (smx_exposition_add(view->exposition, segment->reader, NULL) != SMX_OK) {
		segment_set_down(segment, "no memory"); /* the next scrape tries again */
		return;
	}
	view->members[view->member_count++] = segment_get(segment);
}

/* Members that are not wanted leave; the others are marked. */
static void sweep(struct view *view)
{
	for (size_t i = view->member_count; i-- > 0;) {
		if (view->members[i]->wanted_by != comparison)
			leave(view, i);
		else
			view->members[i]->member_of = comparison;
	}
}

void view_follow(struct view *view, const struct catalog *catalog)
{
	comparison++;
	for (size_t i = 0; catalog && i < catalog->count; i++)
		if (catalog->segments[i]->is_up && view_is_of(view, catalog->segments[i]))
			catalog->segments[i]->wanted_by = comparison;
	/*
	 * First out, then in: the members are then never more than the catalog has, which is what
	 * there is room for.
	 */
	sweep(view);
	for (size_t i = 0; catalog && i < catalog->count; i++)
		if (catalog->segments[i]->wanted_by == comparison &&
		    catalog->segments[i]->member_of != comparison)
			join(view, catalog->segments[i]);
}

void view_forget(struct view *view, const struct catalog *catalog)
{
	comparison++;
	for (size_t i = 0; catalog && i < catalog->count; i++)
		catalog->segments[i]->wanted_by = comparison;
	sweep(view);
}

bool view_drop_damaged(struct view *view)
{
	bool dropped = false;

	for (size_t i = view->member_count; i-- > 0;) {
		if (!segment_has_lost_pages(view->members[i]))
			continue;
		segment_fail(view->members[i], "lost pages while it was being read");
		leave(view, i);
		dropped = true;
	}
	return dropped;
}

struct hidden_counts view_renew_hidden(struct view *view, smx_escaping escaping)
{
	struct hidden_counts counts = {{0}};

	view->escapings |= 1u << escaping;
	for (size_t i = 0; i < view->member_count; i++)
		hidden_renew(view->members[i], view->exposition, view->escapings, &counts);
	return counts;
}

uint64_t view_collisions(const struct view *view)
{
	uint64_t families = 0;

	for (size_t i = 0; i < view->member_count; i++)
		families |= view->members[i]->own_families;
	return families;
}
