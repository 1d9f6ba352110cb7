/* SPDX-License-Identifier: MIT */
/*
 * signals.c - handlers that record, in the middle of recording
 *
 * Attacks I1 and I2: a signal handler increments, observes, sets gauges and looks up series that
 * exist, whatever it interrupts: totals are exact, and nothing waits for what is interrupted. Nor
 * do signals keep a segment from growing.
 */
#include "scrape.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT "signals"
#define THREADS 3
#define PERIOD_US 100

static smx_counter_family counters;
static smx_histogram_family histograms;
static smx_native_histogram_family natives;
static smx_gauge_family gauges;
static smx_gauge ups;
static uint64_t handled, worked, stop;

static const char *const existing[] = {"existing"};

/* All that a handler may do: one of each. */
static void record_one_of_each(uint64_t *count)
{
	uint64_t which = ADD(*count, 1);

	smx_counter_inc(smx_counter_with(counters, existing));
	smx_counter_add(smx_counter_with(counters, existing), 0.5);
	smx_histogram_observe(smx_histogram_with(histograms, existing),
			      scrape_values[which % SCRAPE_BUCKETS]);
	smx_native_histogram_observe(smx_native_histogram_with(natives, existing),
				     scrape_values[which % SCRAPE_BUCKETS]);
	smx_gauge_set(smx_gauge_with(gauges, existing), (double)which);
	smx_gauge_inc(ups);
}

static void on_signal(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	record_one_of_each(&handled);
	errno = saved;
}

static void *work(void *data)
{
	(void)data;
	while (!GET(stop))
		record_one_of_each(&worked);
	return NULL;
}

static timer_t timer;

/* A timer of high resolution: those of setitimer(2) that count processor time go by the tick. */
static void start_timer(long period_us)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct itimerspec period = {.it_interval.tv_nsec = period_us * 1000,
				    .it_value.tv_nsec = period_us * 1000};

	sigaction(SIGUSR1, &action,
		  NULL); /* without SA_RESTART: system calls are interrupted, too */
	sigaction(SIGUSR2, &action, NULL);
	REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
	REQUIRE(timer_settime(timer, 0, &period, NULL) == 0, "timer_settime");
}

static void stop_timer(void)
{
	timer_delete(timer);
}

static void define(smx_segment *segment)
{
	static const char *const labels[] = {"l"};
	smx_definition definition = {.name = "c", .label_names = labels, .label_count = 1};

	CHECK(smx_counter_define(segment, &definition, &counters, NULL) == SMX_OK, "define");
	definition.name = "h";
	CHECK(smx_histogram_define(segment, &definition, scrape_bounds, SCRAPE_BUCKETS - 1,
				   &histograms, NULL) == SMX_OK,
	      "define");
	definition.name = "n";
	CHECK(smx_native_histogram_define(segment, &definition, &scrape_native, &natives, NULL) ==
		      SMX_OK,
	      "define");
	definition.name = "g";
	CHECK(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_MOST_RECENT, &gauges, NULL) ==
		      SMX_OK,
	      "define");
	ups = stress_gauge_of(segment, "ups", SMX_GAUGE_LIVE_SUM);
	/* They exist from here on. */
	smx_counter_with(counters, existing);
	smx_histogram_with(histograms, existing);
	smx_native_histogram_with(natives, existing);
	smx_gauge_with(gauges, existing);
}

static void check_histogram(const smx_reader *reader, const char *name, uint64_t wanted)
{
	uint64_t counts[SCRAPE_BUCKETS], total = 0;
	double sum, expected = 0;

	scrape_read(reader, stress_series(reader, stress_family(reader, name), existing), counts,
		    &sum);
	for (unsigned i = 0; i < SCRAPE_BUCKETS; i++) {
		total += counts[i];
		expected += (double)counts[i] * scrape_values[i];
	}
	CHECK(total == wanted && sum == expected,
	      "histogram %s: %" PRIu64 " of %" PRIu64 ", sum %g of %g", name, total, wanted, sum,
	      expected);
}

static void check_totals(smx_reader *reader)
{
	const smx_series_view *series;
	uint64_t wanted = GET(handled) + GET(worked);
	smx_counter_sample sample;
	double sum;

	stress_walk(reader);
	series = stress_series(reader, stress_family(reader, "c"), existing);
	REQUIRE(series, "the series is missing");
	sample = smx_reader_counter(reader, series);
	CHECK(sample.whole == wanted && sample.fraction == (double)wanted / 2,
	      "counter: %" PRIu64 " and %.1f of %" PRIu64, sample.whole, sample.fraction, wanted);
	check_histogram(reader, "h", wanted);
	check_histogram(reader, "n", wanted);
	stress_gauge(reader, "ups", &sum);
	CHECK(sum == (double)wanted, "gauge: %g of %" PRIu64, sum, wanted);
}

/* The timer interrupts whichever thread runs; threads also interrupt each other. */
static void storm(smx_reader *reader)
{
	uint64_t wanted = (stress_is_long() ? 1000000 : 10000) / stress_slowness();
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create");
	start_timer(PERIOD_US);
	for (unsigned i = 0; GET(handled) < wanted; i++) {
		pthread_kill(threads[i % THREADS], SIGUSR1);
		record_one_of_each(&worked);
	}
	stop_timer();
	PUT(stop, 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_totals(reader);
	printf("  %" PRIu64 " handlers in the middle of %" PRIu64 " times the same work\n",
	       GET(handled), GET(worked));
}

/*
 * A large file is extended while a timer interrupts every system call that takes its time: an
 * extension that began anew after each signal would never end.
 */
static void grow_under_signals(void)
{
	enum { BOUNDS = 500 };
	static const char *const labels[] = {"n"};
	smx_segment_options options = {.size_max_bytes = UINT64_C(512) << 20, .stripe_count = 4};
	smx_definition definition = {
		.name = "wide", .label_names = labels, .label_count = 1, .series_max = 100000};
	smx_segment *segment = stress_open("signals-grow", &options);
	smx_histogram_family family;
	smx_reader *reader;
	double bounds[BOUNDS];
	unsigned count = 9000;
	char text[16];
	const char *values[] = {text};

	for (unsigned i = 0; i < BOUNDS; i++)
		bounds[i] = i + 1;
	CHECK(smx_histogram_define(segment, &definition, bounds, BOUNDS, &family, NULL) == SMX_OK,
	      "define");
	start_timer(PERIOD_US * 2);
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%u", i);
		smx_histogram_observe(smx_histogram_with(family, values), 1);
	}
	stop_timer();
	reader = stress_reader("signals-grow");
	CHECK(stress_family(reader, "wide")->series_count == count + 1,
	      "%zu series of %u, %" PRIu64 " refused", stress_family(reader, "wide")->series_count,
	      count, smx_reader_information(reader)->dropped[SMX_DROP_NO_SPACE]);
	printf("  a segment grows to %" PRIu64 " MiB under a timer of %u us\n",
	       smx_reader_information(reader)->size_bytes >> 20, PERIOD_US * 2);
	smx_reader_close(reader);
	smx_segment_close(segment);
}

int main(void)
{
	smx_segment *segment;
	smx_reader *reader;

	stress_begin("signals", 60);
	printf("signals: handlers that record (I1, I2)\n");
	segment = stress_open(SEGMENT, NULL);
	define(segment);
	reader = stress_reader(SEGMENT);
	storm(reader);
	if (!stress_failure_count())
		grow_under_signals();
	smx_reader_close(reader);
	smx_segment_close(segment);
	return stress_end();
}
