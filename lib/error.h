/* SPDX-License-Identifier: MIT */
/*
 * error.h - how a set-up function says what is wrong
 */
#ifndef SMX_ERROR_H
#define SMX_ERROR_H

#include "shmetrics/types.h"

/*
 * Fills error (may be NULL) and returns status, so that a function can end with `return
 * smx_fail(...)`. os_errno: 0, or an errno whose text is appended to the message. Safe between fork
 * and exec.
 */
__attribute__((format(printf, 4, 5))) smx_status smx_fail(smx_error *error, smx_status status,
							  int os_errno, const char *format, ...);

#endif
