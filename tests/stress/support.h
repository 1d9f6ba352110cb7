/* SPDX-License-Identifier: MIT */
/*
 * support.h - what the stress programs share: a folder of their own, deadlines, processes, looking
 * things up
 *
 * Claims are checked with CHECK, in any process of the test: failures are counted in shared memory
 * and decide the exit status of the whole program.
 */
#ifndef STRESS_SUPPORT_H
#define STRESS_SUPPORT_H

#include "shmetrics/exposition.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/*
 * Makes a folder for segments (SHMETRICS_DIR), and ends the program with status 1 after deadline_s
 * seconds (stretched for sanitizers and the long form).
 */
void stress_begin(const char *name, unsigned deadline_s);
/* Removes the folder, says how it went, returns the exit status. */
int stress_end(void);
/* SMX_LONG=1. */
bool stress_is_long(void);
/* Instrumented code runs many times slower: how much to divide the work by. */
unsigned stress_slowness(void);
const char *stress_folder(void);

void stress_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* For what must hold for the test to make sense: ends the process. */
_Noreturn void stress_broken(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define CHECK(condition, ...)                                                                      \
	do {                                                                                       \
		if (!(condition))                                                                  \
			stress_failed(__FILE__, __LINE__, __VA_ARGS__);                            \
	} while (0)
#define REQUIRE(condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			stress_broken(__FILE__, __LINE__, __VA_ARGS__);                            \
	} while (0)
uint64_t stress_failure_count(void);

/* Zeroed memory that children share. */
void *stress_shared(size_t size);
uint64_t stress_now_ns(void);
/* A small generator, one state per thread. */
uint64_t stress_random(uint64_t *state);
/* 0 .. count - 1 in an order that the seed decides. */
void stress_shuffle(uint32_t *order, uint32_t count, uint64_t seed);

/* fork(2), with a child that dies with its parent. */
pid_t stress_fork(void);
/* The same by the bare system call: no fork handler runs. */
pid_t stress_raw_fork(void);
/* SIGKILL, and waits for it. */
void stress_kill(pid_t pid);
/*
 * Waits for the process to end by itself; its wait status, -1 after the deadline (it is killed
 * then).
 */
int stress_wait(pid_t pid, unsigned seconds);
/* Polls until the shared word is at least value. False: not within the seconds. */
bool stress_wait_word(const uint64_t *word, uint64_t value, unsigned seconds);

#define ADD(word, amount) __atomic_fetch_add(&(word), (amount), __ATOMIC_SEQ_CST)
#define GET(word) __atomic_load_n(&(word), __ATOMIC_SEQ_CST)
#define PUT(word, value) __atomic_store_n(&(word), (value), __ATOMIC_SEQ_CST)

/* ---- segments ---- */

smx_segment *stress_open(const char *name, const smx_segment_options *options);
smx_reader *stress_reader(const char *name);
void stress_walk(smx_reader *reader);
/* The path of a segment in the folder. */
const char *stress_path(const char *name);
/* Entries of the folder beginning with the prefix. */
unsigned stress_files(const char *prefix);

/*
 * The only family of that name, the only series with those values; NULL: none. Twice is a failure.
 */
const smx_family_view *stress_family(const smx_reader *reader, const char *name);
const smx_series_view *stress_series(const smx_reader *reader, const smx_family_view *family,
				     const char *const *values);
/* The whole part of a counter without labels; 0 where there is none. */
uint64_t stress_counter(const smx_reader *reader, const char *name);
/* A counter or gauge without labels of this process. */
smx_counter stress_counter_of(smx_segment *segment, const char *name);
smx_gauge stress_gauge_of(smx_segment *segment, const char *name, smx_gauge_mode mode);
/* How many live processes show a value of a gauge without labels; *sum of them, if not NULL. */
size_t stress_gauge(const smx_reader *reader, const char *name, double *sum);

#endif
