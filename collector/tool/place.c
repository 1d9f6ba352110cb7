/* SPDX-License-Identifier: MIT */
/*
 * place.c - where this program lies
 */
#include "place.h"

#include <string.h>
#include <unistd.h>

bool place_folder(char folder[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (size <= 0)
		return false;
	folder[size] = '\0';
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}
