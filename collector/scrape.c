/* SPDX-License-Identifier: MIT */
/*
 * scrape.c - one walk through all segments, one rendering of what they hold
 */
#include "scrape.h"

#include <stdlib.h>

#include "catalog.h"
#include "readiness.h"
#include "selfmetrics.h"

struct scrape {
	/*
	 * The scrape lock is the flag: what it stands for takes long, and whoever only wants the
	 * report gets it meanwhile.
	 */
	pthread_mutex_t mutex;
	pthread_cond_t changed_state;
	bool is_taken;
	bool has_report; /* of a walk since it was taken */
	struct readiness_report report;

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
	pthread_mutex_init(&scrape->mutex, NULL);
	pthread_cond_init(&scrape->changed_state, NULL);
	scrape->leave_out = leave_out;
	return scrape;
}

/* ---- the scrape lock ---- */

/* With the mutex. */
static void take(struct scrape *scrape)
{
	scrape->is_taken = true;
	scrape->has_report = false;
}

static void lock(struct scrape *scrape)
{
	pthread_mutex_lock(&scrape->mutex);
	while (scrape->is_taken)
		pthread_cond_wait(&scrape->changed_state, &scrape->mutex);
	take(scrape);
	pthread_mutex_unlock(&scrape->mutex);
}

static void unlock(struct scrape *scrape)
{
	pthread_mutex_lock(&scrape->mutex);
	scrape->is_taken = false;
	pthread_cond_broadcast(&scrape->changed_state);
	pthread_mutex_unlock(&scrape->mutex);
}

/* With the lock, after a walk of all: whoever waits for a report has it. */
static void report(struct scrape *scrape, const struct catalog *catalog)
{
	struct readiness_report fresh = readiness_look(catalog), before;

	pthread_mutex_lock(&scrape->mutex);
	before = scrape->report;
	scrape->report = fresh;
	scrape->has_report = true;
	pthread_cond_broadcast(&scrape->changed_state);
	pthread_mutex_unlock(&scrape->mutex);
	readiness_free(&before);
}

/* ---- the exposition and the catalog ---- */

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
	readiness_free(&scrape->report);
	pthread_cond_destroy(&scrape->changed_state);
	pthread_mutex_destroy(&scrape->mutex);
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

	lock(scrape);
	catalog = catalog_acquire();
	changed = walk_all(scrape, catalog);
	report(scrape, catalog);
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
	unlock(scrape);
	catalog_release(catalog);
	if (changed && scrape->changed)
		scrape->changed(scrape->changed_argument);
	return status;
}

/* Walks all segments with the lock, for the report alone. */
static void look(struct scrape *scrape)
{
	struct catalog *catalog = catalog_acquire();
	bool changed = false;

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		segment_walk(catalog->segments[i]);
		changed = changed || has_changed(catalog->segments[i]);
	}
	report(scrape, catalog);
	unlock(scrape);
	catalog_release(catalog);
	if (changed && scrape->changed)
		scrape->changed(scrape->changed_argument);
}

void scrape_ready(struct scrape *scrape, struct answer *answer)
{
	pthread_mutex_lock(&scrape->mutex);
	while (scrape->is_taken && !scrape->has_report)
		pthread_cond_wait(&scrape->changed_state, &scrape->mutex);
	if (!scrape->is_taken) {
		take(scrape);
		pthread_mutex_unlock(&scrape->mutex);
		look(scrape);
		pthread_mutex_lock(&scrape->mutex);
	}
	readiness_answer(&scrape->report, answer);
	pthread_mutex_unlock(&scrape->mutex);
}

bool scrape_walk(struct scrape *scrape, struct segment *segment)
{
	bool up;

	lock(scrape);
	up = segment_walk(segment);
	unlock(scrape);
	return up;
}

void scrape_settle(struct scrape *scrape)
{
	struct catalog *catalog;

	lock(scrape);
	catalog = catalog_acquire();
	scrape->epoch++;
	for (size_t i = 0; catalog && i < catalog->count; i++)
		catalog->segments[i]->wanted_epoch = scrape->epoch;
	sweep(scrape);
	unlock(scrape);
	catalog_release(catalog);
}
