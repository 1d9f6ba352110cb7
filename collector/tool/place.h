/* SPDX-License-Identifier: MIT */
/*
 * place.h - where this program lies: what comes with it is found beside it, wherever it was
 * installed or built
 */
#ifndef SHMETRICS_TOOL_PLACE_H
#define SHMETRICS_TOOL_PLACE_H

#include <limits.h>
#include <stdbool.h>

/* Its folder, without a slash at the end. False: the system does not say. */
bool place_folder(char folder[PATH_MAX]);

#endif
