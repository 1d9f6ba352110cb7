/* SPDX-License-Identifier: MIT */
/*
 * life_linux.c - the life of a segment's file: made whole, attached to, replaced by a new
 * generation
 *
 *  F1. A file gets its name only when it is complete and its maker holds a slot: it is built
 *      without a name (O_TMPFILE) and linked into place. Of several makers one wins, the others
 *      open the winner's.
 *  F2. A file is replaced only while no slot is held, under the life lock (a byte of the old file),
 *      and whoever opens it claims a slot under that lock: so nobody opens a file that is being
 *      replaced. Two exceptions: a holder of the life lock that is stopped (SIGSTOP) must not stop
 *      the others, which wait for a bounded time and then attach without replacing; and the child
 *      of a fork claims without it, so that its parent may have been the last holder. The worst of
 *      both is a process in a replaced file, which readers go on serving for as long as a slot of
 *      it is held.
 *  F3. A process killed anywhere here leaves either no file, a whole file that nobody holds
 *      (replaced by the next opener), or a hidden file ".NAME.smx1.new" that the next replacement
 *      removes (where the file system has no O_TMPFILE: or one with a random hidden name).
 *  F4. Opening never passes O_CREAT for the name itself, follows no symbolic link and trusts only
 *      files of this user or root that others may not write.
 */
#include "error.h"
#include "platform.h"
#include "slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "create.h"

#define OPEN_ATTEMPTS 100
#define LIFE_LOCK_WAIT_NS UINT64_C(2000000000)
#define FILE_MODE 0660

/* A path in its two parts; the directory without a slash at the end unless it is the root. */
struct place {
	const char *path;
	char directory[SMX_PATH_MAX];
	const char *name;
};

static void split(const char *path, struct place *place)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == path ? 1 : (size_t)(slash - path);

	place->path = path;
	memcpy(place->directory, path, length);
	place->directory[length] = '\0';
	place->name = slash + 1;
}

static smx_status os_status(int os_errno)
{
	switch (os_errno) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EFBIG:
		return SMX_ERR_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
	case ELOOP:
		return SMX_ERR_PERMISSION;
	case ENOENT:
	case ENOTDIR:
		return SMX_ERR_NOT_FOUND;
	default:
		return SMX_ERR_SYSTEM;
	}
}

/* ---- making a file ---- */

/*
 * A nameless file in the directory; where the file system cannot, one with a hidden name in
 * *temporary.
 */
