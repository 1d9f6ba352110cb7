/* SPDX-License-Identifier: MIT */
/*
 * file_value.h - prometheus_client's multiprocess mode as it would be in C: a mapped file a process
 *
 * What its MmapedValue.inc does, step by step: take the one lock, ask for the pid (a fork is
 * noticed that way), add, find the value's place in the file by its key, write {value, timestamp}
 * there.
 */
#ifndef SHMETRICS_BENCH_FILE_VALUE_H
#define SHMETRICS_BENCH_FILE_VALUE_H

typedef struct peer_file_value peer_file_value;

/* The file is made in `directory` and unlinked at once. NULL if that fails. */
peer_file_value *peer_file_value_create(const char *directory, const char *key);
void peer_file_value_inc(peer_file_value *value, double amount);
void peer_file_value_destroy(peer_file_value *value);

#endif
