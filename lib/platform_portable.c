/* SPDX-License-Identifier: MIT */
/*
 * platform_portable.c - any system that is not Linux: segments private to the process
 *
 * POSIX and C11 only. Counters and gauges are in ordinary memory, there is one slot, and a named
 * segment is refused with SMX_ERR_UNSUPPORTED. The child of a fork goes on with a copy of its own.
 */
#include "error.h"
#include "platform.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

struct smx_segment *smx_platform_reserve(uint64_t size, bool shared)
{
	char *start = MAP_FAILED;
	struct smx_segment *segment;

	if (!shared)
		start = mmap(NULL, 2 * SMX_PREFIX + size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	segment = (struct smx_segment *)(void *)start;
	segment->header = (smx_layout_header *)(void *)(start + 2 * SMX_PREFIX);
	segment->map_size = size;
	segment->descriptor = -1;
	segment->private = true;
	return segment;
}

void smx_platform_release(struct smx_segment *segment)
{
	munmap(segment, 2 * SMX_PREFIX + segment->map_size);
}

bool smx_platform_map(struct smx_segment *segment, int descriptor)
{
	(void)segment, (void)descriptor;
	return false;
}

void *smx_platform_wiped_page(void)
{
	return NULL;
}

bool smx_platform_random(void *bytes, size_t size)
{
	return size <= 256 && getentropy(bytes, size) == 0;
}

void smx_platform_boot_id(uint8_t id[16])
{
	memset(id, 0, 16);
}

unsigned smx_platform_processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (unsigned)count : 1;
}

smx_grow smx_platform_allocate(int descriptor, uint64_t from, uint64_t size)
{
	(void)descriptor, (void)from, (void)size;
	return SMX_GROW_NO_FILE;
}

smx_grow smx_platform_grow(struct smx_segment *segment, uint64_t size)
{
	return size <= segment->map_size ? SMX_GROW_OK : SMX_GROW_NO_SPACE;
}

smx_lock smx_platform_lock_open(struct smx_segment *segment)
{
	(void)segment;
	return (smx_lock){.descriptor = -1};
}

bool smx_platform_lock_try(smx_lock lock, uint64_t offset)
{
	(void)lock, (void)offset;
	return false;
}

void smx_platform_lock_release(smx_lock lock, uint64_t offset)
{
	(void)lock, (void)offset;
}

int smx_platform_lock_held(smx_lock lock, uint64_t offset, uint64_t length)
{
	(void)lock, (void)offset, (void)length;
	return -1;
}

bool smx_platform_lock_carry(struct smx_segment *segment, smx_lock lock)
{
	(void)segment, (void)lock;
	return false;
}

void smx_platform_lock_close(smx_lock lock)
{
	(void)lock;
}

void smx_platform_lock_drop(struct smx_segment *segment)
{
	(void)segment;
}

void smx_platform_on_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	pthread_atfork(prepare, parent, child);
}

smx_status smx_life_open(const char *path, const smx_segment_options *options,
			 struct smx_segment **segment, smx_error *error)
{
	(void)options, (void)segment;
	return smx_fail(error, SMX_ERR_UNSUPPORTED, 0,
			"segment %s: segments shared between processes need Linux", path);
}
