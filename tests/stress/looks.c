/* SPDX-License-Identifier: MIT */
/*
 * looks.c - a reader is stopped at each of its instructions, while what it reads changes hands
 *
 * Attacks I4 and I5, where chance hardly ever hits: what a dead process held is folded, a removed
 * histogram's cells are set to zero and used again, a kept slot gets another owner, all between two
 * instructions of a look. The look must show one moment: before, or after.
 */
#include "tracer.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "looks"
#define SLOTS 4
#define BUCKETS 12

/* What the stopped reader has seen, in shared memory. */
struct seen {
	uint64_t counts[BUCKETS];
	double value;
	size_t count;
	uint32_t pids[SLOTS * 2];
	double values[SLOTS * 2];
};

struct stage {
	smx_segment *segment;
	smx_reader *reader;
	struct seen *seen;
	smx_gauge gauge;
	smx_histogram_family histograms;
	smx_gauge_mode mode;
	double before; /* the sum until the change */
	unsigned turn;
};

struct look {
	const char *name;
	void (*begin)(struct stage *stage);
	void (*before)(struct stage *stage); /* each time */
	void (*prepare)(void *stage);	     /* the reader, at full speed */
	void (*operate)(void *stage);	     /* the reader, stopped in it */
	void (*change)(struct stage *stage);
	void (*check)(struct stage *stage, uint64_t instruction);
	unsigned stride; /* every so many instructions; in the long form every one */
};

static const smx_series_view *series_of(const struct stage *stage, const char *name)
{
	static const char *const values[] = {"l"};

	return stress_series(stage->reader, stress_family(stage->reader, name), values);
}

static void walk_before(void *data)
{
	stress_walk(((struct stage *)data)->reader);
}

/* A process that takes a slot, sets the gauge (0: to its pid) and dies. */
static void live_and_die(struct stage *stage, double value)
{
	pid_t pid = stress_fork();

	if (pid == 0) {
		smx_gauge_set(stage->gauge, value != 0 ? value : (double)getpid());
		_exit(0);
	}
	CHECK(stress_wait(pid, 10) == 0, "a process did not end well");
}

static void begin_gauge(struct stage *stage)
{
	stage->gauge =
		stress_gauge_of(stage->segment, smx_gauge_mode_name(stage->mode), stage->mode);
}

/* ---- a fold between reading the retired cell and the live one ---- */

#define DEAD 3.0 /* what the last owner held, */
#define NEXT 5.0 /* and what the next one */

static void begin_sum(struct stage *stage)
{
	stage->mode = SMX_GAUGE_SUM;
	begin_gauge(stage);
}

/* The last owner is dead, and its value not yet folded. */
static void before_fold(struct stage *stage)
{
	smx_gauge_sample total;

	live_and_die(stage, DEAD);
	stress_walk(stage->reader);
	smx_reader_gauge_total(stage->reader, series_of(stage, "sum"), &total);
	stage->before = total.value;
}

static void read_sum(void *data)
{
	struct stage *stage = data;
	smx_gauge_sample total;

	smx_reader_gauge_total(stage->reader, series_of(stage, "sum"), &total);
	stage->seen->value = total.value;
}

static void fold(struct stage *stage)
{
	live_and_die(stage, NEXT);
}

static void check_sum(struct stage *stage, uint64_t instruction)
{
	double value = stage->seen->value;

	CHECK(value == stage->before || value == stage->before + NEXT,
	      "at %" PRIu64 ": the sum is %g, before %g, after %g", instruction, value,
	      stage->before, stage->before + NEXT);
}

/* ---- cells that are used again ---- */

static const smx_text label = {"l", 1};

static void observe(struct stage *stage, unsigned times)
{
	static const char *const values[] = {"l"};
	smx_histogram histogram = smx_histogram_with(stage->histograms, values);

	for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
		for (unsigned i = 0; i < times; i++)
			smx_histogram_observe(histogram, bucket + 0.5);
}

