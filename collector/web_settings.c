/* SPDX-License-Identifier: MIT */
/*
 * web_settings.c - what a web configuration file says, word by word
 */
#include "web_settings.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- the tables ---- */

#define TLS(member) offsetof(struct web_tls_settings, member)

static const struct web_key tls_keys[] = {
	{"cert_file", web_yaml_text, TLS(cert_file)},
	{"key_file", web_yaml_text, TLS(key_file)},
	{"client_auth_type", web_yaml_text, TLS(client_auth_type)},
	{"client_ca_file", web_yaml_text, TLS(client_ca_file)},
	{"client_allowed_sans", web_yaml_list, TLS(client_allowed_sans)},
	{"min_version", web_yaml_text, TLS(min_version)},
	{"max_version", web_yaml_text, TLS(max_version)},
	{"cipher_suites", web_yaml_list, TLS(cipher_suites)},
	{"curve_preferences", web_yaml_list, TLS(curve_preferences)},
	{"prefer_server_cipher_suites", web_yaml_bool, TLS(prefer_server_cipher_suites)},
};

static bool take_tls(struct web_yaml *yaml, const struct web_node *node, const char *name,
		     void *target)
{
	struct web_tls_settings *tls = target;

	tls->line = web_yaml_line(node);
	return web_yaml_mapping(yaml, node, name, tls_keys, COUNT(tls_keys), tls);
}

static const struct web_key http_keys[] = {
	{"http2", web_yaml_bool, offsetof(struct web_settings, http2)},
	{"headers", web_yaml_pairs, offsetof(struct web_settings, headers)},
};

static bool take_http(struct web_yaml *yaml, const struct web_node *node, const char *name,
		      void *target)
{
	return web_yaml_mapping(yaml, node, name, http_keys, COUNT(http_keys), target);
}

static const struct web_key keys[] = {
	{"tls_server_config", take_tls, offsetof(struct web_settings, tls)},
	{"http_server_config", take_http, 0},
	{"basic_auth_users", web_yaml_pairs, offsetof(struct web_settings, users)},
};

/* ---- what one entry may be ---- */

static const struct {
	const char *name;
	const char *values[3]; /* the only ones; none: any */
} headers[] = {
	{"Content-Security-Policy", {NULL}},
	{"Strict-Transport-Security", {NULL}},
	{"X-Content-Type-Options", {"nosniff"}},
	{"X-Frame-Options", {"deny", "sameorigin"}},
	{"X-XSS-Protection", {NULL}},
};

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F)
			return false;
	return true;
}

static bool check_header(const struct web_text *name, const struct web_text *value,
			 const char *path, struct web_fault *fault)
{
	size_t at = 0;

	while (at < COUNT(headers) && strcmp(headers[at].name, name->text) != 0)
		at++;
	if (at == COUNT(headers))
		return web_fault(fault, path, name->line,
				 "headers: \"%s\" cannot be set; these can: "
				 "Content-Security-Policy, Strict-Transport-Security, "
				 "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection",
				 name->text);
	if (!is_printable(value->text))
		return web_fault(fault, path, value->line, "%s: must be printable ASCII",
				 name->text);
	for (size_t i = 0; headers[at].values[i]; i++)
		if (strcmp(headers[at].values[i], value->text) == 0)
			return true;
	return !headers[at].values[0] ||
	       web_fault(fault, path, value->line, "%s: must be %s%s%s", name->text,
			 headers[at].values[0], headers[at].values[1] ? " or " : "",
			 headers[at].values[1] ? headers[at].values[1] : "");
}

bool web_settings_read(struct web_settings *settings, const struct web_file *file,
		       struct web_fault *fault)
{
	*settings = (struct web_settings){.tls = {.prefer_server_cipher_suites = true}};
	if (!web_yaml_read(file, keys, COUNT(keys), settings, fault))
		return false;
	for (size_t i = 0; i < settings->headers.count; i++)
		if (!check_header(&settings->headers.names[i], &settings->headers.values[i],
				  file->path, fault))
			return false;
	return true;
}

void web_settings_free(struct web_settings *settings)
{
	struct web_tls_settings *tls = &settings->tls;

	web_text_free(&tls->cert_file);
	web_text_free(&tls->key_file);
	web_text_free(&tls->client_auth_type);
	web_text_free(&tls->client_ca_file);
	web_list_free(&tls->client_allowed_sans);
	web_text_free(&tls->min_version);
	web_text_free(&tls->max_version);
	web_list_free(&tls->cipher_suites);
	web_list_free(&tls->curve_preferences);
	web_pairs_free(&settings->headers);
	web_pairs_free(&settings->users);
}
