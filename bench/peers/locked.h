/* SPDX-License-Identifier: MIT */
/*
 * locked.h - the obvious way: a counter in shared memory behind a process-shared mutex
 */
#ifndef SHMETRICS_BENCH_LOCKED_H
#define SHMETRICS_BENCH_LOCKED_H

typedef struct peer_locked peer_locked;

/* NULL if the memory or the mutex is refused. */
peer_locked *peer_locked_create(void);
void peer_locked_inc(peer_locked *counter);
void peer_locked_destroy(peer_locked *counter);

#endif