static void begin_histogram(struct stage *stage)
{
	static const char *const labels[] = {"label"};
	static const double bounds[BUCKETS - 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	smx_definition definition = {.name = "h", .label_names = labels, .label_count = 1};

	REQUIRE(smx_histogram_define(stage->segment, &definition, bounds, BUCKETS - 1,
				     &stage->histograms, NULL) == SMX_OK,
		"histogram");
}

static void before_removal(struct stage *stage)
{
	smx_series_remove(stage->histograms.impl, &label);
	observe(stage, 3);
}

static void read_histogram(void *data)
{
	struct stage *stage = data;

	smx_reader_histogram(stage->reader, series_of(stage, "h"), stage->seen->counts,
			     &stage->seen->value);
}

/* The second time the cells are those that the reader knows. */
static void remove_twice(struct stage *stage)
{
	smx_series_remove(stage->histograms.impl, &label);
	observe(stage, 2);
	smx_series_remove(stage->histograms.impl, &label);
	observe(stage, 1);
}

static void check_histogram(struct stage *stage, uint64_t instruction)
{
	const uint64_t *counts = stage->seen->counts;

	for (unsigned bucket = 0; bucket < BUCKETS; bucket++)
		CHECK(counts[bucket] == counts[0] && (counts[0] == 1 || counts[0] == 3),
		      "at %" PRIu64 ": %" PRIu64 " in bucket %u, %" PRIu64 " in the first",
		      instruction, counts[bucket], bucket, counts[0]);
}

/* ---- a kept slot that is taken over ---- */

static void begin_all(struct stage *stage)
{
	stage->mode = SMX_GAUGE_ALL;
	begin_gauge(stage);
	smx_gauge_set(stage->gauge, (double)getpid());
}

/* All slots stand for a process, so the next takes one of the dead. */
static void fill_slots(struct stage *stage)
{
	stress_walk(stage->reader);
	while (smx_reader_holder_count(stage->reader) < SLOTS) {
		live_and_die(stage, 0);
		stress_walk(stage->reader);
	}
}

static void walk_and_read_all(void *data)
{
	struct stage *stage = data;
	smx_gauge_sample samples[SLOTS * 2];

	stress_walk(stage->reader);
	stage->seen->count = smx_reader_gauge(stage->reader, series_of(stage, "all"), samples);
	for (size_t i = 0; i < stage->seen->count; i++) {
		const smx_writer_view *writer = smx_reader_writer(stage->reader, samples[i].writer);

		stage->seen->pids[i] = writer->pid;
		stage->seen->values[i] = samples[i].value;
	}
}

/* Its next owner sets the gauge, or dies before: then the old value is still there. */
static void take_kept(struct stage *stage)
{
	pid_t pid;

	if (stage->turn++ % 2) {
		live_and_die(stage, 0);
		return;
	}
	pid = stress_fork();
	if (pid == 0)
		_exit(0);
	CHECK(stress_wait(pid, 10) == 0, "a process did not end well");
}

static void check_all(struct stage *stage, uint64_t instruction)
{
	const struct seen *seen = stage->seen;

	CHECK(seen->count >= SLOTS - 1 && seen->count <= SLOTS, "at %" PRIu64 ": %zu processes",
	      instruction, seen->count);
	for (size_t i = 0; i < seen->count; i++)
		CHECK(seen->values[i] == (double)seen->pids[i],
		      "at %" PRIu64 ": process %u has the value of %.0f", instruction,
		      seen->pids[i], seen->values[i]);
}

static const struct look looks[] = {
	{"a fold", begin_sum, before_fold, walk_before, read_sum, fold, check_sum, 2},
	{"cells used again", begin_histogram, before_removal, walk_before, read_histogram,
	 remove_twice, check_histogram, 4},
	{"a kept slot", begin_all, fill_slots, NULL, walk_and_read_all, take_kept, check_all, 20},
};

/* ---- stopping ---- */

static void start_look(const struct look *look, struct stage *stage, struct tracee *tracee)
{
	struct tracee_plan plan = {.prepare = look->prepare,
				   .operate = look->operate,
				   .data = stage,
				   .raw = true}; /* a reader needs no slot */

	look->before(stage);
	tracee_start(tracee, &plan);
}

static void run_look(const struct look *look)
{
	smx_segment_options options = {.slot_max = SLOTS, .stripe_count = 2};
	struct stage stage = {.segment = stress_open(SEGMENT, &options),
			      .seen = stress_shared(sizeof *stage.seen)};
	uint64_t failures = stress_failure_count(), stops = 0, chance = stress_now_ns();
	unsigned stride = stress_is_long() ? 1 : look->stride * stress_slowness();
	struct tracee tracee;
	struct trace trace;

	look->begin(&stage);
	stage.reader = stress_reader(SEGMENT);
	start_look(look, &stage, &tracee);
	tracee_record(&tracee, &trace);
	tracee_kill(&tracee);
	for (uint64_t i = stress_random(&chance) % stride;
	     i < trace.count && stress_failure_count() <= failures + 20; i += stride) {
		start_look(look, &stage, &tracee);
		tracee_run_to(&tracee, &trace, i);
		look->change(&stage);
		tracee_step(&tracee, UINT64_MAX);
		CHECK(tracee_is_done(&tracee), "the reader does not come to an end");
		tracee_kill(&tracee);
		look->check(&stage, i);
		stops++;
	}
	printf("  %-18s %6" PRIu64 " instructions, %5" PRIu64 " stops%s\n", look->name, trace.count,
	       stops, stress_failure_count() > failures ? "  FAILED" : "");
	trace_free(&trace);
	smx_reader_close(stage.reader);
	smx_segment_close(stage.segment);
	unlink(stress_path(SEGMENT));
}

int main(int argc, char **argv)
{
	stress_begin("looks", 240);
	printf("looks: a reader is stopped at single instructions (I4, I5)\n");
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (argc < 2 || strstr(looks[i].name, argv[1]))
			run_look(&looks[i]);
	return stress_end();
}
