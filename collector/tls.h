/* SPDX-License-Identifier: MIT */
/*
 * tls.h - what the web configuration says of TLS, put on each connection
 *
 * libmicrohttpd makes the session of a connection; before its handshake the session is given the
 * credentials, versions and ciphers of the configuration in force then. So a certificate changes
 * with the next connection, no listener is closed, and the sessions that there are go on as they
 * began.
 */
#ifndef COLLECTOR_TLS_H
#define COLLECTOR_TLS_H

#include <stdint.h>

#include "web_settings.h"

/* The files that tls_server_config names, read; client_ca's path is NULL if it names none. */
struct tls_files {
	struct web_file certificate;
	struct web_file key;
	struct web_file client_ca;
};

struct tls;

/* One connection's, where its handshake can find it. */
struct tls_peer {
	const struct tls *tls;
	const char *client; /* for the log */
	bool is_met;	    /* the handshake is over and both have agreed */
	bool is_refused;    /* for its certificate */
};

/* NULL: says in *fault which rule is broken. path: of the web configuration. */
struct tls *tls_create(const struct web_tls_settings *settings, const struct tls_files *files,
		       const char *path, struct web_fault *fault);
void tls_free(struct tls *tls);

/*
 * session: libmicrohttpd's gnutls_session_t. peer and client stay where they are until the session
 * is no more.
 */
bool tls_attach(const struct tls *tls, void *session, struct tls_peer *peer, const char *client);
/* When the session is no more: counts how its handshake ended. */
void tls_part(const struct tls_peer *peer);

/*
 * For MHD_OPTION_HTTPS_CERT_CALLBACK, which wants something: a session that tls_attach has not been
 * at has no certificate. A gnutls_certificate_retrieve_function2.
 */
int tls_no_certificate(void);

/* Of the server's certificate, in seconds since 1970. */
int64_t tls_expires_at(const struct tls *tls);

#endif
