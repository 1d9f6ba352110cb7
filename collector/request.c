/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request as libmicrohttpd hands it over, and which rule of HTTP it breaks
 */
#include "request.h"

#include <string.h>
#include <strings.h>

#include "text.h"

bool request_is_bad_target(const char *raw)
{
	const char *nul = strstr(raw, "%00");
	const char *query = strchr(raw, '?');

	return strpbrk(raw, " \t") != NULL || (nul && (!query || nul < query));
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
	} else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		framing->encodings++;
		framing->has_body = true;
	}
	return MHD_YES;
}

const char *request_broken_rule(const struct request *request)
{
	struct framing framing = {0};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, look_at_header, &framing);
	if (request->is_bad_target)
		return "the target has a space, or a NUL in its path\n";
	if (framing.has_lone_lf || ends_in_lone_lf(request->version))
		return "a line ends in LF instead of CR LF\n";
	if (framing.has_bad_name)
		return "the name of a header has a space\n";
	if (framing.hosts > 1 ||
	    (framing.hosts == 0 && strcmp(request->version, MHD_HTTP_VERSION_1_0) != 0))
		return "there must be one Host header\n";
	if (framing.lengths + framing.encodings > 1)
		return "the length of the body is stated more than once\n";
	if (framing.has_body && (request_reads(request) || request_asks(request)))
		return "a body has no meaning here\n";
	return NULL;
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
