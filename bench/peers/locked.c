/* SPDX-License-Identifier: MIT */
/*
 * locked.c - the obvious way: a counter in shared memory behind a process-shared mutex
 */
#include "locked.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

struct peer_locked {
	pthread_mutex_t mutex;
	double value;
};

peer_locked *peer_locked_create(void)
{
	pthread_mutexattr_t attributes;
	peer_locked *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counter == MAP_FAILED)
		return NULL;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	int failed = pthread_mutex_init(&counter->mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	if (failed) {
		munmap(counter, sizeof(*counter));
		return NULL;
	}
	return counter;
}

void peer_locked_inc(peer_locked *counter)
{
	pthread_mutex_lock(&counter->mutex);
	counter->value += 1;
	pthread_mutex_unlock(&counter->mutex);
}

void peer_locked_destroy(peer_locked *counter)
{
	if (!counter)
		return;
	pthread_mutex_destroy(&counter->mutex);
	munmap(counter, sizeof(*counter));
}
