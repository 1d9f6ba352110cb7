/* SPDX-License-Identifier: MIT */
/*
 * folder.c - notices what changes in a folder, whether it exists yet or not
 *
 * Each folder has an inotify instance of its own: two folders that wait for one ancestor would
 * otherwise share a watch descriptor, and giving up the one would blind the other.
 */
#include "folder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shmetrics/shmetrics.h"

/* IN_MODIFY comes with truncation and growth, never with what is written through a mapping. */
#define FOLDER_EVENTS                                                                              \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE |        \
	 IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define ANCESTOR_EVENTS                                                                            \
	(IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

bool folder_init(struct folder *folder, const char *path)
{
	*folder = (struct folder){.path = strdup(path), .inotify = -1};
	return folder->path != NULL;
}

static void disarm(struct folder *folder)
{
	if (folder->inotify >= 0)
		close(folder->inotify);
	folder->inotify = -1;
}

void folder_close(struct folder *folder)
{
	disarm(folder);
	free(folder->path);
	folder->path = NULL;
}

static int watch(struct folder *folder, const char *path, const struct stat *file, bool is_ancestor)
{
	int problem = 0;

	if (folder->inotify >= 0 && folder->device == file->st_dev &&
	    folder->inode == file->st_ino && folder->is_ancestor == is_ancestor)
		return 0;
	disarm(folder);
	folder->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (folder->inotify < 0)
		return errno;
	if (inotify_add_watch(folder->inotify, path,
			      is_ancestor ? ANCESTOR_EVENTS : FOLDER_EVENTS) < 0) {
		problem = errno;
		disarm(folder);
		return problem;
	}
	folder->device = file->st_dev;
	folder->inode = file->st_ino;
	folder->is_ancestor = is_ancestor;
	return 0;
}

/* Cuts off the last component; false if there is none. "a" becomes ".". */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash) {
		if (strcmp(path, ".") == 0)
			return false;
		memcpy(path, ".", 2);
		return true;
	}
	if (slash == path && path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

int folder_arm(struct folder *folder)
{
	char path[PATH_MAX];
	struct stat file;

	if (strlen(folder->path) >= sizeof(path))
		return ENAMETOOLONG;
	/* A component may appear between the look and the watch; then one more round finds it. */
	for (int round = 0; round < 8; round++) {
		bool is_ancestor = false;
		int problem;

		memcpy(path, folder->path, strlen(folder->path) + 1);
		while (stat(path, &file) != 0 || !S_ISDIR(file.st_mode)) {
			if (!go_up(path))
				return ENOENT;
			is_ancestor = true;
		}
		if (folder->inotify >= 0 && folder->device == file.st_dev &&
		    folder->inode == file.st_ino)
			return 0;
		problem = watch(folder, path, &file, is_ancestor);
		if (problem && problem != ENOENT && problem != ENOTDIR)
			return problem;
	}
	return 0;
}

static bool matters(const struct folder *folder, const struct inotify_event *event)
{
	const size_t suffix = strlen(SMX_SEGMENT_SUFFIX);
	size_t size;

	if (event->len == 0 || folder->is_ancestor)
		return true;
	size = strlen(event->name);
	return size > suffix && strcmp(event->name + size - suffix, SMX_SEGMENT_SUFFIX) == 0;
}

bool folder_drain(struct folder *folder)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;
	ssize_t size;

	while (folder->inotify >= 0 && (size = read(folder->inotify, events, sizeof(events))) > 0) {
		for (char *at = events; at < events + size;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			changed = changed || matters(folder, event);
			if (event->mask & IN_IGNORED) {
				/* The folder is gone, and with it the watch. */
				disarm(folder);
				return true;
			}
			at += sizeof(*event) + event->len;
		}
	}
	return changed;
}
