/* SPDX-License-Identifier: MIT */
/*
 * scrape.c - one walk through all segments, one rendering of what they hold
 */
#include "scrape.h"

#include <stdlib.h>

#include "catalog.h"
#include "selfmetrics.h"

struct scrape {
	pthread_mutex_t lock;
	smx_exposition *exposition;
	struct segment *members[CATALOG_SEGMENT_MAX]; /* of the exposition */
	size_t member_count;
	uint64_t epoch;
	uint64_t leave_out;
	void (*changed)(void *argument);
	void *changed_argument;
};

struct scrape *scrape_create(uint64_t leave_out)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape)
		return NULL;
	if (smx_exposition_create(&scrape->exposition, NULL) != SMX_OK) {
		free(scrape);
		return NULL;
	}
	pthread_mutex_init(&scrape->lock, NULL);
	scrape->leave_out = leave_out;
	return scrape;
}

static void leave(struct scrape *scrape, size_t index)
{
	struct segment *segment = scrape->members[index];

	smx_exposition_remove(scrape->exposition, segment->reader);
	segment->in_exposition = false;
	scrape->members[index] = scrape->members[--scrape->member_count];
	segment_put(segment);
}

void scrape_destroy(struct scrape *scrape)
{
	if (!scrape)
		return;
	while (scrape->member_count)
		leave(scrape, 0);
	smx_exposition_destroy(scrape->exposition);
	pthread_mutex_destroy(&scrape->lock);
	free(scrape);
}

void scrape_on_change(struct scrape *scrape, void (*changed)(void *argument), void *argument)
{
	scrape->changed = changed;
	scrape->changed_argument = argument;
}

/* Members that nobody has wanted in this epoch leave. */
static void sweep(struct scrape *scrape)
{
	for (size_t i = scrape->member_count; i-- > 0;)
		if (scrape->members[i]->wanted_epoch != scrape->epoch)
			leave(scrape, i);
}

static void join(struct scrape *scrape, struct segment *segment)
{
	if (segment->in_exposition)
		return;
	if (smx_exposition_add(scrape->exposition, segment->reader, NULL) != SMX_OK) {
		segment_set_down(segment, "no memory"); /* the next scrape tries again */
		return;
	}
	segment->in_exposition = true;
	scrape->members[scrape->member_count++] = segment_get(segment);
}

/* Whether discovery has something to look at there. */
static bool has_changed(struct segment *segment)
{
	const struct segment_status status = segment_status(segment);

	return (!status.current && status.info.slots_live == 0) || segment_has_failed(segment);
}

/*
 * Walks the catalog and brings the exposition to it. Returns whether discovery has something to
 * look at.
 */
static bool walk_all(struct scrape *scrape, const struct catalog *catalog)
{
	bool changed = false;

	scrape->epoch++;
	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];

		if (segment_walk(segment))
			segment->wanted_epoch = scrape->epoch;
		changed = changed || has_changed(segment);
	}
	/*
	 * First out, then in: the members are then never more than the catalog has, which is what
	 * there is room for.
	 */
	sweep(scrape);
	for (size_t i = 0; catalog && i < catalog->count; i++)
		if (catalog->segments[i]->wanted_epoch == scrape->epoch)
			join(scrape, catalog->segments[i]);
	return changed;
}

/* Takes out what has lost pages while it was being read. Returns whether there was any. */
static bool drop_damaged(struct scrape *scrape)
{
	bool dropped = false;

	for (size_t i = scrape->member_count; i-- > 0;) {
		if (!segment_has_lost_pages(scrape->members[i]))
			continue;
		segment_fail(scrape->members[i], "lost pages while it was being read");
		leave(scrape, i);
		dropped = true;
	}
	return dropped;
}

static uint64_t families_of_members(const struct scrape *scrape)
{
	uint64_t families = 0;

	for (size_t i = 0; i < scrape->member_count; i++)
		families |= scrape->members[i]->own_families;
	return families;
}

smx_status scrape_render(struct scrape *scrape, smx_exposition_type type, const smx_text *names,
			 size_t name_count, smx_buffer *buffer, smx_error *error)
{
	size_t start = buffer->size;
	struct catalog *catalog;
	smx_status status;
	bool changed;

	pthread_mutex_lock(&scrape->lock);
	catalog = catalog_acquire();
	changed = walk_all(scrape, catalog);
	for (;;) {
		status = smx_exposition_render(scrape->exposition, type, names, name_count, buffer,
					       error);
		if (!drop_damaged(scrape))
			break;
		changed = true;
		buffer->size = start;
	}
	if (status == SMX_OK) {
		selfmetrics_emit(buffer, type, catalog,
				 scrape->leave_out | families_of_members(scrape), names,
				 name_count);
		smx_emit_end(buffer, type);
	}
	pthread_mutex_unlock(&scrape->lock);
	catalog_release(catalog);
	if (changed && scrape->changed)
		scrape->changed(scrape->changed_argument);
	return status;
}

void scrape_look(struct scrape *scrape,
		 void (*look)(struct segment *segment, bool up, void *argument), void *argument)
{
	struct catalog *catalog;
	bool changed = false;

	pthread_mutex_lock(&scrape->lock);
	catalog = catalog_acquire();
	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];

		look(segment, segment_walk(segment), argument);
		changed = changed || has_changed(segment);
	}
	pthread_mutex_unlock(&scrape->lock);
	catalog_release(catalog);
	if (changed && scrape->changed)
		scrape->changed(scrape->changed_argument);
}

bool scrape_walk(struct scrape *scrape, struct segment *segment)
{
	bool up;

	pthread_mutex_lock(&scrape->lock);
	up = segment_walk(segment);
	pthread_mutex_unlock(&scrape->lock);
	return up;
}

void scrape_settle(struct scrape *scrape)
{
	struct catalog *catalog;

	pthread_mutex_lock(&scrape->lock);
	catalog = catalog_acquire();
	scrape->epoch++;
	for (size_t i = 0; catalog && i < catalog->count; i++)
		catalog->segments[i]->wanted_epoch = scrape->epoch;
	sweep(scrape);
	pthread_mutex_unlock(&scrape->lock);
	catalog_release(catalog);
}
