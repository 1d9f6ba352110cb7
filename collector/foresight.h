/* SPDX-License-Identifier: MIT */
/*
 * foresight.h - how long an order will take, by how long the last one like it took
 *
 * So that what cannot be ready in time is not begun. A duration loses an eighth with each order
 * that is refused by it: one slow rendering (the first, or one on a busy machine) does not keep
 * scrapers out for ever. For one thread at a time.
 */
#ifndef COLLECTOR_FORESIGHT_H
#define COLLECTOR_FORESIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "order.h"

#define FORESIGHT_KINDS 64u

/* Zero-initialised it knows nothing. */
struct foresight {
	struct {
		uint64_t kind; /* hash of an order's key */
		uint64_t took_ns;
	} seen[FORESIGHT_KINDS];
};

void foresight_learn(struct foresight *foresight, const struct order *order);
/* Whether it may be ready before the deadline, begun now. */
bool foresight_allows(struct foresight *foresight, const struct order *order, uint64_t now_ns,
		      uint64_t deadline_ns);

#endif
