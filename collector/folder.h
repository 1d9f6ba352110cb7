/* SPDX-License-Identifier: MIT */
/*
 * folder.h - notices what changes in a folder, whether it exists yet or not
 *
 * For one thread. Where inotify is not to be had (its limits are small and shared by all programs
 * of a user) the folder is still usable: whoever asks rescans now and then anyway.
 */
#ifndef COLLECTOR_FOLDER_H
#define COLLECTOR_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

struct folder {
	char *path;
	int inotify; /* -1: nothing is watched */
	/* What is watched: the folder, or the deepest of its ancestors that exists. */
	dev_t device;
	ino_t inode;
	bool is_ancestor;
	int problem; /* errno of the last attempt to read or watch it, for logging once */
};

bool folder_init(struct folder *folder, const char *path);
void folder_close(struct folder *folder);

/*
 * Watches the folder, or what has to appear first. To be called before each reading of the folder,
 * so that what changes meanwhile is noticed. Returns 0 or the errno of what went wrong.
 */
int folder_arm(struct folder *folder);
/* Reads all pending events; true if one of them may have changed what a scan finds. */
bool folder_drain(struct folder *folder);

#endif
