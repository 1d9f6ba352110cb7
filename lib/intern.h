/* SPDX-License-Identifier: MIT */
/*
 * intern.h - texts as records of the segment, each there once
 */
#ifndef SMX_INTERN_H
#define SMX_INTERN_H

#include "segment.h"

/* The offset of the text record with these bytes, made if it is new; 0: no room (counted). */
uint64_t smx_intern(struct smx_segment *segment, smx_text text);

#endif
