/* SPDX-License-Identifier: MIT */
/*
 * formatted_key.h - a counter by formatted key, as C client libraries of the prometheus-client-c
 * kind do it
 *
 * What such a library does for each increment of a counter with labels: under the metric's lock,
 * format `name{label="value",...}` into a string; under the map's lock, copy it, hash it, compare
 * it along a chain; then add to the sample by compare-and-swap. Own code after that description, in
 * one process.
 */
#ifndef SHMETRICS_BENCH_FORMATTED_KEY_H
#define SHMETRICS_BENCH_FORMATTED_KEY_H

#include <stddef.h>

typedef struct peer_metric peer_metric;

peer_metric *peer_metric_create(const char *name, const char *const *label_names,
				size_t label_count);
/* 0, or -1 without memory. */
int peer_metric_inc(peer_metric *metric, const char *const *label_values);
void peer_metric_destroy(peer_metric *metric);

#endif
