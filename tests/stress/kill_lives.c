/* SPDX-License-Identifier: MIT */
/*
 * kill_lives.c - kills while a series is removed, comes back or is reset, and while what a dead
 * process held is inherited
 */
#include "kill.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* ---- removing, coming back, resetting ---- */

#define RECORDS 3 /* before each kill */

static void begin_lives(struct scene *scene)
{
	scene_begin(scene);
	scene_aim(scene, "family", "label");
}

static void reset_it(void *data)
{
	struct scene *scene = data;

	switch (scene->kind) {
	case SMX_COUNTER:
		smx_series_reset(scene->handle.counter.impl);
		break;
	case SMX_HISTOGRAM:
		smx_series_reset(scene->handle.histogram.impl);
		break;
	case SMX_NATIVE_HISTOGRAM:
		smx_series_reset(scene->handle.native.impl);
		break;
	default:
		smx_series_reset(scene->handle.gauge.impl);
	}
}

/* The series is served, with RECORDS in it; of a gauge the tracer has one. */
static void before_life(struct scene *scene)
{
	scene->handle = target_find(scene->segment, &scene->target);
	reset_it(scene);
	for (int i = 0; i < RECORDS; i++)
		handle_record(scene->handle);
	scene->expected = scene_count(scene);
	CHECK(scene->expected == (scene->kind == SMX_GAUGE ? 1 : RECORDS),
	      "%" PRIu64 " records before the kill", scene->expected);
}

static void remove_it(void *data)
{
	struct scene *scene = data;
	smx_text value = {scene->target.label, strlen(scene->target.label)};

	smx_series_remove(scene->handle.family, &value);
}

static void before_return(struct scene *scene)
{
	before_life(scene);
	remove_it(scene);
}

static void bring_it_back(void *data)
{
	struct scene *scene = data;

	scene->handle = target_find(scene->segment, &scene->target);
}

/*
 * Whatever was done of it, everything before is there or nothing is; another process goes on from
 * that. Gauges are gone with their writers, and the fresh one is dead, too.
 */
static void check_life(struct scene *scene, bool may_be_whole)
{
	uint64_t count = scene_count(scene);

	CHECK(count == 0 || (count == scene->expected && may_be_whole) || scene->kind == SMX_GAUGE,
	      "%" PRIu64 " records, of %" PRIu64 " before", count, scene->expected);
	scene_check(scene, 1, count);
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	if (scene->kind == SMX_GAUGE) {
		handle_record(target_find(scene->segment, &scene->target));
		count = 0;
	}
	scene_check(scene, 1, count + 1);
}

static void after_ending(struct scene *scene)
{
	check_life(scene, !scene->finished);
}

static void after_return(struct scene *scene)
{
	check_life(scene, false);
}

/* ---- what the dead leave ---- */

static void begin_dead(struct scene *scene, smx_gauge_mode mode)
{
	scene->kind = SMX_GAUGE;
	scene_begin(scene);
	scene_aim(scene, "dead", "");
	scene->target.mode = mode;
	scene->handle = target_find(scene->segment, &scene->target);
	handle_record(scene->handle);
	scene->expected = 1;
}

static void begin_sum(struct scene *scene)
{
	begin_dead(scene, SMX_GAUGE_SUM);
}

/* A dead process, whose value nobody has folded yet. */
static void before_fold(struct scene *scene)
{
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene->expected++;
}

static void claim_it(void *data)
{
	smx_segment_claim(((struct scene *)data)->segment, NULL);
}

static void claim_and_set(void *data)
{
	struct scene *scene = data;

	smx_segment_claim(scene->segment, NULL);
	handle_record(scene->handle);
}

static void check_sum(struct scene *scene)
{
	smx_reader *readers[2] = {scene->reader, stress_reader(KILL_SEGMENT)};

	for (int i = 0; i < 2; i++) {
		double total;

		stress_walk(readers[i]);
		total = target_total(readers[i], &scene->target);
		CHECK(total == (double)scene->expected * kill_value,
		      "kill %" PRIu64 ": the sum is %g, not %g", scene->number, total,
		      (double)scene->expected * kill_value);
		CHECK(smx_reader_information(readers[i])->damaged_count == 0, "damage");
	}
	smx_reader_close(readers[1]);
}

