/* SPDX-License-Identifier: MIT */
/*
 * lives.c - many processes remove, make and reset the same series and record to them, some are
 * killed
 *
 * Attacks I1, I3, I5 and I6. A counter that nobody removes is exact within its ledger. A series
 * that one worker alone removes and makes holds exactly what it has recorded since. What all of
 * them remove is never torn: a histogram's sum belongs to its count at every look. The memory in
 * use stops to grow but for what the killed had in their hands. With --threads the workers are the
 * threads of one process, whose mapping ThreadSanitizer can watch.
 */
#include "support.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "lives"
#define WORKERS 6
#define SHARED 3 /* label sets that everybody removes */
#define VALUE 2.0
#define BUCKETS 12

struct ledger {
	uint64_t begun, completed; /* of the counter that stays */
	uint64_t lives;		   /* what was removed or reset */
	uint64_t lives_wanted;
	uint64_t stop;
	uint64_t looks;
};

static struct ledger *ledger;

struct families {
	smx_counter stays;
	smx_counter_family counters;
	smx_histogram_family histograms;
	smx_gauge_family gauges;
};

static struct families define_all(smx_segment *segment)
{
	static const char *const labels[] = {"l"};
	static const double bounds[BUCKETS - 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	smx_definition definition = {.name = "c", .label_names = labels, .label_count = 1};
	struct families families = {.stays = stress_counter_of(segment, "stays")};
	smx_error error = {.status = SMX_OK};

	smx_counter_define(segment, &definition, &families.counters, &error);
	definition.name = "h";
	smx_histogram_define(segment, &definition, bounds, BUCKETS - 1, &families.histograms,
			     &error);
	definition.name = "g";
	smx_gauge_define(segment, &definition, SMX_GAUGE_SUM, &families.gauges, &error);
	CHECK(error.status == SMX_OK, "%s", error.message);
	return families;
}

/* ---- workers ---- */

struct worker {
	pthread_t thread;
	const struct families *families;
	uint64_t seed;
	unsigned number;
};

static void remove_one(struct smx_family_record *family, const char *label)
{
	smx_text value = {label, strlen(label)};

	smx_series_remove(family, &value);
	ADD(ledger->lives, 1);
}

/* Nobody else removes this worker's own series, and nobody else records to it. */
static void live_alone(const struct worker *worker, const char *label, unsigned records)
{
	const char *values[] = {label};
	smx_counter counter = smx_counter_with(worker->families->counters, values);

	CHECK(smx_counter_value(counter) == 0, "%s begins with %g", label,
	      smx_counter_value(counter));
	for (unsigned i = 0; i < records; i++) {
		smx_counter_inc(counter);
		ADD(ledger->begun, 1);
		smx_counter_inc(worker->families->stays);
		ADD(ledger->completed, 1);
	}
	CHECK(smx_counter_value(counter) == records, "%s has %g after %u records", label,
	      smx_counter_value(counter), records);
	remove_one(worker->families->counters.impl, label);
}

static void live_together(struct worker *worker)
{
	uint64_t chance = stress_random(&worker->seed);
	char label[] = {'s', (char)('0' + chance % SHARED), 0};
	const char *values[] = {label};
	smx_histogram histogram = smx_histogram_with(worker->families->histograms, values);
	smx_counter counter = smx_counter_with(worker->families->counters, values);
	smx_gauge gauge = smx_gauge_with(worker->families->gauges, values);

	for (unsigned i = 0; i < 8; i++) {
		smx_histogram_observe(histogram, VALUE);
		smx_counter_inc(counter);
		smx_gauge_inc(gauge);
	}
	switch (chance >> 60) {
	case 0:
		smx_series_reset(histogram.impl);
		ADD(ledger->lives, 1);
		break;
	case 1:
		smx_series_reset(counter.impl);
		ADD(ledger->lives, 1);
		break;
	case 2:
		ADD(ledger->lives,
		    smx_series_remove_matching(worker->families->histograms.impl,
					       values[0][1] % 2 ? NULL : &(smx_text){label, 2}));
		break;
	case 3:
		remove_one(worker->families->counters.impl, label);
		break;
	default:
		remove_one(worker->families->histograms.impl, label);
		remove_one(worker->families->gauges.impl, label);
	}
}

static void *work(void *data)
{
	struct worker *worker = data;
	char label[16];

	snprintf(label, sizeof label, "own%u", worker->number);
	remove_one(worker->families->counters.impl, label); /* left by one that was killed */
	while (GET(ledger->lives) < ledger->lives_wanted || !GET(ledger->stop)) {
		live_alone(worker, label, (unsigned)(stress_random(&worker->seed) % 50));
		live_together(worker);
	}
	return NULL;
}

/* ---- looks ---- */

/* Each whole: one incarnation's numbers. */
static void look_at_histograms(smx_reader *reader)
{
	const smx_family_view *family = stress_family(reader, "h");

	for (size_t i = 0; family && i < family->series_count; i++) {
		const smx_series_view *series = smx_reader_series(reader, family, i);
		uint64_t counts[BUCKETS], total = 0;
		double sum;

		smx_reader_histogram(reader, series, counts, &sum);
		for (int bucket = 0; bucket < BUCKETS; bucket++)
			total += counts[bucket];
		CHECK(sum == (double)total * VALUE && counts[1] == total,
		      "sum %g of %" PRIu64 " observations of %g", sum, total, VALUE);
	}
}

static void look(smx_reader *reader, uint64_t *last)
{
	uint64_t completed = GET(ledger->completed), stays;

	stress_walk(reader);
	stays = stress_counter(reader, "stays");
	CHECK(stays >= completed && stays <= GET(ledger->begun) && stays >= *last,
	      "%" PRIu64 " records, %" PRIu64 " completed, %" PRIu64 " before", stays, completed,
	      *last);
	*last = stays;
	look_at_histograms(reader);
	CHECK(smx_reader_information(reader)->damaged_count == 0, "damage");
	ADD(ledger->looks, 1);
}

/* In the end: who makes a series finds nothing in it, and what he adds. */
static void check_end(const struct families *families, smx_reader *reader)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < SHARED; i++) {
		char label[] = {'s', (char)('0' + i), 0};
		const char *values[] = {label};
		smx_counter counter;

		remove_one(families->counters.impl, label);
		counter = smx_counter_with(families->counters, values);
		smx_counter_add(counter, 7);
		CHECK(smx_counter_value(counter) == 7, "%g instead of 7",
		      smx_counter_value(counter));
	}
	look(reader, &last);
	for (unsigned i = 0; i < SMX_DROP_COUNT; i++)
		CHECK(smx_reader_information(reader)->dropped[i] == 0, "dropped: %s",
		      smx_drop_name((smx_drop)i));
}

