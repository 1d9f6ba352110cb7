/* SPDX-License-Identifier: MIT */
/*
 * page.h - the segments, for people (HTML) and for programs (JSON)
 */
#ifndef COLLECTOR_PAGE_H
#define COLLECTOR_PAGE_H

#include "answer.h"

struct options;

void page_landing(struct answer *answer, const struct options *options);
void page_segments(struct answer *answer, const struct options *options);

#endif
