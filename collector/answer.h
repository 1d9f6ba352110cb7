/* SPDX-License-Identifier: MIT */
/*
 * answer.h - what is sent back for a request, whatever serves it
 */
#ifndef COLLECTOR_ANSWER_H
#define COLLECTOR_ANSWER_H

#include <microhttpd.h>

#include "body.h"
#include "shmetrics/exposition.h"
#include "web.h"

#define ANSWER_TEXT "text/plain; charset=utf-8"
#define ANSWER_HTML "text/html; charset=utf-8"
#define ANSWER_JSON "application/json"

struct answer {
	unsigned status;
	const char *content_type;
	smx_buffer body;
	struct body *shared; /* or NULL: instead of body */
	bool is_gzip;	     /* Content-Encoding: gzip */
	bool is_negotiated;  /* Vary: Accept, Accept-Encoding */
	const char *allowed; /* methods, where the answer has to name them */
	bool is_last;	     /* the connection is closed behind it */
};

/* Of the body. */
size_t answer_size(const struct answer *answer);

/* Takes over the body. web: in force. */
enum MHD_Result answer_send(struct answer *answer, struct MHD_Connection *mhd,
			    const struct web *web);

#endif
