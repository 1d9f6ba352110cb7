/* SPDX-License-Identifier: MIT */
/*
 * routes.h - which path means what
 *
 * The metrics are not among the fixed paths: where they are is an option, and a scrape has limits
 * of its own (http.c).
 */
#ifndef COLLECTOR_ROUTES_H
#define COLLECTOR_ROUTES_H

#include "answer.h"

struct options;
struct scrape;

struct route {
	const char *path;
	void (*serve)(struct answer *answer, const struct options *options);
	void (*serve_walked)(struct scrape *scrape, struct answer *answer); /* if serve is NULL */
	bool reloads; /* POST or PUT and nothing else */
};

/* One of the fixed paths, which --web.telemetry-path may not be; or NULL. */
const struct route *routes_find(const char *path);

/* Whether the path is one of those with the metrics. */
bool routes_is_metrics(const struct options *options, const char *path);

#endif
