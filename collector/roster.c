/* SPDX-License-Identifier: MIT */
/*
 * roster.c - the segment files that are known: those with a name, and those that only live
 * processes still hold
 */
#include "roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "log.h"
#include "selfmetrics.h"
#include "shmetrics/shmetrics.h"

struct entry {
	const struct folder *folder;
	char name[SEGMENT_NAME_MAX + 1];
	struct stat seen;	 /* in this scan */
	struct stat file;	 /* when segment was made */
	uint64_t scan;		 /* the last that saw it */
	struct segment *segment; /* NULL: new */
};

struct roster {
	const smx_reader_options *options;
	struct scrape *scrape;
	struct entry entries[CATALOG_SEGMENT_MAX];
	size_t entry_count;
	struct segment *retired[CATALOG_SEGMENT_MAX];
	size_t retired_count;
	uint64_t scan;
	bool changed; /* the catalog is out of date */
	size_t ignored;
	size_t ignored_before;
};

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether an attempt to open the file might end otherwise than the last. */
static bool is_touched(const struct stat *a, const struct stat *b)
{
	return !same_file(a, b) || a->st_size != b->st_size || a->st_mode != b->st_mode ||
	       a->st_uid != b->st_uid || a->st_gid != b->st_gid ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
	       a->st_ctim.tv_sec != b->st_ctim.tv_sec || a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

static void drop(struct roster *roster, struct segment *segment, const char *why)
{
	log_event(LOG_LEVEL_INFO, log_text("msg", "segment dropped"),
		  log_text("segment", segment->name), log_text("path", segment->path),
		  log_text("reason", why));
	segment_put(segment);
	roster->changed = true;
}

/* Takes over the reference of a segment whose file has lost its name. */
static void retire(struct roster *roster, struct segment *segment, const char *why)
{
	struct segment_status status;

	roster->changed = true;
	if (!scrape_walk(roster->scrape, segment)) {
		drop(roster, segment, why);
		return;
	}
	status = segment_status(segment);
	if (status.info.slots_live == 0 || roster->retired_count == CATALOG_SEGMENT_MAX) {
		drop(roster, segment, why);
		return;
	}
	segment_set_current(segment, false);
	roster->retired[roster->retired_count++] = segment;
	log_event(LOG_LEVEL_INFO, log_text("msg", "segment still served for its live writers"),
		  log_text("segment", segment->name), log_text("path", segment->path),
		  log_text("reason", why), log_number("writers", status.info.slots_live));
}

static void drop_retired(struct roster *roster, size_t index, const char *why)
{
	struct segment *segment = roster->retired[index];

	roster->retired[index] = roster->retired[--roster->retired_count];
	drop(roster, segment, why);
}

static void check_retired(struct roster *roster)
{
	for (size_t i = roster->retired_count; i-- > 0;) {
		struct segment *segment = roster->retired[i];

		if (!scrape_walk(roster->scrape, segment))
			drop_retired(roster, i, segment_status(segment).reason);
		else if (segment_status(segment).info.slots_live == 0)
			drop_retired(roster, i, "its last writer is gone");
	}
	/* The current files come first; the oldest of the others have to make room. */
	while (roster->entry_count + roster->retired_count > CATALOG_SEGMENT_MAX)
		drop_retired(roster, 0, "too many segments");
}

static bool is_file(struct segment *segment, const smx_reader_info *info)
{
	struct segment_status status = segment_status(segment);

	return status.up && status.info.device == info->device && status.info.inode == info->inode;
}

/* The name under which another entry serves the same file (a hard link), or NULL. */
static const char *twin(struct roster *roster, const struct entry *entry,
			const smx_reader_info *info)
{
	for (size_t i = 0; i < roster->entry_count; i++) {
		struct entry *other = &roster->entries[i];

		if (other != entry && other->segment && is_file(other->segment, info))
			return other->segment->path;
	}
	return NULL;
}

/*
 * The file of another folder that is served under the same name, or NULL. A name is what tells
 * segments apart, in labels, paths and metrics: two with one name would be added up.
 */
static const char *namesake(const struct roster *roster, const struct entry *entry)
{
	for (size_t i = 0; i < roster->entry_count; i++) {
		const struct entry *other = &roster->entries[i];

		if (other != entry && other->segment && other->segment->reader &&
		    strcmp(other->name, entry->name) == 0)
			return other->segment->path;
	}
	return NULL;
}

static void log_attached(struct segment *segment, const struct segment_status *status)
{
	log_event(LOG_LEVEL_INFO, log_text("msg", "segment attached"),
		  log_text("segment", segment->name), log_text("path", segment->path),
		  log_number("families", (int64_t)status->family_count),
		  log_number("series", (int64_t)status->info.series_count),
		  log_number("writers", status->info.slots_live));
}

/* Opens what the entry's path names now. NULL: no memory. */
static struct segment *open_entry(struct roster *roster, struct entry *entry)
{
	struct segment *segment;
	struct segment_status status;
	char path[4096];
	char reason[256];
	const char *other;

	snprintf(path, sizeof(path), "%s/%s%s", entry->folder->path, entry->name,
		 SMX_SEGMENT_SUFFIX);
	entry->file = entry->seen;
	other = namesake(roster, entry);
	if (other) {
		snprintf(reason, sizeof(reason), "another segment has this name: %s", other);
		return segment_create_down(entry->name, path, reason);
	}
	segment = segment_open(entry->name, path, entry->seen.st_mode, roster->options);
	if (!segment)
		return NULL;
	status = segment_status(segment);
	if (!status.up)
		return segment;
	/*
	 * The name may have changed its file since it was looked at: what counts is what was
	 * opened.
	 */
	entry->file.st_dev = status.info.device;
	entry->file.st_ino = status.info.inode;
	other = twin(roster, entry, &status.info);
	if (other) {
		snprintf(reason, sizeof(reason), "the same file as %s", other);
		segment_put(segment);
		return segment_create_down(entry->name, path, reason);
	}
	/* Renamed: it is back under another name. */
	for (size_t i = roster->retired_count; i-- > 0;)
		if (is_file(roster->retired[i], &status.info))
			drop_retired(roster, i, "renamed");
	return segment;
}

static void attach(struct roster *roster, struct entry *entry)
{
	struct segment *before = entry->segment;
	struct segment *segment = open_entry(roster, entry);
	struct segment_status status;

	if (!segment)
		return; /* no memory: what there was stays, and the next full scan tries again */
	status = segment_status(segment);
	if (before && !before->reader && !status.up) {
		bool same = strcmp(segment_status(before).reason, status.reason) == 0;

		if (same) {
			segment_put(segment);
			return;
		}
	}
	entry->segment = segment;
	roster->changed = true;
	if (status.up)
		log_attached(segment, &status);
	else
		log_event(LOG_LEVEL_WARN, log_text("msg", "segment cannot be served"),
			  log_text("segment", segment->name), log_text("path", segment->path),
			  log_text("reason", status.reason));
	if (!before)
		return;
	if (before->reader && !segment_has_failed(before))
		retire(roster, before, "replaced");
	else
		segment_put(before);
}

static void update(struct roster *roster, struct entry *entry, bool full)
{
	struct segment *segment = entry->segment;

	if (!segment || !segment->reader) {
		if (!segment || full || is_touched(&entry->file, &entry->seen))
			attach(roster, entry);
		return;
	}
	if (same_file(&entry->file, &entry->seen) && !segment_has_failed(segment)) {
		uint64_t size = segment_status(segment).info.size_bytes;
		bool look = full || (uint64_t)entry->seen.st_size < size;

		if (!look || scrape_walk(roster->scrape, segment) || !segment_has_failed(segment))
			return;
	}
	attach(roster, entry);
}

static void remove_entry(struct roster *roster, size_t index)
{
	struct segment *segment = roster->entries[index].segment;

	roster->entries[index] = roster->entries[--roster->entry_count];
	if (!segment)
		return;
	if (segment->reader && !segment_has_failed(segment))
		retire(roster, segment, "deleted");
	else
		drop(roster, segment, "deleted");
}

/* Anybody may make files in /dev/shm: those that are refused anyway never take all places. */
static size_t places_for(const struct roster *roster, const struct stat *file)
{
	bool trusted =
		S_ISREG(file->st_mode) && (file->st_uid == geteuid() || file->st_uid == 0 ||
					   (roster->options->owner_id > 0 &&
					    file->st_uid == (uid_t)roster->options->owner_id));

	return trusted ? CATALOG_SEGMENT_MAX : CATALOG_SEGMENT_MAX / 4;
}

static struct entry *find_entry(struct roster *roster, const struct folder *folder,
				const char *name, const struct stat *file)
{
	for (size_t i = 0; i < roster->entry_count; i++)
		if (roster->entries[i].folder == folder &&
		    strcmp(roster->entries[i].name, name) == 0)
			return &roster->entries[i];
	if (roster->entry_count >= places_for(roster, file)) {
		roster->ignored++;
		return NULL;
	}
	struct entry *entry = &roster->entries[roster->entry_count++];

	*entry = (struct entry){.folder = folder};
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

void roster_see_all(struct roster *roster, const struct folder *folder)
{
	for (size_t i = 0; i < roster->entry_count; i++)
		if (roster->entries[i].folder == folder)
			roster->entries[i].scan = roster->scan;
}

static void publish(struct roster *roster)
{
	struct segment *segments[2 * CATALOG_SEGMENT_MAX];
	struct catalog *catalog;
	size_t count = 0;

	for (size_t i = 0; i < roster->entry_count; i++)
		if (roster->entries[i].segment)
			segments[count++] = roster->entries[i].segment;
	for (size_t i = 0; i < roster->retired_count; i++)
		segments[count++] = roster->retired[i];
	catalog = catalog_create(segments, count);
	if (!catalog)
		return; /* the next scan tries again */
	catalog_publish(catalog);
	roster->changed = false;
	scrape_settle(roster->scrape);
}

void roster_begin(struct roster *roster)
{
	roster->scan++;
	roster->ignored = 0;
}

void roster_see(struct roster *roster, const struct folder *folder, const char *name,
		const struct stat *file)
{
	struct entry *entry = find_entry(roster, folder, name, file);

	if (!entry)
		return;
	entry->seen = *file;
	entry->scan = roster->scan;
}

bool roster_finish(struct roster *roster, bool full)
{
	for (size_t i = roster->entry_count; i-- > 0;)
		if (roster->entries[i].scan != roster->scan)
			remove_entry(roster, i);
	for (size_t i = 0; i < roster->entry_count; i++)
		update(roster, &roster->entries[i], full);
	check_retired(roster);
	if (roster->ignored && !roster->ignored_before)
		log_event(LOG_LEVEL_WARN, log_text("msg", "too many segments: some are ignored"),
			  log_number("served", (int64_t)roster->entry_count),
			  log_number("ignored", (int64_t)roster->ignored));
	roster->ignored_before = roster->ignored;
	atomic_store(&selfmetrics_counts.segments_ignored, roster->ignored);
	if (roster->changed)
		publish(roster);
	return roster->ignored == 0 || roster->entry_count >= CATALOG_SEGMENT_MAX / 4;
}

struct roster *roster_create(const smx_reader_options *options, struct scrape *scrape)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (!roster)
		return NULL;
	roster->options = options;
	roster->scrape = scrape;
	roster->changed = true; /* there is a catalog, even with nothing in it */
	return roster;
}

void roster_destroy(struct roster *roster)
{
	if (!roster)
		return;
	catalog_publish(NULL);
	for (size_t i = 0; i < roster->entry_count; i++)
		if (roster->entries[i].segment)
			segment_put(roster->entries[i].segment);
	for (size_t i = 0; i < roster->retired_count; i++)
		segment_put(roster->retired[i]);
	free(roster);
}
