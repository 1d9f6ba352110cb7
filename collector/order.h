/* SPDX-License-Identifier: MIT */
/*
 * order.h - what a scrape asks for, who waits for it, and what came of it
 *
 * An order owns what it asks for, in the bytes of its key: two orders with equal keys are answered
 * by the same bytes.
 */
#ifndef COLLECTOR_ORDER_H
#define COLLECTOR_ORDER_H

#include <stdint.h>

#include "body.h"
#include "scrape.h"

struct MHD_Connection;

enum order_outcome {
	ORDER_FILLED,
	ORDER_FAILED,  /* the log says why */
	ORDER_UNKNOWN, /* there is no such segment */
	ORDER_DOWN,    /* it cannot be read */
	ORDER_LATE,    /* not to be had in the scraper's time */
	ORDER_NO_ROOM, /* beside the answers that are being sent */
	ORDER_END      /* the collector is stopping */
};

/* A scraper that waits: in its connection, as long as that is suspended. */
struct ticket {
	struct ticket *next; /* of the same order */
	struct MHD_Connection *mhd;
	struct order *order;  /* NULL: it waits for nothing */
	uint64_t deadline_ns; /* of CLOCK_MONOTONIC; 0: none */
};

struct order {
	struct order *next;
	smx_buffer key;
	struct scrape_wish wish;
	bool wants_gzip;
	smx_text *names; /* of the wish */

	/* the renderer's */
	struct ticket *tickets;
	unsigned ticket_count;

	/* what came of it */
	enum order_outcome outcome;
	struct body *body; /* if filled */
	bool is_gzip;
	uint64_t took_ns;
};

/* Copies everything. NULL: no memory. */
struct order *order_create(const struct scrape_wish *wish, bool wants_gzip);
void order_destroy(struct order *order);

bool order_equals(const struct order *order, const struct order *other);
/* Until when somebody waits for it; 0: for ever. */
uint64_t order_deadline_ns(const struct order *order);

#endif
