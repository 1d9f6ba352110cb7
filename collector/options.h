/* SPDX-License-Identifier: MIT */
/*
 * options.h - the flags of shmetrics-collector
 */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include "listener.h"
#include "log.h"
#include "pattern.h"
#include "shmetrics/reader.h"

#define OPTIONS_PATTERN_MAX 64
#define OPTIONS_LISTEN_MAX 16

struct options {
	const char *segments[OPTIONS_PATTERN_MAX]; /* as given; patterns are made of them */
	size_t segment_count;
	struct pattern patterns[OPTIONS_PATTERN_MAX];
	size_t pattern_count;
	const char *directory;
	smx_reader_options reader;
	struct listener_address listen[OPTIONS_LISTEN_MAX];
	size_t listen_count;
	bool systemd_socket;	/* instead of listen */
	const char *web_config; /* NULL: none */
	bool lifecycle;		/* POST and PUT /-/reload */
	const char *telemetry_path;
	unsigned max_requests;	   /* 0: no limit */
	uint64_t max_answer_bytes; /* 0: no limit */
	bool exporter_metrics;
	enum log_level log_level;
	enum log_format log_format;
	bool check_config;
};

enum options_outcome { OPTIONS_RUN, OPTIONS_EXIT_SUCCESS, OPTIONS_EXIT_USAGE };

/*
 * Fills *options from the command line and SHMETRICS_DIR. Prints what --help and --version ask for
 * on standard output, or one line on standard error that names the flag, the value and the rule it
 * breaks.
 */
enum options_outcome options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
