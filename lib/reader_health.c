/* SPDX-License-Identifier: MIT */
/*
 * reader_health.c - health checks: which there are, and the outcome that counts
 *
 * An outcome changes while it is read. It is copied, and counts if its checksum says that it is
 * whole; of the two that a check has at least one is, unless two writers that stood still both went
 * on.
 */
#include "reader_internal.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define TRIES 3 /* both outcomes may change while they are copied, one after the other */

enum taken reader_add_health(smx_reader *reader, uint64_t offset, uint64_t size)
{
	const smx_layout_health *record =
		(const smx_layout_health *)(const void *)(reader->base + offset);
	struct reader_health *health;
	uint64_t name_size;

	if (size < sizeof *record)
		return TAKEN_DAMAGED;
	name_size = smx_read_u32(&record->name_size);
	if (name_size == 0 || name_size > SMX_LAYOUT_HEALTH_NAME_MAX ||
	    name_size > size - sizeof *record || reader->health_count == SMX_LAYOUT_HEALTH_MAX)
		return TAKEN_DAMAGED;
	health = calloc(1, sizeof *health + name_size);
	if (!health)
		return TAKEN_NO_MEMORY;
	health->name = (char *)(health + 1);
	memcpy(health->name, record + 1, name_size);
	if (!reader_is_utf8((smx_text){health->name, name_size})) {
		free(health);
		return TAKEN_DAMAGED;
	}
	health->record = record;
	health->presence_gauge = smx_read_u32(&record->presence_gauge);
	health->view.name = (smx_text){health->name, name_size};
	for (size_t i = 0; i < reader->health_count; i++) {
		const smx_text *name = &reader->healths[i]->view.name;

		if (name->size == name_size && memcmp(name->data, health->name, name_size) == 0) {
			free(health);
			return TAKEN_DAMAGED;
		}
	}
	reader->healths[reader->health_count++] = health;
	return TAKEN;
}

void reader_healths_free(smx_reader *reader)
{
	for (size_t i = 0; i < reader->health_count; i++)
		free(reader->healths[i]);
}

/* A whole outcome. False: there is none. */
static bool copy_outcome(const smx_layout_outcome *from, smx_layout_outcome *copy)
{
	const uint64_t *words = (const uint64_t *)(const void *)from;

	for (size_t i = 0; i < sizeof *from / sizeof *words; i++) {
		uint64_t word = smx_read_relaxed(&words[i]);

		memcpy((char *)copy + i * sizeof word, &word, sizeof word);
	}
	return copy->reported_ns > 0 && copy->detail_size <= sizeof copy->detail &&
	       copy->checksum ==
		       XXH3_64bits(&copy->reported_ns, sizeof *copy - sizeof copy->checksum);
}

/* The one that counts. */
static bool newest_outcome(const smx_layout_health *record, smx_layout_outcome *newest)
{
	smx_layout_outcome second;
	bool is_second;

	for (int i = 0; i < TRIES; i++) {
		bool is_first = copy_outcome(&record->outcomes[0], newest);

		is_second = copy_outcome(&record->outcomes[1], &second);
		if (is_second && (!is_first || second.reported_ns > newest->reported_ns))
			*newest = second;
		if (is_first || is_second)
			return true;
	}
	return false;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A time that has not come yet is of another boot, or a lie: it says nothing of the present. */
static double age_of(uint64_t reported_ns)
{
	uint64_t now = now_ns();

	return reported_ns <= now ? (double)(now - reported_ns) / 1e9 : INFINITY;
}

/* Seconds as they are in the segment: nothing but a number of them. */
static double seconds(double value)
{
	return value >= 0 && isfinite(value) ? value : 0;
}

const smx_health_view *smx_reader_health(smx_reader *reader, size_t index)
{
	struct reader_health *health;
	smx_health_view *view;
	smx_layout_outcome outcome;

	if (index >= reader->health_count)
		return NULL;
	health = reader->healths[index];
	view = &health->view;
	view->ttl_seconds = seconds(smx_double(
		smx_read_relaxed((const uint64_t *)(const void *)&health->record->ttl_seconds)));
	view->reported = newest_outcome(health->record, &outcome);
	if (!view->reported)
		memset(&outcome, 0, sizeof outcome);
	memcpy(health->detail, outcome.detail, outcome.detail_size);
	view->detail = (smx_text){health->detail, outcome.detail_size};
	view->up = outcome.flags & SMX_HEALTH_UP;
	view->duration_seconds = seconds(outcome.duration_seconds);
	view->age_seconds = view->reported ? age_of(outcome.reported_ns) : INFINITY;
	view->stale = !(view->age_seconds <= view->ttl_seconds);
	return view;
}

size_t smx_reader_health_count(const smx_reader *reader)
{
	return reader->health_count;
}
