/* SPDX-License-Identifier: MIT */
/*
 * web_settings.h - what a web configuration file says, word by word
 *
 * The format is that of the Prometheus exporter toolkit, so one file serves all exporters.
 */
#ifndef COLLECTOR_WEB_SETTINGS_H
#define COLLECTOR_WEB_SETTINGS_H

#include "web_yaml.h"

struct web_tls_settings {
	size_t line; /* 0: not given, plain HTTP */
	struct web_text cert_file;
	struct web_text key_file;
	struct web_text client_auth_type;
	struct web_text client_ca_file;
	struct web_list client_allowed_sans;
	struct web_text min_version;
	struct web_text max_version;
	struct web_list cipher_suites;
	struct web_list curve_preferences;
	bool prefer_server_cipher_suites;
};

struct web_settings {
	struct web_tls_settings tls;
	bool http2;
	struct web_pairs headers;
	struct web_pairs users;
};

/* Checked as far as one entry goes; files are not looked at. Free it in any case. */
bool web_settings_read(struct web_settings *settings, const struct web_file *file,
		       struct web_fault *fault);
void web_settings_free(struct web_settings *settings);

#endif
