/* SPDX-License-Identifier: MIT */
/*
 * process.h - starting a program as a child of `shmetrics run`
 */
#ifndef SHMETRICS_TOOL_PROCESS_H
#define SHMETRICS_TOOL_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What a child gets back of what `run` has changed for itself. */
struct process_inheritance {
	sigset_t mask;
	struct sigaction child_action; /* of SIGCHLD */
};

/*
 * Starts argv[0], looked for as execvp does. helper: a session of its own, so that no terminal
 * reaches it; nothing to read; what it prints goes to standard error; SIGTERM if we die. Returns
 * its pid; 0 if it could not be started, with *error saying why. Then no child is left.
 */
pid_t process_start(char *const *argv, bool helper, const struct process_inheritance *inheritance,
		    int *error);

/* "status 3" or "signal 9 (Killed)", of a status that waitpid gave. */
const char *process_ending(int status, char *text, size_t text_size);

#endif
