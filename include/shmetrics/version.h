/* SPDX-License-Identifier: MIT */
/*
 * version.h - the release; CMakeLists.txt and pyproject.toml read the numbers from here
 */
#ifndef SHMETRICS_VERSION_H
#define SHMETRICS_VERSION_H

#include "shmetrics/types.h"

#define SMX_VERSION_MAJOR 0
#define SMX_VERSION_MINOR 1
#define SMX_VERSION_PATCH 0
#define SMX_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, such as "0.1.0". Async-signal-safe. */
SMX_API const char *smx_version(void);

#ifdef __cplusplus
}
#endif
#endif
