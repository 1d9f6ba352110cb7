/* SPDX-License-Identifier: MIT */
/*
 * process.c - what this process uses, as the kernel tells
 */
#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		return -1;
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = -1;
	fclose(file);
	return pages < 0 ? -1 : (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	double count = -3; /* ".", ".." and the directory's own */

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static double max_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return -1;
	return (double)limit.rlim_cur;
}

/* The kernel counts from boot; the difference of its clocks makes that a time of day. */
static double start_unix_seconds(void)
{
	FILE *file = fopen("/proc/self/stat", "re");
	unsigned long long ticks = 0;
	char line[1024];
	const char *after_name;

	if (!file)
		return -1;
	after_name = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!after_name ||
	    sscanf(after_name,
		   ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
		   "%*d %*d %llu",
		   &ticks) != 1)
		return -1;
	return seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME) +
	       (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

struct process_usage process_usage(void)
{
	static double started; /* asked once: the clocks drift, a start does not */
	struct process_usage usage;

	if (started == 0)
		started = start_unix_seconds();
	usage.cpu_seconds = seconds(CLOCK_PROCESS_CPUTIME_ID);
	usage.resident_bytes = resident_bytes();
	usage.open_fds = open_fds();
	usage.max_fds = max_fds();
	usage.start_unix_seconds = started;
	return usage;
}
