/* SPDX-License-Identifier: MIT */
/*
 * health.h - the probes: whether the collector lives, and whether it has something to serve
 *
 * None of them looks at more than a copy: they answer while a scrape is running. They speak for the
 * collector alone; the applications are in the metrics, and in readiness.h.
 */
#ifndef COLLECTOR_HEALTH_H
#define COLLECTOR_HEALTH_H

#include "answer.h"

struct options;

void health_healthy(struct answer *answer, const struct options *options);
/* 503 until a segment can be read. */
void health_ready(struct answer *answer, const struct options *options);
/* JSON, of the collector. */
void health_report(struct answer *answer, const struct options *options);

#endif
