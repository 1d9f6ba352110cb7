/* SPDX-License-Identifier: MIT */
/*
 * kill.c - a process is killed at single instructions of everything that changes a segment
 *
 * Attacks I1 and I3 (and I4, I6): after each kill a fresh process, started by exec, opens the
 * segment and goes on with the very thing that the killed one was at; a reader that saw all kills
 * and a fresh one find each family and series once, nothing damaged, exact numbers, and no gauge of
 * the dead. The ordinary run kills at a spread of instructions, another one each run; the long one
 * at every instruction.
 */
#include "kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is recorded to ---- */

const double kill_value = 2;

static void bounds_of(const struct target *target, double *bounds)
{
	for (size_t i = 0; i < target->bound_count; i++)
		bounds[i] = (double)i + 1;
}

struct handle target_find(smx_segment *segment, const struct target *target)
{
	static const char *const labels[] = {"l"};
	smx_definition definition = {.name = target->family,
				     .help = target->family,
				     .label_names = labels,
				     .label_count = target->label[0] ? 1 : 0,
				     .series_max = 100000};
	const char *values[] = {target->label};
	const char *const *given = target->label[0] ? values : NULL;
	struct handle handle = {.kind = target->kind};
	double bounds[TARGET_BOUNDS_MAX];
	smx_error error = {.status = SMX_OK};

	if (target->kind == SMX_COUNTER) {
		smx_counter_family family;

		smx_counter_define(segment, &definition, &family, &error);
		handle.family = family.impl;
		handle.counter = smx_counter_with(family, given);
	} else if (target->kind == SMX_GAUGE) {
		smx_gauge_family family;

		smx_gauge_define(segment, &definition, target->mode, &family, &error);
		handle.family = family.impl;
		handle.gauge = smx_gauge_with(family, given);
	} else if (target->kind == SMX_NATIVE_HISTOGRAM) {
		smx_native_options options = {.schema = 1,
					      .least = 0.001,
					      .greatest = 1000,
					      .bounds = bounds,
					      .bound_count = target->bound_count};
		smx_native_histogram_family family;

		bounds_of(target, bounds);
		smx_native_histogram_define(segment, &definition, &options, &family, &error);
		handle.family = family.impl;
		handle.native = smx_native_histogram_with(family, given);
	} else {
		smx_histogram_family family;

		bounds_of(target, bounds);
		smx_histogram_define(segment, &definition, bounds, target->bound_count, &family,
				     &error);
		handle.family = family.impl;
		handle.histogram = smx_histogram_with(family, given);
	}
	CHECK(error.status == SMX_OK, "%s", error.message);
	return handle;
}

void handle_record(struct handle handle)
{
	if (handle.kind == SMX_COUNTER)
		smx_counter_inc(handle.counter);
	else if (handle.kind == SMX_GAUGE)
		smx_gauge_set(handle.gauge, kill_value);
	else if (handle.kind == SMX_NATIVE_HISTOGRAM)
		smx_native_histogram_observe(handle.native, kill_value);
	else
		smx_histogram_observe(handle.histogram, kill_value);
}

/* What a reader sees of it: records of counters and histograms, live values of gauges. */
uint64_t target_count(const smx_reader *reader, const struct target *target)
{
	const smx_family_view *family = stress_family(reader, target->family);
	const char *values[] = {target->label};
	const smx_series_view *series = stress_series(reader, family, values);
	uint64_t counts[TARGET_BOUNDS_MAX + 1], total = 0, native_total = 0;
	smx_gauge_sample samples[KILL_SLOTS];
	double sum = 0;

	if (!series || series->removed)
		return 0;
	if (target->kind == SMX_GAUGE)
		return smx_reader_gauge(reader, series, samples);
	if (target->kind == SMX_COUNTER) {
		smx_counter_sample sample = smx_reader_counter(reader, series);

		return sample.whole + (uint64_t)(sample.fraction * 2);
	}
	if (target->kind == SMX_NATIVE_HISTOGRAM) {
		uint64_t native[TARGET_NATIVE_MAX];

		REQUIRE(family->native.count <= TARGET_NATIVE_MAX, "%zu native buckets",
			family->native.count);
		smx_reader_native_histogram(reader, series, native, counts, &sum);
		for (size_t i = 0; i < family->native.count; i++)
			native_total += native[i];
	} else {
		smx_reader_histogram(reader, series, counts, &sum);
	}
	for (size_t i = 0; i <= target->bound_count; i++)
		total += counts[i];
	CHECK(target->kind != SMX_NATIVE_HISTOGRAM || native_total == total,
	      "%" PRIu64 " in native buckets, %" PRIu64 " in the others", native_total, total);
	CHECK(sum == (double)total * kill_value, "sum %g of %" PRIu64 " observations of %g", sum,
	      total, kill_value);
	return total;
}

double target_total(smx_reader *reader, const struct target *target)
{
	const smx_family_view *family = stress_family(reader, target->family);
	const char *values[] = {target->label};
	const smx_series_view *series = stress_series(reader, family, values);
	smx_gauge_sample total = {0};

	if (series)
		smx_reader_gauge_total(reader, series, &total);
	return total.value;
}

/* ---- the fresh writer: this program, started anew ---- */

static int be_writer(char **argv)
{
	struct target target = {.kind = (smx_kind)atoi(argv[1]),
				.mode = (smx_gauge_mode)atoi(argv[2]),
				.bound_count = (size_t)atoi(argv[3])};
	smx_segment_options options = kill_options();
	smx_segment *segment;
	smx_error error;

	snprintf(target.family, sizeof target.family, "%s", argv[4]);
	snprintf(target.label, sizeof target.label, "%s", argv[5]);
	options.flags = (uint32_t)atoi(argv[6]);
	if (smx_segment_open(argv[0], &options, &segment, &error) != SMX_OK) {
		fprintf(stderr, "fresh writer: %s\n", error.message);
		return 1;
	}
	handle_record(target_find(segment, &target));
	smx_segment_close(segment);
	return 0;
}

