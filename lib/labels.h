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

#endif
