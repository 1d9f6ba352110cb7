/* SPDX-License-Identifier: MIT */
/*
 * adopt.c - a process stands still in the middle of claiming a slot, while another takes the slot
 * and dies
 *
 * Attacks I4 and I11: however late an adopter is, a dead process is never shown as live, and a slot
 * is never lost. The adopter is left standing after each of its system calls in turn; another
 * process then claims, sets a gauge and is killed; a reader looks at every step of what the adopter
 * does next.
 */
#include "tracer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "adopt"
#define LATE 1.0
#define QUICK 1000.0

struct scene {
	smx_segment *segment;
	smx_gauge gauge;
	uint64_t *quick_ready;
};

static void claim_late(void *data)
{
	struct scene *scene = data;

	smx_segment_claim(scene->segment, NULL);
	smx_gauge_set(stress_gauge_of(scene->segment, "g", SMX_GAUGE_LIVE_SUM), LATE);
}

/* Claims, sets its gauge, and is killed there. */
static void claim_and_die(struct scene *scene)
{
	pid_t pid;

	PUT(*scene->quick_ready, 0);
	pid = stress_raw_fork();
	if (pid == 0) {
		CHECK(smx_segment_claim(scene->segment, NULL), "no slot");
		smx_gauge_set(stress_gauge_of(scene->segment, "g", SMX_GAUGE_LIVE_SUM), QUICK);
		PUT(*scene->quick_ready, 1);
		for (;;)
			pause();
	}
	CHECK(stress_wait_word(scene->quick_ready, 1, 10),
	      "a claim is held up by one that stands still");
	stress_kill(pid);
}

/* A fresh reader each time: nothing it has seen before may save it. */
static void look(const char *when, unsigned call)
{
	smx_reader *reader = stress_reader(SEGMENT);
	double sum;

	stress_gauge(reader, "g", &sum);
	CHECK(sum < QUICK, "%s, call %u: the dead process is shown as live", when, call);
	CHECK(smx_reader_information(reader)->slots_live <= 2, "%s, call %u: %u live writers", when,
	      call, smx_reader_information(reader)->slots_live);
	smx_reader_close(reader);
}

/* Leaves the adopter standing after `calls` system calls. False: it needs fewer for its claim. */
static bool stand_still_after(struct scene *scene, unsigned calls)
{
	struct tracee_plan plan = {.operate = claim_late, .data = scene, .raw = true};
	struct tracee tracee;
	smx_reader *reader;
	unsigned call = 0;
	double sum;

	tracee_start(&tracee, &plan);
	while (call < calls && tracee_step_to_system_call(&tracee))
		call++;
	if (call == calls) {
		claim_and_die(scene);
		look("standing", call);
		while (tracee_step_to_system_call(&tracee))
			look("going on", ++call);
	}
	reader = stress_reader(SEGMENT);
	stress_gauge(reader, "g", &sum);
	CHECK(sum == LATE, "%u calls: the late adopter has no slot in the end: %g", calls, sum);
	smx_reader_close(reader);
	tracee_kill(&tracee);
	return call > calls;
}

static unsigned run_with(const char *what, bool adopt)
{
	smx_segment_options options = {.slot_max = 8};
	struct scene scene = {.quick_ready = stress_shared(sizeof(uint64_t))};
	unsigned calls = 0;

	scene.segment = stress_open(SEGMENT, &options);
	if (adopt)
		claim_and_die(&scene);
	while (stand_still_after(&scene, calls))
		calls++;
	printf("  %s: left standing after each of %u system calls\n", what, calls);
	smx_segment_close(scene.segment);
	unlink(stress_path(SEGMENT));
	return calls;
}

/* ---- the first update in an adopted slot ---- */

static void claim_and_find(void *data)
{
	struct scene *scene = data;

	smx_segment_claim(scene->segment, NULL);
}

static void update(void *data)
{
	smx_gauge_add(((struct scene *)data)->gauge, LATE);
}

/*
 * At each of its instructions the cell holds nothing, or this owner's value: never the dead one's.
 */
static void update_step_by_step(void)
{
	smx_segment_options options = {.slot_max = 8};
	struct scene scene = {.quick_ready = stress_shared(sizeof(uint64_t))};
	struct tracee_plan plan = {
		.prepare = claim_and_find, .operate = update, .data = &scene, .raw = true};
	struct tracee tracee;
	smx_reader *reader;
	unsigned steps = 0;
	double sum = 0;

	scene.segment = stress_open(SEGMENT, &options);
	scene.gauge = stress_gauge_of(scene.segment, "g", SMX_GAUGE_LIVE_SUM);
	claim_and_die(&scene);
	reader = stress_reader(SEGMENT);
	tracee_start(&tracee, &plan);
	for (bool more = true; more; steps++) {
		more = tracee_step(&tracee, 1) == 1;
		stress_walk(reader);
		stress_gauge(reader, "g", &sum);
		CHECK(sum == 0 || sum == LATE, "after %u instructions the gauge shows %g", steps,
		      sum);
	}
	CHECK(sum == LATE, "the update is not seen: %g", sum);
	tracee_kill(&tracee);
	printf("  the first update in an adopted slot: seen at each of %u instructions\n", steps);
	smx_reader_close(reader);
	smx_segment_close(scene.segment);
}

int main(void)
{
	stress_begin("adopt", 60);
	printf("adopt: a late adopter of a slot (I4, I11)\n");
	CHECK(run_with("a free slot", false) > 2, "nothing was stepped");
	CHECK(run_with("a dead slot", true) > 2, "nothing was stepped");
	update_step_by_step();
	return stress_end();
}
