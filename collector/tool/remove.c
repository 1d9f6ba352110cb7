/* SPDX-License-Identifier: MIT */
/*
 * remove.c - `shmetrics rm`: take segments away
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "removal.h"
#include "shmetrics/reader.h"
#include "shmetrics/shmetrics.h"
#include "tool.h"

static const char remove_help[] =
	"Usage: shmetrics rm [--force] NAME...\n\n"
	"Removes segments that no live process holds. A segment that processes hold, and a file "
	"that is no\n"
	"segment, is removed only with --force; processes that hold a removed segment go on "
	"recording into\n"
	"it, and a collector that has it open serves it until they end.\n\n"
	"  -f, --force  remove it all the same\n"
	"  -h, --help   this text\n\n"
	"Examples:\n"
	"  shmetrics rm shop\n"
	"  shmetrics rm --force ./old/shop.smx1\n\n"
	"Exits with 1 if one of them is still there.\n";

static int main_remove(int argc, char **argv);

const struct tool_command remove_command = {
	.name = "rm",
	.summary = "remove a segment that no process uses",
	.help = remove_help,
	.main = main_remove,
};

static int remove_one(const char *name, bool force)
{
	struct removal removal = {.force = force};
	char path[PATH_MAX];
	smx_error error;
	size_t count;

	if (smx_segment_resolve(name, NULL, path, sizeof(path), &error) != SMX_OK) {
		say("%s", error.message);
		return TOOL_FAILED;
	}
	removal_try(path, &removal);
	count = removal.live_count;
	switch (removal.outcome) {
	case REMOVAL_DONE:
		if (count)
			say("%s: removed; %zu live %s (pid %s) %s on recording into it", path,
			    count, count == 1 ? "process" : "processes", removal.pids,
			    count == 1 ? "goes" : "go");
		return TOOL_DONE;
	case REMOVAL_ABSENT:
		say("%s: there is no such segment", path);
		break;
	case REMOVAL_LIVE:
		say("%s: not removed: %zu live %s it (pid %s); stop %s or use --force", path, count,
		    count == 1 ? "process holds" : "processes hold", removal.pids,
		    count == 1 ? "it" : "them");
		break;
	case REMOVAL_BUSY:
		say("%s: not removed: a process is opening it at this moment; try again or use "
		    "--force",
		    path);
		break;
	case REMOVAL_FOREIGN:
		say("%s: not removed: not known to be a segment (%s); --force removes the file",
		    path, removal.message);
		break;
	case REMOVAL_FAILED:
		say("%s: not removed: %s", path, removal.message);
		break;
	}
	return TOOL_FAILED;
}

static int main_remove(int argc, char **argv)
{
	static const struct option longs[] = {{"force", no_argument, NULL, 'f'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	bool force = false;
	int status = TOOL_DONE;
	int option;

	while ((option = options_next(&remove_command, argc, argv, ":fh", longs, &status)) !=
	       OPTION_END) {
		if (option == OPTION_EXIT)
			return status;
		force = true;
	}
	if (optind >= argc)
		return say_usage("rm", "rm: the NAME of a segment is missing");
	smx_reader_guard_install(NULL);
	for (int i = optind; i < argc; i++)
		if (remove_one(argv[i], force) != TOOL_DONE)
			status = TOOL_FAILED;
	return status;
}
