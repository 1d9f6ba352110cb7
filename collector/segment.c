/* SPDX-License-Identifier: MIT */
/*
 * segment.c - one segment file that the collector serves, or says why it cannot
 */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "selfmetrics.h"

void segment_set_down(struct segment *segment, const char *reason)
{
	pthread_mutex_lock(&segment->status_lock);
	segment->status.up = false;
	snprintf(segment->status.reason, sizeof(segment->status.reason), "%s", reason);
	pthread_mutex_unlock(&segment->status_lock);
}

static void set_up(struct segment *segment)
{
	const smx_reader_info *info = smx_reader_information(segment->reader);
	size_t family_count = smx_reader_family_count(segment->reader);

	pthread_mutex_lock(&segment->status_lock);
	segment->status.up = true;
	segment->status.info = *info;
	segment->status.family_count = family_count;
	segment->status.reason[0] = '\0';
	pthread_mutex_unlock(&segment->status_lock);
}

static void close_reader(struct segment *segment)
{
	smx_reader_close(segment->reader);
	segment->reader = NULL;
	if (segment->watch >= 0)
		close(segment->watch);
	segment->watch = -1;
}

/*
 * The reader has the file that its path named then; a descriptor of another one would be worse than
 * none.
 */
static int open_watch(const struct segment *segment)
{
	const smx_reader_info *info = smx_reader_information(segment->reader);
	struct stat file;
	int fd = open(segment->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &file) == 0 && file.st_dev == info->device && file.st_ino == info->inode)
		return fd;
	close(fd);
	return -1;
}

/* Connections need descriptors too: with none left nobody can ask what is wrong. */
static bool is_beyond_share(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd >= limit.rlim_cur / 2;
}

static void open_reader(struct segment *segment, const smx_reader_options *options)
{
	smx_reader_options own = *options;
	smx_error error = {0};

	if (own.label_name)
		own.label_value = segment->name;
	if (smx_reader_open(segment->path, &own, &segment->reader, &error) != SMX_OK) {
		segment->reader = NULL;
		segment_set_down(segment, error.message);
		return;
	}
	segment->watch = open_watch(segment);
	if (segment->watch >= 0 && is_beyond_share(segment->watch)) {
		close_reader(segment);
		segment_set_down(segment, "too few file descriptors (ulimit -n)");
		return;
	}
	if (!segment_walk(segment))
		close_reader(segment);
}

struct segment *segment_create_down(const char *name, const char *path, const char *reason)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	segment->path = strdup(path);
	if (!segment->path) {
		free(segment);
		return NULL;
	}
	refcount_init(&segment->references);
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	segment->watch = -1;
	pthread_mutex_init(&segment->status_lock, NULL);
	segment->status.current = true;
	segment_set_down(segment, reason);
	return segment;
}

struct segment *segment_open(const char *name, const char *path, mode_t mode,
			     const smx_reader_options *options)
{
	struct segment *segment = segment_create_down(name, path, "not a regular file");

	/*
	 * Opening a pipe or a device may do anything, so those are not even handed to the reader.
	 */
	if (segment && S_ISREG(mode))
		open_reader(segment, options);
	return segment;
}

struct segment *segment_get(struct segment *segment)
{
	refcount_take(&segment->references);
	return segment;
}

static void release(struct segment *segment)
{
	close_reader(segment);
	hidden_free(&segment->hidden);
	pthread_mutex_destroy(&segment->status_lock);
	free(segment->path);
	free(segment);
}

void segment_put(struct segment *segment)
{
	if (refcount_drop(&segment->references))
		release(segment);
}

/*
 * Which families that the application and the collector may both have the application has. (What
 * is the collector's alone the exposition hides.)
 */
static void note_names(struct segment *segment)
{
	size_t count = smx_reader_family_count(segment->reader);

	for (; segment->checked_families < count; segment->checked_families++) {
		const smx_family_view *family =
			smx_reader_family(segment->reader, segment->checked_families);

		segment->own_families |=
			selfmetrics_collisions(family->name) & ~SELFMETRICS_RESERVED;
	}
}

bool segment_walk(struct segment *segment)
{
	smx_error error = {0};

	segment->is_up = false;
	if (!segment->reader || atomic_load(&segment->failed))
		return false;
	if (smx_reader_walk(segment->reader, &error) == SMX_OK) {
		note_names(segment);
		set_up(segment);
		segment->is_up = true;
		return true;
	}
	/*
	 * What is only short of something may go well at the next scrape; the rest needs a new
	 * start.
	 */
	if (error.status == SMX_ERR_FORMAT)
		atomic_store(&segment->failed, true);
	segment_set_down(segment, error.message);
	return false;
}

bool segment_has_lost_pages(const struct segment *segment)
{
	uint64_t size = smx_reader_information(segment->reader)->size_bytes;
	struct stat file;

	/* Reading a hole fills it, but rendering reads neither the free end nor the slots. */
	return segment->watch >= 0 && fstat(segment->watch, &file) == 0 &&
	       ((uint64_t)file.st_size < size || (uint64_t)file.st_blocks * 512 < size);
}

void segment_fail(struct segment *segment, const char *reason)
{
	atomic_store(&segment->failed, true);
	segment_set_down(segment, reason);
}

bool segment_has_failed(const struct segment *segment)
{
	return segment->reader && atomic_load(&segment->failed);
}

void segment_set_current(struct segment *segment, bool current)
{
	pthread_mutex_lock(&segment->status_lock);
	segment->status.current = current;
	pthread_mutex_unlock(&segment->status_lock);
}

struct segment_status segment_status(struct segment *segment)
{
	struct segment_status status;

	pthread_mutex_lock(&segment->status_lock);
	status = segment->status;
	pthread_mutex_unlock(&segment->status_lock);
	return status;
}
