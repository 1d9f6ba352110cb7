/* SPDX-License-Identifier: MIT */
/*
 * process.h - what this process uses, as the kernel tells
 */
#ifndef COLLECTOR_PROCESS_H
#define COLLECTOR_PROCESS_H

/* A number that the kernel does not tell (no /proc) is negative. */
struct process_usage {
	double cpu_seconds;
	double resident_bytes;
	double open_fds;
	double max_fds;
	double start_unix_seconds;
};

struct process_usage process_usage(void);

#endif
