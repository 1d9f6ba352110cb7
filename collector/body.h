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
 */
#ifndef COLLECTOR_BODY_H
#define COLLECTOR_BODY_H

#include "shmetrics/exposition.h"

struct body;

/* How many bytes may be held at once; 0: no limit. Before the first body. */
void body_set_limit(size_t bytes);
size_t body_held_bytes(void);
/* Whether there is room for another one, of whatever size. */
bool body_has_room(void);

/*
 * Takes over the bytes. NULL: with them more would be held than allowed, or no memory; the bytes
 * are then freed.
 */
struct body *body_create(smx_buffer *bytes);
struct body *body_get(struct body *body);
void body_put(struct body *body);

/* Nobody writes to it (M3). */
void *body_data(const struct body *body);
size_t body_size(const struct body *body);

#endif
