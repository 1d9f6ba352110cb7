/* SPDX-License-Identifier: MIT */
/*
 * platform_linux.c - memory, growth and the locks that say who lives, on Linux
 *
 * The slot's lock (guarantees, each attacked by tests/stress/fork.c):
 *
 *  L1. It is released when the process ends or executes another program, however that comes about,
 *      and not before: it belongs to an open file description that only a mapping refers to, so
 *      close(2), close_range(2) and closing other descriptors of the file do not touch it.
 *  L2. No child inherits it: the mapping is MADV_DONTFORK, which every kind of fork obeys.
 *  L3. Between open and madvise a fork would share the description; smx_process_lock is held there,
 *      and the fork handlers take it.
 *  L4. Where the file cannot be opened again (privileges dropped), a POSIX lock on the kept
 *      descriptor stands in. It obeys the end of the process and fork as well, but closing any
 *      descriptor of the file drops it.
 */
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/* ---- memory ---- */

struct smx_segment *smx_platform_reserve(uint64_t size, bool shared)
{
	int protection = shared ? PROT_NONE : PROT_READ | PROT_WRITE;
	char *start = mmap(NULL, 2 * SMX_PREFIX + size, protection,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct smx_segment *segment;

	if (start == MAP_FAILED)
		return NULL;
	if (shared && mprotect(start, 2 * SMX_PREFIX, PROT_READ | PROT_WRITE) != 0) {
		munmap(start, 2 * SMX_PREFIX + size);
		return NULL;
	}
	if (shared) /* before Linux 4.14 a child without fork handlers shares its parent's slot */
		(void)madvise(start + SMX_PREFIX, SMX_PREFIX, MADV_WIPEONFORK);
	segment = (struct smx_segment *)(void *)start;
	segment->header = (smx_layout_header *)(void *)(start + 2 * SMX_PREFIX);
	segment->map_size = size;
	segment->descriptor = -1;
	segment->private = !shared;
	return segment;
}

void smx_platform_release(struct smx_segment *segment)
{
	int descriptor = segment->descriptor;
	struct stat status;
	bool ours = descriptor >= 0 && fstat(descriptor, &status) == 0 &&
		    status.st_ino == segment->inode && status.st_dev == segment->device;

	munmap(segment, 2 * SMX_PREFIX + segment->map_size);
	if (ours)
		close(descriptor);
}

bool smx_platform_map(struct smx_segment *segment, int descriptor)
{
	return mmap(segment->header, segment->map_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, descriptor, 0) != MAP_FAILED;
}

void *smx_platform_wiped_page(void)
{
	void *page =
		mmap(NULL, SMX_PREFIX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	(void)madvise(page, SMX_PREFIX, MADV_WIPEONFORK);
	return page;
}

/* ---- chance, processors ---- */

bool smx_platform_random(void *bytes, size_t size)
{
	return getrandom(bytes, size, 0) == (ssize_t)size;
}

void smx_platform_boot_id(uint8_t id[16])
{
	char text[64] = "";
	int descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	unsigned digits = 0;

	memset(id, 0, 16);
	if (descriptor < 0)
		return;
	if (read(descriptor, text, sizeof text - 1) < 0)
		text[0] = '\0';
	close(descriptor);
	for (const char *c = text; *c && digits < 32; c++) {
		unsigned digit;

		if (*c >= '0' && *c <= '9')
			digit = (unsigned)(*c - '0');
		else if (*c >= 'a' && *c <= 'f')
			digit = (unsigned)(*c - 'a') + 10;
		else
			continue;
		id[digits / 2] = (uint8_t)((unsigned)id[digits / 2] << 4 | digit);
		digits++;
	}
}

/* The cgroup's CPU quota in whole processors, rounded up; 0: none is set. */
static unsigned quota_processors(void)
{
	FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
	unsigned long long quota, period;
	unsigned processors = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &quota, &period) == 2 && period > 0)
		processors = (unsigned)((quota + period - 1) / period);
	fclose(file);
	return processors;
}

unsigned smx_platform_processors(void)
{
	cpu_set_t set;
	unsigned count = 1, quota = quota_processors();

	if (sched_getaffinity(0, sizeof set, &set) == 0)
		count = (unsigned)CPU_COUNT(&set);
	if (quota > 0 && quota < count)
		count = quota;
	return count > 0 ? count : 1;
}

/* ---- the file's size ---- */

smx_grow smx_platform_allocate(int descriptor, uint64_t from, uint64_t size)
{
	sigset_t all, before;
	struct rlimit limit;
	int result, os_errno;

	/* Beyond RLIMIT_FSIZE the kernel sends SIGXFSZ, which kills. */
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    size > limit.rlim_cur) {
		errno = EFBIG;
		return SMX_GROW_NO_SPACE;
	}
	if (from >= size)
		return SMX_GROW_OK;
	/* A signal makes tmpfs begin again; a profiler's timer would make it do so for ever. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	/*
	 * The raw call: glibc's posix_fallocate would fall back to writing into pages that are in
	 * use.
	 */
	do
		result = fallocate(descriptor, 0, (off_t)from, (off_t)(size - from));
	while (result != 0 && errno == EINTR);
	os_errno = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = os_errno;
	return result == 0 ? SMX_GROW_OK : SMX_GROW_NO_SPACE;
}

