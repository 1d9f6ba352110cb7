/* SPDX-License-Identifier: MIT */
/*
 * increment.c - what does recording cost one thread, against an empty call and against other ways?
 *
 * Pinned to one processor. The reference of every ratio is a call, through the PLT, of a function
 * in another shared library that returns at once.
 */
#include "empty.h"
#include "file_value.h"
#include "formatted_key.h"
#include "harness.h"
#include "locked.h"

#include <math.h>
#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { VALUES = 1024, SERIES = 10, LABELS = 3 };

/* A histogram and the values put into it, spread over all of its buckets. */
typedef struct observed {
	smx_histogram histogram;
	smx_native_histogram native;
	double values[VALUES];
} observed;

static const char *const label_names[LABELS] = {"method", "endpoint", "status_code"};
static const char *const label_values[SERIES][LABELS] = {
	{"GET", "/api/v1/items/{item_id}", "200"},
	{"GET", "/api/v1/items/{item_id}", "404"},
	{"GET", "/api/v1/items", "200"},
	{"POST", "/api/v1/items", "201"},
	{"POST", "/api/v1/items", "422"},
	{"PUT", "/api/v1/items/{item_id}", "200"},
	{"DELETE", "/api/v1/items/{item_id}", "204"},
	{"GET", "/api/v1/users/me", "200"},
	{"GET", "/health", "200"},
	{"GET", "/metrics", "200"},
};

static void loop_empty(void *context, uint64_t n)
{
	peer_handle handle = {context};
	while (n--)
		peer_empty(handle);
}

static void loop_counter_inc(void *context, uint64_t n)
{
	smx_counter counter = *(smx_counter *)context;
	while (n--)
		smx_counter_inc(counter);
}

static void loop_counter_add_whole(void *context, uint64_t n)
{
	smx_counter counter = *(smx_counter *)context;
	while (n--)
		smx_counter_add_whole(counter, 3);
}

static void loop_counter_add(void *context, uint64_t n)
{
	smx_counter counter = *(smx_counter *)context;
	while (n--)
		smx_counter_add(counter, 3.0);
}

static void loop_counter_add_fraction(void *context, uint64_t n)
{
	smx_counter counter = *(smx_counter *)context;
	while (n--)
		smx_counter_add(counter, 0.25);
}

static void loop_gauge_set(void *context, uint64_t n)
{
	smx_gauge gauge = *(smx_gauge *)context;
	while (n--)
		smx_gauge_set(gauge, 7.0);
}

static void loop_gauge_inc(void *context, uint64_t n)
{
	smx_gauge gauge = *(smx_gauge *)context;
	while (n--)
		smx_gauge_inc(gauge);
}

static void loop_observe(void *context, uint64_t n)
{
	const observed *o = context;
	while (n--)
		smx_histogram_observe(o->histogram, o->values[n % VALUES]);
}

static void loop_observe_natively(void *context, uint64_t n)
{
	const observed *o = context;
	while (n--)
		smx_native_histogram_observe(o->native, o->values[n % VALUES]);
}

static void loop_look_up(void *context, uint64_t n)
{
	smx_counter_family family = *(smx_counter_family *)context;
	while (n--)
		smx_counter_with(family, label_values[n % SERIES]);
}

static void loop_look_up_and_inc(void *context, uint64_t n)
{
	smx_counter_family family = *(smx_counter_family *)context;
	while (n--)
		smx_counter_inc(smx_counter_with(family, label_values[n % SERIES]));
}

