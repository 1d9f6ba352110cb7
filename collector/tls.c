/* SPDX-License-Identifier: MIT */
/*
 * tls.c - what the web configuration says of TLS, put on each connection
 */
#include "tls.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "selfmetrics.h"
#include "tls_priority.h"

#define CHAIN_MAX 16
#define ADDRESS_BYTES_MAX 16

/* client_auth_type, as in Go. */
static const struct policy {
	const char *name;
	bool asks;
	bool requires;
	bool verifies;
} policies[] = {
	{"NoClientCert", false, false, false},
	{"RequestClientCert", true, false, false},
	{"RequireClientCert", true, true, false}, /* what the next one was called */
	{"RequireAnyClientCert", true, true, false},
	{"VerifyClientCertIfGiven", true, false, true},
	{"RequireAndVerifyClientCert", true, true, true},
};

struct tls {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	const struct policy *policy;
	char *names[WEB_LIST_MAX]; /* client_allowed_sans; none: any */
	size_t name_count;
	int64_t expires_at;
};

/* ---- making ---- */

static gnutls_datum_t bytes_of(const struct web_file *file)
{
	return (gnutls_datum_t){.data = (unsigned char *)file->data, .size = (unsigned)file->size};
}

static bool choose_policy(struct tls *tls, const struct web_tls_settings *settings,
			  const char *path, struct web_fault *fault)
{
	const struct web_text *type = &settings->client_auth_type;
	const struct web_text *authority = &settings->client_ca_file;

	tls->policy = &policies[0];
	for (size_t i = 0; type->text; i++) {
		if (i == sizeof(policies) / sizeof(policies[0]))
			return web_fault(fault, path, type->line,
					 "client_auth_type: must be NoClientCert, "
					 "RequestClientCert, RequireAnyClientCert, "
					 "VerifyClientCertIfGiven or RequireAndVerifyClientCert, "
					 "not \"%s\"",
					 type->text);
		tls->policy = &policies[i];
		if (strcmp(tls->policy->name, type->text) == 0)
			break;
	}
	if (tls->policy->verifies && !authority->text)
		return web_fault(fault, path, type->line,
				 "client_auth_type: %s needs a client_ca_file", type->text);
	if (!tls->policy->verifies && authority->text)
		return web_fault(fault, path, authority->line,
				 "client_ca_file: has no effect with the client_auth_type %s",
				 tls->policy->name);
	if (!tls->policy->verifies && settings->client_allowed_sans.count)
		return web_fault(fault, path, settings->client_allowed_sans.line,
				 "client_allowed_sans: has no effect with the client_auth_type %s",
				 tls->policy->name);
	return true;
}

static bool keep_names(struct tls *tls, const struct web_list *list, const char *path,
		       struct web_fault *fault)
{
	for (size_t i = 0; i < list->count; i++) {
		tls->names[i] = strdup(list->items[i].text);
		if (!tls->names[i])
			return web_fault(fault, path, list->line, "no memory");
		tls->name_count++;
	}
	return true;
}

/* It is taken all the same: a clock may be wrong, and whether it is good the clients say. */
static void warn_of_times(const char *file, int64_t valid_from, int64_t expires_at)
{
	int64_t now = time(NULL);

	if (expires_at < now)
		log_event(LOG_LEVEL_WARN, log_text("msg", "the certificate has expired"),
			  log_text("file", file), log_number("expired_unix_seconds", expires_at));
	else if (valid_from > now)
		log_event(LOG_LEVEL_WARN, log_text("msg", "the certificate is not valid yet"),
			  log_text("file", file),
			  log_number("valid_from_unix_seconds", valid_from));
}

