/* SPDX-License-Identifier: MIT */
/*
 * mutation - small random changes of a segment, the same for the same seed
 *
 * Uniform random bytes nearly always hit a cell or free space. So most changes go to words that
 * hold something, and most new values are ones that a reader could trip over: bounds, offsets of
 * other things, sizes.
 */
#include "mutation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t mutation_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t below(uint64_t *state, size_t limit)
{
	return (size_t)(mutation_random(state) % limit);
}

bool mutation_load(mutation_source *source, const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat stat;

	memset(source, 0, sizeof(*source));
	if (!file || fstat(fileno(file), &stat) != 0 || stat.st_size < 8192)
		goto fail;
	source->size = (size_t)stat.st_size;
	source->bytes = malloc(source->size);
	source->words = malloc(source->size / 8 * sizeof(*source->words));
	if (!source->bytes || !source->words ||
	    fread(source->bytes, 1, source->size, file) != source->size)
		goto fail;
	fclose(file);
	for (size_t i = 0; i < source->size / 8; i++) {
		uint64_t word;

		memcpy(&word, source->bytes + 8 * i, sizeof(word));
		if (word)
			source->words[source->word_count++] = (uint32_t)i;
	}
	return source->word_count > 0;
fail:
	fprintf(stderr, "%s: cannot be read as a segment\n", path);
	if (file)
		fclose(file);
	mutation_free(source);
	return false;
}

void mutation_free(mutation_source *source)
{
	free(source->bytes);
	free(source->words);
	memset(source, 0, sizeof(*source));
}

/* A multiple of 8 in the file. */
static size_t somewhere(const mutation_source *source, uint64_t *state)
{
	unsigned kind = (unsigned)below(state, 16);

	if (kind == 0)
		return 8 * below(state, source->size / 8);
	if (kind < 4)
		return 8 * below(state, 192); /* header, table of contents, drop counts */
	return 8 * (size_t)source->words[below(state, source->word_count)];
}

static uint64_t value_at(const mutation_source *source, size_t offset)
{
	uint64_t value;

	memcpy(&value, source->bytes + offset, sizeof(value));
	return value;
}

static uint64_t interesting(const mutation_source *source, uint64_t *state, uint64_t old)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 15,
					 16,
					 63,
					 64,
					 0x7fff,
					 0xffff,
					 0x7fffffff,
					 0xffffffff,
					 UINT64_C(1) << 40,
					 UINT64_C(1) << 60,
					 UINT64_C(0x7ff0000000000000), /* Inf */
					 UINT64_C(0xfff0000000000000), /* -Inf */
					 UINT64_C(0x7ff8000000000001), /* NaN */
					 UINT64_C(0xfff8000000000000), /* -NaN */
					 UINT64_C(0x8000000000000000),
					 UINT64_MAX - 63,
					 UINT64_MAX};
	uint64_t line = 64 * below(state, source->size / 64);

	switch (below(state, 8)) {
	case 0:
	case 1:
		return edges[below(state, sizeof(edges) / sizeof(*edges))];
	case 2:
		return old + 1 - 2 * below(state, 2);
	case 3:
		return old ^ UINT64_C(1) << below(state, 64);
	case 4:
		return line | below(state, 2); /* perhaps a node */
	case 5:
		return source->size - 64 + 32 * below(state, 5);
	case 6:
		return value_at(source,
				somewhere(source, state)); /* mostly another offset or size */
	default:
		return mutation_random(state);
	}
}

static void put_value(mutation *change, uint64_t value, size_t size, size_t within)
{
	change->offset += within;
	change->size = size;
	memcpy(change->bytes, &value, size);
}

void mutation_next(const mutation_source *source, uint64_t *state, mutation *change)
{
	uint64_t old, value;

	memset(change, 0, sizeof(*change));
	change->offset = somewhere(source, state);
	old = value_at(source, change->offset);
	value = interesting(source, state, old);
	switch (below(state, 10)) {
	case 0:
		put_value(change, mutation_random(state), 1, below(state, 8));
		break;
	case 1:
		put_value(change, old ^ UINT64_C(1) << below(state, 64), 8, 0);
		break;
	case 2:
	case 3:
		put_value(change, value, 2, 2 * below(state, 4));
		break;
	case 4:
	case 5:
		put_value(change, value, 4, 4 * below(state, 2));
		break;
	case 6: /* a line becomes another's copy, or empty */
		change->offset &= ~(size_t)63;
		change->size = 64;
		if (below(state, 4))
			memcpy(change->bytes,
			       source->bytes + (somewhere(source, state) & ~(size_t)63), 64);
		break;
	default:
		put_value(change, value, 8, 0);
		break;
	}
}
