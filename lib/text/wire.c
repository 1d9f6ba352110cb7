/* SPDX-License-Identifier: MIT */
/*
 * wire.c - messages and strings of protocol buffers on a buffer
 */
#include "text/wire.h"

#include "text/buffer.h"
#include "text/words.h"

struct smx_wire_message smx_wire_begin(smx_buffer *buffer, unsigned field, unsigned char *length)
{
	char *out = smx_buffer_reserve(buffer, SMX_WIRE_FIELD_ROOM);

	if (out) {
		if (field != 0)
			out = smx_wire_put_tag(out, field, SMX_WIRE_BYTES);
		smx_buffer_commit(buffer, out + *length);
	}
	return (struct smx_wire_message){buffer->size, *length, length};
}

void smx_wire_end(smx_buffer *buffer, struct smx_wire_message message)
{
	size_t size = buffer->size - message.start, left = message.room;
	size_t needed = smx_wire_varint_size(size);

	if (needed != left) {
		if (!smx_buffer_reserve(buffer, SMX_WIRE_VARINT_ROOM))
			return;
		memmove(buffer->data + message.start - left + needed, buffer->data + message.start,
			size);
		buffer->size = buffer->size - left + needed;
		*message.length = (unsigned char)needed;
	}
	if (!buffer->failed)
		smx_wire_put_varint(buffer->data + message.start - left, size);
}

void smx_wire_append_text(smx_buffer *buffer, unsigned field, smx_text text)
{
	unsigned char length = (unsigned char)smx_wire_varint_size(text.size);
	struct smx_wire_message message = smx_wire_begin(buffer, field, &length);

	smx_words_append_text(buffer, text);
	smx_wire_end(buffer, message);
}
