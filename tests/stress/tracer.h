/* SPDX-License-Identifier: MIT */
/*
 * tracer.h - stopping a process at a single instruction, to kill it there or to leave it there
 *
 * The tracee prepares itself at full speed, stops, and is then stepped through the operation that
 * is attacked; a word of shared memory says when that is over.
 */
#ifndef STRESS_TRACER_H
#define STRESS_TRACER_H

#include "support.h"

struct tracee {
	pid_t pid;	/* the process that is stepped */
	pid_t parent;	/* of a stepped child of a fork: its parent, which runs on; else 0 */
	uint64_t *done; /* shared: 1 when the operation is over */
};

struct tracee_plan {
	void (*prepare)(void *data); /* may be NULL */
	void (*operate)(void *data);
	void *data;
	bool raw;	 /* the tracee is forked without fork handlers */
	bool step_child; /* operate forks: its child is stepped, from its first instruction */
};

/* Where each instruction of an operation lies, as one run of it went. */
struct trace {
	uint64_t *addresses;
	uint64_t *landmark; /* of each: the last before it that was reached for the first time */
	bool *edge; /* of each: others may see it: a system call or a locked access */
	uint64_t count;
};

/* Forks a tracee and brings it to the beginning of its operation. */
void tracee_start(struct tracee *tracee, const struct tracee_plan *plan);
/* Runs at most `limit` instructions; how many it were. Fewer: the operation is over. */
uint64_t tracee_step(struct tracee *tracee, uint64_t limit);
/* Steps to the end of the operation and keeps the way. */
void tracee_record(struct tracee *tracee, struct trace *trace);
void trace_free(struct trace *trace);
/*
 * Brings it to instruction `number` of the trace: at full speed to a landmark, by steps from there.
 */
void tracee_run_to(struct tracee *tracee, const struct trace *trace, uint64_t number);
/* One step, until just after the next system call has returned. False: the operation is over. */
bool tracee_step_to_system_call(struct tracee *tracee);
bool tracee_is_done(const struct tracee *tracee);
/* Kills the stepped process (not the parent of a stepped child). */
void tracee_kill(struct tracee *tracee);

#endif