static int open_nameless(const struct place *place, char *temporary, size_t size)
{
	int descriptor = open(place->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

	temporary[0] = '\0';
	if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return descriptor;
	if (access(place->directory, F_OK) != 0)
		return -1;
	snprintf(temporary, size, "%s/.%s.XXXXXX", place->directory, place->name);
	return mkostemp(temporary, O_CLOEXEC);
}

/* Gives the file a name; as link(2), it fails with EEXIST where there is one. */
static int give_name(int descriptor, const char *temporary, const char *path)
{
	char link_path[32];

	if (temporary[0])
		return link(temporary, path);
	snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", descriptor);
	if (linkat(AT_FDCWD, link_path, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	return linkat(descriptor, "", AT_FDCWD, path, AT_EMPTY_PATH); /* no /proc here */
}

/*
 * Puts the file in the place of the one that has the name. The caller holds the old one's life
 * lock.
 */
static int take_name(int descriptor, const char *temporary, const struct place *place)
{
	char hidden[SMX_PATH_MAX + 16];

	snprintf(hidden, sizeof hidden, "%s/.%s.new", place->directory, place->name);
	unlink(hidden); /* left by a process killed here */
	if (give_name(descriptor, temporary, hidden) != 0)
		return -1;
	if (rename(hidden, place->path) == 0)
		return 0;
	unlink(hidden);
	return -1;
}

/* What every way into a segment ends with: mapped, described, but without a slot yet. */
static smx_status adopt_descriptor(int descriptor, const char *path, uint64_t map_size,
				   struct smx_segment **out, smx_error *error)
{
	struct smx_segment *segment;
	struct stat status;

	if (fstat(descriptor, &status) != 0)
		return smx_fail(error, SMX_ERR_SYSTEM, errno, "segment %s", path);
	segment = smx_platform_reserve(map_size, true);
	if (!segment)
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0,
				"segment %s: no address space for %llu bytes", path,
				(unsigned long long)map_size);
	segment->device = status.st_dev;
	segment->inode = status.st_ino;
	snprintf(segment->path, sizeof segment->path, "%s", path);
	if (!smx_platform_map(segment, descriptor)) {
		int os_errno = errno;

		smx_platform_release(segment);
		return smx_fail(error, SMX_ERR_NO_MEMORY, os_errno, "segment %s: mmap", path);
	}
	segment->descriptor = descriptor;
	*out = segment;
	return SMX_OK;
}

static smx_status allocate_and_fill(int descriptor, const struct smx_create_plan *plan,
				    const char *path, struct smx_segment **segment,
				    smx_error *error)
{
	smx_status status;

	if (smx_platform_allocate(descriptor, 0, plan->size) != SMX_GROW_OK)
		return smx_fail(error, errno == EOPNOTSUPP ? SMX_ERR_UNSUPPORTED : SMX_ERR_FULL,
				errno, "segment %s: cannot allocate its first %llu bytes", path,
				(unsigned long long)plan->size);
	status = adopt_descriptor(descriptor, path, plan->size_max, segment, error);
	if (status == SMX_OK)
		smx_create_fill((*segment)->header, plan);
	return status;
}

/*
 * Makes a new segment. replace: the caller holds the life lock of the file that has the name now.
 * SMX_ERR_BUSY: somebody else was quicker.
 */
static smx_status make(const struct place *place, const struct smx_create_plan *plan, bool replace,
		       struct smx_segment **out, smx_error *error)
{
	char temporary[SMX_PATH_MAX + 16];
	struct smx_segment *segment = NULL;
	smx_status status;
	int descriptor = open_nameless(place, temporary, sizeof temporary);

	if (descriptor < 0) {
		status = os_status(errno);
		return smx_fail(error, status, errno, "segment %s: cannot make a file in %s",
				place->path, place->directory);
	}
	if (fchmod(descriptor, FILE_MODE) != 0 ||
	    (plan->group_id > 0 && fchown(descriptor, (uid_t)-1, (gid_t)plan->group_id) != 0)) {
		status = smx_fail(error, SMX_ERR_PERMISSION, errno,
				  "segment %s: mode 0660, group %lld", place->path,
				  (long long)plan->group_id);
		goto out;
	}
	status = allocate_and_fill(descriptor, plan, place->path, &segment, error);
	if (status != SMX_OK)
		goto out;
	smx_slot_claim(segment,
		       NULL); /* F1; in an empty segment it fails only where locks do not work */
	if ((replace ? take_name(descriptor, temporary, place)
		     : give_name(descriptor, temporary, place->path)) != 0) {
		status = errno == EEXIST ? SMX_ERR_BUSY : os_status(errno);
		smx_fail(error, status, errno, "segment %s: cannot give the file its name",
			 place->path);
	}
out:
	if (temporary[0])
		unlink(temporary);
	if (status != SMX_OK && segment) {
		smx_platform_lock_drop(segment);
		smx_platform_release(segment);
	} else if (status != SMX_OK) {
		close(descriptor);
	}
	if (status == SMX_OK)
		*out = segment;
	return status;
}

/* ---- attaching ---- */

static smx_status check_trust(int descriptor, const char *path, smx_error *error)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0)
		return smx_fail(error, SMX_ERR_SYSTEM, errno, "segment %s", path);
	if (!S_ISREG(status.st_mode))
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: not a regular file", path);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return smx_fail(error, SMX_ERR_PERMISSION, 0,
				"segment %s: belongs to user %u, which is neither this process's "
				"(%u) nor root",
				path, (unsigned)status.st_uid, (unsigned)geteuid());
	if (status.st_mode & S_IWOTH)
		return smx_fail(error, SMX_ERR_PERMISSION, 0,
				"segment %s: everybody may write to it", path);
	return SMX_OK;
}

