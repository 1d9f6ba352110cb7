/* SPDX-License-Identifier: MIT */
/*
 * tls_priority.h - versions, cipher suites and curves by their names in Go, as GnuTLS wants them
 */
#ifndef COLLECTOR_TLS_PRIORITY_H
#define COLLECTOR_TLS_PRIORITY_H

#include <gnutls/gnutls.h>

#include "web_settings.h"

/*
 * algorithm: of the certificate's key, which decides which suites of TLS 1.2 are possible. False:
 * says in *fault which rule is broken.
 */
bool tls_priority_make(const struct web_tls_settings *settings, gnutls_pk_algorithm_t algorithm,
		       gnutls_priority_t *priority, const char *path, struct web_fault *fault);

#endif
