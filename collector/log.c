/* SPDX-License-Identifier: MIT */
/*
 * log.c - one line per event on standard error
 */
#include "log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

void log_configure(enum log_level least, enum log_format format)
{
	least_level = least;
	line_format = format;
}

bool log_enabled(enum log_level level)
{
	return level >= least_level;
}

static void format_time(char *text, size_t size)
{
	struct timespec now;
	struct tm parts;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + used, size - used, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void append_field(smx_buffer *line, const struct log_field *field)
{
	if (line_format == LOG_FORMAT_JSON) {
		text_append(line, line->size ? "," : "{");
		text_json(line, field->key);
		text_append(line, ":");
	} else {
		if (line->size)
			text_append(line, " ");
		text_append(line, field->key);
		text_append(line, "=");
	}
	if (!field->text)
		text_printf(line, "%" PRId64, field->number);
	else if (line_format == LOG_FORMAT_JSON)
		text_json(line, field->text);
	else
		text_logfmt(line, field->text);
}

void log_write(enum log_level level, const struct log_field *fields)
{
	smx_buffer line = {0};
	char time_text[40];

	format_time(time_text, sizeof(time_text));
	append_field(&line, &(struct log_field){.key = "ts", .text = time_text});
	append_field(&line, &(struct log_field){.key = "level", .text = level_names[level]});
	for (; fields->key; fields++)
		append_field(&line, fields);
	text_append(&line, line_format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (!line.failed) {
		/* Nobody is left to tell when this fails. */
		struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

		if (poll(&room, 1, 0) == 1) {
			ssize_t written = write(STDERR_FILENO, line.data, line.size);
			(void)written;
		}
	}
	smx_buffer_free(&line);
}

bool log_paced(log_pace *pace)
{
	struct timespec now;
	long long last = atomic_load(pace);

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec != last && atomic_compare_exchange_strong(pace, &last, now.tv_sec);
}
