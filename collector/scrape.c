/* SPDX-License-Identifier: MIT */
/*
 * scrape.c - a walk through segments, and a rendering of what they hold
 */
#include "scrape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "clock.h"
#include "readiness.h"
#include "selfmetrics.h"
#include "view.h"

#define REPORT_KEPT_NS 1000000000u
/* Ten times as long as anybody leaves between two scrapes. */
#define UNUSED_NS 1200000000000u

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
	uint64_t report_ns;

	struct view *all;
	bool is_whole; /* it was scraped: what it hides is told, not what a single one does */
	struct view *singles; /* of the segments that are scraped by themselves */
	uint64_t leave_out;
	void (*changed)(void *argument);
	void *changed_argument;
};

struct scrape *scrape_create(uint64_t leave_out)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape)
		return NULL;
	scrape->all = view_create("");
	if (!scrape->all) {
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
	scrape->report_ns = clock_ns();
	scrape->has_report = true;
	pthread_cond_broadcast(&scrape->changed_state);
	pthread_mutex_unlock(&scrape->mutex);
	readiness_free(&before);
}

/* With the lock, before a walk of one segment alone. Returns whether the last report will do. */
static bool keep_report(struct scrape *scrape)
{
	bool kept;

	pthread_mutex_lock(&scrape->mutex);
	kept = scrape->report_ns && clock_ns() - scrape->report_ns < REPORT_KEPT_NS;
	scrape->has_report = kept;
	pthread_cond_broadcast(&scrape->changed_state);
	pthread_mutex_unlock(&scrape->mutex);
	return kept;
}

/* ---- views ---- */

static void drop_single(struct view **link)
{
	struct view *view = *link;

	*link = view->next;
	view_destroy(view);
}

/* The view of the segments with this name; made when it is first asked for. NULL: no memory. */
static struct view *single(struct scrape *scrape, const char *name)
{
	struct view *view = scrape->singles;

	while (view && strcmp(view->name, name) != 0)
		view = view->next;
	if (!view) {
		view = view_create(name);
		if (!view)
			return NULL;
		view->next = scrape->singles;
		scrape->singles = view;
	}
	view->used_ns = clock_ns();
	return view;
}

/* What nobody scrapes any more takes no memory any more. */
static void drop_unused(struct scrape *scrape)
{
	const uint64_t now = clock_ns();
	struct view **link = &scrape->singles;

	while (*link) {
		if ((*link)->member_count == 0 || now - (*link)->used_ns > UNUSED_NS)
			drop_single(link);
		else
			link = &(*link)->next;
	}
}

void scrape_destroy(struct scrape *scrape)
{
	if (!scrape)
		return;
	view_destroy(scrape->all);
	while (scrape->singles)
		drop_single(&scrape->singles);
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

/* ---- walks ---- */

/* Whether discovery has something to look at there. */
static bool has_changed(struct segment *segment)
{
	const struct segment_status status = segment_status(segment);

	return (!status.current && status.info.slots_live == 0) || segment_has_failed(segment);
}

struct tally {
	size_t found, up;
	bool changed; /* discovery has something to look at */
};

/* Walks what the view is of. */
static struct tally walk(const struct catalog *catalog, const struct view *view)
{
	struct tally tally = {0};

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];

		if (!view_is_of(view, segment))
			continue;
		tally.found++;
		tally.up += segment_walk(segment);
		tally.changed = tally.changed || has_changed(segment);
	}
	return tally;
}

static struct tally walk_all(struct scrape *scrape, const struct catalog *catalog)
{
	struct tally tally = walk(catalog, scrape->all);

	report(scrape, catalog);
	return tally;
}

/* ---- rendering ---- */

/* Renders the view as it is now. tally->changed is set if a segment has failed meanwhile. */
static smx_status render_view(struct view *view, const struct catalog *catalog,
			      const struct scrape_wish *wish, struct tally *tally,
			      smx_buffer *buffer, smx_error *error)
{
	const size_t start = buffer->size;
	smx_status status;

	view_follow(view, catalog);
	for (;;) {
		status = smx_exposition_render(view->exposition, wish->type, wish->names,
					       wish->name_count, buffer, error);
		if (!view_drop_damaged(view))
			return status;
		tally->changed = true;
		buffer->size = start;
	}
}

