/* SPDX-License-Identifier: MIT */
/*
 * main.c - shmetrics-collector: serves the metrics in shared-memory segments over HTTP
 *
 * Threads: this one waits for signals; one looks for segments (discovery.c); one a listener answers
 * requests (http.c); one watches slow connections (reaper.c), one the web configuration's files
 * (reload.c); one checks passwords (errand.c).
 *
 * Exit status: 0 after SIGTERM or SIGINT, 1 when it could not start, 2 for bad flags or a
 * bad web configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "discovery.h"
#include "http.h"
#include "log.h"
#include "options.h"
#include "reload.h"
#include "scrape.h"
#include "selfmetrics.h"
#include "shmetrics/version.h"
#include "web.h"

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

static void wait_for_end(const sigset_t *signals)
{
	struct web_fault fault;

	for (;;) {
		int number;

		if (sigwait(signals, &number) != 0)
			continue;
		if (number != SIGHUP) {
			log_event(LOG_LEVEL_INFO, log_text("msg", "stopping"),
				  log_text("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
			return;
		}
		reload_now("SIGHUP", &fault);
	}
}

static int cannot_start(const char *reason)
{
	log_event(LOG_LEVEL_ERROR, log_text("msg", "cannot start"), log_text("reason", reason));
	return EXIT_FAILURE;
}

static int run(const struct options *options, const struct web_sources *sources,
	       const sigset_t *signals)
{
	struct scrape *scrape;
	struct discovery *discovery = NULL;
	struct http *http = NULL;
	smx_error error = {0};
	int status = EXIT_FAILURE;

	if (smx_reader_guard_install(&error) != SMX_OK)
		return cannot_start(error.message);
	body_set_limit(options->max_answer_bytes);
	scrape = scrape_create(options->exporter_metrics ? 0 : selfmetrics_about_collector());
	if (!scrape)
		return cannot_start("no memory");
	discovery = discovery_start(options, scrape, &error);
	if (!discovery) {
		cannot_start(error.message);
		goto out;
	}
	if (!reload_start(options->web_config, sources, discovery)) {
		cannot_start("no thread");
		goto out;
	}
	http = http_start(options, scrape, &error);
	if (!http) {
		cannot_start(error.message);
		goto out;
	}
	wait_for_end(signals);
	http_stop(http, GRACE_MS);
	status = EXIT_SUCCESS;
out:
	reload_stop();
	if (discovery)
		discovery_stop(discovery);
	scrape_destroy(scrape);
	log_event(LOG_LEVEL_INFO, log_text("msg", "stopped"), log_number("status", status));
	return status;
}

/* False: it has been said what is wrong with the web configuration. */
static bool load_web(const struct options *options, struct web_sources *sources)
{
	struct web_fault fault;
	struct web *web = web_load(options->web_config, sources, &fault);

	if (web && web_replace(web, options->web_config, &fault))
		return true;
	fprintf(stderr, "shmetrics-collector: %s\n", fault.text);
	return false;
}

static int check_or_run(const struct options *options)
{
	struct web_sources sources = {.count = 0};
	sigset_t signals;
	int status = EXIT_SUCCESS;

	log_configure(options->log_level, options->log_format);
	if (!load_web(options, &sources))
		return 2;
	if (options->check_config) {
		printf("the configuration is good\n");
	} else {
		log_event(LOG_LEVEL_INFO, log_text("msg", "starting"),
			  log_text("version", SMX_VERSION), log_text("library", smx_version()));
		block_signals(&signals);
		status = run(options, &sources, &signals);
	}
	web_forget();
	return status;
}

/*
 * Who starts us with standard descriptors closed would have the next file that we open take their
 * place, and log lines go there: a segment, a client.
 */
static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What was asked for has been said only if it could be written. */
static int check_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "shmetrics-collector: cannot write: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;
	int status = 2;

	hold_standard_descriptors();
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_EXIT_USAGE:
		break;
	case OPTIONS_EXIT_SUCCESS:
		status = EXIT_SUCCESS;
		break;
	case OPTIONS_RUN:
		status = check_or_run(&options);
	}
	options_free(&options);
	return status == EXIT_SUCCESS ? check_output() : status;
}
