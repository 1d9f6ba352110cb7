/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request as libmicrohttpd hands it over, and which rule of HTTP it breaks
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

bool request_is_bad_target(const char *raw)
{
	const char *nul = strstr(raw, "%00");
	const char *query = strchr(raw, '?');

	return strpbrk(raw, " \t") != NULL || (nul && (!query || nul < query));
}

/*
 * It parses in place, and writes a NUL over the one space before the version. Farther behind than
 * any line is long there is another buffer, of which nothing is known.
 */
bool request_has_raw_nul(uintptr_t target_end, const char *version)
{
	const uintptr_t distance = (uintptr_t)version - target_end;

	return distance > 1 && distance < REQUEST_HEADER_BYTES_MAX;
}

bool request_reads(const struct request *request)
{
	return strcmp(request->method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0;
}

bool request_changes(const struct request *request)
{
	return strcmp(request->method, MHD_HTTP_METHOD_POST) == 0 ||
	       strcmp(request->method, MHD_HTTP_METHOD_PUT) == 0;
}

bool request_wants_body(const struct request *request)
{
	return strcmp(request->method, MHD_HTTP_METHOD_HEAD) != 0;
}

bool request_asks(const struct request *request)
{
	return strcmp(request->method, MHD_HTTP_METHOD_OPTIONS) == 0;
}

/*
 * libmicrohttpd takes a lone LF for the end of a line, and a proxy in front may take it for a part
 * of the line. It parses in place and writes a NUL over each byte of a line's end: behind one that
 * was CR LF there is a second. (Not seen is one before the empty line, where nothing hides behind
 * it.)
 */
static bool ends_in_lone_lf(const char *text)
{
	return text[strlen(text) + 1] != '\0';
}

struct framing {
	unsigned hosts;
	unsigned lengths; /* Content-Length headers */
	unsigned encodings;
	bool has_body;
	bool is_too_long;
	bool is_unknown_coding;
	bool has_bad_name;
	bool has_lone_lf;
};

static enum MHD_Result look_at_header(void *argument, enum MHD_ValueKind kind, const char *key,
				      const char *value)
{
	struct framing *framing = argument;

	(void)kind;
	framing->has_lone_lf = framing->has_lone_lf || (value && ends_in_lone_lf(value));
	/* "Content-Length : 5" is one for some servers and none for others. */
	framing->has_bad_name = framing->has_bad_name || key[strcspn(key, " \t")] != '\0';
	if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0) {
		framing->hosts++;
	} else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
		framing->lengths++;
		framing->has_body =
			framing->has_body || !value || value[strspn(value, "0 \t")] != '\0';
		/* libmicrohttpd has refused what is no number. */
		framing->is_too_long =
			framing->is_too_long ||
			(value && strtoull(value, NULL, 10) > REQUEST_BODY_BYTES_MAX);
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		framing->encodings++;
		framing->has_body = true;
		framing->is_unknown_coding =
			framing->is_unknown_coding || !value || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

static struct broken_rule broken(unsigned status, const char *text)
{
	return (struct broken_rule){status, text};
}

struct broken_rule request_broken_rule(const struct request *request)
{
	struct framing framing = {0};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, look_at_header, &framing);
	if (request->is_bad_target)
		return broken(400, "the target has a space, or a NUL\n");
	if (framing.has_lone_lf || ends_in_lone_lf(request->version))
		return broken(400, "a line has a NUL, or ends in LF instead of CR LF\n");
	if (framing.has_bad_name)
		return broken(400, "the name of a header has a space\n");
	if (framing.hosts > 1 ||
	    (framing.hosts == 0 && strcmp(request->version, MHD_HTTP_VERSION_1_0) != 0))
		return broken(400, "there must be one Host header\n");
	if (framing.lengths + framing.encodings > 1)
		return broken(400, "the length of the body is stated more than once\n");
	if (framing.is_unknown_coding)
		return broken(501, "no coding of a body is understood but chunked\n");
	if (framing.has_body && (request_reads(request) || request_asks(request)))
		return broken(400, "a body has no meaning here\n");
	if (framing.is_too_long)
		return broken(413, "the body is longer than 64 KiB\n");
	return broken(0, NULL);
}

struct list {
	const char *name;
	smx_buffer text;
};

static enum MHD_Result take_member(void *argument, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	struct list *list = argument;

	(void)kind;
	if (value && strcasecmp(key, list->name) == 0) {
		text_append(&list->text, list->text.size ? "," : "");
		text_append(&list->text, value);
	}
	return MHD_YES;
}

smx_buffer request_list(const struct request *request, const char *name)
{
	struct list list = {.name = name};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, take_member, &list);
	if (list.text.data)
		smx_buffer_append(&list.text, "", 1);
	return list.text;
}

const char *request_path(const struct request *request)
{
	const char *path;

	if (strncasecmp(request->target, "http://", 7) != 0)
		return request->target;
	path = strchr(request->target + 7, '/');
	return path ? path : "/";
}
