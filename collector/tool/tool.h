/* SPDX-License-Identifier: MIT */
/*
 * tool.h - what the parts of the shmetrics command share: commands, options, messages
 *
 * Exit statuses: 0 done; 1 it could not be done, and a line on standard error says why; 2 the
 * command line is wrong. `run` returns what the command returned.
 */
#ifndef SHMETRICS_TOOL_H
#define SHMETRICS_TOOL_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

struct tool_command {
	const char *name;
	const char *summary; /* one line for `shmetrics --help` */
	const char *help;    /* the rest, for `shmetrics help NAME` */
	/* argv[0] is the command's name. */
	int (*main)(int argc, char **argv);
};

extern const struct tool_command run_command;
extern const struct tool_command list_command;
extern const struct tool_command dump_command;
extern const struct tool_command remove_command;

/* ---- options.c ---- */

enum { OPTION_END = -1, OPTION_EXIT = -2 };

/*
 * The next option as getopt_long gives it; OPTION_END behind the last one. --help and whatever is
 * wrong are answered here: OPTION_EXIT, with the status to exit with. shorts begins with "+:" where
 * the first word that is no option ends them, else with ":".
 */
int options_next(const struct tool_command *command, int argc, char **argv, const char *shorts,
		 const struct option *longs, int *status);

/* ---- output.c ---- */

/* One line on standard error: "shmetrics: ...". Kept whole, so that it is not mixed with the
 * command's. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the way to the help of `command` (NULL: of all); returns TOOL_USAGE. */
int say_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Flushes standard output; returns status, or TOOL_FAILED with a line if it could not be written.
 */
int finish_output(int status);

/* Writes text to standard output, with what a terminal would obey as \xNN. */
void print_safely(const char *text);

/* The library's message about the segment at `path` without "segment PATH: ", where the path is
 * told anyway. */
const char *message_within(const char *path, const char *message);

uint64_t monotonic_ns(void);

#endif
