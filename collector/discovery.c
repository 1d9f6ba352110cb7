/* SPDX-License-Identifier: MIT */
/*
 * discovery.c - looks for segment files when something changes in their folders, and now and then
 */
#include "discovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "roster.h"

/* Also finds what inotify missed, and walks segments that nobody scrapes. */
#define FULL_SCAN_INTERVAL_MS 10000
/* A folder in which much happens is read at most this often. */
#define SCAN_INTERVAL_MS 20

struct discovery {
	const struct options *options;
	struct folder folders[OPTIONS_PATTERN_MAX];
	size_t folder_of_pattern[OPTIONS_PATTERN_MAX];
	size_t folder_count;
	/* What each folder's path led to in this scan; inode 0: nowhere. */
	struct {
		dev_t device;
		ino_t inode;
	} found[OPTIONS_PATTERN_MAX];

	struct roster *roster;

	pthread_t thread;
	int wake;
	atomic_bool stop;
	atomic_bool full_requested;
};

static bool is_wanted(const struct discovery *discovery, size_t folder, const char *name)
{
	for (size_t i = 0; i < discovery->options->pattern_count; i++)
		if (discovery->folder_of_pattern[i] == folder &&
		    pattern_matches(&discovery->options->patterns[i], name))
			return true;
	return false;
}

/*
 * Two paths may lead to one folder, as one that is relative and one that is absolute: its files are
 * those of the first.
 */
static const struct folder *identify(struct discovery *discovery, size_t index, DIR *directory)
{
	struct stat seen;

	if (fstat(dirfd(directory), &seen) != 0)
		return &discovery->folders[index];
	discovery->found[index].device = seen.st_dev;
	discovery->found[index].inode = seen.st_ino;
	for (size_t i = 0; i < index; i++)
		if (discovery->found[i].inode == seen.st_ino &&
		    discovery->found[i].device == seen.st_dev)
			return &discovery->folders[i];
	return &discovery->folders[index];
}

