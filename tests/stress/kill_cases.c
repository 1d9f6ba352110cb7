/* SPDX-License-Identifier: MIT */
/*
 * kill_cases.c - what is killed, and what must hold afterwards
 */
#include "kill.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void scene_aim(struct scene *scene, const char *family, const char *label)
{
	scene->target.kind = scene->kind;
	scene->target.mode = scene->kind == SMX_GAUGE ? SMX_GAUGE_LIVE_ALL : (smx_gauge_mode)0;
	if ((scene->kind == SMX_HISTOGRAM || scene->kind == SMX_NATIVE_HISTOGRAM) &&
	    scene->target.bound_count == 0)
		scene->target.bound_count = 20;
	snprintf(scene->target.family, sizeof scene->target.family, "%s", family);
	snprintf(scene->target.label, sizeof scene->target.label, "%s", label);
}

uint64_t scene_used_bytes(struct scene *scene)
{
	if (!scene->reader)
		return 0;
	stress_walk(scene->reader);
	return scene->used_earlier + smx_reader_information(scene->reader)->used_bytes;
}

/* Both readers: who lives, how often the target was recorded to. */
void scene_check(struct scene *scene, uint32_t live, uint64_t count)
{
	smx_reader *readers[2] = {scene->reader, stress_reader(KILL_SEGMENT)};

	for (int i = scene->reader ? 0 : 1; i < 2; i++) {
		const smx_reader_info *info = smx_reader_information(readers[i]);
		uint64_t seen;

		stress_walk(readers[i]);
		seen = target_count(readers[i], &scene->target);
		CHECK(info->damaged_count == 0, "kill %" PRIu64 ": %" PRIu64 " damaged",
		      scene->number, info->damaged_count);
		CHECK(info->slots_live == live, "kill %" PRIu64 ": %u live writers, not %u",
		      scene->number, info->slots_live, live);
		CHECK(seen == count, "kill %" PRIu64 ": %" PRIu64 " records of %s, not %" PRIu64,
		      scene->number, seen, scene->target.family, count);
	}
	smx_reader_close(readers[1]);
}

uint64_t scene_count(struct scene *scene)
{
	stress_walk(scene->reader);
	return target_count(scene->reader, &scene->target);
}

/* ---- opening ---- */

static void begin_file(struct scene *scene)
{
	scene_aim(scene, "c", "");
}

static void end_file(struct scene *scene)
{
	(void)scene;
	unlink(stress_path(KILL_SEGMENT));
}

static void before_new(struct scene *scene)
{
	end_file(scene);
}

static void open_it(void *scene)
{
	smx_segment_options options = kill_options();
	smx_segment *segment;

	(void)scene;
	smx_segment_open(KILL_SEGMENT, &options, &segment, NULL);
}

static void open_and_keep(void *scene)
{
	smx_segment_options options = kill_options();
	smx_segment *segment;

	(void)scene;
	options.flags = SMX_SEGMENT_KEEP;
	smx_segment_open(KILL_SEGMENT, &options, &segment, NULL);
}

static void after_opening(struct scene *scene)
{
	CHECK(stress_files(".kill") <= 1, "%u hidden files are left", stress_files(".kill"));
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 0, 1); /* a new generation: counted from 0 */
}

static void after_replacing(struct scene *scene)
{
	after_opening(scene);
	CHECK(stress_files("") == 1, "%u files after a replacement", stress_files(""));
}

static void after_keeping(struct scene *scene)
{
	fresh_writer(KILL_SEGMENT, &scene->target, SMX_SEGMENT_KEEP);
	scene_check(scene, 0, ++scene->expected);
}

/* A process that holds the segment, which the tracer has not open. */
static void begin_kept(struct scene *scene)
{
	uint64_t *ready = stress_shared(sizeof *ready);

	begin_file(scene);
	scene->keeper = stress_fork();
	if (scene->keeper == 0) {
		smx_segment_options options = kill_options();

		stress_open(KILL_SEGMENT, &options);
		PUT(*ready, 1);
		for (;;)
			pause();
	}
	REQUIRE(stress_wait_word(ready, 1, 10), "the keeper does not open");
	scene->reader = stress_reader(KILL_SEGMENT);
}

static void after_attaching(struct scene *scene)
{
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 1, ++scene->expected);
}

