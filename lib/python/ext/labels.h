/* SPDX-License-Identifier: MIT */
/*
 * labels.h - the cache that leads from label values to a metric's children
 *
 * Two levels. `recent` answers by the identity of the strings: the usual call passes the very
 * objects the child was made with, and comparing pointers costs nothing. `entries` answers by their
 * hashes and contents. Both are bounded and forget: a child that is asked for again is made again,
 * over the same series.
 *
 * The caller holds the GIL or the critical section of the metric. Nothing here calls Python code
 * but label_cache_clear, which may drop last references.
 */
#ifndef SHMETRICS_PYTHON_LABELS_H
#define SHMETRICS_PYTHON_LABELS_H

#include "core.h"

#define LABEL_RECENT_COUNT 64u
#define LABEL_ENTRIES_FIRST 16u
#define LABEL_ENTRIES_MAX 16384u /* above the default limit of a family, 10,000 series */
#define LABEL_WINDOW 8u		 /* entries in which a key may lie */

struct label_entry {
	Py_hash_t hash;
	PyObject *values; /* tuple of exact str; borrowed from the child */
	PyObject *child;
};

struct label_cache {
	struct label_entry *entries;
	PyObject **recent; /* LABEL_RECENT_COUNT children */
	size_t capacity;   /* of entries; a power of two, or 0 */
};

/*
 * A new reference or NULL, no exception. What a call evicts the caller drops, once outside its
 * critical section; it initialises `evicted` with NULL.
 */
PyObject *label_cache_find_identical(struct label_cache *cache, PyObject *const *values,
				     size_t count);
/* values are exact strings. */
PyObject *label_cache_find(struct label_cache *cache, Py_hash_t hash, PyObject *const *values,
			   size_t count, PyObject **evicted);
/* Remembers a child that `find` has not found. Where memory is short nothing is remembered. */
void label_cache_insert(struct label_cache *cache, Py_hash_t hash, PyObject *values,
			PyObject *child, PyObject *evicted[2]);

/* Forgets the child with these values, which are exact strings. */
void label_cache_remove(struct label_cache *cache, Py_hash_t hash, PyObject *const *values,
			size_t count, PyObject *evicted[2]);

/* Of exact strings only. */
Py_hash_t label_values_hash(PyObject *const *values, size_t count);

int label_cache_traverse(struct label_cache *cache, visitproc visit, void *arg);
void label_cache_clear(struct label_cache *cache);

#endif
