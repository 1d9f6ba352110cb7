/* SPDX-License-Identifier: MIT */
/*
 * run.c - `shmetrics run`: a segment, a collector and a command, for as long as the command lives
 *
 * One thread, which sleeps in sigtimedwait with every signal blocked. It is:
 *
 *  1. The keeper of the segment: it holds a slot, so that the counters live on when all workers die
 * at once. A segment with a generated name is removed at the end. One that a killed run has left is
 * removed by the next run.
 *  2. A parent that reaps: as PID 1 by nature, else as a subreaper. It ends when the command ends,
 * not when the last orphan does, as tini and dumb-init do.
 *  3. A stand-in for the command, for signals. The command stays in our process group and keeps the
 * terminal as it was, so the terminal (Ctrl-C, Ctrl-\, Ctrl-Z, a new size) reaches both of us: the
 * kernel marks these SI_KERNEL, and they are not passed on. Two exceptions: the kernel tells SIGHUP
 * and SIGCONT of a hang-up to the session leader alone; if that is us, they are. What somebody
 * sends with kill is passed on. What the command itself sends is not: with kill(0, ...) it has it
 * already. A signal sent by kill to the whole group or to all of a control group the command gets
 * twice, because nobody can tell that from one sent to us alone; so it is under every init.
 *  4. Stopped when the command is: Ctrl-Z stops the group, us included, so the shell has its
 * prompt, and fg continues both. SIGTSTP from elsewhere is passed on, then stops us.
 *
 * The collector lives in a session of its own (no Ctrl-C, no hang-up) and dies with us even if we
 * are killed. The command does not: a killed helper should not take the application with it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "collector.h"
#include "limits.h"
#include "process.h"
#include "removal.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"
#include "tool.h"

enum { EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

struct run {
	const char *segment_name; /* NULL: a generated one */
	smx_segment_options options;
	bool quiet;
	bool bridge;
	char *const *command_line;
	char generated[RUN_NAME_SIZE];
	smx_segment *segment;
	char *segment_path; /* NULL: no metrics */
	sigset_t signals;
	struct process_inheritance inheritance;
	struct collector collector;
	pid_t command; /* 0: ended, with status */
	int status;
};

/* ---- the command line ---- */

static const char run_help[] =
	"Usage: shmetrics run [OPTION]... [--] COMMAND [ARGUMENT]...\n\n"
	"Runs COMMAND with metrics: makes a segment, names it in SHMETRICS_SEGMENT, serves it by a "
	"collector\n"
	"(started again if it dies), passes signals on, and exits with COMMAND's status: 128+n if "
	"signal n\n"
	"killed it, 126 or 127 if it could not be run. Whatever fails here, COMMAND runs.\n\n"
	"  --segment NAME      record into this segment, and leave it there afterwards; default: "
	"one of this\n"
	"                      run alone, removed at the end\n"
	"  --keep              go on with the counters that an earlier run left in --segment NAME\n"
	"  --limit NAME=N      a limit of the segment, if this run makes it: size_max_bytes, "
	"series_max or\n"
	"                      family_series_max; may be given for each\n"
	"  --listen HOST:PORT  where to serve; default 127.0.0.1:9798, port 0: a free one\n"
	"  --no-collector      record only\n"
	"  --bridge            Python programs: prometheus_client, wherever it is imported, "
	"records "
	"into the\n"
	"                      segment; their Python needs the package (pip install shmetrics)\n"
	"  -q, --quiet         say only what is wrong\n"
	"  -h, --help          this text\n\n"
	"Examples:\n"
	"  shmetrics run -- uvicorn --workers 4 app:app\n"
	"  shmetrics run --bridge -- uvicorn --workers 4 app:app\n"
	"  shmetrics run --segment shop --listen 0.0.0.0:9798 -- gunicorn -c shop.py shop:app\n";

static int main_run(int argc, char **argv);

