/* SPDX-License-Identifier: MIT */
/*
 * claim.c - threads set gauges while their process has no slot yet, and gets one
 *
 * Attacks I2 and I4: a process without a slot drops its gauges and counts them; once it has one,
 * every thread's next update is recorded. Written for ThreadSanitizer, which sees all threads on
 * one mapping.
 */
#include "support.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define SEGMENT "claim"
#define THREADS 4

struct board {
	uint64_t holding, rounds[THREADS], claimed;
};

static struct board *board;
static smx_segment *segment;

struct worker {
	pthread_t thread;
	unsigned number;
	smx_gauge_family family;
};

/* Looks its series up and sets it, before and after the slot comes. */
static void *set_gauges(void *data)
{
	struct worker *worker = data;
	char text[16];
	const char *values[] = {text};

	snprintf(text, sizeof text, "%u", worker->number);
	while (!GET(board->claimed)) {
		smx_gauge_set(smx_gauge_with(worker->family, values), 1);
		ADD(board->rounds[worker->number], 1);
	}
	smx_gauge_set(smx_gauge_with(worker->family, values), 2);
	return NULL;
}

static void check(const struct worker *workers)
{
	smx_reader *reader = stress_reader(SEGMENT);
	const smx_family_view *family = stress_family(reader, "g");

	for (unsigned i = 0; i < THREADS; i++) {
		char text[16];
		const char *values[] = {text};
		const smx_series_view *series;
		smx_gauge_sample sample[2] = {{.value = 0}};

		snprintf(text, sizeof text, "%u", workers[i].number);
		series = stress_series(reader, family, values);
		CHECK(series && smx_reader_gauge(reader, series, sample) == 1 &&
			      sample[0].value == 2,
		      "thread %u's gauge shows %g", i, sample[0].value);
	}
	CHECK(smx_reader_information(reader)->dropped[SMX_DROP_GAUGE] > 0,
	      "what was dropped is not counted");
	smx_reader_close(reader);
}

/* Holds the only slot until it is killed. */
static pid_t start_holder(void)
{
	smx_segment_options options = {.slot_max = 1};
	pid_t pid = stress_fork();

	if (pid == 0) {
		stress_open(SEGMENT, &options);
		PUT(board->holding, 1);
		for (;;)
			pause();
	}
	REQUIRE(stress_wait_word(&board->holding, 1, 20), "the holder does not open");
	return pid;
}

static void run_once(void)
{
	static const char *const labels[] = {"thread"};
	smx_definition definition = {.name = "g", .label_names = labels, .label_count = 1};
	struct worker workers[THREADS];
	pid_t holder;

	*board = (struct board){0};
	holder = start_holder();
	segment = stress_open(SEGMENT, NULL);
	CHECK(!smx_segment_claim(segment, NULL), "two processes hold the only slot");
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].number = i;
		CHECK(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_SUM, &workers[i].family,
				       NULL) == SMX_OK,
		      "define");
		REQUIRE(pthread_create(&workers[i].thread, NULL, set_gauges, &workers[i]) == 0,
			"pthread_create");
	}
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(stress_wait_word(&board->rounds[i], 10, 20), "thread %u hangs", i);
	stress_kill(holder);
	CHECK(smx_segment_claim(segment, NULL), "the slot of a dead process is not to be had");
	PUT(board->claimed, 1);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	check(workers);
	smx_segment_close(segment);
}

int main(void)
{
	unsigned rounds = stress_is_long() ? 2000 : 50;

	stress_begin("claim", 60);
	board = stress_shared(sizeof *board);
	printf("claim: a slot that comes late (I2, I4)\n");
	for (unsigned i = 0; i < rounds; i++)
		run_once();
	printf("  %u times, %u threads\n", rounds, THREADS);
	return stress_end();
}
