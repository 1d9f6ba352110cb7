/* SPDX-License-Identifier: MIT */
/*
 * totals.c - many processes make the same series and add to them, some are killed: every total is
 * exact
 *
 * Attacks I1, I3, I4, I5 and I6. Each call is entered in a ledger before and after it, so for every
 * number completed <= recorded <= begun, and a killed process leaves at most one call in flight a
 * thread. A scraper looks on. With --threads the workers are the threads of one process, whose
 * mapping ThreadSanitizer can watch.
 */
#include "scrape.h"
#include "shmetrics/layout.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT "totals"
#define PROCESSES 8
#define THREADS 4
#define COUNTERS 5   /* the last two are added to by halves */
#define HISTOGRAMS 5 /* the last is a native one */
#define FAMILIES (COUNTERS + HISTOGRAMS)
#define LABEL_A 10
#define LABEL_B 100
#define EACH (LABEL_A * LABEL_B)
#define SERIES (FAMILIES * EACH)
#define BATCH 64

struct ledger {
	uint64_t begun[SERIES][SCRAPE_BUCKETS];
	uint64_t completed[SERIES][SCRAPE_BUCKETS];
	uint64_t calls;
	uint64_t looked_up;
	uint64_t calls_wanted, enough; /* the workers stop when both are reached */
	uint64_t stop_scraping;
	uint64_t scrapes;
	uint64_t new_readers;
	uint64_t keeper_ready, keeper_may_go;
};

static struct ledger *ledger;

/* What a worker process has of each family. */
struct families {
	smx_counter_family counters[COUNTERS];
	smx_histogram_family histograms[HISTOGRAMS - 1];
	smx_native_histogram_family native;
};

union handle {
	smx_counter counter;
	smx_histogram histogram;
	smx_native_histogram native;
};

static void define_all(smx_segment *segment, struct families *families, uint32_t family_cap)
{
	static const char *const labels[] = {"a", "b"};
	char name[16];
	smx_definition definition = {.name = name,
				     .help = "Of the test of totals.",
				     .label_names = labels,
				     .label_count = 2,
				     .series_max = family_cap};
	smx_error error;

	for (unsigned i = 0; i < COUNTERS; i++) {
		snprintf(name, sizeof name, "c%u", i);
		CHECK(smx_counter_define(segment, &definition, &families->counters[i], &error) ==
			      SMX_OK,
		      "%s", error.message);
	}
	for (unsigned i = 0; i < HISTOGRAMS - 1; i++) {
		snprintf(name, sizeof name, "h%u", i);
		CHECK(smx_histogram_define(segment, &definition, scrape_bounds, SCRAPE_BUCKETS - 1,
					   &families->histograms[i], &error) == SMX_OK,
		      "%s", error.message);
	}
	snprintf(name, sizeof name, "h%u", HISTOGRAMS - 1);
	CHECK(smx_native_histogram_define(segment, &definition, &scrape_native, &families->native,
					  &error) == SMX_OK,
	      "%s", error.message);
}

static void label_values(uint32_t series, char a[16], char b[16])
{
	snprintf(a, 16, "a%u", series % EACH / LABEL_B);
	snprintf(b, 16, "b%u", series % LABEL_B);
}

static union handle look_up(const struct families *families, uint32_t series)
{
	uint32_t family = series / EACH;
	union handle handle;
	char a[16], b[16];
	const char *values[] = {a, b};

	label_values(series, a, b);
	if (family < COUNTERS)
		handle.counter = smx_counter_with(families->counters[family], values);
	else if (family == FAMILIES - 1)
		handle.native = smx_native_histogram_with(families->native, values);
	else
		handle.histogram =
			smx_histogram_with(families->histograms[family - COUNTERS], values);
	return handle;
}

