/* SPDX-License-Identifier: MIT */
/*
 * collector.c - the collector that belongs to a run: found, started, started again, stopped
 */
#include "collector.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"
#include "tool.h"

#define COLLECTOR_NAME "shmetrics-collector"
#define SECOND_NS UINT64_C(1000000000)
#define DELAY_LEAST_NS (SECOND_NS / 10)
#define DELAY_MOST_NS (10 * SECOND_NS)
#define LIVED_NS (10 * SECOND_NS)   /* after that long its end is a new trouble, not the old one */
#define PATIENCE_NS (5 * SECOND_NS) /* for scrapes under way when it is asked to end */

/* Beside this program, as installed, in libexec, or one folder up, as built. */
static const char *const places[] = {"%s/" COLLECTOR_NAME, "%s/../libexec/" COLLECTOR_NAME,
				     "%s/../libexec/shmetrics/" COLLECTOR_NAME,
				     "%s/../" COLLECTOR_NAME};

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_near(char program[PATH_MAX])
{
	char here[PATH_MAX], candidate[PATH_MAX + 64];

	if (!place_folder(here))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(candidate, sizeof(candidate), places[i], here);
		if (is_program(candidate) && realpath(candidate, program))
			return true;
	}
	return false;
}

static bool find_in_path(char *program, size_t program_size)
{
	const char *folder = getenv("PATH");

	while (folder && *folder) {
		size_t size = strcspn(folder, ":");
		int needed =
			snprintf(program, program_size, "%.*s/" COLLECTOR_NAME, (int)size, folder);

		if (size > 0 && needed > 0 && (size_t)needed < program_size && is_program(program))
			return true;
		folder += size + (folder[size] == ':');
	}
	return false;
}

void collector_find(struct collector *collector)
{
	if (find_near(collector->program) ||
	    find_in_path(collector->program, sizeof(collector->program)))
		return;
	say("no " COLLECTOR_NAME
	    " beside this program or in PATH: the command runs, its metrics are recorded "
	    "but not served (where libmicrohttpd, liburcu or libdeflate is missing, pip install "
	    "builds the package without it)");
	collector->wanted = false;
}

static void wait_longer(struct collector *collector, uint64_t now_ns)
{
	collector->delay_ns = collector->delay_ns ? collector->delay_ns * 2 : DELAY_LEAST_NS;
	if (collector->delay_ns > DELAY_MOST_NS)
		collector->delay_ns = DELAY_MOST_NS;
	collector->due_ns = now_ns + collector->delay_ns;
}

/* Whether it could listen. One who cannot would only end at once, and tell it each time. */
static bool may_listen(struct collector *collector)
{
	char text[sizeof(collector->address) + 4];
	int error = address_probe(&collector->address);

	if (error && error != collector->told_errno) {
		address_format(&collector->address, "", text, sizeof(text));
		if (error == EADDRINUSE)
			say("%s is taken by another program: the command runs, its metrics are "
			    "recorded but "
			    "not served until the port is free (--listen takes another)",
			    text);
		else
			say("cannot listen on %s: %s: the command runs, its metrics are recorded "
			    "but not "
			    "served (--listen takes another)",
			    text, strerror(error));
	}
	collector->told_errno = error;
	return error == 0;
}

static void start(struct collector *collector, uint64_t now_ns)
{
	char listen[sizeof(collector->address) + 4];
	char *argv[] = {collector->program,
			"--segment",
			(char *)collector->segment_path,
			"--web.listen-address",
			listen,
			collector->quiet ? "--log.level" : NULL,
			"warn",
			NULL};
	int error = 0;

	address_format(&collector->address, "", listen, sizeof(listen));
	collector->pid = process_start(argv, true, collector->inheritance, &error);
	collector->started_ns = now_ns;
	if (!collector->pid) {
		if (!collector->told_ending)
			say("cannot start %s: %s: the command runs, its metrics are recorded but "
			    "not served",
			    collector->program, strerror(error));
		collector->told_ending = true;
		wait_longer(collector, now_ns);
		return;
	}
	if (!collector->quiet && !collector->told_ending) {
		address_format(&collector->address, "127.0.0.1", listen, sizeof(listen));
		say("metrics at http://%s/metrics", listen);
	}
}

void collector_tend(struct collector *collector, uint64_t now_ns)
{
	if (!collector->wanted || collector->stopping || collector->pid ||
	    now_ns < collector->due_ns)
		return;
	if (may_listen(collector))
		start(collector, now_ns);
	else
		wait_longer(collector, now_ns);
}

bool collector_ended(struct collector *collector, pid_t pid, int status, uint64_t now_ns)
{
	char ending[64];

	if (!pid || pid != collector->pid)
		return false;
	collector->pid = 0;
	if (collector->stopping)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TOOL_USAGE) {
		say("the collector does not accept what it was started with: the command runs, its "
		    "metrics are "
		    "recorded but not served");
		collector->wanted = false;
		return true;
	}
	if (now_ns - collector->started_ns >= LIVED_NS) {
		collector->delay_ns = 0;
		collector->told_ending = false;
	}
	wait_longer(collector, now_ns);
	if (!collector->told_ending)
		say("the collector ended with %s; it is started again",
		    process_ending(status, ending, sizeof(ending)));
	collector->told_ending = true;
	return true;
}

void collector_kill(struct collector *collector)
{
	if (collector->pid)
		kill(collector->pid, SIGKILL);
}

void collector_stop(struct collector *collector, uint64_t now_ns)
{
	if (!collector->stopping) {
		collector->stopping = true;
		collector->due_ns = now_ns + PATIENCE_NS;
		if (collector->pid) {
			kill(collector->pid, SIGTERM);
			kill(collector->pid, SIGCONT); /* a stopped one could not hear it */
		}
	} else if (now_ns >= collector->due_ns) {
		collector_kill(collector);
		collector->due_ns = UINT64_MAX;
	}
}

uint64_t collector_due_ns(const struct collector *collector)
{
	if (collector->stopping)
		return collector->pid ? collector->due_ns : UINT64_MAX;
	return collector->wanted && !collector->pid ? collector->due_ns : UINT64_MAX;
}
