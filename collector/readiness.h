/* SPDX-License-Identifier: MIT */
/*
 * readiness.h - whether the applications behind the segments can do their work: their health checks
 */
#ifndef COLLECTOR_READINESS_H
#define COLLECTOR_READINESS_H

#include "answer.h"
#include "scrape.h"

/*
 * JSON: each segment, each check of it. 200 if there is a segment, every segment can be read and
 * has a live writer, and every check that counts is up; else 503. Of two files with one name (a
 * replaced one that is still held, and its successor) the current one speaks.
 */
void readiness_answer(struct answer *answer, struct scrape *scrape);

/*
 * Whether a check of this segment counts. As long as live processes have defined one, those that
 * none of them has are of an earlier version of the program: nobody runs them any more. Once nobody
 * has any, they all count, and are stale.
 */
bool readiness_counts(smx_reader *reader, const smx_health_view *health);

#endif
