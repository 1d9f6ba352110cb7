/* SPDX-License-Identifier: MIT */
/*
 * catalog.c - the set of segments that is served now: an RCU pointer to an immutable array
 *
 * liburcu's memb flavour wants threads that read to be registered. The HTTP threads are
 * libmicrohttpd's, so a thread registers itself at its first read and a thread-specific destructor
 * takes it out again.
 */
#include "catalog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>

static struct catalog *published;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local bool is_registered;

static void unregister_thread(void *unused)
{
	(void)unused;
	urcu_memb_unregister_thread();
	is_registered = false;
}

static void make_key(void)
{
	if (pthread_key_create(&key, unregister_thread) != 0)
		abort(); /* 1,024 keys, and this is the only one */
}

static void register_thread(void)
{
	if (is_registered)
		return;
	pthread_once(&key_once, make_key);
	urcu_memb_register_thread();
	pthread_setspecific(key, &is_registered);
	is_registered = true;
}

static int compare(const void *left, const void *right)
{
	struct segment *a = *(struct segment *const *)left;
	struct segment *b = *(struct segment *const *)right;
	int order = strcmp(a->name, b->name);

	if (order == 0)
		order = (int)segment_status(b).current - (int)segment_status(a).current;
	return order ? order : strcmp(a->path, b->path);
}

struct catalog *catalog_create(struct segment *const *segments, size_t count)
{
	struct catalog *catalog = malloc(sizeof(*catalog) + count * sizeof(catalog->segments[0]));

	if (!catalog)
		return NULL;
	urcu_ref_init(&catalog->references);
	catalog->count = count;
	for (size_t i = 0; i < count; i++)
		catalog->segments[i] = segment_get(segments[i]);
	qsort(catalog->segments, count, sizeof(catalog->segments[0]), compare);
	return catalog;
}

static void release(struct urcu_ref *references)
{
	struct catalog *catalog = caa_container_of(references, struct catalog, references);

	for (size_t i = 0; i < catalog->count; i++)
		segment_put(catalog->segments[i]);
	free(catalog);
}

void catalog_publish(struct catalog *catalog)
{
	struct catalog *before = rcu_xchg_pointer(&published, catalog);

	if (!before)
		return;
	urcu_memb_synchronize_rcu();
	urcu_ref_put(&before->references, release);
}

struct catalog *catalog_acquire(void)
{
	struct catalog *catalog;

	register_thread();
	urcu_memb_read_lock();
	catalog = rcu_dereference(published);
	if (catalog)
		urcu_ref_get(&catalog->references);
	urcu_memb_read_unlock();
	return catalog;
}

void catalog_release(struct catalog *catalog)
{
	if (catalog)
		urcu_ref_put(&catalog->references, release);
}

void catalog_look(void (*look)(const struct catalog *catalog, void *argument), void *argument)
{
	const struct catalog *catalog;

	register_thread();
	urcu_memb_read_lock();
	catalog = rcu_dereference(published);
	if (catalog)
		look(catalog, argument);
	urcu_memb_read_unlock();
}