/* The tracee's own value is there if it set it; nothing else has changed. */
static void after_fold(struct scene *scene)
{
	stress_walk(scene->reader);
	if (target_total(scene->reader, &scene->target) > (double)scene->expected * kill_value)
		scene->expected++;
	check_sum(scene);
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene->expected++;
	check_sum(scene);
}

static void begin_kept(struct scene *scene)
{
	begin_dead(scene, SMX_GAUGE_ALL);
}

/* How many processes are shown; each of them with its own value. */
static size_t count_kept(struct scene *scene)
{
	smx_gauge_sample samples[2 * KILL_SLOTS];
	const smx_series_view *series;
	size_t count;

	stress_walk(scene->reader);
	series = stress_series(scene->reader, stress_family(scene->reader, "dead"), NULL);
	count = smx_reader_gauge(scene->reader, series, samples);
	for (size_t i = 0; i < count; i++)
		CHECK(samples[i].value == kill_value, "a value of %g", samples[i].value);
	CHECK(smx_reader_writer_count(scene->reader) == 1, "a dead process lives");
	return count;
}

/* Every slot stands for a process: whoever comes must take one of the dead. */
static void before_kept_claim(struct scene *scene)
{
	for (int i = 0; i < KILL_SLOTS && count_kept(scene) < KILL_SLOTS; i++)
		fresh_writer(KILL_SEGMENT, &scene->target, 0);
	CHECK(count_kept(scene) == KILL_SLOTS, "a slot stands for nobody");
}

/* One stands for nobody: it was being taken over, or its new owner had no value yet. */
static void after_kept_claim(struct scene *scene)
{
	for (int round = 0; round < 2; round++) {
		size_t count = count_kept(scene);

		CHECK(count >= KILL_SLOTS - 1 && count <= KILL_SLOTS,
		      "kill %" PRIu64 ": %zu processes in %d slots", scene->number, count,
		      KILL_SLOTS);
		fresh_writer(KILL_SEGMENT, &scene->target, 0);
	}
}

const struct kill_case kill_life_cases[] = {
	{"remove, counter", SMX_COUNTER, begin_lives, before_life, NULL, remove_it, after_ending,
	 scene_end, false, false},
	{"remove, gauge", SMX_GAUGE, begin_lives, before_life, NULL, remove_it, after_ending,
	 scene_end, false, false},
	{"come back, counter", SMX_COUNTER, begin_lives, before_return, NULL, bring_it_back,
	 after_return, scene_end, false, false},
	{"come back, histogram", SMX_HISTOGRAM, begin_lives, before_return, NULL, bring_it_back,
	 after_return, scene_end, false, false},
	{"come back, native histogram", SMX_NATIVE_HISTOGRAM, begin_lives, before_return, NULL,
	 bring_it_back, after_return, scene_end, false, false},
	{"come back, gauge", SMX_GAUGE, begin_lives, before_return, NULL, bring_it_back,
	 after_return, scene_end, false, false},
	{"reset, counter", SMX_COUNTER, begin_lives, before_life, NULL, reset_it, after_ending,
	 scene_end, false, false},
	{"reset, histogram", SMX_HISTOGRAM, begin_lives, before_life, NULL, reset_it, after_ending,
	 scene_end, false, false},
	{"reset, native histogram", SMX_NATIVE_HISTOGRAM, begin_lives, before_life, NULL, reset_it,
	 after_ending, scene_end, false, false},
	{"reset, gauge", SMX_GAUGE, begin_lives, before_life, NULL, reset_it, after_ending,
	 scene_end, false, false},
	{"adopt, fold", SMX_GAUGE, begin_sum, before_fold, NULL, claim_it, after_fold, scene_end,
	 true, false},
	{"adopt, fold, set", SMX_GAUGE, begin_sum, before_fold, NULL, claim_and_set, after_fold,
	 scene_end, true, false},
	{"claim a kept slot", SMX_GAUGE, begin_kept, before_kept_claim, NULL, claim_and_set,
	 after_kept_claim, scene_end, true, false},
	{.name = NULL},
};
