/* SPDX-License-Identifier: MIT */
/*
 * message_text.h - what is in delimited protobuf, as a text that a test can compare
 *
 * It shares no code with what writes it, and refuses what is not exactly right: a length that is
 * not the shortest or leads beyond its message, a string that is no UTF-8, a field that there is
 * none of, of another wire type, twice, or out of order.
 */
#ifndef SMX_MESSAGE_TEXT_H
#define SMX_MESSAGE_TEXT_H

#include "shmetrics/exposition.h"

/*
 * Appends a line for each family, as `name:"a_total" help:"Help." type:0 metric{counter{value:1}}`.
 * False: malformed; the text then ends where.
 */
bool message_text(const smx_buffer *messages, smx_buffer *text);

#endif