const struct tool_command run_command = {
	.name = "run",
	.summary = "run a command with a segment and a collector of its own",
	.help = run_help,
	.main = main_run,
};

enum {
	OPTION_SEGMENT = 256,
	OPTION_LIMIT,
	OPTION_LISTEN,
	OPTION_NO_COLLECTOR,
	OPTION_KEEP,
	OPTION_BRIDGE,
};

static const struct option longs[] = {
	{"segment", required_argument, NULL, OPTION_SEGMENT},
	{"limit", required_argument, NULL, OPTION_LIMIT},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"no-collector", no_argument, NULL, OPTION_NO_COLLECTOR},
	{"keep", no_argument, NULL, OPTION_KEEP},
	{"bridge", no_argument, NULL, OPTION_BRIDGE},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool check_options(struct run *run, int argc, char **argv, const char *listen, int *status)
{
	char path[PATH_MAX];
	const char *why = "";
	smx_error error;

	*status = TOOL_USAGE;
	if (listen && !address_parse(listen, &run->collector.address, &why))
		say_usage("run", "run: --listen %s: %s", listen, why);
	else if (run->options.flags & SMX_SEGMENT_KEEP && !run->segment_name)
		say_usage("run", "run: --keep needs --segment NAME");
	else if (run->segment_name &&
		 smx_segment_resolve(run->segment_name, NULL, path, sizeof(path), &error) != SMX_OK)
		say_usage("run", "run: --segment: %s", error.message);
	else if (optind >= argc)
		say_usage("run", "run: a command to run is missing");
	else if (!argv[optind][0])
		say_usage("run", "run: the command is an empty word");
	else
		return true;
	return false;
}

static bool read_options(struct run *run, int argc, char **argv, int *status)
{
	const char *listen = NULL;
	char why[128];
	int option;

	while ((option = options_next(&run_command, argc, argv, "+:hq", longs, status)) !=
	       OPTION_END) {
		switch (option) {
		case OPTION_SEGMENT:
			run->segment_name = optarg;
			break;
		case OPTION_LIMIT:
			if (!limits_parse(optarg, &run->options, why, sizeof(why))) {
				*status = say_usage("run", "run: --limit %s: %s", optarg, why);
				return false;
			}
			break;
		case OPTION_LISTEN:
			listen = optarg;
			break;
		case OPTION_NO_COLLECTOR:
			run->collector.wanted = false;
			break;
		case OPTION_KEEP:
			run->options.flags |= SMX_SEGMENT_KEEP;
			break;
		case OPTION_BRIDGE:
			run->bridge = true;
			break;
		case 'q':
			run->quiet = true;
			break;
		default:
			return false;
		}
	}
	run->command_line = argv + optind;
	return check_options(run, argc, argv, listen, status);
}

/* ---- the segment ---- */

static void open_segment(struct run *run)
{
	smx_error error = {0};
	const char *name = run->segment_name;

	if (!name) {
		run_name_make(run->generated);
		name = run->generated;
	}
	if (smx_segment_open(name, &run->options, &run->segment, &error) == SMX_OK)
		run->segment_path = strdup(smx_segment_path(run->segment));
	if (!run->segment_path || setenv("SHMETRICS_SEGMENT", run->segment_path, 1) < 0) {
		say("%s: the command runs without metrics",
		    run->segment ? "out of memory" : error.message);
		unsetenv("SHMETRICS_SEGMENT");
		run->collector.wanted = false;
		return;
	}
	if (!smx_segment_claim(run->segment, &error))
		say("%s: the segment lives only while processes of the command hold it",
		    error.message);
	removal_sweep(run->segment_path);
	run->collector.segment_path = run->segment_path;
	if (run->collector.wanted)
		collector_find(&run->collector);
}

