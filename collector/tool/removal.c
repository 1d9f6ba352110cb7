/* SPDX-License-Identifier: MIT */
/*
 * removal.c - taking away the file of a segment, but not from under a process that uses it
 *
 * 1. A segment is removed only while the byte SMX_LOCK_LIFE of its file is locked by us. The
 * library gives a file its name only when its maker holds a slot, claims a first slot in an old
 * file only under that lock, and then looks whether the name still leads to the file (layout.h). So
 * between "nobody holds it" and the removal nobody comes to hold it, and who comes just after finds
 * no file and makes a new one.
 * 2. We never wait for that lock: who holds it may be stopped.
 * 3. Nothing here asks for a pid: another PID namespace may share the folder, and there run-1-...
 * is not ours.
 */
#include "removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shmetrics/layout.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"
#include "tool.h"

/* Opens the file at path and locks its life. The descriptor, or -1 with errno: EAGAIN where another
 * has it. */
static int lock_life(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = (off_t)SMX_LOCK_LIFE,
			     .l_len = 1};
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		int error = errno == EACCES ? EAGAIN : errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool is_same_file(int fd, const char *path)
{
	struct stat locked, named;

	return fstat(fd, &locked) == 0 && lstat(path, &named) == 0 &&
	       locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
}

static void list_pids(const smx_reader *reader, struct removal *removal)
{
	size_t used = 0;

	removal->live_count = smx_reader_information(reader)->slots_live;
	for (size_t i = 0; i < smx_reader_writer_count(reader); i++) {
		char pid[16];
		int size = snprintf(pid, sizeof(pid), "%s%u", i ? ", " : "",
				    smx_reader_writer(reader, i)->pid);

		if (used + (size_t)size + sizeof(", ...") > sizeof(removal->pids)) {
			memcpy(removal->pids + used, ", ...", sizeof(", ..."));
			return;
		}
		memcpy(removal->pids + used, pid, (size_t)size + 1);
		used += (size_t)size;
	}
}

/* What speaks against removing the segment at path; REMOVAL_DONE: nothing. */
static enum removal_outcome examine(const char *path, struct removal *removal)
{
	static const smx_reader_options any_owner = {.flags = SMX_READER_ANY_OWNER};
	smx_error error = {0};
	smx_reader *reader = NULL;
	enum removal_outcome outcome = REMOVAL_FOREIGN;

	if (smx_reader_open(path, &any_owner, &reader, &error) == SMX_OK &&
	    smx_reader_walk(reader, &error) == SMX_OK) {
		list_pids(reader, removal);
		outcome = removal->live_count ? REMOVAL_LIVE : REMOVAL_DONE;
	} else if (error.status == SMX_ERR_NOT_FOUND) {
		outcome = REMOVAL_ABSENT;
	}
	snprintf(removal->message, sizeof(removal->message), "%s",
		 message_within(path, error.message));
	smx_reader_close(reader);
	return outcome;
}

static enum removal_outcome system_says(struct removal *removal, enum removal_outcome outcome)
{
	snprintf(removal->message, sizeof(removal->message), "%s", strerror(errno));
	return errno == ENOENT ? REMOVAL_ABSENT : outcome;
}

static enum removal_outcome lock_and_examine(const char *path, int *fd, struct removal *removal)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return system_says(removal, REMOVAL_FAILED);
	/* Only a regular file is opened: to open a FIFO or a device may do something. */
	if (S_ISREG(status.st_mode)) {
		*fd = lock_life(path);
		if (*fd < 0)
			return system_says(removal,
					   errno == EAGAIN ? REMOVAL_BUSY : REMOVAL_FOREIGN);
		if (!is_same_file(*fd, path))
			return REMOVAL_BUSY;
	}
	return examine(path, removal);
}

enum removal_outcome removal_try(const char *path, struct removal *removal)
{
	int fd = -1;

	removal->live_count = 0;
	removal->pids[0] = '\0';
	removal->message[0] = '\0';
	removal->outcome = lock_and_examine(path, &fd, removal);
	if (removal->force && removal->outcome != REMOVAL_ABSENT &&
	    removal->outcome != REMOVAL_FAILED)
		removal->outcome = REMOVAL_DONE;
	if (removal->outcome == REMOVAL_DONE && unlink(path) < 0)
		removal->outcome = system_says(removal, REMOVAL_FAILED);
	if (fd >= 0)
		close(fd);
	return removal->outcome;
}

/* ---- the segments of runs ---- */

#define RUN_PREFIX "run-"

void run_name_make(char name[RUN_NAME_SIZE])
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		random = (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec;
	}
	snprintf(name, RUN_NAME_SIZE, RUN_PREFIX "%d-%08x", (int)getpid(), (unsigned)random);
}

bool run_name_is(const char *file_name)
{
	const char *rest = file_name + strlen(RUN_PREFIX);
	size_t digits;

	if (strncmp(file_name, RUN_PREFIX, strlen(RUN_PREFIX)) != 0)
		return false;
	digits = strspn(rest, "0123456789");
	if (digits < 1 || rest[digits] != '-')
		return false;
	rest += digits + 1;
	return strspn(rest, "0123456789abcdef") == 8 && strcmp(rest + 8, SMX_SEGMENT_SUFFIX) == 0;
}

void removal_sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];
	struct dirent *entry;
	DIR *stream;

	if (!slash || (size_t)(slash - path) >= sizeof(folder))
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	stream = opendir(folder[0] ? folder : "/");
	if (!stream)
		return;
	while ((entry = readdir(stream))) {
		struct removal removal = {.force = false};
		char file[sizeof(folder) + sizeof(entry->d_name) + 1];

		if (!run_name_is(entry->d_name))
			continue;
		snprintf(file, sizeof(file), "%s/%s", folder, entry->d_name);
		removal_try(file, &removal);
	}
	closedir(stream);
}
