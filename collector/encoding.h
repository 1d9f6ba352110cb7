/* SPDX-License-Identifier: MIT */
/*
 * encoding.h - which content coding a request's Accept-Encoding asks for (RFC 9110, 12.5.3)
 */
#ifndef COLLECTOR_ENCODING_H
#define COLLECTOR_ENCODING_H

#include <stdbool.h>

/*
 * Whether to send gzip: it or x-gzip or else "*" is there with a weight above 0, and identity is
 * not preferred. accept: all Accept-Encoding headers, joined by commas; NULL or empty: no.
 * Never an error: what is no weight is 0, so that the codings that it stands behind are not sent.
 */
bool encoding_wants_gzip(const char *accept);

#endif