static void loop_xadd(void *context, uint64_t n)
{
	uint64_t *word = context;
	while (n--)
		__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

static void loop_locked(void *context, uint64_t n)
{
	while (n--)
		peer_locked_inc(context);
}

static void loop_file_value(void *context, uint64_t n)
{
	while (n--)
		peer_file_value_inc(context, 1.0);
}

static void loop_formatted_key(void *context, uint64_t n)
{
	while (n--)
		peer_metric_inc(context, label_values[n % SERIES]);
}

/* Bounds 1 ms x 1.5^i, and values spread evenly over their logarithms, from below the first to
 * above the last. */
static void define_observed(smx_segment *segment, const char *name, size_t bound_count, observed *o)
{
	double bounds[64];
	smx_error error;
	smx_histogram_family family;
	for (size_t i = 0; i < bound_count; i++)
		bounds[i] = 0.001 * pow(1.5, (double)i);
	if (smx_histogram_define(segment, &(smx_definition){.name = name, .help = "Durations."},
				 bounds, bound_count, &family, &error))
		bench_fail("%s", error.message);
	o->histogram = smx_histogram_with(family, NULL);
	srandom(1);
	for (size_t i = 0; i < VALUES; i++)
		o->values[i] = 0.0007 * pow(1.5, (double)(random() % 1000) / 1000 *
							 (double)(bound_count + 1));
}

/* The same, with native buckets of a schema and, where there are any, such bounds. */
static void define_natively(smx_segment *segment, const char *name, int schema, size_t bound_count,
			    observed *o)
{
	double bounds[64];
	smx_error error;
	smx_native_histogram_family family;
	smx_native_options options = {.schema = schema,
				      .least = 0.0005,
				      .greatest = 1,
				      .bounds = bounds,
				      .bound_count = bound_count};
	for (size_t i = 0; i < bound_count; i++)
		bounds[i] = 0.001 * pow(1.5, (double)i);
	if (smx_native_histogram_define(segment,
					&(smx_definition){.name = name, .help = "Durations."},
					&options, &family, &error))
		bench_fail("%s", error.message);
	o->native = smx_native_histogram_with(family, NULL);
	srandom(1);
	for (size_t i = 0; i < VALUES; i++)
		o->values[i] = 0.0007 * pow(1.5, (double)(random() % 1000) / 1000 * 13);
}

int main(void)
{
	smx_segment *segment;
	smx_error error;
	smx_counter_family plain, labelled;
	smx_gauge_family gauges;
	observed of_12, of_30, native_3, native_8, native_and_12;

	bench_pin((size_t)getpid());
	if (smx_segment_open("bench-increment", NULL, &segment, &error))
		bench_fail("%s", error.message);
	if (smx_counter_define(segment, &(smx_definition){.name = "plain", .help = "A counter."},
			       &plain, &error) ||
	    smx_counter_define(segment,
			       &(smx_definition){.name = "labelled",
						 .help = "A counter with labels.",
						 .label_names = label_names,
						 .label_count = LABELS},
			       &labelled, &error) ||
	    smx_gauge_define(segment, &(smx_definition){.name = "level", .help = "A gauge."},
			     SMX_GAUGE_LIVE_SUM, &gauges, &error))
		bench_fail("%s", error.message);
	define_observed(segment, "seconds_of_12", 12, &of_12);
	define_observed(segment, "seconds_of_30", 30, &of_30);
	define_natively(segment, "native_3", 3, 0, &native_3);
	define_natively(segment, "native_8", 8, 0, &native_8);
	define_natively(segment, "native_and_12", 3, 12, &native_and_12);

	smx_counter counter = smx_counter_with(plain, NULL);
	smx_gauge gauge = smx_gauge_with(gauges, NULL);
	uint64_t *word =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	peer_locked *locked = peer_locked_create();
	peer_metric *metric = peer_metric_create("labelled_total", label_names, LABELS);
	const char *directory = getenv("SHMETRICS_DIR");
	peer_file_value *file_value =
		peer_file_value_create(directory ? directory : "/dev/shm",
				       "[\"labelled\", \"labelled_total\", {\"method\": \"GET\"}, "
				       "\"A counter with labels.\"]");
	if (word == MAP_FAILED || !locked || !metric || !file_value)
		bench_fail("a peer has no memory or no file");

	bench_case cases[] = {
		{"empty call through the PLT", loop_empty, NULL, 0, 0},
		{"smx_counter_inc", loop_counter_inc, &counter, 0, 0},
		{"smx_counter_add_whole", loop_counter_add_whole, &counter, 0, 0},
		{"smx_counter_add, a whole number", loop_counter_add, &counter, 0, 0},
		{"smx_counter_add, a fraction", loop_counter_add_fraction, &counter, 0, 0},
		{"smx_gauge_set", loop_gauge_set, &gauge, 0, 0},
		{"smx_gauge_inc", loop_gauge_inc, &gauge, 0, 0},
		{"smx_histogram_observe, 12 bounds", loop_observe, &of_12, 0, 0},
		{"smx_histogram_observe, 30 bounds", loop_observe, &of_30, 0, 0},
		{"smx_native_histogram_observe, schema 3", loop_observe_natively, &native_3, 0, 0},
		{"smx_native_histogram_observe, schema 8", loop_observe_natively, &native_8, 0, 0},
		{"smx_native_histogram_observe, schema 3, 12 bounds", loop_observe_natively,
		 &native_and_12, 0, 0},
		{"smx_counter_with, 3 labels", loop_look_up, &labelled, 0, 0},
		{"smx_counter_with + smx_counter_inc", loop_look_up_and_inc, &labelled, 0, 0},
		{"peer: lock xadd in line", loop_xadd, word, 0, 0},
		{"peer: process-shared mutex", loop_locked, locked, 0, 0},
		{"peer: mapped file, lock and getpid", loop_file_value, file_value, 0, 0},
		{"peer: formatted key, hash, locks", loop_formatted_key, metric, 0, 0},
	};
	size_t count = sizeof(cases) / sizeof(cases[0]);
	bench_side_by_side(cases, count, bench_is_quick() ? 51 : 151, 500000);

	for (size_t i = 0; i < count; i++)
		bench_emit(cases[i].name, cases[i].ns, "ns", BENCH_NO_TARGET, 0);
	bench_emit("smx_counter_inc / empty call", cases[1].ratio, "x", BENCH_AT_MOST, 1.5);

	peer_file_value_destroy(file_value);
	peer_metric_destroy(metric);
	peer_locked_destroy(locked);
	smx_segment_close(segment);
	return 0;
}
