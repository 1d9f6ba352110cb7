/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - room in a buffer, for those who write into it directly
 */
#ifndef SMX_TEXT_BUFFER_H
#define SMX_TEXT_BUFFER_H

#include "shmetrics/exposition.h"

/* Makes room for `room` more bytes. False: no memory; the contents stay and buffer->failed is set.
 */
bool smx_buffer_grow(smx_buffer *buffer, size_t room);

/*
 * Where the next `room` bytes may be written, or NULL if there is no memory. What was written
 * counts once smx_buffer_commit is told where it ends.
 */
static inline char *smx_buffer_reserve(smx_buffer *buffer, size_t room)
{
	if (buffer->failed)
		return NULL;
	if (buffer->capacity - buffer->size < room && !smx_buffer_grow(buffer, room))
		return NULL;
	return buffer->data + buffer->size;
}

static inline void smx_buffer_commit(smx_buffer *buffer, const char *end)
{
	buffer->size = (size_t)(end - buffer->data);
}

/* Appends a string literal or another NUL-terminated string. */
void smx_buffer_append_string(smx_buffer *buffer, const char *string);

#endif
