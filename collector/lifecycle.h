/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.h - POST or PUT /-/reload
 */
#ifndef COLLECTOR_LIFECYCLE_H
#define COLLECTOR_LIFECYCLE_H

#include "answer.h"
#include "errand.h"

/*
 * Fills the answer, or returns false: the connection stands still until the files are read, and
 * this is to be asked again. *errand is NULL at first, and again with the answer.
 */
bool lifecycle_answer(struct errand **errand, struct errands *errands, struct MHD_Connection *mhd,
		      const struct client *client, struct answer *answer);

#endif
