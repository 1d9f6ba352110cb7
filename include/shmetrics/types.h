/* SPDX-License-Identifier: MIT */
/*
 * types.h - what every part of shmetrics shares: status, error, text, kinds, modes
 *
 * Conventions of the whole library, said once:
 *
 *  1. Set-up can fail, recording cannot. A function that opens, defines or reads returns
 *     smx_status; a function that records returns nothing, takes no lock, makes no system call and
 *     allocates nothing.
 *  2. The smx_error is the last argument, owned by the caller, and may be NULL. It is written only
 *     on failure. There is no errno and no thread-local state to look at afterwards.
 *  3. Strings given to the library are UTF-8 and copied; strings the library returns belong to the
 *     object that returned them and live as long as the function's comment says.
 *  4. Units are SI base units (seconds, bytes, one) unless the name ends in another (_ns).
 *  5. Objects are opaque and are released by the _close or _destroy function of their own name;
 *     NULL is accepted there.
 *  6. Unless a function says otherwise it may be called by any thread at any time, but an object
 *     may not be closed while another thread uses it. Only functions marked "async-signal-safe" may
 *     be called from a signal handler.
 */
#ifndef SHMETRICS_TYPES_H
#define SHMETRICS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(SMX_STATIC)
#define SMX_API
#elif defined(__GNUC__)
#define SMX_API __attribute__((visibility("default")))
#else
#define SMX_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The default TCP port of shmetrics-collector. */
#define SMX_DEFAULT_PORT 9798

typedef enum smx_status {
	SMX_OK = 0,
	SMX_ERR_INVALID = 1,	 /* an argument breaks a rule that the message names */
	SMX_ERR_SYSTEM = 2,	 /* a system call failed; smx_error.os_errno says why */
	SMX_ERR_FULL = 3,	 /* the segment, its file system or a limit has no room left */
	SMX_ERR_CONFLICT = 4,	 /* the name is already defined otherwise by this process */
	SMX_ERR_NOT_FOUND = 5,	 /* there is no such segment */
	SMX_ERR_FORMAT = 6,	 /* not a segment, damaged, or of another layout version */
	SMX_ERR_PERMISSION = 7,	 /* the file is not to be opened, or not to be trusted */
	SMX_ERR_NO_MEMORY = 8,	 /* malloc or mmap refused */
	SMX_ERR_UNSUPPORTED = 9, /* this system cannot do it */
	SMX_ERR_BUSY = 10	 /* in use by live processes */
} smx_status;

typedef struct smx_error {
	smx_status status;
	int os_errno;	   /* errno of the failed call, or 0 */
	char message[256]; /* one line, no newline: the thing, the rule, the value */
} smx_error;

/* A short constant name such as "full"; never NULL. Async-signal-safe. */
SMX_API const char *smx_status_name(smx_status status);

/* Bytes with a length; not necessarily NUL-terminated. */
typedef struct smx_text {
	const char *data;
	size_t size;
} smx_text;

/* A label: a name and its value. */
typedef struct smx_label {
	smx_text name;
	smx_text value;
} smx_label;

/* What a family is. The numbers are part of the segment format. */
typedef enum smx_kind {
	SMX_COUNTER = 1,
	SMX_GAUGE = 2,
	SMX_HISTOGRAM = 3,
	SMX_NATIVE_HISTOGRAM = 4, /* exponential buckets, and bounds if it has them */
	SMX_SUMMARY = 5,	  /* count and sum, no quantiles */
	SMX_INFO = 6,		  /* labels that describe, set as a whole */
	SMX_STATE_SET = 7,	  /* one of several named states */
	SMX_UNKNOWN = 8		  /* reserved */
} smx_kind;

/*
 * How the values that several processes gave one gauge series become what is served. The numbers
 * are part of the segment format. The LIVE modes see live processes only: a dead one is gone by the
 * next scrape. The others also see the dead, of the present generation of the segment: what a
 * process held when it died goes on counting.
 */
typedef enum smx_gauge_mode {
	SMX_GAUGE_LIVE_ALL = 1, /* one sample a process, with a pid label */
	SMX_GAUGE_LIVE_SUM = 2, /* 0 when no live process has a value */
	SMX_GAUGE_LIVE_MIN = 3,
	SMX_GAUGE_LIVE_MAX = 4,
	SMX_GAUGE_LIVE_MOST_RECENT = 5, /* the value set last, by any live process */
	SMX_GAUGE_ALL = 6, /* the live processes, and the last 64 dead ones that had such a gauge */
	SMX_GAUGE_SUM = 7, /* 0 when there is no value */
	SMX_GAUGE_MIN = 8,
	SMX_GAUGE_MAX = 9,
	SMX_GAUGE_MOST_RECENT = 10
} smx_gauge_mode;

/* "counter", "gauge", ...; "unknown" for a number that is none. Async-signal-safe. */
SMX_API const char *smx_kind_name(smx_kind kind);
/*
 * "liveall", "livesum", ... as prometheus_client spells them; "unknown" otherwise.
 * Async-signal-safe.
 */
SMX_API const char *smx_gauge_mode_name(smx_gauge_mode mode);

/*
 * Why something was refused or not recorded. Each reason is counted in the segment, by whoever
 * refused, and served as shmetrics_segment_dropped_total{reason="..."}. The numbers are part of the
 * segment format.
 */
typedef enum smx_drop {
	SMX_DROP_SERIES_CAP = 0,   /* the segment is at its series_max: overflow series */
	SMX_DROP_FAMILY_CAP = 1,   /* the family is at its series_max: the same */
	SMX_DROP_SEGMENT_FULL = 2, /* the segment reached its size_max_bytes */
	SMX_DROP_NO_SPACE = 3,	   /* the file system or RLIMIT_FSIZE refused to extend it */
	SMX_DROP_NO_REOPEN = 4,	   /* the file could not be opened again to extend it */
	SMX_DROP_NO_SLOT = 5,	   /* a process found no slot: its gauges are not recorded */
	SMX_DROP_GAUGE = 6,	   /* gauge updates by a process without a slot or without room */
	SMX_DROP_NAN = 7,	   /* observations and increments of NaN */
	SMX_DROP_NEGATIVE = 8,	   /* negative increments of a counter */
	SMX_DROP_LABEL = 9,	   /* a value over 1,024 bytes or with a NUL: overflow series */
	SMX_DROP_FAMILY = 10,	   /* family definitions refused for want of room */
	SMX_DROP_COLLISION = 11,   /* two keys of one 64-bit hash: overflow series */
	SMX_DROP_RETIRED = 12,	   /* dead processes of gauges of mode ALL, taken over */
	SMX_DROP_EXEMPLAR = 13,	   /* exemplars over 128 characters, badly named or without room */
	SMX_DROP_RANGE = 14, /* not dropped: observations that a native histogram's range lacks */
	SMX_DROP_COUNT = 15
} smx_drop;

/* The reason as it is served: "series_cap", "family_cap", ... Async-signal-safe. */
SMX_API const char *smx_drop_name(smx_drop reason);

#ifdef __cplusplus
}
#endif
#endif
