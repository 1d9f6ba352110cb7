/* SPDX-License-Identifier: MIT */
/*
 * mutation.h - small random changes of a segment, the same for the same seed
 */
#ifndef SHMETRICS_TESTS_MUTATION_H
#define SHMETRICS_TESTS_MUTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file's bytes, and which of its 8-byte words hold something. */
typedef struct mutation_source {
	unsigned char *bytes;
	size_t size;
	uint32_t *words;
	size_t word_count;
} mutation_source;

typedef struct mutation {
	size_t offset;
	size_t size;
	unsigned char bytes[64];
} mutation;

/* Reads the file at `path`; false and a line on stderr if that fails. */
bool mutation_load(mutation_source *source, const char *path);
void mutation_free(mutation_source *source);

/* A generator of numbers; any state will do. */
uint64_t mutation_random(uint64_t *state);

/* The next change: of a byte, a bit, a word, or a line, mostly where something is. */
void mutation_next(const mutation_source *source, uint64_t *state, mutation *change);

#endif