static void close_segment(struct run *run)
{
	struct removal removal = {.force = false};

	smx_segment_close(run->segment);
	if (run->segment_path && !run->segment_name &&
	    removal_try(run->segment_path, &removal) == REMOVAL_LIVE)
		say("%zu %s that the command left behind still %s %s (pid %s): it stays until the "
		    "next run",
		    removal.live_count, removal.live_count == 1 ? "process" : "processes",
		    removal.live_count == 1 ? "holds" : "hold", run->segment_path, removal.pids);
	free(run->segment_path);
}

/* ---- signals ---- */

/* Every signal but those that say that we ourselves are broken. */
static void hold_signals(struct run *run)
{
	static const int faults[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
	const struct sigaction standard = {.sa_handler = SIG_DFL};

	sigfillset(&run->signals);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&run->signals, faults[i]);
	sigprocmask(SIG_SETMASK, &run->signals, &run->inheritance.mask);
	/* Who ignores SIGCHLD, as our parent may have, has no children to wait for. */
	sigaction(SIGCHLD, &standard, &run->inheritance.child_action);
}

/* Ctrl-Z and its like: stop as any program does, which in an orphaned process group is not at all.
 */
static void stop_with(int signal)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

static bool is_for_command(const siginfo_t *info, pid_t command)
{
	bool hang_up = info->si_signo == SIGHUP || info->si_signo == SIGCONT;

	if (info->si_code == SI_KERNEL)
		return hang_up && getsid(0) == getpid();
	return info->si_pid != getpid() && info->si_pid != command;
}

static void take_signal(struct run *run, const siginfo_t *info)
{
	int signal = info->si_signo;

	if (signal == SIGCHLD)
		return;
	if (run->command) {
		if (is_for_command(info, run->command))
			kill(run->command, signal);
		if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)
			stop_with(signal);
	} else if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP) {
		collector_kill(&run->collector); /* we are only waiting for that one: somebody is
						    impatient */
	}
}

/* ---- waiting ---- */

static void reap(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == run->command) {
			run->command = 0;
			run->status = status;
		} else {
			collector_ended(&run->collector, pid, status, monotonic_ns());
		}
	}
}

/* Sleeps until a signal comes or due_ns has. */
static void sleep_until(struct run *run, uint64_t due_ns)
{
	uint64_t now_ns = monotonic_ns();
	uint64_t wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u),
				.tv_nsec = (long)(wait_ns % 1000000000u)};
	siginfo_t info;

	if (sigtimedwait(&run->signals, &info, due_ns == UINT64_MAX ? NULL : &wait) > 0)
		take_signal(run, &info);
}

static void watch(struct run *run)
{
	struct collector *collector = &run->collector;

	while (run->command || collector->pid) {
		if (run->command)
			collector_tend(collector, monotonic_ns());
		else
			collector_stop(collector, monotonic_ns());
		sleep_until(run, collector_due_ns(collector));
		reap(run);
	}
}

static int run_all(struct run *run)
{
	const char *name = run->command_line[0];
	int error = 0;

	run->command = process_start(run->command_line, false, &run->inheritance, &error);
	if (!run->command) {
		say("%s: %s", name, strerror(error));
		return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	}
	if (run->segment_path && !run->quiet)
		say("recording into %s", run->segment_path);
	watch(run);
	return WIFSIGNALED(run->status) ? EXIT_SIGNAL + WTERMSIG(run->status)
					: WEXITSTATUS(run->status);
}

static int main_run(int argc, char **argv)
{
	struct run run = {.collector.wanted = true};
	int status;

	snprintf(run.collector.address.host, sizeof(run.collector.address.host), "127.0.0.1");
	snprintf(run.collector.address.port, sizeof(run.collector.address.port), "%d",
		 SMX_DEFAULT_PORT);
	if (!read_options(&run, argc, argv, &status))
		return status;
	run.collector.inheritance = &run.inheritance;
	run.collector.quiet = run.quiet;
	hold_signals(&run);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	smx_reader_guard_install(NULL); /* for what others have left in the folder */
	open_segment(&run);
	if (run.bridge && run.segment_path)
		bridge_prepare();
	status = run_all(&run);
	close_segment(&run);
	return status;
}
