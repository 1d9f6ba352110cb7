/* SPDX-License-Identifier: MIT */
/*
 * sample - a segment with one of everything, made by the library: what golden files and mutations
 * start from
 *
 * golden/v4.json says what must be found in it. The two change together, and only for a new golden
 * file.
 */
#include "sample.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 3u

static const char *const request_labels[] = {"method", "path"};
static const char *const route_label[] = {"route"};
static const char *const pool_label[] = {"pool"};
static const char *const any_label[] = {"an.label \"日本\"\n"};

static smx_status define_counters(smx_segment *segment, sample *s, smx_error *error)
{
	smx_definition requests = {
		.name = "golden_requests",
		.help = "Requests, by \"method\" and path.\nThe second line: C:\\temp.",
		.label_names = request_labels,
		.label_count = 2,
		.series_max = 3};
	smx_definition bytes = {
		.name = "golden_sent_bytes_total", .help = "Sent.", .unit = "bytes"};
	smx_definition sized = {.name = "golden.größe",
				.help = "Names of any kind.",
				.label_names = any_label,
				.label_count = 1};
	smx_status status = smx_counter_define(segment, &requests, &s->requests, error);

	if (status == SMX_OK)
		status = smx_counter_define(segment, &bytes, &s->bytes, error);
	return status == SMX_OK ? smx_counter_define(segment, &sized, &s->sized, error) : status;
}

static smx_status define_histograms(smx_segment *segment, sample *s, smx_error *error)
{
	static const double latency_bounds[] = {0.005, 0.1, 1, 10, INFINITY};
	static const double temperature_bounds[] = {-10, 0, 10};
	smx_definition latency = {.name = "golden_latency_seconds",
				  .help = "Latenz, größer als nötig.",
				  .unit = "seconds",
				  .label_names = route_label,
				  .label_count = 1};
	smx_definition temperature = {.name = "golden_temperature"};
	smx_definition wide = {.name = "golden_wide", .help = ""};
	double wide_bounds[SAMPLE_WIDE_BOUNDS];
	smx_status status =
		smx_histogram_define(segment, &latency, latency_bounds, 5, &s->latency, error);

	for (int i = 0; i < SAMPLE_WIDE_BOUNDS; i++)
		wide_bounds[i] = i + 1;
	if (status == SMX_OK)
		status = smx_histogram_define(segment, &temperature, temperature_bounds, 3,
					      &s->temperature, error);
	if (status == SMX_OK)
		status = smx_histogram_define(segment, &wide, wide_bounds, SAMPLE_WIDE_BOUNDS,
					      &s->wide, error);
	return status;
}

static smx_status define_values(smx_segment *segment, sample *s, smx_error *error)
{
	static const double bounds[] = {0.1, 1};
	static const char *const states[] = {"starting", "running", "größer"};
	smx_definition traced = {.name = "golden_traced"};
	smx_definition durations = {.name = "golden_traced_seconds", .unit = "seconds"};
	smx_definition payload = {.name = "golden_payload_bytes",
				  .help = "Sizes.",
				  .unit = "bytes",
				  .label_names = route_label,
				  .label_count = 1};
	smx_definition build = {.name = "golden_build"};
	smx_definition node = {.name = "golden_node", .label_names = pool_label, .label_count = 1};
	smx_definition phase = {
		.name = "golden_phase", .label_names = pool_label, .label_count = 1};
	smx_status status = smx_counter_define(segment, &traced, &s->traced, error);

	if (status == SMX_OK)
		status = smx_histogram_define(segment, &durations, bounds, 2, &s->durations, error);
	if (status == SMX_OK)
		status = smx_summary_define(segment, &payload, &s->payload, error);
	if (status == SMX_OK)
		status = smx_info_define(segment, &build, &s->build, error);
	if (status == SMX_OK)
		status = smx_info_define(segment, &node, &s->node, error);
	if (status == SMX_OK)
		status = smx_state_set_define(segment, &phase, states, 3, &s->phase, error);
	if (status == SMX_OK)
		status = smx_health_define(segment, "database", 15, &s->database, error);
	if (status == SMX_OK)
		status = smx_health_define(segment, "größerer cache", 2.5, &s->cache, error);
	return status;
}

static smx_status define_natives(smx_segment *segment, sample *s, smx_error *error)
{
	static const double bounds[] = {-1, 0, 2};
	smx_definition seconds = {.name = "golden_native_seconds",
				  .help = "Natively.",
				  .unit = "seconds",
				  .label_names = route_label,
				  .label_count = 1};
	smx_definition change = {.name = "golden_change"};
	smx_native_options fine = {.schema = 3, .least = 0.01, .greatest = 10};
	smx_native_options signed_ones = {.schema = 0,
					  .least = 0.25,
					  .greatest = 16,
					  .negative = true,
					  .bounds = bounds,
					  .bound_count = 3};
	smx_status status =
		smx_native_histogram_define(segment, &seconds, &fine, &s->native, error);

	return status == SMX_OK ? smx_native_histogram_define(segment, &change, &signed_ones,
							      &s->change, error)
				: status;
}

