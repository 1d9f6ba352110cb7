/* SPDX-License-Identifier: MIT */
/*
 * labels.c - label values as the key of a series
 *
 * What is stored is always valid UTF-8: one invalid byte in one label value fails a whole scrape.
 */
#include "labels.h"

#include "shmetrics/layout.h"

#include <string.h>

/*
 * The length of the UTF-8 sequence at `at`, or 0: none (Unicode 15, table 3-7: no surrogates,
 * shortest form).
 */
static size_t sequence(const unsigned char *at, size_t left)
{
	unsigned char first = at[0], low = 0x80, high = 0xbf;
	size_t length;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		length = 2;
	else if (first >= 0xe0 && first <= 0xef)
		length = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static bool is_ascii(const char *data, size_t size)
{
	uint64_t high = 0;

	while (size >= 8) {
		uint64_t word;

		memcpy(&word, data, 8);
		high |= word;
		data += 8;
		size -= 8;
	}
	while (size--)
		high |= (unsigned char)*data++;
	return (high & UINT64_C(0x8080808080808080)) == 0;
}

/* Copies, mending; the number of bytes written, or more than `room`. */
static size_t mend(unsigned char *to, size_t room, const unsigned char *from, size_t size)
{
	static const unsigned char replacement[3] = {0xef, 0xbf, 0xbd};
	size_t written = 0;

	for (size_t i = 0; i < size;) {
		size_t length = sequence(from + i, size - i);
		const unsigned char *source = length ? from + i : replacement;
		size_t count = length ? length : sizeof replacement;

		if (written + count > room)
			return room + 1;
		memcpy(to + written, source, count);
		written += count;
		i += length ? length : 1;
	}
	return written;
}

bool smx_labels_append(unsigned char *key, size_t *size, smx_text value)
{
	size_t room, written = value.size;
	uint16_t length;

	if (value.size > SMX_LAYOUT_LABEL_VALUE_MAX ||
	    memchr(value.data ? value.data : "", 0, value.size))
		return false;
	if (*size + sizeof length >= SMX_LABELS_KEY_MAX)
		return false;
	room = SMX_LABELS_KEY_MAX - *size - sizeof length;
	if (room > SMX_LAYOUT_LABEL_VALUE_MAX)
		room = SMX_LAYOUT_LABEL_VALUE_MAX;
	if (is_ascii(value.data, value.size)) {
		if (written <= room && written > 0)
			memcpy(key + *size + sizeof length, value.data, written);
	} else {
		written = mend(key + *size + sizeof length, room, (const unsigned char *)value.data,
			       value.size);
	}
	if (written > room)
		return false;
	length = (uint16_t)written;
	memcpy(key + *size, &length, sizeof length);
	*size += sizeof length + written;
	return true;
}