static void look_at_files(struct discovery *discovery, size_t folder, DIR *directory)
{
	const struct folder *owner = identify(discovery, folder, directory);
	const struct dirent *file;

	while ((file = readdir(directory))) {
		char name[SEGMENT_NAME_MAX + 1];
		struct stat seen;

		if (!pattern_segment_name(file->d_name, name) ||
		    !is_wanted(discovery, folder, name) ||
		    fstatat(dirfd(directory), file->d_name, &seen, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		roster_see(discovery->roster, owner, name, &seen);
	}
}

static void look_at_folder(struct discovery *discovery, size_t index)
{
	struct folder *folder = &discovery->folders[index];
	int problem = folder_arm(folder);
	DIR *directory = opendir(folder->path);

	discovery->found[index].inode = 0;
	if (directory) {
		look_at_files(discovery, index, directory);
		closedir(directory);
	} else {
		problem = errno;
		if (problem != ENOENT && problem != ENOTDIR)
			roster_see_all(discovery->roster, folder);
	}
	if (problem == folder->problem)
		return;
	folder->problem = problem;
	if (problem)
		log_event(LOG_LEVEL_WARN,
			  log_text("msg", directory ? "folder cannot be watched, only rescanned"
						    : "folder cannot be read"),
			  log_text("path", folder->path), log_text("reason", strerror(problem)));
	else
		log_event(LOG_LEVEL_INFO, log_text("msg", "folder watched"),
			  log_text("path", folder->path));
}

static void wake(struct discovery *discovery)
{
	const uint64_t one = 1;
	/* Only a full counter refuses, and then the thread is about to wake anyway. */
	ssize_t written = write(discovery->wake, &one, sizeof(one));

	(void)written;
}

static void scan(struct discovery *discovery, bool full)
{
	roster_begin(discovery->roster);
	for (size_t i = 0; i < discovery->folder_count; i++)
		look_at_folder(discovery, i);
	if (!roster_finish(discovery->roster, full))
		wake(discovery);
}

/* ---- the thread ---- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Sleeps until `until`, or an event of a folder, or somebody wakes us. Returns whether there is
 * something to see.
 */
static bool wait_for_change(struct discovery *discovery, int64_t until)
{
	struct pollfd fds[OPTIONS_PATTERN_MAX + 1];
	int64_t left = until - now_ms();
	bool changed = false;
	uint64_t count;

	for (size_t i = 0; i < discovery->folder_count; i++)
		fds[i] = (struct pollfd){.fd = discovery->folders[i].inotify, .events = POLLIN};
	fds[discovery->folder_count] = (struct pollfd){.fd = discovery->wake, .events = POLLIN};
	if (poll(fds, discovery->folder_count + 1, left > 0 ? (int)left : 0) <= 0)
		return false;
	for (size_t i = 0; i < discovery->folder_count; i++)
		changed = folder_drain(&discovery->folders[i]) || changed;
	return read(discovery->wake, &count, sizeof(count)) > 0 || changed;
}

static void *run(void *argument)
{
	struct discovery *discovery = argument;
	int64_t last = now_ms();
	int64_t last_full = last;
	bool pending = false;

	while (!atomic_load(&discovery->stop)) {
		int64_t due = last_full + FULL_SCAN_INTERVAL_MS;
		bool full;

		if (pending && last + SCAN_INTERVAL_MS < due)
			due = last + SCAN_INTERVAL_MS;
		pending = wait_for_change(discovery, due) || pending;
		full = atomic_exchange(&discovery->full_requested, false) ||
		       now_ms() >= last_full + FULL_SCAN_INTERVAL_MS;
		if (!full && (!pending || now_ms() < last + SCAN_INTERVAL_MS))
			continue;
		pending = false;
		scan(discovery, full);
		last = now_ms();
		if (full)
			last_full = last;
	}
	return NULL;
}

static void wake_for_scrape(void *discovery)
{
	wake(discovery);
}

static bool make_folders(struct discovery *discovery)
{
	const struct options *options = discovery->options;

	for (size_t i = 0; i < options->pattern_count; i++) {
		size_t found = 0;

		while (found < discovery->folder_count &&
		       strcmp(discovery->folders[found].path, options->patterns[i].directory) != 0)
			found++;
		if (found == discovery->folder_count &&
		    !folder_init(&discovery->folders[discovery->folder_count++],
				 options->patterns[i].directory))
			return false;
		discovery->folder_of_pattern[i] = found;
	}
	return true;
}

static void destroy(struct discovery *discovery)
{
	roster_destroy(discovery->roster);
	for (size_t i = 0; i < discovery->folder_count; i++)
		folder_close(&discovery->folders[i]);
	if (discovery->wake >= 0)
		close(discovery->wake);
	free(discovery);
}

struct discovery *discovery_start(const struct options *options, struct scrape *scrape,
				  smx_error *error)
{
	struct discovery *discovery = calloc(1, sizeof(*discovery));
	int problem = ENOMEM;

	if (!discovery)
		goto fail;
	discovery->options = options;
	discovery->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (discovery->wake < 0) {
		problem = errno;
		goto fail;
	}
	discovery->roster = roster_create(&options->reader, scrape);
	if (!discovery->roster || !make_folders(discovery))
		goto fail;
	scan(discovery, true);
	scrape_on_change(scrape, wake_for_scrape, discovery);
	problem = pthread_create(&discovery->thread, NULL, run, discovery);
	if (problem == 0)
		return discovery;
	scrape_on_change(scrape, NULL, NULL);
fail:
	if (discovery)
		destroy(discovery);
	error->status = SMX_ERR_SYSTEM;
	snprintf(error->message, sizeof(error->message), "%s", strerror(problem));
	return NULL;
}

void discovery_rescan(struct discovery *discovery)
{
	atomic_store(&discovery->full_requested, true);
	wake(discovery);
}

void discovery_stop(struct discovery *discovery)
{
	atomic_store(&discovery->stop, true);
	wake(discovery);
	pthread_join(discovery->thread, NULL);
	destroy(discovery);
}
