/* SPDX-License-Identifier: MIT */
/*
 * routes.c - which path means what
 */
#include "routes.h"

#include <string.h>

#include "health.h"
#include "options.h"
#include "page.h"
#include "sd.h"

static const struct route routes[] = {
	{.path = "/", .serve = page_landing},
	{.path = "/-/healthy", .serve = health_healthy},
	{.path = "/-/ready", .serve = health_ready},
	{.path = "/-/reload", .reloads = true},
	{.path = "/health", .serve = health_report},
	{.path = "/api/v1/health/live", .serve = health_report},
	{.path = "/api/v1/health/ready", .serve_walked = scrape_ready},
	{.path = "/api/v1/segments", .serve = page_segments},
	{.path = "/api/v1/sd", .serve_asked = sd_answer},
};

const struct route *routes_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

/* Takes the name out of /segments/NAME/metrics. */
static bool take_segment(const char *path, char name[SEGMENT_NAME_MAX + 1])
{
	const size_t before = strlen(ROUTES_SEGMENT_PREFIX), behind = strlen(ROUTES_SEGMENT_SUFFIX);
	const size_t size = strlen(path);

	if (size <= before + behind || size - before - behind > SEGMENT_NAME_MAX ||
	    strncmp(path, ROUTES_SEGMENT_PREFIX, before) != 0 ||
	    strcmp(path + size - behind, ROUTES_SEGMENT_SUFFIX) != 0)
		return false;
	memcpy(name, path + before, size - before - behind);
	name[size - before - behind] = '\0';
	return pattern_is_segment_name(name);
}

bool routes_find_metrics(const struct options *options, const char *path,
			 struct metrics_path *found)
{
	*found = (struct metrics_path){.part = SCRAPE_ALL};
	if (strcmp(path, options->telemetry_path) == 0 || strcmp(path, "/api/v1/metrics") == 0)
		return true;
	found->part = SCRAPE_COLLECTOR;
	if (strcmp(path, ROUTES_COLLECTOR) == 0)
		return true;
	found->part = SCRAPE_SEGMENT;
	return take_segment(path, found->segment);
}

bool routes_is_taken(const char *path)
{
	return routes_find(path) || strcmp(path, ROUTES_COLLECTOR) == 0 ||
	       strncmp(path, ROUTES_SEGMENT_PREFIX, strlen(ROUTES_SEGMENT_PREFIX)) == 0;
}