/* The server's certificate and what it says of itself. */
static bool look_at_chain(struct tls *tls, const struct tls_files *files, const char *path,
			  const struct web_text *setting, gnutls_pk_algorithm_t *algorithm,
			  struct web_fault *fault)
{
	const gnutls_datum_t data = bytes_of(&files->certificate);
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned count = CHAIN_MAX;
	int code = gnutls_x509_crt_list_import(chain, &count, &data, GNUTLS_X509_FMT_PEM,
					       GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	if (code <= 0)
		return web_fault(fault, path, setting->line,
				 "cert_file: \"%s\" is no certificate in PEM: %s",
				 files->certificate.path, gnutls_strerror(code));
	*algorithm = (gnutls_pk_algorithm_t)gnutls_x509_crt_get_pk_algorithm(chain[0], NULL);
	tls->expires_at = gnutls_x509_crt_get_expiration_time(chain[0]);
	warn_of_times(files->certificate.path, gnutls_x509_crt_get_activation_time(chain[0]),
		      tls->expires_at);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return true;
}

static bool look_at_key(const struct tls_files *files, const char *path,
			const struct web_text *setting, struct web_fault *fault)
{
	const gnutls_datum_t data = bytes_of(&files->key);
	gnutls_x509_privkey_t key;
	int code = gnutls_x509_privkey_init(&key);

	if (code == 0) {
		code = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
		gnutls_x509_privkey_deinit(key);
	}
	return code == 0 ||
	       web_fault(fault, path, setting->line,
			 "key_file: \"%s\" is no private key in PEM without a password: %s",
			 files->key.path, gnutls_strerror(code));
}

static bool load_pair(struct tls *tls, const struct web_tls_settings *settings,
		      const struct tls_files *files, gnutls_pk_algorithm_t *algorithm,
		      const char *path, struct web_fault *fault)
{
	const gnutls_datum_t certificate = bytes_of(&files->certificate);
	const gnutls_datum_t key = bytes_of(&files->key);
	int code;

	if (!look_at_chain(tls, files, path, &settings->cert_file, algorithm, fault) ||
	    !look_at_key(files, path, &settings->key_file, fault))
		return false;
	code = gnutls_certificate_set_x509_key_mem2(tls->credentials, &certificate, &key,
						    GNUTLS_X509_FMT_PEM, NULL, 0);
	if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return web_fault(fault, path, settings->key_file.line,
				 "key_file: \"%s\" is not the key of the certificate \"%s\"",
				 files->key.path, files->certificate.path);
	return code >= 0 ||
	       web_fault(fault, path, settings->cert_file.line, "cert_file: \"%s\": %s",
			 files->certificate.path, gnutls_strerror(code));
}

static bool load_authority(struct tls *tls, const struct web_tls_settings *settings,
			   const struct tls_files *files, const char *path, struct web_fault *fault)
{
	const gnutls_datum_t data = bytes_of(&files->client_ca);
	int count;

	if (!files->client_ca.data)
		return true;
	count = gnutls_certificate_set_x509_trust_mem(tls->credentials, &data, GNUTLS_X509_FMT_PEM);
	return count > 0 ||
	       web_fault(fault, path, settings->client_ca_file.line,
			 "client_ca_file: \"%s\" has no certificate in PEM", files->client_ca.path);
}

struct tls *tls_create(const struct web_tls_settings *settings, const struct tls_files *files,
		       const char *path, struct web_fault *fault)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	gnutls_pk_algorithm_t algorithm = GNUTLS_PK_UNKNOWN;

	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		web_fault(fault, path, settings->line,
			  "tls_server_config: this libmicrohttpd was built without TLS");
		free(tls);
		return NULL;
	}
	if (!tls || gnutls_certificate_allocate_credentials(&tls->credentials) != 0) {
		web_fault(fault, path, settings->line, "no memory");
		free(tls);
		return NULL;
	}
	if (choose_policy(tls, settings, path, fault) &&
	    keep_names(tls, &settings->client_allowed_sans, path, fault) &&
	    load_pair(tls, settings, files, &algorithm, path, fault) &&
	    load_authority(tls, settings, files, path, fault) &&
	    tls_priority_make(settings, algorithm, &tls->priority, path, fault))
		return tls;
	tls_free(tls);
	return NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	gnutls_certificate_free_credentials(tls->credentials);
	for (size_t i = 0; i < tls->name_count; i++)
		free(tls->names[i]);
	free(tls);
}

int64_t tls_expires_at(const struct tls *tls)
{
	return tls->expires_at;
}

/* ---- the client's certificate ---- */

static bool is_allowed_name(const struct tls *tls, gnutls_x509_subject_alt_name_t kind,
			    const char *name, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (kind == GNUTLS_SAN_IPADDRESS) {
		if (!inet_ntop(size == 4 ? AF_INET : AF_INET6, name, address, sizeof(address)))
			return false;
		name = address;
		size = strlen(address);
	}
	for (size_t i = 0; i < tls->name_count; i++)
		if (strlen(tls->names[i]) == size && memcmp(tls->names[i], name, size) == 0)
			return true;
	return false;
}

