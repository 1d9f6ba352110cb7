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
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/*
 * Exchanged and loaded by C11's atomics, which order as much as rcu_xchg_pointer and
 * rcu_dereference do, and which ThreadSanitizer sees.
 */
static struct catalog *_Atomic published;

/*
 * What ends in a read-side section happens before what follows the grace period. liburcu sees to
 * that by membarrier, which ThreadSanitizer does not know: it is told here.
 */
#ifdef __SANITIZE_THREAD__
static char tsan_grace_period;
#define tsan_readers_leave() __tsan_release(&tsan_grace_period)
#define tsan_readers_have_left() __tsan_acquire(&tsan_grace_period)
#else
#define tsan_readers_leave() ((void)0)
#define tsan_readers_have_left() ((void)0)
#endif

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

/* ---- read-side sections and grace periods ---- */

static void begin_reading(void)
{
	register_thread();
	urcu_memb_read_lock();
}

static void end_reading(void)
{
	tsan_readers_leave();
	urcu_memb_read_unlock();
}

/* Until every read-side section that may have seen what was published before has ended. */
static void wait_for_readers(void)
{
	urcu_memb_synchronize_rcu();
	tsan_readers_have_left();
}

/* ---- the catalog ---- */

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
	refcount_init(&catalog->references);
	catalog->count = count;
	for (size_t i = 0; i < count; i++)
		catalog->segments[i] = segment_get(segments[i]);
	qsort(catalog->segments, count, sizeof(catalog->segments[0]), compare);
	return catalog;
}

static void release(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++)
		segment_put(catalog->segments[i]);
	free(catalog);
}

void catalog_publish(struct catalog *catalog)
{
	struct catalog *before = atomic_exchange(&published, catalog);

	if (!before)
		return;
	wait_for_readers();
	catalog_release(before);
}

struct catalog *catalog_acquire(void)
{
	struct catalog *catalog;

	begin_reading();
	catalog = atomic_load(&published);
	if (catalog)
		refcount_take(&catalog->references);
	end_reading();
	return catalog;
}

void catalog_release(struct catalog *catalog)
{
	if (catalog && refcount_drop(&catalog->references))
		release(catalog);
}

void catalog_look(void (*look)(const struct catalog *catalog, void *argument), void *argument)
{
	const struct catalog *catalog;

	begin_reading();
	catalog = atomic_load(&published);
	if (catalog)
		look(catalog, argument);
	end_reading();
}