static bool is_our_file(const struct smx_segment *segment, int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && status.st_ino == segment->inode &&
	       status.st_dev == segment->device;
}

/* The file by its path, if that still leads to it; -1 otherwise. */
static int open_by_path(const struct smx_segment *segment)
{
	int descriptor = open(segment->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (descriptor >= 0 && !is_our_file(segment, descriptor)) {
		close(descriptor);
		descriptor = -1;
	}
	return descriptor;
}

/*
 * A new description of the file behind the kept descriptor: also where the file has no name any
 * more.
 */
static int open_by_descriptor(const struct smx_segment *segment)
{
	char link[32];
	int descriptor;

	if (segment->descriptor < 0 || !is_our_file(segment, segment->descriptor))
		return -1;
	snprintf(link, sizeof link, "/proc/self/fd/%d", segment->descriptor);
	descriptor = open(link, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (descriptor >= 0 && !is_our_file(segment, descriptor)) {
		close(descriptor);
		descriptor = -1;
	}
	return descriptor;
}

smx_grow smx_platform_grow(struct smx_segment *segment, uint64_t size)
{
	uint64_t from = smx_read_acquire(&segment->header->size);
	smx_grow result;
	int descriptor = -1;

	if (segment->private) /* all of it is there from the start */
		return size <= segment->map_size ? SMX_GROW_OK : SMX_GROW_NO_SPACE;
	/* Closing a descriptor of the file would drop a POSIX lock (L4). */
	if (!segment->lock_is_posix)
		descriptor = open_by_path(segment);
	if (descriptor >= 0) {
		result = smx_platform_allocate(descriptor, from, size);
		close(descriptor);
		return result;
	}
	if (segment->descriptor < 0 || !is_our_file(segment, segment->descriptor))
		return SMX_GROW_NO_FILE;
	return smx_platform_allocate(segment->descriptor, from, size);
}

/* ---- locks ---- */

static int lock_command(smx_lock lock, short type, uint64_t offset)
{
	struct flock range = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};

	return fcntl(lock.descriptor, lock.posix ? F_SETLK : F_OFD_SETLK, &range);
}

smx_lock smx_platform_lock_open(struct smx_segment *segment)
{
	smx_lock lock = {.descriptor = segment->descriptor, .posix = true};

	/* L4: closing another descriptor of the file would drop the slot's lock. */
	if (segment->slot_generation && segment->lock_is_posix)
		return lock;
	lock = (smx_lock){.descriptor = open_by_descriptor(segment), .posix = false};
	if (lock.descriptor < 0)
		lock.descriptor = open_by_path(segment);
	if (lock.descriptor < 0 && segment->descriptor >= 0 &&
	    is_our_file(segment, segment->descriptor)) {
		lock.descriptor = segment->descriptor;
		lock.posix = true;
	}
	return lock;
}

bool smx_platform_lock_try(smx_lock lock, uint64_t offset)
{
	return lock_command(lock, F_WRLCK, offset) == 0;
}

void smx_platform_lock_release(smx_lock lock, uint64_t offset)
{
	(void)lock_command(lock, F_UNLCK, offset);
}

int smx_platform_lock_held(smx_lock lock, uint64_t offset, uint64_t length)
{
	struct flock range = {.l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = (off_t)offset,
			      .l_len = (off_t)length};

	/* Always as a description's: it sees the locks of all others, POSIX ones too. */
	if (fcntl(lock.descriptor, F_OFD_GETLK, &range) != 0)
		return -1;
	return range.l_type != F_UNLCK;
}

bool smx_platform_lock_carry(struct smx_segment *segment, smx_lock lock)
{
	void *page;

	if (lock.posix) {
		segment->lock_is_posix = true;
		return true;
	}
	page = mmap(NULL, SMX_LAYOUT_HEADER_SIZE, PROT_READ, MAP_SHARED, lock.descriptor, 0);
	if (page == MAP_FAILED)
		return false;
	if (madvise(page, SMX_LAYOUT_HEADER_SIZE, MADV_DONTFORK) != 0) {
		munmap(page, SMX_LAYOUT_HEADER_SIZE);
		return false;
	}
	segment->lock_page = page;
	segment->lock_is_posix = false;
	return true;
}

void smx_platform_lock_close(smx_lock lock)
{
	if (!lock.posix && lock.descriptor >= 0)
		close(lock.descriptor);
}

void smx_platform_lock_drop(struct smx_segment *segment)
{
	if (segment->lock_page)
		munmap(segment->lock_page, SMX_LAYOUT_HEADER_SIZE);
	segment->lock_page = NULL;
	/* A POSIX lock goes with the descriptor, which smx_platform_release closes. */
}

/* ---- fork ---- */

void smx_platform_on_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	pthread_atfork(prepare, parent, child);
}