smx_status sample_define(smx_segment *segment, sample *s, smx_error *error)
{
	smx_status status = define_counters(segment, s, error);

	if (status == SMX_OK)
		status = define_histograms(segment, s, error);
	if (status == SMX_OK)
		status = define_values(segment, s, error);
	if (status == SMX_OK)
		status = define_natives(segment, s, error);
	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_LIVE_MOST_RECENT && status == SMX_OK;
	     mode++) {
		char name[64];
		smx_definition gauge = {.name = name, .label_names = pool_label, .label_count = 1};

		snprintf(name, sizeof(name), "golden_%s",
			 smx_gauge_mode_name((smx_gauge_mode)mode));
		status = smx_gauge_define(segment, &gauge, (smx_gauge_mode)mode, &s->modes[mode],
					  error);
	}
	return status;
}

static void count_requests(const sample *s, const char *method, const char *path, uint64_t amount)
{
	const char *values[] = {method, path};

	smx_counter_add_whole(smx_counter_with(s->requests, values), amount);
}

static void record_counters(const sample *s, unsigned process)
{
	smx_counter bytes = smx_counter_with(s->bytes, NULL);

	count_requests(s, "GET", "/", 10 + process);
	count_requests(s, "POST", "/items\n\"new\"\\", 2);
	count_requests(s, "GET", "/größe/日本/😀", 1);
	count_requests(s, "PUT", "/beyond/the/cap", 4);
	count_requests(s, "DELETE", "/beyond/the/cap/too", 1);
	if (process == 0) {
		smx_counter_add_whole(bytes, (UINT64_C(1) << 53) + 1);
		smx_counter_add(bytes, NAN);
		smx_counter_add(bytes, -1);
	}
	smx_counter_add_whole(smx_counter_with(s->sized, (const char *[]){"1"}), process + 1);
	smx_counter_add(bytes, 0.25);
	smx_counter_add(bytes, 3);
	smx_counter_inc(bytes);
}

static void record_histograms(const sample *s, unsigned process)
{
	const char *items[] = {"/items/{id}"}, *empty[] = {""};
	smx_histogram latency = smx_histogram_with(s->latency, items);
	smx_histogram temperature = smx_histogram_with(s->temperature, NULL);
	smx_histogram wide = smx_histogram_with(s->wide, NULL);

	smx_histogram_observe(latency, 0.005);
	smx_histogram_observe(latency, 0.0625 * (process + 1));
	smx_histogram_observe(latency, 64);
	smx_histogram_with(s->latency, empty);
	smx_histogram_observe(temperature, -20);
	smx_histogram_observe(temperature, -10);
	smx_histogram_observe(temperature, 0.5);
	if (process == 1) {
		smx_histogram_observe(temperature, INFINITY);
		smx_histogram_observe(temperature, NAN);
	}
	for (int i = 0; i <= SAMPLE_WIDE_BOUNDS; i++)
		smx_histogram_observe(wide, i + 0.5);
}

static smx_label label(const char *name, const char *value)
{
	return (smx_label){{name, strlen(name)}, {value, strlen(value)}};
}

static void record_values(const sample *s, unsigned process)
{
	static const char *const traces[] = {"0af7651916cd43dd", "größe \"1\"\n",
					     "b7ad6b7169203331"};
	const char *items[] = {"/items/{id}"}, *blue[] = {"blue"}, *red[] = {"red"};
	smx_label trace[] = {label("trace_id", traces[process]), label("route", "/")};
	smx_label build[] = {label("version", "1.2.3"), label("branch", "größer\n\"main\"")};
	smx_label host[] = {label("host", "a")};

	smx_counter_add_exemplar(smx_counter_with(s->traced, NULL), 1 + process, trace, 2);
	smx_histogram_observe_exemplar(smx_histogram_with(s->durations, NULL), 0.0625, trace, 1);
	smx_histogram_observe_exemplar(smx_histogram_with(s->durations, NULL), 4, NULL, 0);
	smx_summary_observe(smx_summary_with(s->payload, items), 512 * (process + 1));
	smx_info_set(smx_info_with(s->build, NULL), build, 2, NULL);
	smx_info_set(smx_info_with(s->node, blue), host, 1, NULL);
	smx_info_with(s->node, red);
	smx_state_set_set(smx_state_set_with(s->phase, blue), process);
	smx_state_set_with(s->phase, red);
	smx_health_report(s->database, process != 1, 0.125, process == 1 ? "refused" : NULL);
	smx_health_report(s->cache, process == 0, 2, "zu größ: \"x\"");
}

