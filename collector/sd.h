/* SPDX-License-Identifier: MIT */
/*
 * sd.h - the segments as targets, for Prometheus' HTTP service discovery
 */
#ifndef COLLECTOR_SD_H
#define COLLECTOR_SD_H

#include "answer.h"
#include "request.h"

struct options;

/*
 * JSON: a target for each segment, by its own path (__metrics_path__) and with its name as the
 * label `segment`, unless --segment.label puts that on the series themselves; and one for the
 * collector's own metrics. Nothing is in two of them. The address is the one that the request was
 * sent to.
 */
void sd_answer(struct answer *answer, const struct request *request, const struct options *options);

#endif
