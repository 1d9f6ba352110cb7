/* SPDX-License-Identifier: MIT */
/*
 * web_file.c - a file that the web configuration is made of: read whole, and recognised again
 */
#include "web_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A chain of certificates has some ten kilobytes, a bundle of all public authorities 200. */
#define FILE_BYTES_MAX (1 << 20)

static struct web_stamp stamp_of(const struct stat *status)
{
	return (struct web_stamp){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = status->st_size,
		.modified = status->st_mtim,
		.changed = status->st_ctim,
	};
}

struct web_stamp web_stamp_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? stamp_of(&status) : (struct web_stamp){0};
}

bool web_stamp_equal(const struct web_stamp *one, const struct web_stamp *other)
{
	return one->device == other->device && one->inode == other->inode &&
	       one->size == other->size && one->modified.tv_sec == other->modified.tv_sec &&
	       one->modified.tv_nsec == other->modified.tv_nsec &&
	       one->changed.tv_sec == other->changed.tv_sec &&
	       one->changed.tv_nsec == other->changed.tv_nsec;
}

/* Until the end of the file or `size` bytes; -1 with errno. */
static ssize_t read_all(int fd, char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t count = read(fd, data + done, size - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

bool web_file_read(struct web_file *file, char *rule, size_t rule_size)
{
	/* Not to wait for a writer if it is a pipe. */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t size;
	bool ok = false;

	file->stamp = (struct web_stamp){0};
	if (fd < 0 || fstat(fd, &status) != 0) {
		snprintf(rule, rule_size, "cannot read \"%s\": %s", file->path, strerror(errno));
		goto out;
	}
	file->stamp = stamp_of(&status);
	if (!S_ISREG(status.st_mode)) {
		snprintf(rule, rule_size, "\"%s\" is not a file", file->path);
		goto out;
	}
	if (status.st_size > FILE_BYTES_MAX) {
		snprintf(rule, rule_size, "\"%s\" is larger than 1 MiB", file->path);
		goto out;
	}
	file->data = malloc((size_t)status.st_size + 1);
	size = file->data ? read_all(fd, file->data, (size_t)status.st_size) : -1;
	if (size < 0) {
		snprintf(rule, rule_size, "cannot read \"%s\": %s", file->path, strerror(errno));
		free(file->data);
		file->data = NULL;
		goto out;
	}
	file->size = (size_t)size;
	file->data[size] = '\0';
	ok = true;
out:
	if (fd >= 0)
		close(fd);
	return ok;
}

void web_file_forget(struct web_file *file)
{
	if (file->data)
		explicit_bzero(file->data, file->size);
	free(file->data);
	file->data = NULL;
	file->size = 0;
}
