/* SPDX-License-Identifier: MIT */
/*
 * wire.h - the wire format of protocol buffers: varints, fixed numbers, strings, messages
 *
 * Numbers are written at `out`, where there is room (SMX_WIRE_FIELD_ROOM for a field), as text's
 * are by number.h. A message stands behind its length, which is known only at its end: room is left
 * for as many bytes as that of the one before took, and the message is moved only if it needs
 * another number of them. So a message is written once, and every length is the shortest there is.
 */
#ifndef SMX_TEXT_WIRE_H
#define SMX_TEXT_WIRE_H

#include "shmetrics/exposition.h"

#include <string.h>

enum smx_wire_type { SMX_WIRE_VARINT = 0, SMX_WIRE_FIXED64 = 1, SMX_WIRE_BYTES = 2 };

#define SMX_WIRE_VARINT_ROOM 10u
/* A tag of any field here (below 2048), and a number. */
#define SMX_WIRE_FIELD_ROOM (2u + SMX_WIRE_VARINT_ROOM)

static inline size_t smx_wire_varint_size(uint64_t value)
{
	return (size_t)(64 - __builtin_clzll(value | 1) + 6) / 7;
}

static inline char *smx_wire_put_varint(char *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (char)(value | 0x80);
	*out++ = (char)value;
	return out;
}

/* A sint32 or sint64: numbers near zero are short, whatever their sign. */
static inline uint64_t smx_wire_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline char *smx_wire_put_tag(char *out, unsigned field, enum smx_wire_type type)
{
	return smx_wire_put_varint(out, (uint64_t)field << 3 | type);
}

static inline char *smx_wire_put_uint(char *out, unsigned field, uint64_t value)
{
	return smx_wire_put_varint(smx_wire_put_tag(out, field, SMX_WIRE_VARINT), value);
}

/*
 * There is one NaN, as there is in text, and it is the one that Prometheus makes of that: another
 * is its mark of a series that has ended.
 */
static inline char *smx_wire_put_double(char *out, unsigned field, double value)
{
	uint64_t bits = UINT64_C(0x7ff8000000000001);

	out = smx_wire_put_tag(out, field, SMX_WIRE_FIXED64);
	if (value == value)
		memcpy(&bits, &value, sizeof(bits));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bits = __builtin_bswap64(bits);
#endif
	memcpy(out, &bits, sizeof(bits));
	return out + sizeof(bits);
}

/* Begins a string or a message whose size is known. */
static inline char *smx_wire_put_size(char *out, unsigned field, size_t size)
{
	return smx_wire_put_varint(smx_wire_put_tag(out, field, SMX_WIRE_BYTES), size);
}

/* ---- on a buffer ---- */

/* A message that is being written. */
struct smx_wire_message {
	size_t start;	       /* of what is in it */
	unsigned char room;    /* left for its length */
	unsigned char *length; /* learns how many bytes that took */
};

/*
 * Begins a message; field 0: without a tag, as one of a stream is. *length: how many bytes the
 * length is expected to take, from 1 to 10; smx_wire_end leaves there what it was, for the next
 * message of this sort.
 */
struct smx_wire_message smx_wire_begin(smx_buffer *buffer, unsigned field, unsigned char *length);
/* Whatever has been appended since belongs to the message. */
void smx_wire_end(smx_buffer *buffer, struct smx_wire_message message);

/* A string. Bytes that are no UTF-8, and NUL, become U+FFFD, as everywhere. */
void smx_wire_append_text(smx_buffer *buffer, unsigned field, smx_text text);

#endif
