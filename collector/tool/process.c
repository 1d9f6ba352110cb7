/* SPDX-License-Identifier: MIT */
/*
 * process.c - starting a program as a child of `shmetrics run`
 *
 * vfork, for three reasons: it runs no fork handler (the library's would claim a slot for a child
 * that is about to become another program); it tells us whether exec worked, because the child
 * writes that to our memory and we sleep until it has; and it needs no descriptor, of which there
 * may be none left. The child makes only system calls, and every signal that has a handler is
 * blocked.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become_helper(pid_t parent)
{
	int null;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before it could be watched */
		_exit(0);
	null = open("/dev/null", O_RDONLY);
	if (null >= 0 && null != STDIN_FILENO) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

pid_t process_start(char *const *argv, bool helper, const struct process_inheritance *inheritance,
		    int *error)
{
	volatile int failure = 0;
	pid_t self = getpid();
	pid_t pid = vfork();

	if (pid == 0) {
		if (helper)
			become_helper(self);
		sigaction(SIGCHLD, &inheritance->child_action, NULL);
		sigprocmask(SIG_SETMASK, &inheritance->mask, NULL);
		execvp(argv[0], argv);
		failure = errno;
		_exit(EXIT_FAILURE);
	}
	*error = pid < 0 ? errno : failure;
	if (pid > 0 && !failure)
		return pid;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

const char *process_ending(int status, char *text, size_t text_size)
{
	if (WIFSIGNALED(status))
		snprintf(text, text_size, "signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, text_size, "status %d", WEXITSTATUS(status));
	return text;
}
