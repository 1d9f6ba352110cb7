/* SPDX-License-Identifier: MIT */
/*
 * kill.h - the cases of kill.c: what is killed, and what must hold afterwards
 */
#ifndef STRESS_KILL_H
#define STRESS_KILL_H

#include "tracer.h"

#define KILL_SEGMENT "kill"
#define KILL_SLOTS 8
#define TARGET_BOUNDS_MAX 300
#define TARGET_NATIVE_MAX 100

/* A series to record to. */
struct target {
	smx_kind kind;
	smx_gauge_mode mode;
	size_t bound_count; /* of a native one, too: it has bounds besides */
	char family[32];
	char label[32]; /* "": the family has no labels */
};

struct handle {
	smx_kind kind;
	struct smx_family_record *family;
	smx_counter counter;
	smx_gauge gauge;
	smx_histogram histogram;
	smx_native_histogram native;
};

struct scene {
	smx_kind kind;
	smx_segment *segment; /* of the tracer, inherited; NULL: the tracee opens for itself */
	smx_reader *reader;   /* sees all kills */
	struct target target;
	struct handle handle;
	uint64_t used_earlier; /* bytes, of segments that were given up */
	uint64_t number;       /* of kills so far */
	uint64_t expected;     /* records of the target */
	bool finished;	       /* the operation was over before the kill */
	pid_t parent;	       /* of the killed child of a fork */
	pid_t keeper;
};

struct kill_case {
	const char *name;
	smx_kind kind;
	void (*begin)(struct scene *scene);  /* once */
	void (*before)(struct scene *scene); /* before each kill; may be NULL */
	void (*prepare)(void *scene);	     /* in the tracee; may be NULL */
	void (*operate)(void *scene);	     /* in the tracee, stepped */
	void (*after)(struct scene *scene);  /* what must hold */
	void (*end)(struct scene *scene);
	bool raw;
	bool step_child;
};

/*
 * Each ends with one without a name. kill_lives.c: what removes, brings back and inherits.
 * kill_values.c: what is too large for one swap.
 */
extern const struct kill_case kill_cases[], kill_life_cases[], kill_value_cases[];

extern const double kill_value;
smx_segment_options kill_options(void);
struct handle target_find(smx_segment *segment, const struct target *target);
void handle_record(struct handle handle);
uint64_t target_count(const smx_reader *reader, const struct target *target);
/* What it is of a gauge in the modes that include the dead. */
double target_total(smx_reader *reader, const struct target *target);
/* Another process, started by exec, opens the segment and records once to the target. */
void fresh_writer(const char *segment, const struct target *target, uint32_t flags);

/* Aims at another series of the scene's kind; gauges are of mode LIVE_ALL. */
void scene_aim(struct scene *scene, const char *family, const char *label);
/* A segment that the tracer has open. */
void scene_begin(struct scene *scene);
void scene_end(struct scene *scene);
/* How often the target was recorded to, as the reader that saw all kills finds. */
uint64_t scene_count(struct scene *scene);
/* The same, as both readers must find, with so many live writers. */
void scene_check(struct scene *scene, uint32_t live, uint64_t count);
uint64_t scene_used_bytes(struct scene *scene);

#endif