static void record(union handle handle, uint32_t series, unsigned bucket)
{
	uint32_t family = series / EACH;

	if (family < COUNTERS)
		bucket = 0;
	ADD(ledger->begun[series][bucket], 1);
	if (family == FAMILIES - 1)
		smx_native_histogram_observe(handle.native, scrape_values[bucket]);
	else if (family >= COUNTERS)
		smx_histogram_observe(handle.histogram, scrape_values[bucket]);
	else if (family < COUNTERS - 2)
		smx_counter_inc(handle.counter);
	else
		smx_counter_add(handle.counter, 0.5);
	ADD(ledger->completed[series][bucket], 1);
}

/* ---- workers ---- */

struct worker {
	pthread_t thread;
	const struct families *families;
	uint64_t seed;
	uint64_t order_seed; /* some go in one order, to meet at the same new series */
};

static void *work(void *data)
{
	struct worker *worker = data;
	union handle *handles = calloc(SERIES, sizeof *handles);
	uint32_t *order = calloc(SERIES, sizeof *order);

	stress_shuffle(order, SERIES, worker->order_seed);
	for (uint32_t i = 0; i < SERIES; i++) {
		handles[order[i]] = look_up(worker->families, order[i]);
		ADD(ledger->looked_up, 1);
	}
	while (GET(ledger->calls) < ledger->calls_wanted || !GET(ledger->enough)) {
		for (unsigned i = 0; i < BATCH; i++) {
			uint64_t chance = stress_random(&worker->seed);
			uint32_t series = (uint32_t)(chance % SERIES);

			if (chance >> 61 == 0) {
				union handle again = look_up(worker->families, series);

				CHECK(again.counter.impl == handles[series].counter.impl,
				      "series %u moved", series);
			}
			record(handles[series], series, (unsigned)(chance >> 40) % SCRAPE_BUCKETS);
		}
		ADD(ledger->calls, BATCH);
	}
	free(order);
	free(handles);
	return NULL;
}

static void run_threads(const struct families *families, unsigned count, uint64_t seed)
{
	struct worker workers[PROCESSES * THREADS];

	for (unsigned i = 0; i < count; i++) {
		workers[i] = (struct worker){
			.families = families, .seed = seed + i, .order_seed = i % 2 ? seed + i : 1};
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0,
			"pthread_create");
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

static smx_segment_options options(void)
{
	return (smx_segment_options){
		.size_max_bytes = UINT64_C(64) << 20, .slot_max = 64, .stripe_count = 4};
}

static pid_t start_worker(uint64_t seed)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		smx_segment_options how = options();
		smx_segment *segment = stress_open(SEGMENT, &how);
		struct families families;

		(void)!nice(10); /* the killer and the scraper must come to run */
		define_all(segment, &families, 0);
		run_threads(&families, THREADS, seed);
		smx_segment_close(segment);
		_exit(0);
	}
	return pid;
}

/* Holds the generation while workers come and go. */
static pid_t start_keeper(void)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		smx_segment_options how = options();

		stress_open(SEGMENT, &how);
		PUT(ledger->keeper_ready, 1);
		stress_wait_word(&ledger->keeper_may_go, 1, 3600);
		_exit(0);
	}
	REQUIRE(stress_wait_word(&ledger->keeper_ready, 1, 10), "the keeper does not open");
	return pid;
}

static pid_t start_scraper(void)
{
	pid_t pid = stress_fork();

	if (pid != 0)
		return pid;
	while (!GET(ledger->stop_scraping)) {
		struct scraper scraper;

		/* Some readers live long, others open in the middle of growth. */
		scraper_start(&scraper, stress_reader(SEGMENT));
		ADD(ledger->new_readers, 1);
		for (unsigned i = 0; i < 20 && !GET(ledger->stop_scraping); i++)
			scraper_scrape(&scraper);
		ADD(ledger->scrapes, scraper.scrapes);
		scraper_stop(&scraper);
	}
	_exit(0);
}

/* ---- the reckoning ---- */

static void check_number(uint32_t series, unsigned bucket, uint64_t recorded, uint64_t *in_flight)
{
	uint64_t begun = ledger->begun[series][bucket],
		 completed = ledger->completed[series][bucket];

	CHECK(recorded >= completed && recorded <= begun,
	      "series %u, bucket %u: %" PRIu64 " recorded, %" PRIu64 " completed, %" PRIu64
	      " begun",
	      series, bucket, recorded, completed, begun);
	*in_flight += begun - completed;
}