static void end_kept(struct scene *scene)
{
	stress_kill(scene->keeper);
	smx_reader_close(scene->reader);
	end_file(scene);
}

/* ---- in a segment that the tracer has open ---- */

static void begin_striped(struct scene *scene, uint32_t stripe_count)
{
	smx_segment_options options = kill_options();

	options.stripe_count = stripe_count;
	scene->segment = stress_open(KILL_SEGMENT, &options);
	scene->reader = stress_reader(KILL_SEGMENT);
	scene_aim(scene, "family", "");
}

void scene_begin(struct scene *scene)
{
	begin_striped(scene, 4);
}

void scene_end(struct scene *scene)
{
	smx_reader_close(scene->reader);
	smx_segment_close(scene->segment);
	end_file(scene);
}

static void before_family(struct scene *scene)
{
	char name[32];

	snprintf(name, sizeof name, "family%" PRIu64, scene->number);
	scene_aim(scene, name, scene->kind == SMX_COUNTER ? "label" : "");
}

static void find_it(void *data)
{
	struct scene *scene = data;

	scene->handle = target_find(scene->segment, &scene->target);
}

/*
 * The fresh writer's one record, and of gauges, which are gone with their writers, the tracer's
 * own.
 */
static void after_finding(struct scene *scene)
{
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	if (scene->kind == SMX_GAUGE)
		handle_record(target_find(scene->segment, &scene->target));
	scene_check(scene, 1, 1);
}

/* Many series, so that a new one meets others in its part of the index. */
static void begin_series(struct scene *scene)
{
	char label[32];

	scene_begin(scene);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(label, sizeof label, "filler%u", i);
		scene_aim(scene, "family", label);
		target_find(scene->segment, &scene->target);
	}
}

/* Each series takes more than the file is extended by. */
static void begin_wide_series(struct scene *scene)
{
	scene->target.bound_count = TARGET_BOUNDS_MAX;
	begin_striped(scene, 16);
}

static void before_series(struct scene *scene)
{
	char label[32];

	snprintf(label, sizeof label, "series%" PRIu64, scene->number);
	scene_aim(scene, "family", label);
}

/* A new segment before the old one is full. */
static void before_wide_series(struct scene *scene)
{
	if (scene->number % 1000 == 999) {
		scene->used_earlier = scene_used_bytes(scene);
		scene_end(scene);
		begin_wide_series(scene);
	}
	before_series(scene);
}

/* The family is there for the tracee; only the series is new. */
static void define_before(void *data)
{
	struct scene *scene = data;
	struct target other = scene->target;

	snprintf(other.label, sizeof other.label, "filler0");
	target_find(scene->segment, &other);
}

/* ---- recording ---- */

static void begin_recording(struct scene *scene)
{
	scene_begin(scene);
	scene->handle = target_find(scene->segment, &scene->target);
}

static void record_it(void *data)
{
	handle_record(((struct scene *)data)->handle);
}

static void add_half(void *data)
{
	smx_counter_add(((struct scene *)data)->handle.counter, 0.5);
}

static void add_to_gauge(void *data)
{
	smx_gauge_add(((struct scene *)data)->handle.gauge, 1);
}

static void after_recording(struct scene *scene)
{
	uint64_t count = scene_count(scene);

	CHECK(count == scene->expected + 1 || (count == scene->expected && !scene->finished),
	      "%" PRIu64 " records after %" PRIu64, count, scene->expected);
	scene->expected = count + 1;
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 1, scene->expected);
}

static void after_setting(struct scene *scene)
{
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 1, 1);
}

static void close_it(void *data)
{
	smx_segment_close(((struct scene *)data)->segment);
}

/* ---- slots ---- */

static void begin_claim(struct scene *scene)
{
	scene->kind = SMX_GAUGE;
	scene_begin(scene);
	handle_record(target_find(scene->segment, &scene->target));
}

/* A segment whose second slot nobody has ever held. */
static void before_claim_free(struct scene *scene)
{
	smx_segment_options options = kill_options();

	scene_end(scene);
	scene->segment = stress_open(KILL_SEGMENT, &options);
	scene->reader = stress_reader(KILL_SEGMENT);
	handle_record(target_find(scene->segment, &scene->target));
}

static void claim_it(void *data)
{
	struct scene *scene = data;

	smx_segment_claim(scene->segment, NULL);
}

