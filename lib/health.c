/* SPDX-License-Identifier: MIT */
/*
 * health.c - health checks: what a process found out about something it depends on
 *
 *  H1. At least one of the two outcomes is whole, whoever is killed while it writes: a writer never
 *      writes over the only valid one. Several at once may choose the same one to write; where they
 *      met, its checksum is wrong, and the other still stands.
 *  H2. The newest is the one with the later time. A writer that stood still in between and goes on
 *      spoils at most the one that it was writing.
 */
#include "arena.h"
#include "error.h"
#include "index.h"
#include "labels.h"
#include "platform.h"
#include "presence.h"
#include "series.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define WORDS (sizeof(smx_layout_outcome) / sizeof(uint64_t))

static smx_layout_health *health_of(smx_health health)
{
	return (smx_layout_health *)(void *)health.impl;
}

/* ---- defining ---- */

static bool same_health(const struct smx_index_key *key, const smx_layout_record *record)
{
	const smx_layout_health *health = (const smx_layout_health *)(const void *)record;
	const smx_text *name = key->data;

	return record->type == SMX_RECORD_HEALTH && health->name_size == name->size &&
	       memcmp(health + 1, name->data, name->size) == 0;
}

static uint64_t make_health(struct smx_segment *segment, const struct smx_index_key *key)
{
	const smx_text *name = key->data;
	uint64_t offset = smx_arena_reserve(segment, key->record_size);
	smx_layout_health *health;

	if (!offset)
		return 0;
	health = smx_at(segment, offset);
	health->record = (smx_layout_record){SMX_RECORD_HEALTH, (uint32_t)key->record_size,
					     key->hash, offset};
	health->name_size = (uint32_t)name->size;
	health->presence_gauge = smx_presence_number(segment);
	memcpy(health + 1, name->data, name->size);
	return offset;
}

static void count_checks(smx_layout_record *record, void *data)
{
	size_t *count = data;

	*count += record->type == SMX_RECORD_HEALTH;
}

/* Under smx_process_lock. Processes that define at once may together go a few beyond the limit. */
static smx_layout_health *find_or_add(struct smx_segment *segment, smx_text name)
{
	struct smx_index_key key = {.same = same_health, .make = make_health, .data = &name};
	struct smx_index_root root = smx_index_families(segment);
	smx_layout_record *record;
	size_t count = 0;
	bool made;

	key.hash = smx_index_hash(name.data, name.size, segment->header->hash_seed + 2);
	key.record_size = smx_aligned(sizeof(smx_layout_health) + name.size);
	record = smx_index_find(segment, root, &key);
	if (!record) {
		smx_index_each(segment, root, count_checks, &count);
		if (count < SMX_LAYOUT_HEALTH_MAX)
			record = smx_index_add(segment, root, &key, &made);
	}
	return (smx_layout_health *)(void *)record;
}

smx_status smx_health_define(smx_segment *segment, const char *name, double ttl_seconds,
			     smx_health *out, smx_error *error)
{
	smx_text text = {name, name ? strlen(name) : 0};
	smx_layout_health *health;

	if (!out)
		return smx_fail(error, SMX_ERR_INVALID, 0, "health check: health must not be NULL");
	out->impl = NULL;
	if (text.size == 0 || text.size > SMX_LAYOUT_HEALTH_NAME_MAX || !smx_labels_is_text(text))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"health check \"%.80s\": its name must be UTF-8 of 1 to %u bytes",
				name ? name : "", SMX_LAYOUT_HEALTH_NAME_MAX);
	if (!(ttl_seconds > 0) || isinf(ttl_seconds))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"health check %.80s: its time to live, %g s, must be above 0", name,
				ttl_seconds);
	if (!segment)
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"health check %.80s: the segment is NULL", name);
	smx_process_lock();
	health = find_or_add(segment, text);
	if (health) {
		smx_publish((uint64_t *)(void *)&health->ttl_seconds, smx_bits(ttl_seconds));
		smx_presence_declare(segment, health->presence_gauge);
		out->impl = (struct smx_health_record *)(void *)health;
	}
	smx_process_unlock();
	if (!health)
		return smx_fail(error, SMX_ERR_FULL, 0,
				"health check %.80s: the segment has no room, or %u checks", name,
				SMX_LAYOUT_HEALTH_MAX);
	return SMX_OK;
}

/* ---- outcomes ---- */

static uint64_t checksum_of(const smx_layout_outcome *outcome)
{
	return XXH3_64bits(&outcome->reported_ns, sizeof *outcome - sizeof outcome->checksum);
}

/* When an outcome was reported; 0: it is not whole, or there is none. *copy: what it says. */
static uint64_t read_outcome(const smx_layout_outcome *outcome, smx_layout_outcome *copy)
{
	const uint64_t *from = (const uint64_t *)(const void *)outcome;
	uint64_t words[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		words[i] = smx_read_relaxed(&from[i]);
	memcpy(copy, words, sizeof *copy);
	if (copy->checksum != checksum_of(copy) || copy->detail_size > sizeof copy->detail)
		return 0;
	return copy->reported_ns;
}

/* The newest whole outcome; 0: there is none. */
static uint64_t read_newest(const smx_layout_health *record, smx_layout_outcome *newest)
{
	smx_layout_outcome second;
	uint64_t first_ns = read_outcome(&record->outcomes[0], newest);
	uint64_t second_ns = read_outcome(&record->outcomes[1], &second);

	if (second_ns > first_ns) {
		*newest = second;
		return second_ns;
	}
	return first_ns;
}

void smx_health_report(smx_health health, bool up, double duration_seconds, const char *detail)
{
	smx_layout_health *record = health_of(health);
	smx_layout_outcome outcome = {.duration_seconds = duration_seconds,
				      .flags = up ? SMX_HEALTH_UP : 0},
			   seen;
	smx_text text = {detail ? detail : "", detail ? strlen(detail) : 0};
	uint64_t times[2], words[WORDS], *to;
	unsigned older;

	if (!record) {
		smx_series_unrecorded();
		return;
	}
	times[0] = read_outcome(&record->outcomes[0], &seen);
	times[1] = read_outcome(&record->outcomes[1], &seen);
	older = times[0] <= times[1] ? 0 : 1;
	outcome.reported_ns = smx_platform_monotonic_ns();
	if (outcome.reported_ns <= times[!older])
		outcome.reported_ns = times[!older] + 1;
	outcome.detail_size =
		(uint16_t)smx_labels_copy(outcome.detail, sizeof outcome.detail, text);
	outcome.checksum = checksum_of(&outcome);
	memcpy(words, &outcome, sizeof words);
	to = (uint64_t *)(void *)&record->outcomes[older];
	for (size_t i = 0; i < WORDS; i++)
		smx_store_relaxed(&to[i], words[i]);
}

bool smx_health_last(smx_health health, smx_health_outcome *outcome)
{
	const smx_layout_health *record = health_of(health);
	smx_layout_outcome newest;
	uint64_t now;

	if (!record || !read_newest(record, &newest))
		return false;
	now = smx_platform_monotonic_ns();
	outcome->up = newest.flags & SMX_HEALTH_UP;
	outcome->age_seconds =
		now > newest.reported_ns ? (double)(now - newest.reported_ns) / 1e9 : 0;
	outcome->duration_seconds = newest.duration_seconds;
	memcpy(outcome->detail, newest.detail, newest.detail_size);
	outcome->detail[newest.detail_size] = '\0';
	return true;
}

double smx_health_age(smx_health health)
{
	smx_health_outcome outcome;

	return smx_health_last(health, &outcome) ? outcome.age_seconds : INFINITY;
}
