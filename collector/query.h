/* SPDX-License-Identifier: MIT */
/*
 * query.h - the query of a request's target, taken apart here
 *
 * libmicrohttpd has room for some four hundred arguments, and hangs up without a word on a request
 * with more. So it gets to see none: the query is copied, and cut off in its own buffer, before it
 * looks there. (If another version should not let itself be cut, it only parses in vain.)
 */
#ifndef COLLECTOR_QUERY_H
#define COLLECTOR_QUERY_H

#include "shmetrics/types.h"

/*
 * Cuts the query off the raw target, which must lie in memory that may be written, and returns a
 * copy of it; NULL: there is none, or no memory.
 */
char *query_cut(const char *target);

/*
 * The next argument from *at on, decoded in place; *at moves behind it. A name without "=" has an
 * empty value. False: there is none left.
 */
bool query_next(char **at, smx_text *name, smx_text *value);

#endif
