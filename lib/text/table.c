/* SPDX-License-Identifier: MIT */
/*
 * table.c - a hash table of pointers, by open addressing
 */
#include "text/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CAPACITY_LEAST 16u

uint64_t smx_table_draw_seed(void)
{
	uint64_t seed;

	if (getentropy(&seed, sizeof(seed)) != 0)
		seed = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)&seed;
	return seed;
}

uint64_t smx_table_hash(uint64_t seed, const void *key, size_t size)
{
	return XXH3_64bits_withSeed(key, size, seed);
}

void *smx_table_find(const struct smx_table *table, uint64_t hash, smx_table_equal *equal,
		     const void *key, size_t key_size)
{
	size_t mask = table->capacity - 1;

	if (table->capacity == 0)
		return NULL;
	for (size_t at = hash & mask; table->entries[at].item; at = (at + 1) & mask) {
		if (table->entries[at].hash == hash &&
		    equal(table->entries[at].item, key, key_size))
			return table->entries[at].item;
	}
	return NULL;
}

static void put(struct smx_table *table, uint64_t hash, void *item)
{
	size_t mask = table->capacity - 1;
	size_t at = hash & mask;

	while (table->entries[at].item)
		at = (at + 1) & mask;
	table->entries[at] = (struct smx_table_entry){hash, item};
}

bool smx_table_reserve(struct smx_table *table, size_t count)
{
	struct smx_table old = *table;
	size_t capacity = old.capacity < CAPACITY_LEAST ? CAPACITY_LEAST : old.capacity;

	/* At most two thirds full, where a look-up that finds nothing probes about five entries. */
	while (capacity / 3 * 2 < count) {
		if (capacity > SIZE_MAX / 2 / sizeof(*table->entries))
			return false;
		capacity *= 2;
	}
	if (capacity == old.capacity)
		return true;
	table->entries = calloc(capacity, sizeof(*table->entries));
	if (!table->entries) {
		*table = old;
		return false;
	}
	table->capacity = capacity;
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.entries[i].item)
			put(table, old.entries[i].hash, old.entries[i].item);
	}
	free(old.entries);
	return true;
}

void smx_table_insert(struct smx_table *table, uint64_t hash, void *item)
{
	put(table, hash, item);
	table->count++;
}

void smx_table_clear(struct smx_table *table)
{
	if (table->capacity != 0)
		memset(table->entries, 0, table->capacity * sizeof(*table->entries));
	table->count = 0;
}

void smx_table_free(struct smx_table *table)
{
	free(table->entries);
	*table = (struct smx_table){0};
}
