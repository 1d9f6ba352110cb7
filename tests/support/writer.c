/* SPDX-License-Identifier: MIT */
/*
 * writer.c - a process that records what it is told to, for system tests
 *
 *	writer NAME [--counters N] [--series-max N] [--size-max BYTES] [--keep] [--hold]
 *
 * Opens the segment, makes N series of the counter writer_steps{number="..."} with the value 1
 * each, says "ok PATH", and then does what standard input says, answering "ok" or "error MESSAGE"
 * to each line:
 *
 *	inc NAME AMOUNT [LABEL=VALUE...]
 *	observe NAME VALUE [LABEL=VALUE...]       (bounds 1, 2, 5)
 *	gauge NAME VALUE [LABEL=VALUE...]         (mode livesum)
 *	counters FROM TO                          (more of writer_steps)
 *	check NAME TTL                            (defines a health check)
 *	report NAME TTL up|down [DETAIL]          (its outcome)
 *	claim                                     (ok: this process holds a slot)
 *	quit
 *
 * The end of the input is a quit; with --hold nothing is read and the process stays until a
 * signal ends it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shmetrics/shmetrics.h"

#define WORD_MAX 32

static smx_segment *segment;

static void answer(smx_status status, const smx_error *error)
{
	if (status == SMX_OK)
		puts("ok");
	else
		printf("error %s: %s\n", smx_status_name(status), error->message);
	fflush(stdout);
}

/* Splits LABEL=VALUE words in place. */
static size_t split_labels(char **words, size_t count, const char **names, const char **values)
{
	for (size_t i = 0; i < count; i++) {
		char *equals = strchr(words[i], '=');

		if (!equals)
			return i;
		*equals = '\0';
		names[i] = words[i];
		values[i] = equals + 1;
	}
	return count;
}

static smx_status record(char **words, size_t count, smx_error *error)
{
	const char *names[WORD_MAX];
	const char *values[WORD_MAX];
	const double bounds[] = {1, 2, 5};
	const double number = strtod(words[2], NULL);
	smx_definition definition = {
		.name = words[1], .help = "Recorded by a test.", .label_names = names};
	smx_status status;

	definition.label_count = split_labels(words + 3, count - 3, names, values);
	if (strcmp(words[0], "inc") == 0) {
		smx_counter_family family;

		status = smx_counter_define(segment, &definition, &family, error);
		if (status == SMX_OK)
			smx_counter_add(smx_counter_with(family, values), number);
	} else if (strcmp(words[0], "observe") == 0) {
		smx_histogram_family family;

		status = smx_histogram_define(segment, &definition, bounds, 3, &family, error);
		if (status == SMX_OK)
			smx_histogram_observe(smx_histogram_with(family, values), number);
	} else {
		smx_gauge_family family;

		status = smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_SUM, &family, error);
		if (status == SMX_OK)
			smx_gauge_set(smx_gauge_with(family, values), number);
	}
	return status;
}

static smx_status make_counters(unsigned long from, unsigned long to, smx_error *error)
{
	const char *label = "number";
	const smx_definition definition = {.name = "writer_steps",
					   .help = "One series a number.",
					   .label_names = &label,
					   .label_count = 1,
					   .series_max = 16777216};
	smx_counter_family family;
	smx_status status = smx_counter_define(segment, &definition, &family, error);

	for (; status == SMX_OK && from < to; from++) {
		char text[24];
		const char *value = text;

		snprintf(text, sizeof(text), "%lu", from);
		smx_counter_inc(smx_counter_with(family, &value));
	}
	return status;
}

static smx_status check_health(char **words, size_t count, smx_error *error)
{
	smx_health health;
	smx_status status =
		smx_health_define(segment, words[1], strtod(words[2], NULL), &health, error);

	if (status == SMX_OK && count >= 4)
		smx_health_report(health, strcmp(words[3], "up") == 0, 0.25,
				  count >= 5 ? words[4] : NULL);
	return status;
}

static smx_status obey(char **words, size_t count, smx_error *error)
{
	const char *verb = words[0];

	if (count >= 3 && (strcmp(verb, "inc") == 0 || strcmp(verb, "observe") == 0 ||
			   strcmp(verb, "gauge") == 0))
		return record(words, count, error);
	if (count == 3 && strcmp(verb, "counters") == 0)
		return make_counters(strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10),
				     error);
	if ((count == 3 && strcmp(verb, "check") == 0) ||
	    (count >= 4 && strcmp(verb, "report") == 0))
		return check_health(words, count, error);
	if (count == 1 && strcmp(verb, "claim") == 0)
		return smx_segment_claim(segment, error) ? SMX_OK : error->status;
	snprintf(error->message, sizeof(error->message), "no such command, or not so: %s", verb);
	return SMX_ERR_INVALID;
}

static void obey_input(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		char *words[WORD_MAX];
		smx_error error = {0};
		size_t count = 0;

		for (char *at = strtok(line, " \n"); at && count < WORD_MAX;
		     at = strtok(NULL, " \n"))
			words[count++] = at;
		if (count == 1 && strcmp(words[0], "quit") == 0)
			break;
		if (count)
			answer(obey(words, count, &error), &error);
	}
}

int main(int argc, char **argv)
{
	static const struct option flags[] = {{"counters", required_argument, NULL, 'c'},
					      {"series-max", required_argument, NULL, 's'},
					      {"size-max", required_argument, NULL, 'b'},
					      {"keep", no_argument, NULL, 'k'},
					      {"hold", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	smx_segment_options options = {0};
	unsigned long counters = 0;
	bool hold = false;
	smx_error error = {0};
	int flag;

	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		switch (flag) {
		case 'c':
			counters = strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.series_max = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			options.size_max_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'k':
			options.flags |= SMX_SEGMENT_KEEP;
			break;
		case 'h':
			hold = true;
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "writer: needs the name of a segment\n");
		return 2;
	}
	if (smx_segment_open(argv[optind], &options, &segment, &error) != SMX_OK ||
	    (counters && make_counters(0, counters, &error) != SMX_OK)) {
		answer(error.status, &error);
		return 1;
	}
	printf("ok %s\n", smx_segment_path(segment));
	fflush(stdout);
	while (hold)
		pause();
	obey_input();
	smx_segment_close(segment);
	return 0;
}
