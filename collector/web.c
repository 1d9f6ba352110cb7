/* SPDX-License-Identifier: MIT */
/*
 * web.c - the web configuration in force: TLS, headers, users
 */
#include "web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "log.h"
#include "selfmetrics.h"
#include "tls.h"
#include "web_settings.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct web *in_force; /* under the lock */

/* ---- loading ---- */

static void note_source(struct web_sources *sources, const struct web_file *file)
{
	const size_t at = sources->count;

	if (at == WEB_FILES_MAX || strlen(file->path) >= sizeof(sources->paths[0]))
		return;
	memcpy(sources->paths[at], file->path, strlen(file->path) + 1);
	sources->stamps[at] = file->stamp;
	sources->count++;
}

/* A path in the file is relative to the folder of the file. */
static char *resolve(const char *config_path, const char *path)
{
	const char *slash = strrchr(config_path, '/');
	char *whole;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&whole, "%.*s/%s", (int)(slash - config_path), config_path, path) < 0)
		return NULL;
	return whole;
}

static bool read_named(struct web_file *file, const struct web_text *setting, const char *key,
		       const char *config_path, struct web_sources *sources,
		       struct web_fault *fault)
{
	char rule[512];
	bool read;

	file->path = resolve(config_path, setting->text);
	if (!file->path)
		return web_fault(fault, config_path, setting->line, "%s: no memory", key);
	read = web_file_read(file, rule, sizeof(rule));
	note_source(sources, file);
	return read || web_fault(fault, config_path, setting->line, "%s: %s", key, rule);
}

static void drop_file(struct web_file *file)
{
	web_file_forget(file);
	free(file->path);
}

static bool load_tls(struct web *web, const struct web_tls_settings *settings, const char *path,
		     struct web_sources *sources, struct web_fault *fault)
{
	struct tls_files files = {.key = {.path = NULL}};
	bool ok = false;

	if (!settings->line)
		return true;
	if (!settings->cert_file.text || !settings->key_file.text) {
		web_fault(fault, path, settings->line, "tls_server_config: %s is missing",
			  settings->cert_file.text ? "key_file" : "cert_file");
		return false;
	}
	if (read_named(&files.certificate, &settings->cert_file, "cert_file", path, sources,
		       fault) &&
	    read_named(&files.key, &settings->key_file, "key_file", path, sources, fault) &&
	    (!settings->client_ca_file.text ||
	     read_named(&files.client_ca, &settings->client_ca_file, "client_ca_file", path,
			sources, fault))) {
		web->tls = tls_create(settings, &files, path, fault);
		ok = web->tls != NULL;
	}
	drop_file(&files.certificate);
	drop_file(&files.key);
	drop_file(&files.client_ca);
	return ok;
}

static bool load_users(struct web *web, const struct web_pairs *users, const char *path,
		       struct web_fault *fault)
{
	if (!users->line)
		return true;
	web->auth = auth_create(users, path, fault);
	return web->auth != NULL;
}

/* What can be set is a table of that many. */
static bool load_headers(struct web *web, const struct web_pairs *headers, const char *path,
			 struct web_fault *fault)
{
	for (size_t i = 0; i < headers->count && i < WEB_HEADERS_MAX; i++) {
		struct web_header *header = &web->headers[web->header_count++];

		header->name = strdup(headers->names[i].text);
		header->value = strdup(headers->values[i].text);
		if (!header->name || !header->value)
			return web_fault(fault, path, headers->line, "no memory");
	}
	return true;
}

static bool load(struct web *web, const char *path, struct web_sources *sources,
		 struct web_fault *fault)
{
	struct web_file file = {.path = (char *)(uintptr_t)path};
	struct web_settings settings = {.http2 = false};
	char rule[512];
	bool ok = web_file_read(&file, rule, sizeof(rule)) || web_fault(fault, path, 0, "%s", rule);

	note_source(sources, &file);
	ok = ok && web_settings_read(&settings, &file, fault) &&
	     load_tls(web, &settings.tls, path, sources, fault) &&
	     load_users(web, &settings.users, path, fault) &&
	     load_headers(web, &settings.headers, path, fault);
	if (ok && settings.http2)
		log_event(LOG_LEVEL_WARN, log_text("msg", "http2 is ignored: HTTP/1.1 is served"),
			  log_text("file", path));
	web_settings_free(&settings);
	web_file_forget(&file);
	return ok;
}

static void release(struct web *web)
{
	tls_free(web->tls);
	auth_free(web->auth);
	for (size_t i = 0; i < web->header_count; i++) {
		free(web->headers[i].name);
		free(web->headers[i].value);
	}
	free(web);
}

struct web *web_load(const char *path, struct web_sources *sources, struct web_fault *fault)
{
	struct web_sources unused = {.count = 0};
	struct web *web = calloc(1, sizeof(*web));

	if (!web) {
		web_fault(fault, path ? path : "web", 0, "no memory");
		return NULL;
	}
	refcount_init(&web->references);
	if (!path)
		return web;
	if (sources)
		sources->count = 0;
	if (load(web, path, sources ? sources : &unused, fault))
		return web;
	release(web);
	return NULL;
}

/* ---- the one in force ---- */

bool web_replace(struct web *web, const char *path, struct web_fault *fault)
{
	struct web *before;

	pthread_mutex_lock(&lock);
	before = in_force;
	if (before && !before->tls != !web->tls) {
		pthread_mutex_unlock(&lock);
		web_give_back(web);
		return web_fault(fault, path, 0,
				 "tls_server_config can only be added or taken out by a restart");
	}
	in_force = web;
	pthread_mutex_unlock(&lock);
	atomic_store(&selfmetrics_counts.certificate_expires_at,
		     web->tls ? (unsigned long long)tls_expires_at(web->tls) : 0);
	web_give_back(before);
	return true;
}

struct web *web_share(struct web *web)
{
	refcount_take(&web->references);
	return web;
}

struct web *web_take(void)
{
	struct web *web;

	pthread_mutex_lock(&lock);
	web = web_share(in_force);
	pthread_mutex_unlock(&lock);
	return web;
}

void web_give_back(struct web *web)
{
	if (web && refcount_drop(&web->references))
		release(web);
}

void web_forget(void)
{
	struct web *web;

	pthread_mutex_lock(&lock);
	web = in_force;
	in_force = NULL;
	pthread_mutex_unlock(&lock);
	web_give_back(web);
}

const char *web_header(const struct web *web, const char *name)
{
	for (size_t i = 0; i < web->header_count; i++)
		if (strcmp(web->headers[i].name, name) == 0)
			return web->headers[i].value;
	return NULL;
}
