/* SPDX-License-Identifier: MIT */
/*
 * compress.h - bytes in, gzip out: the only place that knows how
 *
 * One thread at a time per compressor. Whatever compresses must cost less than what it saves:
 * compress.c has the figures.
 */
#ifndef COLLECTOR_COMPRESS_H
#define COLLECTOR_COMPRESS_H

#include "shmetrics/exposition.h"

struct compressor;

/* NULL: no memory. */
struct compressor *compressor_create(void);
void compressor_destroy(struct compressor *compressor);

/*
 * Replaces the bytes by a gzip member that holds them. False, with the bytes as they were: they are
 * so few, or so dense, that it is not worth it, or there is no memory.
 */
bool compress_gzip(struct compressor *compressor, smx_buffer *bytes);

#endif
