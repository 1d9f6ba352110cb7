/* SPDX-License-Identifier: MIT */
/*
 * labels.c - label values as the key of a series
 *
 * What is stored is always valid UTF-8: one invalid byte in one label value fails a whole scrape.
 */
#include "labels.h"

#include "shmetrics/layout.h"

#include <string.h>

size_t smx_labels_sequence(const unsigned char *at, size_t left)
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

/* Copies what there is room for, mending. *whole: that was all. Returns the bytes written. */
static size_t mend(unsigned char *to, size_t room, const unsigned char *from, size_t size,
		   bool *whole)
{
	static const unsigned char replacement[3] = {0xef, 0xbf, 0xbd};
	size_t written = 0;

	*whole = true;
	for (size_t i = 0; i < size;) {
		size_t length = smx_labels_sequence(from + i, size - i);
		const unsigned char *source = length ? from + i : replacement;
		size_t count = length ? length : sizeof replacement;

		if (written + count > room) {
			*whole = false;
			break;
		}
		memcpy(to + written, source, count);
		written += count;
		i += length ? length : 1;
	}
	return written;
}

size_t smx_labels_copy(unsigned char *to, size_t room, smx_text text)
{
	bool whole;

	return mend(to, room, (const unsigned char *)text.data, text.size, &whole);
}

bool smx_labels_is_text(smx_text text)
{
	for (size_t i = 0; i < text.size;) {
		size_t length =
			smx_labels_sequence((const unsigned char *)text.data + i, text.size - i);

		if (length == 0 || text.data[i] == 0)
			return false;
		i += length;
	}
	return true;
}

/* Appends u16 size and bytes; the whole may have `max` bytes. */
static bool append(unsigned char *bytes, size_t *size, size_t max, smx_text text)
{
	size_t room, written = text.size;
	uint16_t length;
	bool whole;

	if (text.size > SMX_LAYOUT_LABEL_VALUE_MAX ||
	    memchr(text.data ? text.data : "", 0, text.size))
		return false;
	if (*size + sizeof length > max)
		return false;
	room = max - *size - sizeof length;
	if (room > SMX_LAYOUT_LABEL_VALUE_MAX)
		room = SMX_LAYOUT_LABEL_VALUE_MAX;
	if (is_ascii(text.data, text.size)) {
		whole = written <= room;
		if (whole && written > 0)
			memcpy(bytes + *size + sizeof length, text.data, written);
	} else {
		written = mend(bytes + *size + sizeof length, room,
			       (const unsigned char *)text.data, text.size, &whole);
	}
	if (!whole)
		return false;
	length = (uint16_t)written;
	memcpy(bytes + *size, &length, sizeof length);
	*size += sizeof length + written;
	return true;
}

bool smx_labels_append(unsigned char *key, size_t *size, smx_text value)
{
	return append(key, size, SMX_LABELS_KEY_MAX, value);
}

bool smx_labels_append_pair(unsigned char *bytes, size_t *size, size_t max, smx_label label)
{
	return append(bytes, size, max, label.name) && append(bytes, size, max, label.value);
}
