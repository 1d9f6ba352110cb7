/* SPDX-License-Identifier: MIT */
/*
 * compress.c - bytes in, gzip out: the only place that knows how
 */
#include "compress.h"

#include <libdeflate.h>
#include <stdlib.h>

/*
 * Of 10,000 series, 4.87 MB that take 2 ms to render, level 1 leaves a 22nd in 10 ms. Level 4
 * leaves a 24th in 19 ms, level 6 the same in 27, level 9 a 28th in 305 (bench/compress.c, on an
 * EPYC).
 */
#define LEVEL 1
/* A packet has room for as much, header included: less would be saved than it costs. */
#define SIZE_LEAST 1024u
/* Room that is kept for the next answer; what only a giant one needed is given back. */
#define ROOM_KEPT ((size_t)16 * 1024 * 1024)

struct compressor {
	struct libdeflate_compressor *deflate;
	char *room;
	size_t room_size;
};

struct compressor *compressor_create(void)
{
	struct compressor *compressor = calloc(1, sizeof(*compressor));

	if (!compressor)
		return NULL;
	compressor->deflate = libdeflate_alloc_compressor(LEVEL);
	if (compressor->deflate)
		return compressor;
	free(compressor);
	return NULL;
}

void compressor_destroy(struct compressor *compressor)
{
	if (!compressor)
		return;
	libdeflate_free_compressor(compressor->deflate);
	free(compressor->room);
	free(compressor);
}

/* Not realloc: nothing in it is worth a copy. */
static bool make_room(struct compressor *compressor, size_t size)
{
	if (size <= compressor->room_size)
		return true;
	free(compressor->room);
	compressor->room = malloc(size);
	compressor->room_size = compressor->room ? size : 0;
	return compressor->room != NULL;
}

bool compress_gzip(struct compressor *compressor, smx_buffer *bytes)
{
	smx_buffer packed = {0};
	size_t size = 0;

	/* With no more room than the bytes take, what would not become smaller does not fit. */
	if (bytes->size >= SIZE_LEAST && make_room(compressor, bytes->size))
		size = libdeflate_gzip_compress(compressor->deflate, bytes->data, bytes->size,
						compressor->room, bytes->size);
	smx_buffer_append(&packed, compressor->room, size);
	if (compressor->room_size > ROOM_KEPT) {
		free(compressor->room);
		compressor->room = NULL;
		compressor->room_size = 0;
	}
	if (size == 0 || packed.failed) {
		smx_buffer_free(&packed);
		return false;
	}
	smx_buffer_free(bytes);
	*bytes = packed;
	return true;
}