static void record_natives(const sample *s, unsigned process)
{
	static const char *const traces[] = {"11", "22", "33"};
	static const double changes[] = {-300, -1, -0.25, 1, 2, 16};
	const char *items[] = {"/items/{id}"};
	smx_label trace[] = {label("trace_id", traces[process])};
	smx_native_histogram seconds = smx_native_histogram_with(s->native, items);
	smx_native_histogram change = smx_native_histogram_with(s->change, NULL);

	smx_native_histogram_observe(seconds, 0);
	smx_native_histogram_observe_exemplar(seconds, 0.0625 * (process + 1), trace, 1);
	smx_native_histogram_observe(seconds, 1);
	smx_native_histogram_observe(seconds, 64); /* beyond the range */
	smx_native_histogram_observe(seconds, NAN);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		smx_native_histogram_observe(change, changes[i]);
}

void sample_record(const sample *s, unsigned process)
{
	record_counters(s, process);
	record_histograms(s, process);
	record_values(s, process);
	record_natives(s, process);
	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_LIVE_MOST_RECENT; mode++) {
		const char *blue[] = {"blue"}, *red[] = {"red"};
		smx_gauge gauge = smx_gauge_with(s->modes[mode], blue);

		smx_gauge_set(gauge, 100 * (process + 1));
		smx_gauge_inc(gauge);
		smx_gauge_add(gauge, -0.5);
		if (process == 2)
			smx_gauge_set(smx_gauge_with(s->modes[mode], red), -7);
	}
}

/* ---- three processes ---- */

typedef struct worker {
	pid_t pid;
	int done;  /* readable when it has recorded */
	int leave; /* closed when it may go */
} worker;

static void prefer_processor(unsigned number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	sched_setaffinity(0, sizeof(set), &set); /* without it the test is only a little weaker */
}

static void work(const char *path, unsigned process, int done, int leave)
{
	smx_segment_options options = {.size_max_bytes = 1 << 20,
				       .family_series_max = 100,
				       .series_max = 1000,
				       .slot_max = 16,
				       .stripe_count = 4};
	smx_segment *segment;
	smx_error error = {0};
	sample s;
	char byte = 0;

	prefer_processor(process);
	if (smx_segment_open(path, &options, &segment, &error) != SMX_OK ||
	    sample_define(segment, &s, &error) != SMX_OK) {
		fprintf(stderr, "%s: %s\n", path, error.message);
		_exit(1);
	}
	sample_record(&s, process);
	if (write(done, "x", 1) != 1 || read(leave, &byte, 1) != 0)
		_exit(1);
	_exit(0); /* as a killed process would: the slot is given back by the kernel */
}

static bool start(const char *path, unsigned process, worker *w)
{
	int done[2], leave[2];
	char byte;

	if (pipe2(done, O_CLOEXEC) != 0 || pipe2(leave, O_CLOEXEC) != 0)
		return false;
	w->pid = fork();
	if (w->pid == 0) {
		close(done[0]);
		close(leave[1]);
		work(path, process, done[1], leave[0]);
	}
	close(done[1]);
	close(leave[0]);
	w->done = done[0];
	w->leave = leave[1];
	return w->pid > 0 && read(w->done, &byte, 1) == 1;
}

static bool copy_file(const char *path, const char *copy)
{
	FILE *from = fopen(path, "r"), *to = fopen(copy, "w");
	char block[4096];
	size_t size;
	bool good = from && to;

	while (good && (size = fread(block, 1, sizeof(block), from)) > 0)
		good = fwrite(block, 1, size, to) == size;
	if (from)
		fclose(from);
	if (to && fclose(to) != 0)
		good = false;
	if (!good)
		perror(copy);
	return good;
}

bool sample_write(const char *path, const char *copy)
{
	worker workers[PROCESSES];
	unsigned started = 0;
	bool good = true;

	/* One after the other, so that each is one slot further and the last one is the most
	 * recent. */
	while (good && started < PROCESSES) {
		good = start(path, started, &workers[started]);
		started++;
	}
	good = good && copy_file(path, copy);
	for (unsigned i = started; i-- > 0;) {
		int status = 0;

		close(workers[i].leave); /* the later ones inherited the earlier ones' ends */
		close(workers[i].done);
		good = waitpid(workers[i].pid, &status, 0) == workers[i].pid && status == 0 && good;
	}
	return good && chmod(copy, 0600) == 0;
}
