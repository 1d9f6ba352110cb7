/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics_table.h - the collector's own metrics: one table, a line each
 */
#ifndef COLLECTOR_SELFMETRICS_TABLE_H
#define COLLECTOR_SELFMETRICS_TABLE_H

#include "selfmetrics.h"

enum own_id {
	OWN_PROCESS_CPU, /* process_* first: SELFMETRICS_RESERVED */
	OWN_PROCESS_RESIDENT,
	OWN_PROCESS_OPEN_FDS,
	OWN_PROCESS_MAX_FDS,
	OWN_PROCESS_START,
	OWN_COLLECTOR_SCRAPES,
	OWN_COLLECTOR_FAILED,
	OWN_COLLECTOR_REJECTED,
	OWN_COLLECTOR_SHARED,
	OWN_COLLECTOR_DURATION,
	OWN_COLLECTOR_SENT,
	OWN_COLLECTOR_HELD,
	OWN_COLLECTOR_GZIP_INPUT,
	OWN_COLLECTOR_GZIP_OUTPUT,
	OWN_COLLECTOR_REAPED,
	OWN_COLLECTOR_REFUSED,
	OWN_COLLECTOR_IGNORED,
	OWN_COLLECTOR_HIDDEN,
	OWN_COLLECTOR_HANDSHAKES,
	OWN_COLLECTOR_HANDSHAKES_FAILED,
	OWN_COLLECTOR_CERTIFICATES_REFUSED,
	OWN_COLLECTOR_CERTIFICATE_EXPIRY,
	OWN_COLLECTOR_AUTHENTICATIONS,
	OWN_COLLECTOR_AUTHENTICATIONS_FAILED,
	OWN_CONFIG_SUCCESSFUL,
	OWN_CONFIG_TIMESTAMP,
	OWN_BUILD_INFO,
	OWN_UP,
	OWN_FILES,
	OWN_CREATED,
	OWN_WRITERS,
	OWN_WRITERS_STARTED,
	OWN_BYTES,
	OWN_SERIES,
	OWN_SERIES_LIMIT,
	OWN_DROPPED,
	OWN_DAMAGED,
	OWN_CONFLICTS,
	OWN_RENAMED,
	OWN_WALK_DURATION,
	OWN_HEALTH_UP,
	OWN_HEALTH_AGE,
	OWN_HEALTH_TTL,
	OWN_HEALTH_DURATION,
	OWN_COUNT
};

#define SELFMETRICS_BIT(id) ((uint64_t)1 << (id))

struct own_metric {
	const char *name; /* without _total and _info */
	smx_kind kind;
	const char *help;
};
extern const struct own_metric selfmetrics_table[OWN_COUNT];

/* What the names of its samples have behind its own. */
const char *selfmetrics_suffix(const struct own_metric *metric);
/* Whether the text is the name with the suffix. */
bool selfmetrics_text_is(smx_text text, const char *name, const char *suffix);

#endif
