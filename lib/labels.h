/* SPDX-License-Identifier: MIT */
/*
 * labels.h - label values as the key of a series
 */
#ifndef SMX_LABELS_H
#define SMX_LABELS_H

#include "shmetrics/types.h"

/* All label values of a series together, with their sizes. */
#define SMX_LABELS_KEY_MAX 4096u

/*
 * Appends one value to a key (u16 size, bytes) at key + *size. Bytes that are no UTF-8 become
 * U+FFFD. False: the value is longer than 1,024 bytes, has a NUL, or the key would be longer than
 * its maximum.
 */
bool smx_labels_append(unsigned char *key, size_t *size, smx_text value);

/*
 * Copies the beginning of a text, up to `room` bytes, never a part of a character; bytes that are
 * no UTF-8 become U+FFFD. Returns how many bytes it wrote.
 */
size_t smx_labels_copy(unsigned char *to, size_t room, smx_text text);

/*
 * The length of the UTF-8 sequence at `at`, or 0: none (Unicode 15, table 3-7: no surrogates,
 * shortest form).
 */
size_t smx_labels_sequence(const unsigned char *at, size_t left);

/* Whether it is UTF-8 without a NUL. */
bool smx_labels_is_text(smx_text text);

/*
 * Appends a label's name and value to bytes[*size]: for each u16 size and bytes, the value mended
 * as above. False: one of them is too long, has a NUL, or there is no room up to max.
 */
bool smx_labels_append_pair(unsigned char *bytes, size_t *size, size_t max, smx_label label);

#endif
