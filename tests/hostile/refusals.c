/* SPDX-License-Identifier: MIT */
/*
 * refusals - does what the steps on the command line say, and prints what each call returned
 * (attacks I7)
 *
 *     refusals [--name NAME] [--size-max BYTES] [--series-max N] [--family-max N] [--slot-max N]
 *              [--group GID] [--keep] STEP…
 *
 *     open, close, claim     the functions of these names
 *     define                 a counter, a histogram and a gauge with one label, and a counter
 * without counters:N histograms:N gauges:N   N new series each, recorded to once inc:N the counter
 * without labels, N times value                  what that counter says now limit-fsize:BYTES
 * RLIMIT_FSIZE limit-files            uses up every descriptor become:UID             that user and
 * group for good fork, raw-fork         the steps behind it are the child's; the parent waits for
 * it wait                   until standard input ends
 *
 * One line of JSON a step. The steps go on after a failure, as an application would: with empty
 * handles. So the exit status is 0 unless a system call of the driver itself failed; a signal shows
 * as one.
 */
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shmetrics/shmetrics.h"

typedef struct driver {
	const char *name;
	smx_segment_options options;
	smx_segment *segment;
	smx_counter_family counters;
	smx_histogram_family histograms;
	smx_gauge_family gauges;
	smx_counter_family total_family;
	smx_counter total;
} driver;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* One line, written at once: nobody buffers across a fork or a death. */
static void say(const char *step, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const char *step, const char *format, ...)
{
	char more[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(more, sizeof(more), format, arguments);
	va_end(arguments);
	printf("{\"step\": \"%s\"%s%s}\n", step, *more ? ", " : "", more);
	fflush(stdout);
}

static void say_status(const char *step, smx_status status, const smx_error *error)
{
	char message[6 * sizeof(error->message)] = "";
	size_t size = 0;

	for (const char *c = status == SMX_OK ? "" : error->message; *c; c++) {
		bool plain = (unsigned char)*c >= 0x20 && *c != '"' && *c != '\\';

		size += (size_t)sprintf(message + size, plain ? "%c" : "\\u%04x",
					(unsigned char)*c);
	}
	say(step, "\"status\": \"%s\", \"errno\": %d, \"message\": \"%s\"", smx_status_name(status),
	    status == SMX_OK ? 0 : error->os_errno, message);
}

static void open_segment(driver *d)
{
	smx_error error = {0};
	smx_status status = smx_segment_open(d->name, &d->options, &d->segment, &error);

	say_status("open", status, &error);
}

static void define(driver *d)
{
	static const char *const key[] = {"key"};
	static const double bounds[] = {1, 10, 100};
	smx_definition counters = {
		.name = "refused_requests", .label_names = key, .label_count = 1};
	smx_definition histograms = {.name = "refused_sizes", .label_names = key, .label_count = 1};
	smx_definition gauges = {.name = "refused_level", .label_names = key, .label_count = 1};
	smx_definition total = {.name = "refused_calls"};
	smx_error error = {0};

	say_status("define counters",
		   smx_counter_define(d->segment, &counters, &d->counters, &error), &error);
	say_status("define histograms",
		   smx_histogram_define(d->segment, &histograms, bounds, 3, &d->histograms, &error),
		   &error);
	say_status("define gauges",
		   smx_gauge_define(d->segment, &gauges, SMX_GAUGE_LIVE_SUM, &d->gauges, &error),
		   &error);
	say_status("define total", smx_counter_define(d->segment, &total, &d->total_family, &error),
		   &error);
	d->total = smx_counter_with(d->total_family, NULL);
}

static void record_series(driver *d, const char *step, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		char value[32];
		const char *values[] = {value};

		snprintf(value, sizeof(value), "%lu", i);
		if (*step == 'c')
			smx_counter_inc(smx_counter_with(d->counters, values));
		else if (*step == 'h')
			smx_histogram_observe(smx_histogram_with(d->histograms, values), 5);
		else
			smx_gauge_set(smx_gauge_with(d->gauges, values), 1);
	}
	say(step, "\"count\": %lu, \"unrecorded\": %llu", count,
	    (unsigned long long)smx_unrecorded_count());
}

