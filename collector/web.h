/* SPDX-License-Identifier: MIT */
/*
 * web.h - the web configuration in force: TLS, headers, users
 *
 *  B1  A configuration never changes. Loading makes another one, whole, and then puts it in the
 *      place of the one before; if anything is wrong with it, nothing happens but that it is said.
 *  B2  Whoever uses one holds a reference: a connection until it is closed, a request until it is
 *      answered. The last to give it back frees it.
 */
#ifndef COLLECTOR_WEB_H
#define COLLECTOR_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "refcount.h"
#include "web_fault.h"
#include "web_file.h"

/* The configuration file itself, certificate, key, authorities. */
#define WEB_FILES_MAX 4
#define WEB_HEADERS_MAX 5

struct auth;
struct tls;

struct web_header {
	char *name;
	char *value;
};

struct web {
	struct refcount references;
	struct tls *tls;   /* NULL: plain HTTP */
	struct auth *auth; /* NULL: everybody is let in */
	struct web_header headers[WEB_HEADERS_MAX];
	size_t header_count;
};

/* Which files a configuration was made of, or would have been: to see when they change. */
struct web_sources {
	char paths[WEB_FILES_MAX][4096];
	struct web_stamp stamps[WEB_FILES_MAX];
	size_t count;
};

/*
 * Makes a configuration of a file, or says in *fault what is wrong with it and returns NULL. path
 * NULL: plain HTTP, for everybody. sources may be NULL.
 */
struct web *web_load(const char *path, struct web_sources *sources, struct web_fault *fault);

/*
 * Puts it in force; takes it over. It says in *fault why it cannot: whether there is TLS is a
 * matter of the listeners, and they stay.
 */
bool web_replace(struct web *web, const char *path, struct web_fault *fault);

/* The one in force. */
struct web *web_take(void);
/* One more reference to one that the caller has. */
struct web *web_share(struct web *web);
void web_give_back(struct web *web);
/* At the end of the program. */
void web_forget(void);

/* What the configuration says of a header; NULL: nothing. */
const char *web_header(const struct web *web, const char *name);

#endif