static void check_family(const smx_reader *reader, uint32_t number, uint64_t *in_flight)
{
	char name[16], a[16], b[16];
	const char *values[] = {a, b};
	const smx_family_view *family;

	snprintf(name, sizeof name, "%c%u", number < COUNTERS ? 'c' : 'h', number % COUNTERS);
	family = stress_family(reader, name);
	REQUIRE(family, "family %s is missing", name);
	CHECK(family->series_count == EACH + 1, "family %s has %zu series", name,
	      family->series_count);
	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t index = number * EACH + i;
		const smx_series_view *series;

		label_values(index, a, b);
		series = stress_series(reader, family, values);
		CHECK(series, "series %s %s %s is missing", name, a, b);
		if (!series)
			continue;
		if (number < COUNTERS) {
			smx_counter_sample sample = smx_reader_counter(reader, series);

			check_number(index, 0, sample.whole + (uint64_t)(sample.fraction * 2),
				     in_flight);
		} else {
			uint64_t counts[SCRAPE_BUCKETS];
			double sum;

			scrape_read(reader, series, counts, &sum);
			for (unsigned bucket = 0; bucket < SCRAPE_BUCKETS; bucket++)
				check_number(index, bucket, counts[bucket], in_flight);
		}
	}
}

/*
 * The header counts each series once, and a place more for what a killed thread was about to
 * publish.
 */
static void check_places(const char *path, uint64_t killed_threads)
{
	smx_layout_header header;
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);

	REQUIRE(pread(descriptor, &header, sizeof header, 0) == (ssize_t)sizeof header,
		"header of %s", path);
	close(descriptor);
	CHECK(header.series_count >= SERIES && header.series_count <= SERIES + killed_threads,
	      "%" PRIu64 " places taken for %u series, after %" PRIu64 " killed threads",
	      header.series_count, SERIES, killed_threads);
}

static void check_totals(smx_reader *reader, uint64_t killed_threads)
{
	const smx_reader_info *info = smx_reader_information(reader);
	uint64_t in_flight = 0;

	stress_walk(reader);
	for (uint32_t i = 0; i < FAMILIES; i++)
		check_family(reader, i, &in_flight);
	CHECK(in_flight <= killed_threads,
	      "%" PRIu64 " calls in flight after %" PRIu64 " killed threads", in_flight,
	      killed_threads);
	for (unsigned i = 0; i < SMX_DROP_COUNT; i++)
		CHECK(info->dropped[i] == 0, "%" PRIu64 " dropped: %s", info->dropped[i],
		      smx_drop_name((smx_drop)i));
	CHECK(info->damaged_count == 0, "%" PRIu64 " damaged", info->damaged_count);
	printf("  %u series, %" PRIu64 " calls, %" PRIu64 " in flight when %" PRIu64
	       " threads were killed, %" PRIu64 " bytes used of %" PRIu64 "\n",
	       SERIES, GET(ledger->calls), in_flight, killed_threads, info->used_bytes,
	       info->size_bytes);
}

/* ---- with processes ---- */

/* Look-ups take longer than increments, and are the better time to be killed at. */
static uint64_t progress(void)
{
	return GET(ledger->calls) + 10 * GET(ledger->looked_up);
}

/*
 * At random moments of the work kills one, starts another in its place and does not wait for the
 * first to die.
 */
