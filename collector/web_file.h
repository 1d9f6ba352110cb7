/* SPDX-License-Identifier: MIT */
/*
 * web_file.h - a file that the web configuration is made of: read whole, and recognised again
 */
#ifndef COLLECTOR_WEB_FILE_H
#define COLLECTOR_WEB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

/* Of what was read: whether a path still leads to the same. All zero: to nothing. */
struct web_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct web_file {
	char *path;
	struct web_stamp stamp;
	char *data; /* with a NUL behind it; NULL: could not be read */
	size_t size;
};

/*
 * Fills *file, whose path is the caller's still; says in rule[rule_size] why it could not. The
 * stamp is of the very bytes that were read. Links are followed: that is how secrets are rotated.
 */
bool web_file_read(struct web_file *file, char *rule, size_t rule_size);
/* Wipes the bytes, for they may be a key. The path and the stamp stay. */
void web_file_forget(struct web_file *file);

struct web_stamp web_stamp_of(const char *path);
bool web_stamp_equal(const struct web_stamp *one, const struct web_stamp *other);

#endif
