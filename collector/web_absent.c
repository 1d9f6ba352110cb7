/* SPDX-License-Identifier: MIT */
/*
 * web_absent.c - in the place of TLS and users, where GnuTLS, libyaml or libxcrypt are missing
 *
 * No configuration can be read, so none of the others is ever called.
 */
#include "auth.h"
#include "tls.h"

bool web_settings_read(struct web_settings *settings, const struct web_file *file,
		       struct web_fault *fault)
{
	*settings = (struct web_settings){.http2 = false};
	return web_fault(fault, file->path, 0,
			 "this shmetrics-collector was built without TLS and users, for want of "
			 "GnuTLS, libyaml or libxcrypt");
}

void web_settings_free(struct web_settings *settings)
{
	(void)settings;
}

struct tls *tls_create(const struct web_tls_settings *settings, const struct tls_files *files,
		       const char *path, struct web_fault *fault)
{
	(void)settings, (void)files, (void)path, (void)fault;
	return NULL;
}

void tls_free(struct tls *tls)
{
	(void)tls;
}

bool tls_attach(const struct tls *tls, void *session, struct tls_peer *peer, const char *client)
{
	(void)tls, (void)session, (void)peer, (void)client;
	return false;
}

void tls_part(const struct tls_peer *peer)
{
	(void)peer;
}

int tls_no_certificate(void)
{
	return -1;
}

int64_t tls_expires_at(const struct tls *tls)
{
	(void)tls;
	return 0;
}

struct auth *auth_create(const struct web_pairs *users, const char *path, struct web_fault *fault)
{
	(void)users, (void)path, (void)fault;
	return NULL;
}

void auth_free(struct auth *auth)
{
	(void)auth;
}

struct auth_claim auth_claim_read(const char *header)
{
	(void)header;
	return (struct auth_claim){NULL, NULL};
}

void auth_claim_free(struct auth_claim *claim)
{
	(void)claim;
}

enum auth_verdict auth_known(struct auth *auth, const struct auth_claim *claim)
{
	(void)auth, (void)claim;
	return AUTH_WRONG;
}

bool auth_verify(struct auth *auth, const struct auth_claim *claim)
{
	(void)auth, (void)claim;
	return false;
}