/* ---- with processes ---- */

static smx_segment_options options(void)
{
	return (smx_segment_options){
		.size_max_bytes = UINT64_C(64) << 20, .slot_max = 32, .stripe_count = 4};
}

static pid_t start_worker(unsigned number, uint64_t seed)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		smx_segment_options how = options();
		struct families families = define_all(stress_open(SEGMENT, &how));
		struct worker worker = {.families = &families, .number = number, .seed = seed};

		(void)!nice(10);
		work(&worker);
		_exit(0);
	}
	return pid;
}

static uint64_t used_bytes(smx_reader *reader)
{
	stress_walk(reader);
	return smx_reader_information(reader)->used_bytes;
}

static void with_processes(smx_segment *segment)
{
	unsigned kills = stress_is_long() ? 5000 : 300;
	struct families families = define_all(segment);
	smx_reader *reader = stress_reader(SEGMENT);
	uint64_t chance = 5, last = 0, early;
	pid_t pids[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		pids[i] = start_worker(i, i);
	REQUIRE(stress_wait_word(&ledger->lives, ledger->lives_wanted / 10, 60), "no progress");
	early = used_bytes(reader);
	for (unsigned i = 0; i < kills; i++) {
		unsigned victim = (unsigned)(stress_random(&chance) % WORKERS);
		uint64_t lives = GET(ledger->lives) + stress_random(&chance) % 100;

		stress_wait_word(&ledger->lives, lives, 60);
		look(reader, &last);
		stress_kill(pids[victim]);
		pids[victim] = start_worker(victim, 1000 + i);
	}
	PUT(ledger->stop, 1);
	for (unsigned i = 0; i < WORKERS; i++)
		CHECK(stress_wait(pids[i], 120) == 0, "a worker did not end well");
	check_end(&families, reader);
	printf("  %" PRIu64 " lives, %u kills, %" PRIu64 " looks; %" PRIu64
	       " bytes in use after a tenth, %" PRIu64 " in the end\n",
	       GET(ledger->lives), kills, GET(ledger->looks), early, used_bytes(reader));
	/* A histogram of 12 buckets in 4 stripes, and its spare, for each kill and worker. */
	CHECK(used_bytes(reader) - early < (uint64_t)(kills + WORKERS) * 2 * 1024,
	      "%" PRIu64 " bytes more", used_bytes(reader) - early);
	smx_reader_close(reader);
}

/* ---- with threads on one mapping ---- */

static void with_threads(smx_segment *segment)
{
	struct families families = define_all(segment);
	struct worker workers[WORKERS];
	smx_reader *reader;
	uint64_t last = 0;

	REQUIRE(smx_reader_open_segment(segment, &reader, NULL) == SMX_OK, "reader");
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.families = &families, .number = i, .seed = i};
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0,
			"pthread_create");
	}
	while (GET(ledger->lives) < ledger->lives_wanted)
		look(reader, &last);
	PUT(ledger->stop, 1);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
	check_end(&families, reader);
	printf("  one process, %" PRIu64 " lives, %" PRIu64 " looks\n", GET(ledger->lives),
	       GET(ledger->looks));
	smx_reader_close(reader);
}

int main(int argc, char **argv)
{
	bool threads = argc > 1 && strcmp(argv[1], "--threads") == 0;
	smx_segment_options how = options();
	smx_segment *segment;

	stress_begin(threads ? "lives --threads" : "lives", 180);
	ledger = stress_shared(sizeof *ledger);
	ledger->lives_wanted =
		(stress_is_long() ? 20000000u : 1000000u) / (threads ? 5 : 1) / stress_slowness();
	printf("lives: series removed and made again, under races and kills (I1, I3, I5, I6)\n");
	segment = stress_open(SEGMENT, &how);
	if (threads)
		with_threads(segment);
	else
		with_processes(segment);
	smx_segment_close(segment);
	return stress_end();
}
