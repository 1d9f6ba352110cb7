/* SPDX-License-Identifier: MIT */
/*
 * answer.c - what is sent back for a request: the headers that go with it
 */
#include "answer.h"

static void free_buffer(void *data)
{
	smx_buffer buffer = {.data = data};

	smx_buffer_free(&buffer);
}

static void put_body(void *body)
{
	body_put(body);
}

/* Takes over the body, whatever becomes of it. */
static struct MHD_Response *make_response(struct answer *answer)
{
	struct MHD_Response *response;

	if (answer->shared) {
		smx_buffer_free(&answer->body);
		response = MHD_create_response_from_buffer_with_free_callback_cls(
			body_size(answer->shared), body_data(answer->shared), put_body,
			answer->shared);
		if (!response)
			body_put(answer->shared);
		return response;
	}
	if (!answer->body.data)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer_with_free_callback(
		answer->body.size, answer->body.data, free_buffer);
	if (!response)
		smx_buffer_free(&answer->body);
	return response;
}

size_t answer_size(const struct answer *answer)
{
	return answer->shared ? body_size(answer->shared) : answer->body.size;
}

/* The web configuration's word goes before the default. */
static void add_protection(struct MHD_Response *response, const struct web *web)
{
	static const struct web_header defaults[] = {
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
	};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!web_header(web, defaults[i].name))
			MHD_add_response_header(response, defaults[i].name, defaults[i].value);
	for (size_t i = 0; i < web->header_count; i++)
		MHD_add_response_header(response, web->headers[i].name, web->headers[i].value);
}

static void add_headers(struct MHD_Response *response, const struct answer *answer,
			const struct web *web)
{
	if (answer->allowed)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allowed);
	if (answer->content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					answer->content_type);
	if (answer->is_negotiated)
		MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (answer->is_gzip)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	if (answer->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (answer->status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					"Basic realm=\"shmetrics\", charset=\"UTF-8\"");
	if (answer->is_last)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	/* No part of an answer is of use, and none is the same twice. */
	MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "none");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_protection(response, web);
}

enum MHD_Result answer_send(struct answer *answer, struct MHD_Connection *mhd,
			    const struct web *web)
{
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (answer->body.failed) {
		smx_buffer_free(&answer->body);
		return MHD_NO;
	}
	response = make_response(answer);
	if (!response)
		return MHD_NO;
	add_headers(response, answer, web);
	queued = MHD_queue_response(mhd, answer->status, response);
	MHD_destroy_response(response);
	return queued;
}