/* With the lock, after a rendering. */
static void note_hidden(struct view *view, smx_escaping escaping)
{
	const struct hidden_counts counts = view_renew_hidden(view, escaping);

	for (int reason = 0; reason < SMX_HIDING_COUNT; reason++)
		atomic_store(&selfmetrics_counts.hidden[reason], counts.by_reason[reason]);
}

static enum scrape_outcome render_all(struct scrape *scrape, const struct catalog *catalog,
				      const struct scrape_wish *wish, struct tally *tally,
				      smx_buffer *buffer, smx_error *error)
{
	*tally = walk_all(scrape, catalog);
	if (render_view(scrape->all, catalog, wish, tally, buffer, error) != SMX_OK)
		return SCRAPE_FAILED;
	scrape->is_whole = true;
	note_hidden(scrape->all, wish->type.escaping);
	selfmetrics_emit(buffer, wish->type, catalog,
			 scrape->leave_out | view_collisions(scrape->all), wish->names,
			 wish->name_count);
	return SCRAPE_DONE;
}

static enum scrape_outcome render_single(struct scrape *scrape, const struct catalog *catalog,
					 const struct scrape_wish *wish, struct tally *tally,
					 smx_buffer *buffer, smx_error *error)
{
	struct view *view = single(scrape, wish->segment);
	smx_status status;

	if (!view) {
		snprintf(error->message, sizeof(error->message), "no memory");
		return SCRAPE_FAILED;
	}
	if (!keep_report(scrape))
		walk_all(scrape, catalog);
	*tally = walk(catalog, view);
	status = render_view(view, catalog, wish, tally, buffer, error);
	if (tally->found == 0)
		return SCRAPE_UNKNOWN;
	if (status != SMX_OK)
		return SCRAPE_FAILED;
	if (!scrape->is_whole)
		view_renew_hidden(view, wish->type.escaping);
	return view->member_count ? SCRAPE_DONE : SCRAPE_DOWN;
}

static enum scrape_outcome render_own(struct scrape *scrape, const struct catalog *catalog,
				      const struct scrape_wish *wish, struct tally *tally,
				      smx_buffer *buffer)
{
	*tally = walk_all(scrape, catalog);
	selfmetrics_emit(buffer, wish->type, catalog, scrape->leave_out, wish->names,
			 wish->name_count);
	return SCRAPE_DONE;
}

enum scrape_outcome scrape_render(struct scrape *scrape, const struct scrape_wish *wish,
				  smx_buffer *buffer, smx_error *error)
{
	enum scrape_outcome outcome;
	struct tally tally = {0};
	struct catalog *catalog;

	lock(scrape);
	catalog = catalog_acquire();
	if (wish->part == SCRAPE_ALL)
		outcome = render_all(scrape, catalog, wish, &tally, buffer, error);
	else if (wish->part == SCRAPE_SEGMENT)
		outcome = render_single(scrape, catalog, wish, &tally, buffer, error);
	else
		outcome = render_own(scrape, catalog, wish, &tally, buffer);
	if (outcome == SCRAPE_DONE)
		smx_emit_end(buffer, wish->type);
	drop_unused(scrape);
	unlock(scrape);
	catalog_release(catalog);
	if (tally.changed && scrape->changed)
		scrape->changed(scrape->changed_argument);
	return outcome;
}

/* Walks all segments with the lock, for the report alone. */
static void look(struct scrape *scrape)
{
	struct catalog *catalog = catalog_acquire();
	const struct tally tally = walk_all(scrape, catalog);

	unlock(scrape);
	catalog_release(catalog);
	if (tally.changed && scrape->changed)
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
	view_forget(scrape->all, catalog);
	for (struct view *view = scrape->singles; view; view = view->next)
		view_forget(view, catalog);
	drop_unused(scrape);
	unlock(scrape);
	catalog_release(catalog);
}
