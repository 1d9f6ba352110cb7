/* SPDX-License-Identifier: MIT */
/*
 * main.c - shmetrics-collector: serves the metrics in shared-memory segments over HTTP
 *
 * Threads: this one waits for signals; one looks for segments (discovery.c); one a listener answers
 * requests (http.c); one watches slow connections (reaper.c).
 *
 * Exit status: 0 after SIGTERM or SIGINT, 1 when it could not start, 2 for bad flags.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery.h"
#include "http.h"
#include "log.h"
#include "options.h"
#include "scrape.h"
#include "selfmetrics.h"
#include "shmetrics/version.h"

/* Prometheus gives a scrape ten seconds by default, systemd a service ninety to stop. */
#define GRACE_MS 5000

/* Before the first thread, so that all of them inherit it and the signals come here. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(const sigset_t *signals, struct discovery *discovery)
{
	for (;;) {
		int number;

		if (sigwait(signals, &number) != 0)
			continue;
		if (number != SIGHUP) {
			log_event(LOG_LEVEL_INFO, log_text("msg", "stopping"),
				  log_text("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
			return;
		}
		log_event(LOG_LEVEL_INFO, log_text("msg", "rescanning"),
			  log_text("signal", "SIGHUP"));
		discovery_rescan(discovery);
	}
}

static int cannot_start(const char *reason)
{
	log_event(LOG_LEVEL_ERROR, log_text("msg", "cannot start"), log_text("reason", reason));
	return EXIT_FAILURE;
}

static int run(const struct options *options, const sigset_t *signals)
{
	struct scrape *scrape;
	struct discovery *discovery = NULL;
	struct http *http = NULL;
	smx_error error = {0};
	int status = EXIT_FAILURE;

	if (smx_reader_guard_install(&error) != SMX_OK)
		return cannot_start(error.message);
	scrape = scrape_create(options->exporter_metrics ? 0 : selfmetrics_about_collector());
	if (!scrape)
		return cannot_start("no memory");
	discovery = discovery_start(options, scrape, &error);
	if (!discovery) {
		cannot_start(error.message);
		goto out;
	}
	http = http_start(options, scrape, &error);
	if (!http) {
		cannot_start(error.message);
		goto out;
	}
	wait_for_end(signals, discovery);
	http_stop(http, GRACE_MS);
	status = EXIT_SUCCESS;
out:
	if (discovery)
		discovery_stop(discovery);
	scrape_destroy(scrape);
	log_event(LOG_LEVEL_INFO, log_text("msg", "stopped"), log_number("status", status));
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	sigset_t signals;
	int status = 2;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_EXIT_USAGE:
		break;
	case OPTIONS_EXIT_SUCCESS:
		status = EXIT_SUCCESS;
		break;
	case OPTIONS_RUN:
		if (options.check_config) {
			printf("the flags are good\n");
			status = EXIT_SUCCESS;
			break;
		}
		log_configure(options.log_level, options.log_format);
		log_event(LOG_LEVEL_INFO, log_text("msg", "starting"),
			  log_text("version", SMX_VERSION), log_text("library", smx_version()));
		block_signals(&signals);
		status = run(&options, &signals);
	}
	options_free(&options);
	return status;
}
