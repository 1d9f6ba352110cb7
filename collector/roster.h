/* SPDX-License-Identifier: MIT */
/*
 * roster.h - the segment files that are known: those with a name, and those that only live
 * processes still hold
 *
 * For one thread. A scan has three passes, so that what has moved is never there twice: see which
 * files there are (roster_see); let go of those that are no more, or are others now; attach the new
 * ones (both roster_finish). What a scan has changed is published as one new catalog, at its end.
 *
 * A name is served once: of two files with one name, in two folders, the one that was there first
 * is served, at the start that of the folder that was named first; the other is down, and says why.
 *
 * A file that has lost its name is retired: served as long as a live process holds one of its
 * slots, for that process goes on recording there. A file that still has its name is served whether
 * anybody writes to it or not.
 */
#ifndef COLLECTOR_ROSTER_H
#define COLLECTOR_ROSTER_H

#include <sys/stat.h>

#include "folder.h"
#include "scrape.h"

struct roster;

/* options and scrape outlive it. NULL: no memory. */
struct roster *roster_create(const smx_reader_options *options, struct scrape *scrape);
/* Publishes that there is nothing. */
void roster_destroy(struct roster *roster);

void roster_begin(struct roster *roster);
void roster_see(struct roster *roster, const struct folder *folder, const char *name,
		const struct stat *file);
/* For a folder that cannot be read for the moment: it has lost nothing. */
void roster_see_all(struct roster *roster, const struct folder *folder);
/*
 * full: also tries again what could not be opened, and walks everything. False: there was no room
 * for a file that was seen, and now there is; scan again.
 */
bool roster_finish(struct roster *roster, bool full);

#endif
