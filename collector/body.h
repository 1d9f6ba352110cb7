/* SPDX-License-Identifier: MIT */
/*
 * body.h - the bytes of an answer: shared by those who are sent the same, counted while held
 *
 * A slow reader holds its answer until it has read it, and forty of them hold forty. So what is
 * held at once has a limit.
 *
 *  M1  Bytes count from body_create to the body_put that drops the last reference: what is counted
 *      is what is held, whoever reads it and however slowly.
 *  M2  One answer is always allowed: a segment whose exposition is larger than the limit is served
 *      to one reader at a time.
 *  M3  A body never changes: any thread reads it without a lock.
 *  M4  The collector's own pages have a limit of their own: they are served, and show what the
 *      others hold, while those have no room.
 */
#ifndef COLLECTOR_BODY_H
#define COLLECTOR_BODY_H

#include "shmetrics/exposition.h"

struct body;

/* What it holds. */
enum body_kind {
	BODY_SEGMENTS, /* what segments hold */
	BODY_OWN       /* what the collector says of itself */
};
#define BODY_KINDS 2

/* How many bytes of segments may be held at once; 0: no limit. Before the first body. */
void body_set_limit(size_t bytes);
/* Of both kinds. */
size_t body_held_bytes(void);
/* Whether there is room for another one, of whatever size. */
bool body_has_room(enum body_kind kind);

/*
 * Takes over the bytes. NULL: with them more would be held than allowed, or no memory; the bytes
 * are then freed.
 */
struct body *body_create(smx_buffer *bytes, enum body_kind kind);
struct body *body_get(struct body *body);
void body_put(struct body *body);

/* Nobody writes to it (M3). */
void *body_data(const struct body *body);
size_t body_size(const struct body *body);

#endif
