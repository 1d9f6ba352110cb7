/* SPDX-License-Identifier: MIT */
/*
 * error.c - errors, and the names of the constants of types.h
 */
#include "error.h"

#include "labels.h"
#include "shmetrics/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Whatever a name had in it, or loses where it is cut. */
static void make_one_line(char *message)
{
	unsigned char *at = (unsigned char *)message;

	for (size_t left = strlen(message), size; left > 0; at += size, left -= size) {
		size = smx_labels_sequence(at, left);
		if (size == 0 || *at < ' ' || *at == 0x7f) {
			*at = '?';
			size = 1;
		}
	}
}

smx_status smx_fail(smx_error *error, smx_status status, int os_errno, const char *format, ...)
{
	va_list arguments;
	int length;

	if (!error)
		return status;
	error->status = status;
	error->os_errno = os_errno;
	va_start(arguments, format);
	length = vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	if (length < 0)
		error->message[0] = '\0';
	make_one_line(error->message);
	if (os_errno && length >= 0 && (size_t)length + 2 < sizeof error->message)
		snprintf(error->message + length, sizeof error->message - (size_t)length, ": %s",
			 strerror(os_errno));
	return status;
}

/* The name at `index` of a table, or `otherwise` outside it and for holes. */
static const char *name_in(const char *const *table, size_t count, unsigned index,
			   const char *otherwise)
{
	return index < count && table[index] ? table[index] : otherwise;
}
#define NAME_IN(table, index, otherwise)                                                           \
	name_in(table, sizeof(table) / sizeof(table)[0], (unsigned)(index), otherwise)

const char *smx_status_name(smx_status status)
{
	static const char *const names[] = {
		[SMX_OK] = "ok",
		[SMX_ERR_INVALID] = "invalid",
		[SMX_ERR_SYSTEM] = "system",
		[SMX_ERR_FULL] = "full",
		[SMX_ERR_CONFLICT] = "conflict",
		[SMX_ERR_NOT_FOUND] = "not_found",
		[SMX_ERR_FORMAT] = "format",
		[SMX_ERR_PERMISSION] = "permission",
		[SMX_ERR_NO_MEMORY] = "no_memory",
		[SMX_ERR_UNSUPPORTED] = "unsupported",
		[SMX_ERR_BUSY] = "busy",
	};

	return NAME_IN(names, status, "unknown");
}

const char *smx_kind_name(smx_kind kind)
{
	static const char *const names[] = {
		[SMX_COUNTER] = "counter",     [SMX_GAUGE] = "gauge",
		[SMX_HISTOGRAM] = "histogram", [SMX_NATIVE_HISTOGRAM] = "native_histogram",
		[SMX_SUMMARY] = "summary",     [SMX_INFO] = "info",
		[SMX_STATE_SET] = "stateset",
	};

	return NAME_IN(names, kind, "unknown");
}

const char *smx_gauge_mode_name(smx_gauge_mode mode)
{
	static const char *const names[] = {
		[SMX_GAUGE_LIVE_ALL] = "liveall",
		[SMX_GAUGE_LIVE_SUM] = "livesum",
		[SMX_GAUGE_LIVE_MIN] = "livemin",
		[SMX_GAUGE_LIVE_MAX] = "livemax",
		[SMX_GAUGE_LIVE_MOST_RECENT] = "livemostrecent",
		[SMX_GAUGE_ALL] = "all",
		[SMX_GAUGE_SUM] = "sum",
		[SMX_GAUGE_MIN] = "min",
		[SMX_GAUGE_MAX] = "max",
		[SMX_GAUGE_MOST_RECENT] = "mostrecent",
	};

	return NAME_IN(names, mode, "unknown");
}

const char *smx_drop_name(smx_drop reason)
{
	static const char *const names[SMX_DROP_COUNT] = {
		[SMX_DROP_SERIES_CAP] = "series_cap",
		[SMX_DROP_FAMILY_CAP] = "family_cap",
		[SMX_DROP_SEGMENT_FULL] = "segment_full",
		[SMX_DROP_NO_SPACE] = "no_space",
		[SMX_DROP_NO_REOPEN] = "no_reopen",
		[SMX_DROP_NO_SLOT] = "no_slot",
		[SMX_DROP_GAUGE] = "gauge",
		[SMX_DROP_NAN] = "nan",
		[SMX_DROP_NEGATIVE] = "negative",
		[SMX_DROP_LABEL] = "label",
		[SMX_DROP_FAMILY] = "family",
		[SMX_DROP_COLLISION] = "collision",
		[SMX_DROP_RETIRED] = "retired",
		[SMX_DROP_EXEMPLAR] = "exemplar",
		[SMX_DROP_RANGE] = "beyond_range",
	};

	return NAME_IN(names, reason, "unknown");
}

const char *smx_version(void)
{
	return SMX_VERSION;
}