/* Waits, boundedly, for the life lock. */
static bool lock_life(int descriptor)
{
	smx_lock lock = {.descriptor = descriptor, .posix = false};
	uint64_t deadline = smx_platform_monotonic_ns() + LIFE_LOCK_WAIT_NS;
	struct timespec pause = {.tv_nsec = 200000};

	while (!smx_platform_lock_try(lock, SMX_LOCK_LIFE)) {
		if (smx_platform_monotonic_ns() > deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool still_named(int descriptor, const char *path)
{
	struct stat named, opened;

	return lstat(path, &named) == 0 && fstat(descriptor, &opened) == 0 &&
	       named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

/* Stamps of another boot mean nothing in this one, so what it left is not gone on with. */
static bool is_of_this_boot(int descriptor)
{
	smx_layout_header header;
	uint8_t boot_id[16];

	smx_platform_boot_id(boot_id);
	return pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header &&
	       memcmp(header.boot_id, boot_id, sizeof boot_id) == 0;
}

/* Maps an existing file if its header is sound. */
static smx_status attach(int descriptor, const char *path, struct smx_segment **segment,
			 smx_error *error)
{
	smx_layout_header header;
	struct stat status;
	ssize_t got = pread(descriptor, &header, sizeof header, 0);
	const char *fault;

	if (got != (ssize_t)sizeof header || fstat(descriptor, &status) != 0)
		fault = "shorter than a header";
	else
		fault = smx_create_fault(&header, (uint64_t)status.st_size);
	if (fault)
		return smx_fail(error, SMX_ERR_FORMAT, 0, "segment %s: %s", path, fault);
	return adopt_descriptor(descriptor, path, header.size_max, segment, error);
}

/*
 * With an open descriptor of the file that has the name: attaches, or replaces it. SMX_ERR_BUSY:
 * look at the name again. Takes the descriptor over.
 */
static smx_status enter(int descriptor, const struct place *place,
			const struct smx_create_plan *plan, uint32_t flags,
			struct smx_segment **out, smx_error *error)
{
	smx_lock lock = {.descriptor = descriptor, .posix = false};
	bool locked = lock_life(descriptor);
	bool may_replace = locked && !(flags & SMX_SEGMENT_NO_CREATE);
	bool keep = (flags & SMX_SEGMENT_KEEP) && is_of_this_boot(descriptor);
	struct smx_segment *segment = NULL;
	smx_status status = SMX_ERR_BUSY;
	int live;

	if (!still_named(descriptor, place->path))
		goto out;
	live = smx_platform_lock_held(lock, SMX_LOCK_SLOTS, SMX_LOCK_SLOTS_LENGTH);
	if (live == 0 && may_replace && !keep) {
		status = make(place, plan, true, out, error);
		goto out;
	}
	status = attach(descriptor, place->path, &segment, error);
	if (status == SMX_ERR_FORMAT && live == 0 && may_replace) {
		status = make(place, plan, true, out, error);
		goto out;
	}
	if (status == SMX_OK) {
		smx_slot_claim(segment, NULL);
		smx_platform_lock_release(lock, SMX_LOCK_LIFE);
		*out = segment;
		return SMX_OK; /* the descriptor is the segment's now */
	}
out:
	close(descriptor); /* and with it the life lock */
	return status;
}

smx_status smx_life_open(const char *path, const smx_segment_options *options,
			 struct smx_segment **segment, smx_error *error)
{
	struct smx_create_plan plan;
	struct place place;
	uint32_t flags = options ? options->flags : 0;
	smx_status status = smx_create_plan(options, &plan, error);

	if (status != SMX_OK)
		return status;
	split(path, &place);
	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (descriptor < 0 && errno == ENOENT && !(flags & SMX_SEGMENT_NO_CREATE)) {
			status = make(&place, &plan, false, segment, error);
		} else if (descriptor < 0) {
			int os_errno = errno;

			return smx_fail(error, os_status(os_errno), os_errno, "segment %s%s", path,
					os_errno == ELOOP ? " is a symbolic link" : "");
		} else {
			status = check_trust(descriptor, path, error);
			if (status != SMX_OK) {
				close(descriptor);
				return status;
			}
			status = enter(descriptor, &place, &plan, flags, segment, error);
		}
		if (status != SMX_ERR_BUSY)
			return status;
	}
	return smx_fail(error, SMX_ERR_BUSY, 0, "segment %s: replaced %d times while being opened",
			path, OPEN_ATTEMPTS);
}
