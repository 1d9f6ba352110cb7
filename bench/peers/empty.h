/* SPDX-License-Identifier: MIT */
/*
 * empty.h - the floor: a function that takes a handle and does nothing, in a shared library of its
 * own
 */
#ifndef SHMETRICS_BENCH_EMPTY_H
#define SHMETRICS_BENCH_EMPTY_H

/* One pointer by value, as the handles of the library are. */
typedef struct peer_handle {
	void *impl;
} peer_handle;

void peer_empty(peer_handle handle);

#endif
