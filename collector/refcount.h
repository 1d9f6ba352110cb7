/* SPDX-License-Identifier: MIT */
/*
 * refcount.h - how many references there are to a thing: who drops the last one frees it
 *
 * C11's atomics and not liburcu's urcu_ref: that is assembly, of which ThreadSanitizer sees
 * nothing, and every release would look to it like a race with the uses before it.
 */
#ifndef COLLECTOR_REFCOUNT_H
#define COLLECTOR_REFCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>

struct refcount {
	atomic_uint count;
};

/* One: that of who makes the thing. */
static inline void refcount_init(struct refcount *references)
{
	atomic_init(&references->count, 1);
}

/* The caller has one, or knows that the last one cannot go meanwhile. */
static inline void refcount_take(struct refcount *references)
{
	atomic_fetch_add(&references->count, 1);
}

/*
 * True: it was the last, and the thing is the caller's to free. Whatever others did with it before
 * they dropped theirs is done.
 */
static inline bool refcount_drop(struct refcount *references)
{
	return atomic_fetch_sub(&references->count, 1) == 1;
}

#endif