void fresh_writer(const char *segment, const struct target *target, uint32_t flags)
{
	char kind[8], mode[8], bound_count[8], flag_text[8];
	pid_t pid;

	snprintf(kind, sizeof kind, "%d", (int)target->kind);
	snprintf(mode, sizeof mode, "%d", (int)target->mode);
	snprintf(bound_count, sizeof bound_count, "%d", (int)target->bound_count);
	snprintf(flag_text, sizeof flag_text, "%d", (int)flags);
	pid = stress_raw_fork();
	if (pid == 0) {
		execl("/proc/self/exe", "stress_kill", "--writer", segment, kind, mode, bound_count,
		      target->family, target->label, flag_text, (char *)NULL);
		_exit(2);
	}
	CHECK(stress_wait(pid, 10) == 0, "the fresh writer cannot go on");
}

smx_segment_options kill_options(void)
{
	return (smx_segment_options){
		.size_max_bytes = UINT64_C(128) << 20, .slot_max = KILL_SLOTS, .stripe_count = 4};
}

/* ---- one case ---- */

struct figures {
	uint64_t kills, instructions;
};

/*
 * Starts the operation, kills it at an instruction (UINT64_MAX: afterwards, keeping the trace),
 * looks at what is left.
 */
static void kill_at(const struct kill_case *which, struct scene *scene, struct trace *trace,
		    uint64_t instruction)
{
	struct tracee_plan plan = {.prepare = which->prepare,
				   .operate = which->operate,
				   .data = scene,
				   .raw = which->raw,
				   .step_child = which->step_child};
	struct tracee tracee;

	if (which->before)
		which->before(scene);
	tracee_start(&tracee, &plan);
	scene->parent = tracee.parent;
	if (instruction == UINT64_MAX)
		tracee_record(&tracee, trace);
	else
		tracee_run_to(&tracee, trace, instruction);
	scene->finished = tracee_is_done(&tracee);
	tracee_kill(&tracee);
	which->after(scene);
	if (tracee.parent)
		stress_kill(tracee.parent);
	scene->number++;
}

/*
 * Where to kill: everywhere in what is short and in the long run; else before and after each
 * instruction that others may see something of, and at `spread` others, chosen by chance.
 */
static bool *choose_points(const struct trace *trace, uint64_t spread)
{
	uint64_t chance = stress_now_ns(), count = trace->count;
	bool *chosen = calloc(count + 1, sizeof *chosen);
	bool everywhere = stress_is_long() || count <= 4 * spread;

	for (uint64_t i = 0; i < count; i++)
		if (everywhere || trace->edge[i] || (i > 0 && trace->edge[i - 1]))
			chosen[i] = true;
	for (uint64_t i = 0; i < spread && !everywhere; i++) {
		uint64_t from = i * count / spread, to = (i + 1) * count / spread;

		chosen[from + stress_random(&chance) % (to - from)] = true;
	}
	return chosen;
}

static void run_case(const struct kill_case *which, uint64_t spread, struct figures *figures)
{
	uint64_t failures = stress_failure_count(), before, natural, used, kills = 0;
	struct scene scene = {.kind = which->kind};
	struct trace trace;
	bool *chosen;

	which->begin(&scene);
	before = scene_used_bytes(&scene);
	kill_at(which, &scene, &trace, UINT64_MAX);
	natural = scene_used_bytes(&scene) - before;
	before += natural;
	chosen = choose_points(&trace, spread);
	for (uint64_t i = 0; i < trace.count && stress_failure_count() <= failures + 20; i++) {
		if (!chosen[i])
			continue;
		kill_at(which, &scene, &trace, i);
		kills++;
	}
	used = scene_used_bytes(&scene);
	used = used > before ? used - before
			     : 0; /* some cases begin with a new segment each time */
	CHECK(used <= kills * (2 * natural + 2048),
	      "%s: %" PRIu64 " bytes used by %" PRIu64 " kills, %" PRIu64
	      " by one that is not killed",
	      which->name, used, kills, natural);
	figures->kills += kills;
	figures->instructions += trace.count;
	printf("  %-24s %6" PRIu64 " instructions, %5" PRIu64 " kills, %6" PRIu64 " bytes each%s\n",
	       which->name, trace.count, kills, used / kills,
	       stress_failure_count() > failures ? "  FAILED" : "");
	free(chosen);
	trace_free(&trace);
	which->end(&scene);
}

static void run_cases(const struct kill_case *which, const char *only, struct figures *figures)
{
	uint64_t spread = 30 / stress_slowness();

	for (; which->name; which++)
		if (!only || strstr(which->name, only))
			run_case(which, spread, figures);
}

int main(int argc, char **argv)
{
	struct figures figures = {0};
	const char *only = argc > 1 ? argv[1] : NULL;

	if (argc == 9 && strcmp(argv[1], "--writer") == 0)
		return be_writer(argv + 2);
	stress_begin("kill", 240);
	printf("kill: SIGKILL at single instructions (I1, I3, I4, I6)\n");
	run_cases(kill_cases, only, &figures);
	run_cases(kill_life_cases, only, &figures);
	run_cases(kill_value_cases, only, &figures);
	printf("  %" PRIu64 " kills over %" PRIu64 " instructions\n", figures.kills,
	       figures.instructions);
	return stress_end();
}
