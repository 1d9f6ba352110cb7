/* SPDX-License-Identifier: MIT */
/*
 * fixture.c - the series that scrapes are measured on
 */
#include "fixture.h"

#include "harness.h"

#include <shmetrics/shmetrics.h>
#include <stdio.h>

enum { FAMILIES = 10, NAME_SIZE = 64 };

static const char *const request_labels[] = {"method", "endpoint"};
static const char *const pool_labels[] = {"pool"};

static void record_counters(smx_segment *segment, size_t family_number, size_t count)
{
	char name[NAME_SIZE], endpoint[NAME_SIZE];
	smx_counter_family family;
	smx_error error;
	snprintf(name, sizeof(name), "app_events_%zu", family_number);
	if (smx_counter_define(segment,
			       &(smx_definition){.name = name,
						 .help = "Events of one kind.",
						 .label_names = request_labels,
						 .label_count = 2},
			       &family, &error))
		bench_fail("%s", error.message);
	for (size_t i = 0; i < count; i++) {
		snprintf(endpoint, sizeof(endpoint), "/api/v1/resource_%zu", i);
		smx_counter_add(smx_counter_with(family, (const char *const[]){"GET", endpoint}),
				(double)(i + 1));
	}
}

static void record_histograms(smx_segment *segment, size_t family_number, size_t count)
{
	char name[NAME_SIZE], endpoint[NAME_SIZE];
	smx_histogram_family family;
	smx_error error;
	snprintf(name, sizeof(name), "app_duration_%zu_seconds", family_number);
	if (smx_histogram_define(segment,
				 &(smx_definition){.name = name,
						   .help = "Durations of one kind.",
						   .label_names = request_labels,
						   .label_count = 2},
				 NULL, 0, &family, &error))
		bench_fail("%s", error.message);
	for (size_t i = 0; i < count; i++) {
		snprintf(endpoint, sizeof(endpoint), "/api/v1/resource_%zu", i);
		smx_histogram histogram =
			smx_histogram_with(family, (const char *const[]){"GET", endpoint});
		for (size_t k = 0; k < 3; k++)
			smx_histogram_observe(histogram,
					      0.0031 * (double)(1u << ((i + 4 * k) % 13)));
	}
}

static void record_gauges(smx_segment *segment, size_t family_number, size_t count)
{
	char name[NAME_SIZE], pool[NAME_SIZE];
	smx_gauge_family family;
	smx_error error;
	snprintf(name, sizeof(name), "app_level_%zu", family_number);
	if (smx_gauge_define(segment,
			     &(smx_definition){.name = name,
					       .help = "A level of one kind.",
					       .label_names = pool_labels,
					       .label_count = 1},
			     SMX_GAUGE_LIVE_ALL, &family, &error))
		bench_fail("%s", error.message);
	for (size_t i = 0; i < count; i++) {
		snprintf(pool, sizeof(pool), "pool_%zu", i);
		smx_gauge_set(smx_gauge_with(family, (const char *const[]){pool}), (double)i);
	}
}

static void record(const void *context)
{
	const fixture *f = context;
	smx_segment *segment;
	smx_error error;
	smx_segment_options options = {.size_max_bytes = UINT64_C(8) << 30,
				       .series_max = (uint32_t)f->series + 1000,
				       .family_series_max = (uint32_t)f->series};
	if (smx_segment_open(f->name, &options, &segment, &error))
		bench_fail("%s", error.message);
	for (size_t i = 0; i < FAMILIES; i++) {
		record_counters(segment, i, f->series * 6 / 10 / FAMILIES);
		record_histograms(segment, i, f->series * 3 / 10 / FAMILIES);
		record_gauges(segment, i, f->series / 10 / FAMILIES);
	}
}

pid_t fixture_start_worker(const fixture *f)
{
	return bench_start_worker(record, f);
}