static void limit_files(void)
{
	struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		die("setrlimit");
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	say("limit-files", "%s", "");
}

static void limit_fsize(unsigned long bytes)
{
	struct rlimit size = {.rlim_cur = bytes, .rlim_max = bytes};

	if (setrlimit(RLIMIT_FSIZE, &size) != 0)
		die("setrlimit");
	say("limit-fsize", "%s", "");
}

static void become(unsigned long id)
{
	if (setgroups(0, NULL) != 0 || setresgid((gid_t)id, (gid_t)id, (gid_t)id) != 0 ||
	    setresuid((uid_t)id, (uid_t)id, (uid_t)id) != 0)
		die("setresuid");
	say("become", "%s", "");
}

/* In the parent it does not return. */
static void go_on_in_child(bool raw)
{
	pid_t child = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	int status = 0;

	if (child == 0)
		return;
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("fork");
	if (WIFSIGNALED(status)) {
		say("child", "\"signal\": %d", WTERMSIG(status));
		exit(1);
	}
	exit(WEXITSTATUS(status));
}

static void wait_for_end_of_input(void)
{
	char byte;

	say("wait", "\"pid\": %d", (int)getpid());
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static bool is(const char *step, const char *name)
{
	size_t size = strlen(name);

	return strncmp(step, name, size) == 0 && (step[size] == '\0' || step[size] == ':');
}

static void make_system_step(const char *step, unsigned long number)
{
	if (is(step, "limit-fsize"))
		limit_fsize(number);
	else if (is(step, "limit-files"))
		limit_files();
	else if (is(step, "become"))
		become(number);
	else if (is(step, "fork") || is(step, "raw-fork"))
		go_on_in_child(*step == 'r');
	else if (is(step, "wait"))
		wait_for_end_of_input();
	else {
		fprintf(stderr, "refusals: no step is called %s\n", step);
		exit(2);
	}
}

static void make_step(driver *d, const char *step)
{
	const char *colon = strchr(step, ':');
	unsigned long number = colon ? strtoul(colon + 1, NULL, 10) : 0;

	if (is(step, "open")) {
		open_segment(d);
	} else if (is(step, "close")) {
		smx_segment_close(d->segment);
		d->segment = NULL;
		say("close", "%s", "");
	} else if (is(step, "claim")) {
		smx_error error = {0};
		bool held = d->segment && smx_segment_claim(d->segment, &error);

		say_status("claim",
			   held		  ? SMX_OK
			   : error.status ? error.status
					  : SMX_ERR_INVALID,
			   &error);
	} else if (is(step, "define")) {
		define(d);
	} else if (is(step, "counters") || is(step, "histograms") || is(step, "gauges")) {
		record_series(d,
			      is(step, "counters") ? "counters"
			      : *step == 'h'	   ? "histograms"
						   : "gauges",
			      number);
	} else if (is(step, "inc")) {
		for (unsigned long i = 0; i < number; i++)
			smx_counter_inc(d->total);
		say("inc", "%s", "");
	} else if (is(step, "value")) {
		say("value", "\"value\": %.17g", smx_counter_value(d->total));
	} else {
		make_system_step(step, number);
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"name", required_argument, NULL, 'n'},
					      {"size-max", required_argument, NULL, 'b'},
					      {"series-max", required_argument, NULL, 's'},
					      {"family-max", required_argument, NULL, 'f'},
					      {"slot-max", required_argument, NULL, 'p'},
					      {"group", required_argument, NULL, 'g'},
					      {"keep", no_argument, NULL, 'k'},
					      {0}};
	driver d = {.name = "refusals"};
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (c == 'n')
			d.name = optarg;
		else if (c == 'b')
			d.options.size_max_bytes = strtoull(optarg, NULL, 10);
		else if (c == 's')
			d.options.series_max = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'f')
			d.options.family_series_max = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			d.options.slot_max = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'g')
			d.options.group_id = strtoll(optarg, NULL, 10);
		else if (c == 'k')
			d.options.flags |= SMX_SEGMENT_KEEP;
		else
			return 2;
	}
	for (int i = optind; i < argc; i++)
		make_step(&d, argv[i]);
	return 0;
}
