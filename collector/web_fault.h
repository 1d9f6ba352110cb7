/* SPDX-License-Identifier: MIT */
/*
 * web_fault.h - what is wrong with a web configuration: FILE:LINE: RULE
 */
#ifndef COLLECTOR_WEB_FAULT_H
#define COLLECTOR_WEB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct web_fault {
	char text[1024];
};

/* Returns false, for the caller to return. line 0: of the file as a whole. */
bool web_fault(struct web_fault *fault, const char *path, size_t line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
