/* SPDX-License-Identifier: MIT */
/*
 * reload.h - reads the web configuration anew and looks for segments anew, without a restart
 *
 * Asked for by SIGHUP, by POST or PUT to /-/reload, and by the files themselves: a thread sees when
 * one of them has changed, and reads them when they have stood still for a moment, so that a
 * certificate and its key that are replaced one after the other are one change.
 */
#ifndef COLLECTOR_RELOAD_H
#define COLLECTOR_RELOAD_H

#include "discovery.h"
#include "web.h"

/*
 * path: of the web configuration in force, which was made of sources; NULL: there is none. False:
 * no thread.
 */
bool reload_start(const char *path, const struct web_sources *sources, struct discovery *discovery);
void reload_stop(void);

/* Any thread; by: who asks, for the log. False: all is as before, and *fault says why. */
bool reload_now(const char *by, struct web_fault *fault);

#endif
