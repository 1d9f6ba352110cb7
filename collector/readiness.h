/* SPDX-License-Identifier: MIT */
/*
 * readiness.h - whether the applications behind the segments can do their work: their health checks
 */
#ifndef COLLECTOR_READINESS_H
#define COLLECTOR_READINESS_H

#include "answer.h"
#include "shmetrics/reader.h"

struct catalog;

/* JSON: each segment, each check of it. */
struct readiness_report {
	smx_buffer text;
	bool is_ready;
};

/*
 * What the last walk of each segment found; with the scrape lock, which the readers need. Ready if
 * there is a segment, every segment can be read and has a live writer, and every check that counts
 * is up. Of two files with one name (a replaced one that is still held, and its successor) the
 * current one speaks.
 */
struct readiness_report readiness_look(const struct catalog *catalog);
void readiness_free(struct readiness_report *report);

/* 200 if ready, else 503. */
void readiness_answer(const struct readiness_report *report, struct answer *answer);

/*
 * Whether a check of this segment counts. As long as live processes have defined one, those that
 * none of them has are of an earlier version of the program: nobody runs them any more. Once nobody
 * has any, they all count, and are stale.
 */
bool readiness_counts(smx_reader *reader, const smx_health_view *health);

#endif
