/* SPDX-License-Identifier: MIT */
/*
 * buffer.c - bytes that grow
 *
 * A failed allocation sticks: later appends do nothing, so that a renderer checks once, at its end.
 */
#include "text/buffer.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_LEAST 256u

bool smx_buffer_grow(smx_buffer *buffer, size_t room)
{
	size_t capacity = buffer->capacity < CAPACITY_LEAST ? CAPACITY_LEAST : buffer->capacity;
	char *data;

	if (buffer->failed)
		return false;
	if (room > SIZE_MAX / 2 - buffer->size)
		goto failed;
	while (capacity - buffer->size < room)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		goto failed;
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
failed:
	buffer->failed = true;
	return false;
}

void smx_buffer_append(smx_buffer *buffer, const void *data, size_t size)
{
	char *end;

	if (size == 0)
		return;
	end = smx_buffer_reserve(buffer, size);
	if (!end)
		return;
	memcpy(end, data, size);
	buffer->size += size;
}

void smx_buffer_append_string(smx_buffer *buffer, const char *string)
{
	smx_buffer_append(buffer, string, strlen(string));
}

void smx_buffer_free(smx_buffer *buffer)
{
	free(buffer->data);
	*buffer = (smx_buffer){0};
}