static void kill_some(pid_t *pids, unsigned kills)
{
	uint64_t chance = 7, expected = ledger->calls_wanted + 10 * PROCESSES * THREADS * SERIES;
	struct timespec pause = {.tv_nsec = 20000};
	pid_t *killed = calloc(kills, sizeof *killed);

	for (unsigned i = 0; i < kills; i++) {
		uint64_t next = progress() + stress_random(&chance) % (2 * expected / kills);
		unsigned victim = (unsigned)(stress_random(&chance) % PROCESSES);

		while (progress() < next)
			nanosleep(&pause, NULL);
		kill(pids[victim], SIGKILL);
		killed[i] = pids[victim];
		pids[victim] = start_worker(1000 + 100 * i);
	}
	PUT(ledger->enough, 1);
	for (unsigned i = 0; i < kills; i++)
		CHECK(stress_wait(killed[i], 60) == SIGKILL, "a killed worker had ended otherwise");
	free(killed);
}

static void with_processes(void)
{
	pid_t pids[PROCESSES], keeper, scraper;
	unsigned kills = stress_is_long() ? 600 : 60;
	smx_reader *reader;

	keeper = start_keeper();
	scraper = start_scraper();
	for (unsigned i = 0; i < PROCESSES; i++)
		pids[i] = start_worker(100 * i);
	kill_some(pids, kills);
	for (unsigned i = 0; i < PROCESSES; i++)
		CHECK(stress_wait(pids[i], 120) == 0, "a worker did not end well");
	PUT(ledger->stop_scraping, 1);
	CHECK(stress_wait(scraper, 60) == 0, "the scraper did not end well");
	reader = stress_reader(SEGMENT);
	check_totals(reader, (uint64_t)kills * THREADS);
	check_places(stress_path(SEGMENT), (uint64_t)kills * THREADS);
	CHECK(smx_reader_information(reader)->slots_live == 1,
	      "%u live writers, and only the keeper is left",
	      smx_reader_information(reader)->slots_live);
	printf("  %u kills, %" PRIu64 " scrapes by %" PRIu64 " readers\n", kills,
	       GET(ledger->scrapes), GET(ledger->new_readers));
	CHECK(GET(ledger->scrapes) > 0, "no scrape was made meanwhile");
	smx_reader_close(reader);
	PUT(ledger->keeper_may_go, 1);
	stress_wait(keeper, 10);
}

/* ---- with threads on one mapping ---- */

static void *scrape_own(void *data)
{
	smx_segment *segment = data;
	struct scraper scraper;
	smx_reader *reader;
	smx_error error;

	REQUIRE(smx_reader_open_segment(segment, &reader, &error) == SMX_OK, "%s", error.message);
	scraper_start(&scraper, reader);
	while (!GET(ledger->stop_scraping))
		scraper_scrape(&scraper);
	ADD(ledger->scrapes, scraper.scrapes);
	scraper_stop(&scraper);
	return NULL;
}

static void with_threads(void)
{
	smx_segment_options how = options();
	smx_segment *segment = stress_open(SEGMENT, &how);
	struct families families;
	smx_reader *reader;
	pthread_t scraper;

	/*
	 * The cap is what there is, and room for those who look a new series up at the same moment.
	 */
	define_all(segment, &families, EACH + THREADS * 2);
	PUT(ledger->enough, 1);
	REQUIRE(pthread_create(&scraper, NULL, scrape_own, segment) == 0, "pthread_create");
	run_threads(&families, THREADS * 2, 1);
	PUT(ledger->stop_scraping, 1);
	pthread_join(scraper, NULL);
	reader = stress_reader(SEGMENT);
	check_totals(reader, 0);
	check_places(smx_segment_path(segment), 0);
	printf("  one process, %u threads, %" PRIu64 " scrapes\n", THREADS * 2,
	       GET(ledger->scrapes));
	smx_reader_close(reader);
	smx_segment_close(segment);
}

int main(int argc, char **argv)
{
	bool threads = argc > 1 && strcmp(argv[1], "--threads") == 0;

	stress_begin(threads ? "totals --threads" : "totals", 180);
	ledger = stress_shared(sizeof *ledger);
	ledger->calls_wanted =
		(stress_is_long() ? 200000000u : 10000000u) / (threads ? 4 : 1) / stress_slowness();
	printf("totals: exact under races and kills (I1, I3-I6)\n");
	if (threads)
		with_threads();
	else
		with_processes();
	return stress_end();
}
