/* SPDX-License-Identifier: MIT */
/*
 * options.c - the options of one command, and what is said of a wrong one
 */
#include <stdio.h>

#include "tool.h"

int options_next(const struct tool_command *command, int argc, char **argv, const char *shorts,
		 const struct option *longs, int *status)
{
	int first = optind;
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, shorts, longs, NULL);
	switch (c) {
	case -1:
		return OPTION_END;
	case 'h':
		fputs(command->help, stdout);
		*status = finish_output(TOOL_DONE);
		return OPTION_EXIT;
	case ':':
		*status = say_usage(command->name, "%s: option '%s' needs a value", command->name,
				    argv[optind - 1]);
		return OPTION_EXIT;
	case '?':
		/* A short option may stand in the middle of a word; a long one is the word before
		 * optind. */
		if (optopt > ' ' && optopt < 0x7f)
			*status = say_usage(command->name, "%s: unknown option '-%c'",
					    command->name, optopt);
		else
			*status = say_usage(command->name, "%s: unknown option '%s'", command->name,
					    argv[optind > first ? optind - 1 : first]);
		return OPTION_EXIT;
	default:
		return c;
	}
}
