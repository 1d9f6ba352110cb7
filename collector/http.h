/* SPDX-License-Identifier: MIT */
/*
 * http.h - the HTTP server: listeners, limits, draining
 */
#ifndef COLLECTOR_HTTP_H
#define COLLECTOR_HTTP_H

#include "options.h"
#include "scrape.h"

struct http;

/*
 * Listens on every address of the options, or says in *error which one it could not have, and
 * returns NULL.
 */
struct http *http_start(const struct options *options, struct scrape *scrape, smx_error *error);
/* Accepts nothing new, lets running requests end (at most grace_ms), closes everything. */
void http_stop(struct http *http, int64_t grace_ms);

#endif