static void claim_and_set(void *data)
{
	struct scene *scene = data;

	smx_segment_claim(scene->segment, NULL);
	handle_record(target_find(scene->segment, &scene->target));
}

/* The tracer's value is all that may be seen; also when the slot has its next owner. */
static void after_claiming(struct scene *scene)
{
	scene_check(scene, 1, 1);
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 1, 1);
}

static void record_first(void *data)
{
	struct scene *scene = data;

	scene->handle = target_find(scene->segment, &scene->target);
	handle_record(scene->handle);
}

static void fork_it(void *data)
{
	struct scene *scene = data;

	if (fork() == 0)
		handle_record(scene->handle);
}

/* The child is gone, its parent and the tracer are not. */
static void after_forking(struct scene *scene)
{
	scene_check(scene, 2, 2);
	fresh_writer(KILL_SEGMENT, &scene->target, 0);
	scene_check(scene, 2, 2);
}

const struct kill_case kill_cases[] = {
	{"open, no file", SMX_COUNTER, begin_file, before_new, NULL, open_it, after_opening,
	 end_file, false, false},
	{"open, a new generation", SMX_COUNTER, begin_file, NULL, NULL, open_it, after_replacing,
	 end_file, false, false},
	{"open, keep", SMX_COUNTER, begin_file, NULL, NULL, open_and_keep, after_keeping, end_file,
	 false, false},
	{"open, attach", SMX_COUNTER, begin_kept, NULL, NULL, open_it, after_attaching, end_kept,
	 false, false},
	{"define a counter", SMX_COUNTER, scene_begin, before_family, NULL, find_it, after_finding,
	 scene_end, false, false},
	{"define a gauge", SMX_GAUGE, scene_begin, before_family, NULL, find_it, after_finding,
	 scene_end, false, false},
	{"define a histogram", SMX_HISTOGRAM, scene_begin, before_family, NULL, find_it,
	 after_finding, scene_end, false, false},
	{"define a native histogram", SMX_NATIVE_HISTOGRAM, scene_begin, before_family, NULL,
	 find_it, after_finding, scene_end, false, false},
	{"series, counter", SMX_COUNTER, begin_series, before_series, define_before, find_it,
	 after_finding, scene_end, false, false},
	{"series, gauge", SMX_GAUGE, begin_series, before_series, define_before, find_it,
	 after_finding, scene_end, false, false},
	{"series, histogram", SMX_HISTOGRAM, begin_series, before_series, define_before, find_it,
	 after_finding, scene_end, false, false},
	{"series, native histogram", SMX_NATIVE_HISTOGRAM, begin_series, before_series,
	 define_before, find_it, after_finding, scene_end, false, false},
	{"series, the file grows", SMX_HISTOGRAM, begin_wide_series, before_wide_series,
	 define_before, find_it, after_finding, scene_end, false, false},
	{"claim a free slot", SMX_GAUGE, begin_claim, before_claim_free, NULL, claim_it,
	 after_claiming, scene_end, true, false},
	{"adopt a dead slot", SMX_GAUGE, begin_claim, NULL, NULL, claim_and_set, after_claiming,
	 scene_end, true, false},
	{"fork handler", SMX_GAUGE, begin_claim, NULL, record_first, fork_it, after_forking,
	 scene_end, false, true},
	{"counter, whole", SMX_COUNTER, begin_recording, NULL, NULL, record_it, after_recording,
	 scene_end, false, false},
	{"counter, fraction", SMX_COUNTER, begin_recording, NULL, NULL, add_half, after_recording,
	 scene_end, false, false},
	{"histogram", SMX_HISTOGRAM, begin_recording, NULL, NULL, record_it, after_recording,
	 scene_end, false, false},
	{"native histogram", SMX_NATIVE_HISTOGRAM, begin_recording, NULL, NULL, record_it,
	 after_recording, scene_end, false, false},
	{"gauge, set", SMX_GAUGE, begin_recording, NULL, NULL, record_it, after_setting, scene_end,
	 false, false},
	{"gauge, add", SMX_GAUGE, begin_recording, NULL, NULL, add_to_gauge, after_setting,
	 scene_end, false, false},
	{"close", SMX_GAUGE, begin_claim, NULL, NULL, close_it, after_claiming, scene_end, false,
	 false},
	{.name = NULL},
};
