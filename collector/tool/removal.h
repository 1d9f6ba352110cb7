/* SPDX-License-Identifier: MIT */
/*
 * removal.h - taking away the file of a segment, but not from under a process that uses it
 */
#ifndef SHMETRICS_TOOL_REMOVAL_H
#define SHMETRICS_TOOL_REMOVAL_H

#include <stdbool.h>
#include <stddef.h>

enum removal_outcome {
	REMOVAL_DONE,
	REMOVAL_ABSENT,	 /* there is no such file */
	REMOVAL_LIVE,	 /* processes hold it */
	REMOVAL_BUSY,	 /* a process is opening it at this moment */
	REMOVAL_FOREIGN, /* it is not a segment, or not one that may be looked into */
	REMOVAL_FAILED	 /* the system refused */
};

struct removal {
	bool force; /* remove also what is live, busy or foreign; in: the only input */
	enum removal_outcome outcome;
	size_t live_count;
	char pids[256]; /* of the first of them: "12, 13, 14" */
	char message[320];
};

/* Removes the file at `path` if it is a segment that no live process holds (or by force). */
enum removal_outcome removal_try(const char *path, struct removal *removal);

/*
 * Removes what runs that were killed have left in the folder of `path`: segments whose name
 * run_name_make made, that no live process holds.
 */
void removal_sweep(const char *path);

#define RUN_NAME_SIZE 40
/* A name for the segment of this run. */
void run_name_make(char name[RUN_NAME_SIZE]);
/* Whether a file name is that of such a segment. */
bool run_name_is(const char *file_name);

#endif
