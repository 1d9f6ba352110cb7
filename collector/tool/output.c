/* SPDX-License-Identifier: MIT */
/*
 * output.c - lines for people, and standard output that is not silently cut short
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static void say_va(const char *format, va_list arguments, const char *ending)
{
	char line[2048];
	int size = snprintf(line, sizeof(line), "shmetrics: ");
	int more = vsnprintf(line + size, sizeof(line) - (size_t)size, format, arguments);
	size_t used;

	used = more < 0 ? (size_t)size : (size_t)size + (size_t)more;
	if (used > sizeof(line) - 128)
		used = sizeof(line) - 128;
	used += (size_t)snprintf(line + used, sizeof(line) - used, "%s\n", ending);
	/* One write: lines of the command, which has the same standard error, do not come in
	 * between. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_va(format, arguments, "");
	va_end(arguments);
}

int say_usage(const char *command, const char *format, ...)
{
	char ending[96];
	va_list arguments;

	snprintf(ending, sizeof(ending), "; see 'shmetrics %s%s'", command ? "help " : "--help",
		 command ? command : "");
	va_start(arguments, format);
	say_va(format, arguments, ending);
	va_end(arguments);
	return TOOL_USAGE;
}

int finish_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		say("standard output: %s", strerror(errno));
		return TOOL_FAILED;
	}
	return status;
}

void print_safely(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f || *c == '\\' || *c >= 0x80)
			printf("\\x%02x", *c);
		else
			putchar(*c);
	}
}

const char *message_within(const char *path, const char *message)
{
	static const char prefix[] = "segment ";
	size_t size = strlen(path);

	if (strncmp(message, prefix, sizeof(prefix) - 1) != 0 ||
	    strncmp(message + sizeof(prefix) - 1, path, size) != 0)
		return message;
	size += sizeof(prefix) - 1;
	return strncmp(message + size, ": ", 2) == 0 ? message + size + 2 : message;
}

uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