static bool has_allowed_name(const struct tls *tls, const gnutls_datum_t *certificate)
{
	gnutls_x509_crt_t crt;
	bool allowed = false;
	int kind = 0;

	if (gnutls_x509_crt_init(&crt) != 0)
		return false;
	if (gnutls_x509_crt_import(crt, certificate, GNUTLS_X509_FMT_DER) != 0)
		goto out;
	for (unsigned i = 0; !allowed; i++) {
		char name[1024];
		size_t size = sizeof(name);

		kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
		if (kind == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue; /* no name that is compared is that long */
		if (kind < 0)
			break;
		if (kind == GNUTLS_SAN_DNSNAME || kind == GNUTLS_SAN_RFC822NAME ||
		    kind == GNUTLS_SAN_URI ||
		    (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == ADDRESS_BYTES_MAX)))
			allowed = is_allowed_name(tls, (gnutls_x509_subject_alt_name_t)kind, name,
						  size);
	}
out:
	gnutls_x509_crt_deinit(crt);
	return allowed;
}

/* One line a second: an attack must not become an attack on the log. */
static void tell(const struct tls_peer *peer, const char *reason)
{
	static log_pace pace;

	if (log_paced(&pace))
		log_event(LOG_LEVEL_WARN, log_text("msg", "client certificate refused"),
			  log_text("reason", reason), log_text("client", peer->client));
}

/* In the handshake: the client is told why, and the handshake fails. */
static int refuse(gnutls_session_t session, struct tls_peer *peer, gnutls_alert_description_t alert,
		  const char *reason)
{
	peer->is_refused = true;
	tell(peer, reason);
	gnutls_alert_send(session, GNUTLS_AL_FATAL, alert);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static int refuse_unverified(gnutls_session_t session, struct tls_peer *peer, unsigned status)
{
	gnutls_alert_description_t alert = GNUTLS_A_BAD_CERTIFICATE;
	gnutls_datum_t reason = {NULL, 0};
	int code;

	if (status & GNUTLS_CERT_EXPIRED)
		alert = GNUTLS_A_CERTIFICATE_EXPIRED;
	else if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		alert = GNUTLS_A_UNKNOWN_CA;
	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &reason, 0) != 0)
		return refuse(session, peer, alert, "not verified");
	code = refuse(session, peer, alert, (const char *)reason.data);
	gnutls_free(reason.data);
	return code;
}

static int verify_client(gnutls_session_t session)
{
	struct tls_peer *peer = gnutls_session_get_ptr(session);
	const struct policy *policy = peer->tls->policy;
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned count = 0, status = 0;
	const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &count);

	if (!certificates || count == 0)
	return policy->requires
		       ? refuse(session, peer, GNUTLS_A_CERTIFICATE_REQUIRED, "there is none")
		       : 0;
	if (!policy->verifies)
		return 0;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) != 0)
		return refuse(session, peer, GNUTLS_A_BAD_CERTIFICATE, "it cannot be verified");
	if (status != 0)
		return refuse_unverified(session, peer, status);
	if (peer->tls->name_count && !has_allowed_name(peer->tls, &certificates[0]))
		return refuse(session, peer, GNUTLS_A_BAD_CERTIFICATE,
			      "none of its names is in client_allowed_sans");
	return 0;
}

/* ---- connections ---- */

static int on_finished(gnutls_session_t session, unsigned kind, unsigned when, unsigned incoming,
		       const gnutls_datum_t *message)
{
	struct tls_peer *peer = gnutls_session_get_ptr(session);

	(void)kind, (void)when, (void)message;
	if (incoming)
		peer->is_met = true;
	return 0;
}

bool tls_attach(const struct tls *tls, void *session, struct tls_peer *peer, const char *client)
{
	gnutls_session_t own = session;

	*peer = (struct tls_peer){.tls = tls, .client = client};
	atomic_fetch_add(&selfmetrics_counts.tls_handshakes, 1);
	if (gnutls_priority_set(own, tls->priority) != 0 ||
	    gnutls_credentials_set(own, GNUTLS_CRD_CERTIFICATE, tls->credentials) != 0)
		return false;
	/* libmicrohttpd has its own pointer there for pre-shared keys alone. */
	gnutls_session_set_ptr(own, peer);
	gnutls_handshake_set_hook_function(own, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
					   on_finished);
	/* Asked for and not required, so that the one who has none is told and counted here. */
	if (tls->policy->asks) {
		gnutls_certificate_server_set_request(own, GNUTLS_CERT_REQUEST);
		gnutls_session_set_verify_function(own, verify_client);
	}
	return true;
}

int tls_no_certificate(void)
{
	return -1;
}

void tls_part(const struct tls_peer *peer)
{
	if (!peer->tls || peer->is_met)
		return;
	atomic_fetch_add(&selfmetrics_counts.tls_handshakes_failed, 1);
	if (peer->is_refused)
		atomic_fetch_add(&selfmetrics_counts.client_certificates_refused, 1);
}
