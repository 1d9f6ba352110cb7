/* SPDX-License-Identifier: MIT */
/*
 * admission.c - how many connections there may be, in all and from one address
 */
#include "admission.h"

#include <sys/resource.h>

#include "log.h"
#include "selfmetrics.h"

#define CONNECTIONS_MAX 1024u
/* Besides connections: segments, inotify, log, listeners. */
#define SPARE_DESCRIPTORS 600u

/*
 * Connections are descriptors; the usual soft limit of 1,024 is for programs that call select(2).
 */
unsigned admission_limit(void)
{
	const unsigned wanted = CONNECTIONS_MAX + SPARE_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return CONNECTIONS_MAX / 4;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= wanted)
		return CONNECTIONS_MAX;
	return limit.rlim_cur > 32 ? (unsigned)limit.rlim_cur / 2 : 8;
}

/* One line a second: an attack must not become an attack on the log. */
static bool refuse(atomic_ullong *count, const char *reason, const struct client *client)
{
	static log_pace pace;

	atomic_fetch_add(count, 1);
	if (log_paced(&pace))
		log_event(LOG_LEVEL_WARN, log_text("msg", "connection refused"),
			  log_text("reason", reason), log_text("client", client->text));
	return false;
}

bool admission_allows(struct reaper *reaper, unsigned limit, const struct client *client)
{
	struct selfmetrics_counts *counts = &selfmetrics_counts;
	unsigned all, of_client;

	reaper_count(reaper, client, &all, &of_client);
	if (all >= limit)
		return refuse(&counts->refused_in_all, "too many connections", client);
	if (of_client >= limit / 2)
		return refuse(&counts->refused_by_address, "too many connections from this address",
			      client);
	return true;
}
