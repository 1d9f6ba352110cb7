/* SPDX-License-Identifier: MIT */
/*
 * file_value.c - prometheus_client's multiprocess mode as it would be in C: a mapped file a process
 */
#include "file_value.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_SIZE = 1 << 16, POSITIONS = 64, VALUE_POSITION = 128 };

/* Python's dictionary of positions: the hash of a key is computed once, equal pointers are equal
 * keys. */
typedef struct position {
	const char *key;
	uint64_t hash;
	size_t offset;
} position;

struct peer_file_value {
	pthread_mutex_t lock;
	pid_t pid;
	double value;
	double timestamp;
	char *key;
	uint64_t hash;
	char *file;
	position positions[POSITIONS];
};

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 14695981039346656037u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

static size_t find_position(const peer_file_value *value)
{
	for (uint64_t i = value->hash;; i++) {
		const position *p = &value->positions[i % POSITIONS];
		if (p->key == value->key ||
		    (p->hash == value->hash && strcmp(p->key, value->key) == 0))
			return p->offset;
	}
}

peer_file_value *peer_file_value_create(const char *directory, const char *key)
{
	peer_file_value *value = calloc(1, sizeof(*value));
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (!value || fd < 0 || ftruncate(fd, FILE_SIZE))
		goto fail;
	value->file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (value->file == MAP_FAILED)
		goto fail;
	value->key = strdup(key);
	if (!value->key) {
		munmap(value->file, FILE_SIZE);
		goto fail;
	}
	close(fd);
	pthread_mutex_init(&value->lock, NULL);
	value->pid = getpid();
	value->hash = hash_text(key);
	value->positions[value->hash % POSITIONS] =
		(position){value->key, value->hash, VALUE_POSITION};
	return value;
fail:
	if (fd >= 0)
		close(fd);
	free(value);
	return NULL;
}

void peer_file_value_inc(peer_file_value *value, double amount)
{
	double pair[2];
	pthread_mutex_lock(&value->lock);
	if (getpid() != value->pid)
		abort(); /* the peer opens new files here; the benchmark does not fork */
	value->value += amount;
	value->timestamp = 0;
	pair[0] = value->value;
	pair[1] = value->timestamp;
	memcpy(value->file + find_position(value), pair, sizeof(pair));
	pthread_mutex_unlock(&value->lock);
}

void peer_file_value_destroy(peer_file_value *value)
{
	if (!value)
		return;
	munmap(value->file, FILE_SIZE);
	pthread_mutex_destroy(&value->lock);
	free(value->key);
	free(value);
}
