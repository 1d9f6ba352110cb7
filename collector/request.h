/* SPDX-License-Identifier: MIT */
/*
 * request.h - a request as libmicrohttpd hands it over, and which rule of HTTP it breaks
 *
 * What libmicrohttpd lets through is refused here: a NUL in the path, a body where none belongs,
 * two statements of a body's length (which two servers in a row could understand differently), a
 * coding of the body that nobody here knows (libmicrohttpd would read on until the client closes). And
 * what MHD_OPTION_STRICT_FOR_CLIENT would refuse is as well: libmicrohttpd 0.9.75 sends the head of
 * its own answer to a missing Host twice, which is no HTTP.
 */
#ifndef COLLECTOR_REQUEST_H
#define COLLECTOR_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "shmetrics/exposition.h"

struct request {
	struct MHD_Connection *mhd;
	const char *target; /* without its query; decoded, so it ends at the first NUL */
	const char *method;
	const char *version;
	char *query;	    /* as it was sent; NULL: none. Taking it apart changes it (query.h) */
	bool is_bad_target; /* request_is_bad_target of the raw one, or request_has_raw_nul */
};

/* Whether the target has a space, or a NUL in its path. raw: as it was sent, with its query. */
bool request_is_bad_target(const char *raw);

/*
 * Whether there is a NUL byte, not %00, in the target: libmicrohttpd takes what is before it for
 * all, and a proxy in front may not. target_end: the address at which the raw one ended.
 */
bool request_has_raw_nul(uintptr_t target_end, const char *version);

/* GET or HEAD. */
bool request_reads(const struct request *request);
/* POST or PUT. */
bool request_changes(const struct request *request);
/* Not HEAD. */
bool request_wants_body(const struct request *request);
/* OPTIONS. */
bool request_asks(const struct request *request);

/*
 * All headers of this name as one list, which they are (RFC 9110, 5.3), ended by a NUL: data NULL
 * if there is none.
 */
smx_buffer request_list(const struct request *request, const char *name);

/* Request line and header together. */
#define REQUEST_HEADER_BYTES_MAX ((size_t)32 * 1024)

/* Of a request's body, which nothing here has a use for. */
#define REQUEST_BODY_BYTES_MAX ((uint64_t)64 * 1024)

struct broken_rule {
	unsigned status;
	const char *text; /* NULL: none is broken */
};

/* Which rule the request breaks, whatever it asks for: known as soon as its header is there. */
struct broken_rule request_broken_rule(const struct request *request);

/* The path of the target, be it absolute (RFC 9112, 3.2.2). */
const char *request_path(const struct request *request);

#endif
