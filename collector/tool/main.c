/* SPDX-License-Identifier: MIT */
/*
 * main.c - the shmetrics command: which of its commands, and help
 */
#include <stdio.h>
#include <string.h>

#include "shmetrics/version.h"
#include "tool.h"

static const struct tool_command *const commands[] = {
	&run_command,
	&list_command,
	&dump_command,
	&remove_command,
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct tool_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int print_version(void)
{
	printf("shmetrics %s", SMX_VERSION);
	if (strcmp(smx_version(), SMX_VERSION) != 0)
		printf(" (library %s)", smx_version());
	putchar('\n');
	return finish_output(TOOL_DONE);
}

static int print_help(void)
{
	fputs("Metrics in shared memory: run a program with them, look at them, clean up.\n\n"
	      "Usage: shmetrics COMMAND [OPTION]...\n\n",
	      stdout);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-9s%s\n", commands[i]->name, commands[i]->summary);
	fputs("  version  print the version\n"
	      "  help     explain a command: shmetrics help run\n\n"
	      "Segments are the files NAME.smx1 in the folder SHMETRICS_DIR, /dev/shm if that is "
	      "not set.\n"
	      "A NAME with a slash is a path.\n\n"
	      "Examples:\n"
	      "  shmetrics run -- uvicorn --workers 4 app:app   then look at "
	      "http://127.0.0.1:9798/metrics\n"
	      "  shmetrics ls\n"
	      "  shmetrics dump shop | grep http_requests_total\n"
	      "  shmetrics rm shop\n",
	      stdout);
	return finish_output(TOOL_DONE);
}

static int help(int argc, char **argv)
{
	const struct tool_command *command;

	if (argc < 2)
		return print_help();
	if (argc > 2)
		return say_usage(NULL, "help takes one command, not also '%s'", argv[2]);
	if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "help") == 0)
		return print_help();
	command = find_command(argv[1]);
	if (!command)
		return say_usage(NULL, "no help on '%s': there is no such command", argv[1]);
	fputs(command->help, stdout);
	return finish_output(TOOL_DONE);
}

int main(int argc, char **argv)
{
	const struct tool_command *command;
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		return say_usage(NULL, "a command is missing");
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help();
	if (strcmp(name, "help") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0 ||
	    strcmp(name, "version") == 0) {
		if (argc > 2)
			return say_usage(NULL, "version takes nothing, not '%s'", argv[2]);
		return print_version();
	}
	if (name[0] == '-')
		return say_usage(NULL, "unknown option '%s'", name);
	command = find_command(name);
	if (!command)
		return say_usage(NULL, "unknown command '%s'", name);
	return command->main(argc - 1, argv + 1);
}
