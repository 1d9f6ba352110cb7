/* SPDX-License-Identifier: MIT */
/*
 * guard.c - a vanished page of a mapped segment reads as zeros
 *
 * When somebody truncates a segment, reading a page that was there raises SIGBUS. The handler puts
 * a page of zeros in its place and marks the range; the reader sees zeros, which it survives as it
 * survives any bytes, and its walk ends with an error. Other faults go on to the handler that was
 * there before.
 *
 * The handler uses only mmap and atomic loads. Ranges are entered before their memory is read and
 * left after.
 */
#include "reader_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

#define RANGES 4096

struct range {
	uintptr_t start, end; /* end 0: free; written last on entering, first on leaving */
	int hit;
};

static struct range ranges[RANGES];
static pthread_mutex_t ranges_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;
static uintptr_t page_size;

int smx_guard_add(const void *start, size_t size)
{
	int guard = -1;

	pthread_mutex_lock(&ranges_mutex);
	for (int i = 0; i < RANGES && guard < 0; i++)
		if (__atomic_load_n(&ranges[i].end, __ATOMIC_RELAXED) == 0)
			guard = i;
	if (guard >= 0) {
		__atomic_store_n(&ranges[guard].hit, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&ranges[guard].start, (uintptr_t)start, __ATOMIC_RELAXED);
		__atomic_store_n(&ranges[guard].end, (uintptr_t)start + size, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&ranges_mutex);
	return guard;
}

void smx_guard_remove(int guard)
{
	if (guard >= 0)
		__atomic_store_n(&ranges[guard].end, 0, __ATOMIC_RELEASE);
}

bool smx_guard_hit(int guard)
{
	return guard >= 0 && __atomic_load_n(&ranges[guard].hit, __ATOMIC_RELAXED) != 0;
}

/* Whether the address was ours and reads as zeros now. */
static bool mend(uintptr_t address)
{
	for (int i = 0; i < RANGES; i++) {
		uintptr_t end = __atomic_load_n(&ranges[i].end, __ATOMIC_ACQUIRE);
		uintptr_t start = __atomic_load_n(&ranges[i].start, __ATOMIC_RELAXED);
		void *page = (void *)(address & ~(page_size - 1));

		if (end == 0 || address < start || address >= end)
			continue;
		__atomic_store_n(&ranges[i].hit, 1, __ATOMIC_RELAXED);
		return mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	}
	return false;
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (mend((uintptr_t)info->si_addr)) {
		errno = saved;
		return;
	}
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(signal_number, info, context);
	else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
		previous.sa_handler(signal_number);
	else
		signal(SIGBUS, SIG_DFL); /* the access is repeated, and kills */
	errno = saved;
}

smx_status smx_reader_guard_install(smx_error *error)
{
	struct sigaction action;

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_sigbus;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &previous) != 0)
		return smx_fail(error, SMX_ERR_SYSTEM, errno, "SIGBUS handler");
	return SMX_OK;
}
