/* SPDX-License-Identifier: MIT */
/*
 * web_fault.c - what is wrong with a web configuration: FILE:LINE: RULE
 */
#include "web_fault.h"

#include <stdarg.h>
#include <stdio.h>

bool web_fault(struct web_fault *fault, const char *path, size_t line, const char *format, ...)
{
	int used = line ? snprintf(fault->text, sizeof(fault->text), "%s:%zu: ", path, line)
			: snprintf(fault->text, sizeof(fault->text), "%s: ", path);
	va_list arguments;

	if (used < 0 || (size_t)used >= sizeof(fault->text))
		return false;
	va_start(arguments, format);
	vsnprintf(fault->text + used, sizeof(fault->text) - (size_t)used, format, arguments);
	va_end(arguments);
	return false;
}
