/* SPDX-License-Identifier: MIT */
/*
 * labels.c - the cache that leads from label values to a metric's children
 */
#include "labels.h"

#include <string.h>

#include "metric.h"

static size_t recent_index(PyObject *const *values, size_t count)
{
	uint64_t mixed = 0;

	/* Objects are 16-byte aligned. */
	for (size_t i = 0; i < count; i++)
		mixed = (mixed ^ ((uintptr_t)values[i] >> 4)) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(mixed >> 58) % LABEL_RECENT_COUNT;
}

PyObject *label_cache_find_identical(struct label_cache *cache, PyObject *const *values,
				     size_t count)
{
	PyObject *child, *known;

	if (!cache->recent)
		return NULL;
	child = cache->recent[recent_index(values, count)];
	if (!child)
		return NULL;
	known = metric_label_values(child);
	for (size_t i = 0; i < count; i++) {
		if (PyTuple_GET_ITEM(known, (Py_ssize_t)i) != values[i])
			return NULL;
	}
	Py_INCREF(child);
	return child;
}

static bool same_text(PyObject *a, PyObject *b)
{
	if (a == b)
		return true;
	return PyUnicode_GET_LENGTH(a) == PyUnicode_GET_LENGTH(b) &&
	       PyUnicode_KIND(a) == PyUnicode_KIND(b) &&
	       memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b),
		      (size_t)PyUnicode_GET_LENGTH(a) * (size_t)PyUnicode_KIND(a)) == 0;
}

static bool same_values(PyObject *known, PyObject *const *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!same_text(PyTuple_GET_ITEM(known, (Py_ssize_t)i), values[i]))
			return false;
	}
	return true;
}

static void remember_recent(struct label_cache *cache, PyObject *values, PyObject *child,
			    PyObject **evicted)
{
	PyObject *const *items = &PyTuple_GET_ITEM(values, 0);
	size_t index;

	if (!cache->recent) {
		cache->recent = PyMem_Calloc(LABEL_RECENT_COUNT, sizeof(PyObject *));
		if (!cache->recent)
			return;
	}
	index = recent_index(items, (size_t)PyTuple_GET_SIZE(values));
	*evicted = cache->recent[index];
	Py_INCREF(child);
	cache->recent[index] = child;
}

static bool identical_values(PyObject *known, PyObject *const *values, size_t count)
{
	return memcmp(&PyTuple_GET_ITEM(known, 0), values, count * sizeof(*values)) == 0;
}

PyObject *label_cache_find(struct label_cache *cache, Py_hash_t hash, PyObject *const *values,
			   size_t count, PyObject **evicted)
{
	if (cache->capacity == 0)
		return NULL;
	for (size_t i = 0; i < LABEL_WINDOW; i++) {
		struct label_entry *entry =
			&cache->entries[((size_t)hash + i) & (cache->capacity - 1)];

		if (!entry->child || entry->hash != hash ||
		    !same_values(entry->values, values, count))
			continue;
		/* Another child took its place among the recent ones: take it back. */
		if (identical_values(entry->values, values, count))
			remember_recent(cache, entry->values, entry->child, evicted);
		Py_INCREF(entry->child);
		return entry->child;
	}
	return NULL;
}

static struct label_entry *find_free(struct label_entry *entries, size_t capacity, Py_hash_t hash)
{
	for (size_t i = 0; i < LABEL_WINDOW; i++) {
		struct label_entry *entry = &entries[((size_t)hash + i) & (capacity - 1)];

		if (!entry->child)
			return entry;
	}
	return NULL;
}

/* Doubles the table until every entry and the new key have a place. */
static bool grow(struct label_cache *cache, Py_hash_t hash)
{
	for (size_t capacity = cache->capacity ? cache->capacity * 2 : LABEL_ENTRIES_FIRST;
	     capacity <= LABEL_ENTRIES_MAX; capacity *= 2) {
		struct label_entry *entries = PyMem_Calloc(capacity, sizeof(*entries));
		bool complete = true;

		if (!entries)
			return false;
		for (size_t i = 0; i < cache->capacity && complete; i++) {
			struct label_entry *place;

			if (!cache->entries[i].child)
				continue;
			place = find_free(entries, capacity, cache->entries[i].hash);
			if (place)
				*place = cache->entries[i];
			complete = place != NULL;
		}
		if (complete && find_free(entries, capacity, hash)) {
			PyMem_Free(cache->entries);
			cache->entries = entries;
			cache->capacity = capacity;
			return true;
		}
		PyMem_Free(entries);
	}
	return false;
}

void label_cache_insert(struct label_cache *cache, Py_hash_t hash, PyObject *values,
			PyObject *child, PyObject *evicted[2])
{
	struct label_entry *place = NULL;

	remember_recent(cache, values, child, &evicted[0]);
	if (cache->capacity)
		place = find_free(cache->entries, cache->capacity, hash);
	if (!place && grow(cache, hash))
		place = find_free(cache->entries, cache->capacity, hash);
	if (!place && cache->capacity) {
		/* Full: any entry of the window may go; other bits of the hash choose it. */
		size_t victim = (size_t)hash + (((size_t)hash >> 32) & (LABEL_WINDOW - 1));

		place = &cache->entries[victim & (cache->capacity - 1)];
		evicted[1] = place->child;
	}
	if (!place)
		return;
	Py_INCREF(child);
	place->hash = hash;
	place->values = values;
	place->child = child;
}

void label_cache_remove(struct label_cache *cache, Py_hash_t hash, PyObject *const *values,
			size_t count, PyObject *evicted[2])
{
	size_t index;

	for (size_t i = 0; cache->capacity && i < LABEL_WINDOW; i++) {
		struct label_entry *entry =
			&cache->entries[((size_t)hash + i) & (cache->capacity - 1)];

		if (!entry->child || entry->hash != hash ||
		    !same_values(entry->values, values, count))
			continue;
		evicted[0] = entry->child;
		index = recent_index(&PyTuple_GET_ITEM(entry->values, 0), count);
		if (cache->recent && cache->recent[index] == entry->child) {
			evicted[1] = cache->recent[index];
			cache->recent[index] = NULL;
		}
		memset(entry, 0, sizeof(*entry));
		return;
	}
}

Py_hash_t label_values_hash(PyObject *const *values, size_t count)
{
	uint64_t mixed = UINT64_C(0x27d4eb2f165667c5);

	for (size_t i = 0; i < count; i++) {
		mixed ^= (uint64_t)PyObject_Hash(values[i]);
		mixed *= UINT64_C(0x9e3779b97f4a7c15);
		mixed ^= mixed >> 32;
	}
	return (Py_hash_t)mixed;
}

int label_cache_traverse(struct label_cache *cache, visitproc visit, void *arg)
{
	for (size_t i = 0; i < cache->capacity; i++)
		Py_VISIT(cache->entries[i].child);
	for (size_t i = 0; cache->recent && i < LABEL_RECENT_COUNT; i++)
		Py_VISIT(cache->recent[i]);
	return 0;
}

void label_cache_clear(struct label_cache *cache)
{
	/* Empty first: dropping a child may run code that comes back here. */
	struct label_cache old = *cache;

	memset(cache, 0, sizeof(*cache));
	for (size_t i = 0; i < old.capacity; i++)
		Py_XDECREF(old.entries[i].child);
	for (size_t i = 0; old.recent && i < LABEL_RECENT_COUNT; i++)
		Py_XDECREF(old.recent[i]);
	PyMem_Free(old.entries);
	PyMem_Free(old.recent);
}
