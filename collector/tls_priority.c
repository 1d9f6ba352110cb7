/* SPDX-License-Identifier: MIT */
/*
 * tls_priority.c - versions, cipher suites and curves by their names in Go, as GnuTLS wants them
 *
 * GnuTLS takes key exchange, cipher and digest each by itself, and would offer every combination.
 * The certificate's key leaves one key exchange, and each cipher goes with one digest, so what is
 * offered is what is listed. One thing differs from Go, where the suites of TLS 1.3 cannot be
 * chosen: here a cipher that is not listed is in no version.
 */
#include "tls_priority.h"

#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct name {
	const char *go;
	const char *gnutls;
};

static const struct name versions[] = {
	{"TLS10", "VERS-TLS1.0"},
	{"TLS11", "VERS-TLS1.1"},
	{"TLS12", "VERS-TLS1.2"},
	{"TLS13", "VERS-TLS1.3"},
};
#define VERSION_TLS12 2

static const struct name curves[] = {
	{"X25519", "GROUP-X25519"},
	{"CurveP256", "GROUP-SECP256R1"},
	{"CurveP384", "GROUP-SECP384R1"},
	{"CurveP521", "GROUP-SECP521R1"},
};

enum exchange { EXCHANGE_ANY, EXCHANGE_RSA, EXCHANGE_ECDSA };

static const struct suite {
	const char *go;
	enum exchange exchange; /* any: a suite of TLS 1.3 */
	const char *cipher;
	const char *digest;
} suites[] = {
	{"TLS_AES_128_GCM_SHA256", EXCHANGE_ANY, "AES-128-GCM", "AEAD"},
	{"TLS_AES_256_GCM_SHA384", EXCHANGE_ANY, "AES-256-GCM", "AEAD"},
	{"TLS_CHACHA20_POLY1305_SHA256", EXCHANGE_ANY, "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", EXCHANGE_ECDSA, "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", EXCHANGE_ECDSA, "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", EXCHANGE_ECDSA, "CHACHA20-POLY1305",
	 "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", EXCHANGE_ECDSA, "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", EXCHANGE_ECDSA, "AES-256-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", EXCHANGE_RSA, "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", EXCHANGE_RSA, "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", EXCHANGE_RSA, "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", EXCHANGE_RSA, "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", EXCHANGE_RSA, "AES-256-CBC", "SHA1"},
};

/* GnuTLS's language: words behind one another. All that the tables can make fits. */
struct words {
	char text[4096];
	size_t size;
};

static void add(struct words *words, const char *word)
{
	int size = snprintf(words->text + words->size, sizeof(words->text) - words->size, "%s%s",
			    words->size ? ":" : "", word);

	if (size > 0 && (size_t)size < sizeof(words->text) - words->size)
		words->size += (size_t)size;
}

static void allow(struct words *words, const char *name)
{
	char word[64];

	snprintf(word, sizeof(word), "+%s", name);
	if (!strstr(words->text, word))
		add(words, word);
}

static bool find(const struct name *names, size_t count, const struct web_text *wanted,
		 size_t *found)
{
	for (*found = 0; *found < count; (*found)++)
		if (strcmp(names[*found].go, wanted->text) == 0)
			return true;
	return false;
}

static bool take_version(const struct web_text *wanted, const char *name, size_t *version,
			 const char *path, struct web_fault *fault)
{
	return !wanted->text || find(versions, COUNT(versions), wanted, version) ||
	       web_fault(fault, path, wanted->line,
			 "%s: must be TLS10, TLS11, TLS12 or TLS13, not \"%s\"", name,
			 wanted->text);
}

static bool add_versions(struct words *words, const struct web_tls_settings *settings,
			 const char *path, struct web_fault *fault)
{
	size_t least = VERSION_TLS12, most = COUNT(versions) - 1;

	if (!take_version(&settings->min_version, "min_version", &least, path, fault) ||
	    !take_version(&settings->max_version, "max_version", &most, path, fault))
		return false;
	if (least > most)
		return web_fault(fault, path,
				 settings->max_version.text ? settings->max_version.line
							    : settings->min_version.line,
				 "max_version: %s is below min_version, %s", versions[most].go,
				 versions[least].go);
	for (size_t i = most + 1; i-- > least;)
		allow(words, versions[i].gnutls);
	if (least < VERSION_TLS12 && settings->cipher_suites.count == 0) {
		/* The only ones that the old versions have. */
		allow(words, "AES-128-CBC");
		allow(words, "AES-256-CBC");
		allow(words, "SHA1");
	}
	return true;
}

static bool add_suites(struct words *words, const struct web_list *wanted, enum exchange exchange,
		       const char *path, struct web_fault *fault)
{
	bool has_one = false;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct suite *suite = NULL;

		for (size_t k = 0; k < COUNT(suites) && !suite; k++)
			if (strcmp(suites[k].go, wanted->items[i].text) == 0)
				suite = &suites[k];
		if (!suite)
			return web_fault(fault, path, wanted->items[i].line,
					 "cipher_suites: unknown or insecure suite \"%s\"",
					 wanted->items[i].text);
		if (suite->exchange != EXCHANGE_ANY && suite->exchange != exchange)
			continue;
		has_one = true;
		allow(words, suite->cipher);
		allow(words, suite->digest);
	}
	return has_one || web_fault(fault, path, wanted->line,
				    "cipher_suites: none fits the key of the certificate, which "
				    "is %s",
				    exchange == EXCHANGE_RSA ? "RSA" : "ECDSA");
}

static bool add_curves(struct words *words, const struct web_list *wanted, const char *path,
		       struct web_fault *fault)
{
	for (size_t i = 0; i < wanted->count; i++) {
		size_t at;

		if (!find(curves, COUNT(curves), &wanted->items[i], &at))
			return web_fault(fault, path, wanted->items[i].line,
					 "curve_preferences: must be CurveP256, CurveP384, "
					 "CurveP521 or X25519, not \"%s\"",
					 wanted->items[i].text);
		allow(words, curves[at].gnutls);
	}
	return true;
}

bool tls_priority_make(const struct web_tls_settings *settings, gnutls_pk_algorithm_t algorithm,
		       gnutls_priority_t *priority, const char *path, struct web_fault *fault)
{
	const enum exchange exchange = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS
					       ? EXCHANGE_RSA
					       : EXCHANGE_ECDSA;
	struct words words = {.size = 0};
	int code;

	add(&words, "NONE:+SIGN-ALL:+COMP-NULL:+CTYPE-X509");
	allow(&words, exchange == EXCHANGE_RSA ? "ECDHE-RSA" : "ECDHE-ECDSA");
	if (settings->cipher_suites.count == 0)
		add(&words, "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD");
	else if (!add_suites(&words, &settings->cipher_suites, exchange, path, fault))
		return false;
	if (settings->curve_preferences.count == 0)
		add(&words, "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1");
	else if (!add_curves(&words, &settings->curve_preferences, path, fault))
		return false;
	if (!add_versions(&words, settings, path, fault))
		return false;
	if (settings->prefer_server_cipher_suites)
		add(&words, "%SERVER_PRECEDENCE");
	code = gnutls_priority_init(priority, words.text, NULL);
	return code == 0 ||
	       web_fault(fault, path, settings->line,
			 "tls_server_config: GnuTLS has no such combination of versions, suites "
			 "and curves: %s",
			 gnutls_strerror(code));
}
