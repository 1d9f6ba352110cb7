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
#include "request.h"
#include "scrape.h"

struct options;

struct route {
	const char *path;
	void (*serve)(struct answer *answer, const struct options *options);
	void (*serve_walked)(struct scrape *scrape, struct answer *answer); /* if serve is NULL */
	/* if neither is there */
	void (*serve_asked)(struct answer *answer, const struct request *request,
			    const struct options *options);
	bool reloads; /* POST or PUT and nothing else */
};

/* One of the fixed paths, or NULL. */
const struct route *routes_find(const char *path);

/* What is scraped under a path. */
struct metrics_path {
	enum scrape_part part;
	char segment[SEGMENT_NAME_MAX + 1];
};

/*
 * Whether the path is one of those with metrics: --web.telemetry-path, /api/v1/metrics,
 * /segments/NAME/metrics for each segment by itself, /collector/metrics for the collector's own.
 */
bool routes_find_metrics(const struct options *options, const char *path,
			 struct metrics_path *found);

/* What stands before and behind a segment's name in the path of its metrics. */
#define ROUTES_SEGMENT_PREFIX "/segments/"
#define ROUTES_SEGMENT_SUFFIX "/metrics"
#define ROUTES_COLLECTOR "/collector/metrics"

/* Whether a path that is to be chosen has a meaning already. */
bool routes_is_taken(const char *path);

#endif
