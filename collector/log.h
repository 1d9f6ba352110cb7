/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line per event on standard error
 *
 *	log_event(LOG_LEVEL_INFO, log_text("msg", "segment attached"), log_text("segment", name),
 *		  log_number("series", 12));
 *
 * The message comes first, as the field msg. May be called by any thread; a line is one write(2),
 * so lines of several threads do not mix. Not async-signal-safe.
 */
#ifndef COLLECTOR_LOG_H
#define COLLECTOR_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
	const char *key;
	const char *text; /* NULL: a number */
	int64_t number;
};

static inline struct log_field log_text(const char *key, const char *text)
{
	return (struct log_field){.key = key, .text = text ? text : ""};
}

static inline struct log_field log_number(const char *key, int64_t number)
{
	return (struct log_field){.key = key, .number = number};
}

/* Before the first thread starts. */
void log_configure(enum log_level least, enum log_format format);
bool log_enabled(enum log_level level);

/* fields end with one whose key is NULL. */
void log_write(enum log_level level, const struct log_field *fields);

/* For events that strangers can cause: true at most once a second. Zero at first. */
typedef atomic_llong log_pace;
bool log_paced(log_pace *pace);

#define log_event(level, ...)                                                                      \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write(level, (const struct log_field[]){__VA_ARGS__, {.key = 0}});     \
	} while (0)

#endif
