/* SPDX-License-Identifier: MIT */
/*
 * text.h - strings as JSON, HTML and logfmt want them, and printf onto a buffer
 *
 * A failed allocation shows in smx_buffer.failed, as with smx_buffer_append. Whatever the bytes
 * are, the output is valid UTF-8: what is none becomes U+FFFD.
 */
#ifndef COLLECTOR_TEXT_H
#define COLLECTOR_TEXT_H

#include "shmetrics/exposition.h"

void text_append(smx_buffer *buffer, const char *string);
/*
 * Never for strings from outside that are longer than 511 bytes: the output of one call is cut
 * there.
 */
void text_printf(smx_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* With its quotes. */
void text_json(smx_buffer *buffer, const char *string);
void text_html(smx_buffer *buffer, const char *string);
/* Bare where that is unambiguous, else quoted. */
void text_logfmt(smx_buffer *buffer, const char *string);

#endif
