/* SPDX-License-Identifier: MIT */
/*
 * table.h - a hash table of pointers, by open addressing
 *
 * The keys lie in the items. Zero-initialised it is empty. Items are not taken out one by one: a
 * table that has lost some is cleared and filled again.
 */
#ifndef SMX_TEXT_TABLE_H
#define SMX_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smx_table_entry {
	uint64_t hash;
	void *item; /* NULL: free */
};

struct smx_table {
	struct smx_table_entry *entries;
	size_t count;
	size_t capacity; /* 0 or a power of two */
};

/* For smx_table_hash, so that the author of a segment cannot choose collisions. */
uint64_t smx_table_draw_seed(void);
uint64_t smx_table_hash(uint64_t seed, const void *key, size_t size);

typedef bool smx_table_equal(const void *item, const void *key, size_t key_size);

void *smx_table_find(const struct smx_table *table, uint64_t hash, smx_table_equal *equal,
		     const void *key, size_t key_size);
/* Room for `count` items in all, so that inserting up to there cannot fail. False: no memory. */
bool smx_table_reserve(struct smx_table *table, size_t count);
/* The item must not be there, and there must be room. */
void smx_table_insert(struct smx_table *table, uint64_t hash, void *item);
void smx_table_clear(struct smx_table *table);
void smx_table_free(struct smx_table *table);

#endif
