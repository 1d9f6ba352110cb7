/* SPDX-License-Identifier: MIT */
/*
 * bridge.c - `run --bridge`: Python programs of the command record through shmetrics.bridge
 *
 * The folder with our sitecustomize.py goes first in PYTHONPATH. Of all ways into an interpreter it
 * is the one that needs neither a change to the application's environment (a .pth file would change
 * it for every program in it, and for good) nor a wrapper around the program's start (which
 * multiprocessing's spawn, uvicorn's workers and a shell script in between would lose). What it
 * does, and that it runs the user's own sitecustomize, is in the file.
 */
#include "bridge.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "tool.h"

#define FILE_NAME "sitecustomize.py"

/* Beside this program, installed or built. */
static bool find_folder(char folder[PATH_MAX])
{
	static const char place[] = "/../share/shmetrics/bridge";
	char here[PATH_MAX], candidate[PATH_MAX + sizeof(place)],
		file[PATH_MAX + sizeof(FILE_NAME)];

	if (!place_folder(here))
		return false;
	snprintf(candidate, sizeof(candidate), "%s%s", here, place);
	if (!realpath(candidate, folder) || strchr(folder, ':'))
		return false;
	snprintf(file, sizeof(file), "%s/" FILE_NAME, folder);
	return access(file, R_OK) == 0;
}

void bridge_prepare(void)
{
	const char *before = getenv("PYTHONPATH");
	char folder[PATH_MAX], *path;
	size_t size;

	if (!find_folder(folder)) {
		say("--bridge: no share/shmetrics/bridge/" FILE_NAME
		    " beside this program: prometheus_client is not bridged (it comes with pip "
		    "install shmetrics and with cmake --install)");
		return;
	}
	if (!before || !before[0]) {
		setenv("PYTHONPATH", folder, 1);
		return;
	}
	size = strlen(folder) + strlen(before) + 2;
	path = malloc(size);
	if (path) {
		snprintf(path, size, "%s:%s", folder, before);
		setenv("PYTHONPATH", path, 1);
	}
	free(path);
}
