/* SPDX-License-Identifier: MIT */
/*
 * routes.c - which path means what
 */
#include "routes.h"

#include <string.h>

#include "health.h"
#include "options.h"
#include "page.h"
#include "scrape.h"

static const struct route routes[] = {
	{"/", page_landing, NULL, false},
	{"/-/healthy", health_healthy, NULL, false},
	{"/-/ready", health_ready, NULL, false},
	{"/-/reload", NULL, NULL, true},
	{"/health", health_report, NULL, false},
	{"/api/v1/health/live", health_report, NULL, false},
	{"/api/v1/health/ready", NULL, scrape_ready, false},
	{"/api/v1/segments", page_segments, NULL, false},
};

const struct route *routes_find(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

bool routes_is_metrics(const struct options *options, const char *path)
{
	return strcmp(path, options->telemetry_path) == 0 || strcmp(path, "/api/v1/metrics") == 0;
}
