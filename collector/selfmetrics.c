/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics.c - the collector's own metrics, and what it knows of each segment: a value for each
 * line of the table
 */
#include "selfmetrics.h"

#include "body.h"
#include "process.h"
#include "selfmetrics_emitter.h"
#include "shmetrics/version.h"

struct selfmetrics_counts selfmetrics_counts;

static double read_count(const atomic_ullong *count)
{
	return (double)atomic_load_explicit(count, memory_order_relaxed);
}

static void emit_collector(struct emitter *emitter)
{
	const struct selfmetrics_counts *counts = &selfmetrics_counts;

	if (emitter_begin(emitter, OWN_BUILD_INFO))
		emitter_sample(emitter, NULL, "version", SMX_VERSION, 1);
	emitter_one(emitter, OWN_COLLECTOR_SCRAPES, read_count(&counts->scrapes));
	emitter_one(emitter, OWN_COLLECTOR_FAILED, read_count(&counts->scrapes_failed));
	if (emitter_begin(emitter, OWN_COLLECTOR_REJECTED)) {
		emitter_sample(emitter, NULL, "reason", "bytes",
			       read_count(&counts->rejected_for_bytes));
		emitter_sample(emitter, NULL, "reason", "requests",
			       read_count(&counts->rejected_for_requests));
	}
	emitter_one(emitter, OWN_COLLECTOR_SHARED, read_count(&counts->scrapes_shared));
	emitter_one(emitter, OWN_COLLECTOR_DURATION, read_count(&counts->last_scrape_ns) / 1e9);
	emitter_one(emitter, OWN_COLLECTOR_SENT, read_count(&counts->sent_bytes));
	emitter_one(emitter, OWN_COLLECTOR_HELD, (double)body_held_bytes());
	emitter_one(emitter, OWN_COLLECTOR_GZIP_INPUT, read_count(&counts->gzip_input_bytes));
	emitter_one(emitter, OWN_COLLECTOR_GZIP_OUTPUT, read_count(&counts->gzip_output_bytes));
	emitter_one(emitter, OWN_COLLECTOR_REAPED, read_count(&counts->connections_reaped));
	if (emitter_begin(emitter, OWN_COLLECTOR_REFUSED)) {
		emitter_sample(emitter, NULL, "reason", "all", read_count(&counts->refused_in_all));
		emitter_sample(emitter, NULL, "reason", "address",
			       read_count(&counts->refused_by_address));
	}
	emitter_one(emitter, OWN_COLLECTOR_IGNORED, read_count(&counts->segments_ignored));
	for (int reason = 0; reason < SMX_HIDING_COUNT; reason++) {
		if (reason == 0 && !emitter_begin(emitter, OWN_COLLECTOR_HIDDEN))
			break;
		emitter_sample(emitter, NULL, "reason", smx_hiding_name((smx_hiding)reason),
			       read_count(&counts->hidden[reason]));
	}
	emitter_one(emitter, OWN_COLLECTOR_HANDSHAKES, read_count(&counts->tls_handshakes));
	emitter_one(emitter, OWN_COLLECTOR_HANDSHAKES_FAILED,
		    read_count(&counts->tls_handshakes_failed));
	emitter_one(emitter, OWN_COLLECTOR_CERTIFICATES_REFUSED,
		    read_count(&counts->client_certificates_refused));
	if (atomic_load(&counts->certificate_expires_at))
		emitter_one(emitter, OWN_COLLECTOR_CERTIFICATE_EXPIRY,
			    read_count(&counts->certificate_expires_at));
	emitter_one(emitter, OWN_COLLECTOR_AUTHENTICATIONS, read_count(&counts->authentications));
	emitter_one(emitter, OWN_COLLECTOR_AUTHENTICATIONS_FAILED,
		    read_count(&counts->authentications_failed));
	emitter_one(emitter, OWN_CONFIG_SUCCESSFUL, !atomic_load(&counts->config_is_bad));
	emitter_one(emitter, OWN_CONFIG_TIMESTAMP, read_count(&counts->config_loaded_at));
}

static void emit_process(struct emitter *emitter)
{
	const uint64_t all = ~SELFMETRICS_RESERVED;
	struct process_usage usage;

	if ((emitter->leave_out & all) == all)
		return;
	usage = process_usage();
	emitter_one(emitter, OWN_PROCESS_CPU, usage.cpu_seconds);
	emitter_one(emitter, OWN_PROCESS_RESIDENT, usage.resident_bytes);
	emitter_one(emitter, OWN_PROCESS_OPEN_FDS, usage.open_fds);
	emitter_one(emitter, OWN_PROCESS_MAX_FDS, usage.max_fds);
	emitter_one(emitter, OWN_PROCESS_START, usage.start_unix_seconds);
}

void selfmetrics_emit(smx_buffer *buffer, smx_exposition_type type, const struct catalog *catalog,
		      uint64_t leave_out, const smx_text *names, size_t name_count)
{
	struct emitter emitter = {buffer, type, leave_out, names, name_count, NULL, 0};

	selfmetrics_emit_segments(&emitter, catalog);
	emit_collector(&emitter);
	emit_process(&emitter);
	emitter_end(&emitter);
}
