/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the time, on every POSIX system; without a system call where the vDSO has the clocks
 */
#include "platform.h"

#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t smx_platform_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t smx_platform_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
