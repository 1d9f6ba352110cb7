/* SPDX-License-Identifier: MIT */
/*
 * formatted_key.c - a counter by formatted key, as C client libraries of the prometheus-client-c
 * kind do it
 */
#include "formatted_key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 1024, BUILDER_SIZE = 1024 };

typedef struct sample {
	struct sample *next;
	char *key;
	_Atomic double value;
} sample;

struct peer_metric {
	const char *name;
	const char *const *label_names;
	size_t label_count;
	pthread_rwlock_t metric_lock;
	pthread_rwlock_t map_lock;
	char builder[BUILDER_SIZE];
	size_t built;
	sample *chains[CHAINS];
};

static void build(peer_metric *metric, const char *text)
{
	size_t size = strlen(text);
	if (metric->built + size >= BUILDER_SIZE)
		size = BUILDER_SIZE - 1 - metric->built;
	memcpy(metric->builder + metric->built, text, size + 1);
	metric->built += size;
}

static char *format_key(peer_metric *metric, const char *const *label_values)
{
	metric->built = 0;
	build(metric, metric->name);
	for (size_t i = 0; i < metric->label_count; i++) {
		build(metric, i ? "," : "{");
		build(metric, metric->label_names[i]);
		build(metric, "=\"");
		build(metric, label_values[i]);
		build(metric, "\"");
	}
	if (metric->label_count)
		build(metric, "}");
	return strdup(metric->builder);
}

static size_t chain_of(const char *key)
{
	size_t hash = 0;
	size_t a = 31415;
	for (; *key; key++, a = a * 27183 % (CHAINS - 1))
		hash = (a * hash + (unsigned char)*key) % CHAINS;
	return hash;
}

static sample *find_or_add(peer_metric *metric, const char *key)
{
	size_t chain = chain_of(key);
	for (sample *s = metric->chains[chain]; s; s = s->next)
		if (strcmp(s->key, key) == 0)
			return s;
	sample *added = calloc(1, sizeof(*added));
	if (!added || !(added->key = strdup(key))) {
		free(added);
		return NULL;
	}
	added->next = metric->chains[chain];
	metric->chains[chain] = added;
	return added;
}

peer_metric *peer_metric_create(const char *name, const char *const *label_names,
				size_t label_count)
{
	peer_metric *metric = calloc(1, sizeof(*metric));
	if (!metric)
		return NULL;
	metric->name = name;
	metric->label_names = label_names;
	metric->label_count = label_count;
	pthread_rwlock_init(&metric->metric_lock, NULL);
	pthread_rwlock_init(&metric->map_lock, NULL);
	return metric;
}

int peer_metric_inc(peer_metric *metric, const char *const *label_values)
{
	pthread_rwlock_wrlock(&metric->metric_lock);
	char *key = format_key(metric, label_values);
	sample *found = NULL;
	if (key) {
		pthread_rwlock_wrlock(&metric->map_lock);
		found = find_or_add(metric, key);
		pthread_rwlock_unlock(&metric->map_lock);
	}
	pthread_rwlock_unlock(&metric->metric_lock);
	free(key);
	if (!found)
		return -1;
	double old = atomic_load(&found->value);
	while (!atomic_compare_exchange_weak(&found->value, &old, old + 1))
		;
	return 0;
}

void peer_metric_destroy(peer_metric *metric)
{
	if (!metric)
		return;
	for (size_t chain = 0; chain < CHAINS; chain++) {
		for (sample *s = metric->chains[chain], *next; s; s = next) {
			next = s->next;
			free(s->key);
			free(s);
		}
	}
	pthread_rwlock_destroy(&metric->map_lock);
	pthread_rwlock_destroy(&metric->metric_lock);
	free(metric);
}
