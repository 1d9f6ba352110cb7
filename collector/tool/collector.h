/* SPDX-License-Identifier: MIT */
/*
 * collector.h - the collector that belongs to a run: found, started, started again, stopped
 *
 * It is only ever a help: whatever happens to it, the command runs on. Each trouble is told once.
 */
#ifndef SHMETRICS_TOOL_COLLECTOR_H
#define SHMETRICS_TOOL_COLLECTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "address.h"
#include "process.h"

struct collector {
	bool wanted;
	bool quiet; /* neither we nor the collector say what goes well */
	char program[PATH_MAX];
	const char *segment_path;
	const struct process_inheritance *inheritance;
	struct address address;
	pid_t pid; /* 0: not running */
	uint64_t started_ns;
	uint64_t due_ns;   /* the next start, or (stopping) the end of patience */
	uint64_t delay_ns; /* between the last end and the next start; 0: all was well */
	int told_errno;	   /* why it cannot listen, as last told */
	bool told_ending;
	bool stopping;
};

/* Looks for the program; if there is none, says so and wants no collector. */
void collector_find(struct collector *collector);

/* Starts it if that is due. */
void collector_tend(struct collector *collector, uint64_t now_ns);

/* To be told that the child `pid` ended; whether that was the collector. */
bool collector_ended(struct collector *collector, pid_t pid, int status, uint64_t now_ns);

/* Asks it to end, and makes it end when it has not done so by due_ns. Call it until pid is 0. */
void collector_stop(struct collector *collector, uint64_t now_ns);
/* Makes it end now. */
void collector_kill(struct collector *collector);

/* When collector_tend or collector_stop has something to do; UINT64_MAX: not before something
 * happens. */
uint64_t collector_due_ns(const struct collector *collector);

#endif
