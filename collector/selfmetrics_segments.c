/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics_segments.c - what the collector knows of each segment
 */
#include "selfmetrics_emitter.h"

#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "readiness.h"

/* ---- what one name stands for ---- */

struct row {
	const char *name;
	bool up;
	size_t files; /* those that could be read */
	smx_reader_info total;
};

static void add_info(smx_reader_info *total, const smx_reader_info *info)
{
	if (info->created_unix_ns > total->created_unix_ns)
		total->created_unix_ns = info->created_unix_ns;
	total->size_bytes += info->size_bytes;
	total->size_max_bytes += info->size_max_bytes;
	total->used_bytes += info->used_bytes;
	total->series_count += info->series_count;
	total->series_max += info->series_max;
	total->conflict_count += info->conflict_count;
	total->renamed_label_count += info->renamed_label_count;
	total->slots_live += info->slots_live;
	total->slots_dead += info->slots_dead;
	total->claim_count += info->claim_count;
	total->damaged_count += info->damaged_count;
	total->walk_ns += info->walk_ns;
	for (size_t i = 0; i < SMX_DROP_COUNT; i++)
		total->dropped[i] += info->dropped[i];
}

/*
 * The catalog is ordered by name, the current file of a name first: that one decides about up. Of
 * several current ones (in several folders) all do, for one alone is served.
 */
static size_t make_rows(const struct catalog *catalog, struct row *rows)
{
	size_t count = 0;

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];
		struct segment_status status = segment_status(segment);

		if (count == 0 || strcmp(rows[count - 1].name, segment->name) != 0)
			rows[count++] = (struct row){.name = segment->name, .up = status.up};
		if (!status.up) {
			rows[count - 1].up = rows[count - 1].up && !status.current;
			continue;
		}
		rows[count - 1].files++;
		add_info(&rows[count - 1].total, &status.info);
	}
	return count;
}

/* ---- emitting ---- */

/* One sample a row, but for rows that no file stands behind. */
static void emit_numbers(struct emitter *emitter, enum own_id id, const struct row *rows,
			 size_t count)
{
	if (!emitter_begin(emitter, id))
		return;
	for (size_t i = 0; i < count; i++) {
		const smx_reader_info *total = &rows[i].total;
		double number = 0;

		if (rows[i].files == 0)
			continue;
		switch (id) {
		case OWN_FILES:
			number = (double)rows[i].files;
			break;
		case OWN_CREATED:
			number = (double)total->created_unix_ns / 1e9;
			break;
		case OWN_WRITERS_STARTED:
			number = (double)total->claim_count;
			break;
		case OWN_SERIES:
			number = (double)total->series_count;
			break;
		case OWN_SERIES_LIMIT:
			number = (double)total->series_max;
			break;
		case OWN_DAMAGED:
			number = (double)total->damaged_count;
			break;
		case OWN_CONFLICTS:
			number = (double)total->conflict_count;
			break;
		case OWN_RENAMED:
			number = (double)total->renamed_label_count;
			break;
		default:
			number = (double)total->walk_ns / 1e9;
		}
		emitter_sample(emitter, rows[i].name, NULL, NULL, number);
	}
}

static double difference(uint64_t more, uint64_t less)
{
	return more > less ? (double)(more - less) : 0;
}

static void emit_by_label(struct emitter *emitter, const struct row *rows, size_t count)
{
	if (emitter_begin(emitter, OWN_WRITERS)) {
		for (size_t i = 0; i < count; i++) {
			if (rows[i].files == 0)
				continue;
			emitter_sample(emitter, rows[i].name, "state", "live",
				       rows[i].total.slots_live);
			emitter_sample(emitter, rows[i].name, "state", "dead",
				       rows[i].total.slots_dead);
		}
	}
	if (emitter_begin(emitter, OWN_BYTES)) {
		for (size_t i = 0; i < count; i++) {
			const smx_reader_info *total = &rows[i].total;

			if (rows[i].files == 0)
				continue;
			emitter_sample(emitter, rows[i].name, "state", "used",
				       (double)total->used_bytes);
			emitter_sample(emitter, rows[i].name, "state", "free",
				       difference(total->size_bytes, total->used_bytes));
			emitter_sample(emitter, rows[i].name, "state", "unallocated",
				       difference(total->size_max_bytes, total->size_bytes));
		}
	}
	if (emitter_begin(emitter, OWN_DROPPED)) {
		for (size_t i = 0; i < count; i++)
			for (int reason = 0; rows[i].files && reason < SMX_DROP_COUNT; reason++)
				emitter_sample(emitter, rows[i].name, "reason",
					       smx_drop_name((smx_drop)reason),
					       (double)rows[i].total.dropped[reason]);
	}
}

/* What one line says of a check; below 0: nothing. */
static double health_number(enum own_id id, const smx_health_view *health)
{
	switch (id) {
	case OWN_HEALTH_UP:
		return health->up && !health->stale;
	case OWN_HEALTH_AGE:
		return health->reported ? health->age_seconds : -1;
	case OWN_HEALTH_TTL:
		return health->ttl_seconds;
	default:
		return health->reported ? health->duration_seconds : -1;
	}
}

static void emit_checks(struct emitter *emitter, enum own_id id, const struct segment *segment)
{
	for (size_t i = 0; i < smx_reader_health_count(segment->reader); i++) {
		const smx_health_view *health = smx_reader_health(segment->reader, i);
		double number = health_number(id, health);
		char name[256];

		if (number < 0 || !readiness_counts(segment->reader, health))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)health->name.size, health->name.data);
		emitter_sample(emitter, segment->name, "check", name, number);
	}
}

/* Of one name the first that can be read speaks: the current file, if it can. */
static bool speaks(const struct catalog *catalog, size_t index)
{
	for (size_t i = index; i > 0; i--) {
		if (strcmp(catalog->segments[i - 1]->name, catalog->segments[index]->name) != 0)
			break;
		if (segment_status(catalog->segments[i - 1]).up)
			return false;
	}
	return segment_status(catalog->segments[index]).up;
}

/* With the scrape lock, which the readers need. */
static void emit_health(struct emitter *emitter, const struct catalog *catalog)
{
	bool has_checks = false;

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];

		has_checks = has_checks || (segment_status(segment).up &&
					    smx_reader_health_count(segment->reader) > 0);
	}
	for (enum own_id id = OWN_HEALTH_UP; has_checks && id <= OWN_HEALTH_DURATION; id++) {
		if (!emitter_begin(emitter, id))
			continue;
		for (size_t i = 0; i < catalog->count; i++)
			if (speaks(catalog, i))
				emit_checks(emitter, id, catalog->segments[i]);
	}
}

void selfmetrics_emit_segments(struct emitter *emitter, const struct catalog *catalog)
{
	static const enum own_id numbers[] = {
		OWN_FILES,   OWN_WRITERS_STARTED, OWN_CREATED, OWN_SERIES,	 OWN_SERIES_LIMIT,
		OWN_DAMAGED, OWN_CONFLICTS,	  OWN_RENAMED, OWN_WALK_DURATION};
	struct row rows[CATALOG_SEGMENT_MAX];
	size_t count = make_rows(catalog, rows);

	if (count && emitter_begin(emitter, OWN_UP))
		for (size_t i = 0; i < count; i++)
			emitter_sample(emitter, rows[i].name, NULL, NULL, rows[i].up);
	for (size_t i = 0; count && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		emit_numbers(emitter, numbers[i], rows, count);
	if (count)
		emit_by_label(emitter, rows, count);
	emit_health(emitter, catalog);
}
