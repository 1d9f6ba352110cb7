/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics_table.c - the collector's own metrics: one table, and which names of others it
 * leaves no room for
 */
#include "selfmetrics_table.h"

#include <string.h>

const struct own_metric selfmetrics_table[OWN_COUNT] = {
	[OWN_PROCESS_CPU] = {"process_cpu_seconds", SMX_COUNTER,
			     "User and system CPU time spent by the collector, in seconds."},
	[OWN_PROCESS_RESIDENT] = {"process_resident_memory_bytes", SMX_GAUGE,
				  "Resident memory of the collector, mapped segments included."},
	[OWN_PROCESS_OPEN_FDS] = {"process_open_fds", SMX_GAUGE,
				  "Open file descriptors of the collector."},
	[OWN_PROCESS_MAX_FDS] = {"process_max_fds", SMX_GAUGE,
				 "File descriptors that the collector may have open."},
	[OWN_PROCESS_START] = {"process_start_time_seconds", SMX_GAUGE,
			       "When the collector started, in seconds since 1970."},
	[OWN_COLLECTOR_SCRAPES] = {"shmetrics_collector_scrapes", SMX_COUNTER,
				   "Scrapes answered, whatever the answer."},
	[OWN_COLLECTOR_FAILED] =
		{"shmetrics_collector_scrapes_failed", SMX_COUNTER,
		 "Scrapes that could not be rendered, or not within the scraper's timeout."},
	[OWN_COLLECTOR_REJECTED] =
		{"shmetrics_collector_scrapes_rejected", SMX_COUNTER,
		 "Scrapes refused because too many were being answered, or their answers held "
		 "too many bytes."},
	[OWN_COLLECTOR_SHARED] = {"shmetrics_collector_scrapes_shared", SMX_COUNTER,
				  "Scrapes answered by what was rendered for another that waited "
				  "for the same."},
	[OWN_COLLECTOR_DURATION] = {"shmetrics_collector_scrape_duration_seconds", SMX_GAUGE,
				    "How long the scrape before this one took to render."},
	[OWN_COLLECTOR_SENT] = {"shmetrics_collector_sent_bytes", SMX_COUNTER,
				"Bytes of the bodies that were sent to their end."},
	[OWN_COLLECTOR_HELD] = {"shmetrics_collector_held_bytes", SMX_GAUGE,
				"Memory that answers to scrapes hold until they are sent."},
	[OWN_COLLECTOR_GZIP_INPUT] = {"shmetrics_collector_gzip_input_bytes", SMX_COUNTER,
				      "Bytes of answers before they were compressed."},
	[OWN_COLLECTOR_GZIP_OUTPUT] = {"shmetrics_collector_gzip_output_bytes", SMX_COUNTER,
				       "Bytes of the same answers after that."},
	[OWN_COLLECTOR_REAPED] =
		{"shmetrics_collector_connections_reaped", SMX_COUNTER,
		 "Connections shut down for taking too long to send a request or read an "
		 "answer."},
	[OWN_COLLECTOR_REFUSED] =
		{"shmetrics_collector_connections_refused", SMX_COUNTER,
		 "Connections closed at once, for there were too many: in all, or from their "
		 "address."},
	[OWN_COLLECTOR_HIDDEN] =
		{"shmetrics_collector_families_hidden", SMX_GAUGE,
		 "Families that are not served with the segments together, for something would be "
		 "there twice or no scraper would take it, by reason."},
	[OWN_COLLECTOR_IGNORED] = {"shmetrics_collector_segments_ignored", SMX_GAUGE,
				   "Segments that match but are more than the collector serves."},
	[OWN_COLLECTOR_HANDSHAKES] = {"shmetrics_collector_tls_handshakes", SMX_COUNTER,
				      "TLS handshakes begun."},
	[OWN_COLLECTOR_HANDSHAKES_FAILED] =
		{"shmetrics_collector_tls_handshakes_failed", SMX_COUNTER,
		 "TLS handshakes that came to no end, for whatever reason."},
	[OWN_COLLECTOR_CERTIFICATES_REFUSED] =
		{"shmetrics_collector_client_certificates_refused", SMX_COUNTER,
		 "TLS handshakes that failed for the client's certificate, or for want of one."},
	[OWN_COLLECTOR_CERTIFICATE_EXPIRY] =
		{"shmetrics_collector_certificate_expiry_timestamp_seconds", SMX_GAUGE,
		 "When the collector's certificate expires, in seconds since 1970."},
	[OWN_COLLECTOR_AUTHENTICATIONS] = {"shmetrics_collector_authentications", SMX_COUNTER,
					   "Requests that had to say who they are from."},
	[OWN_COLLECTOR_AUTHENTICATIONS_FAILED] =
		{"shmetrics_collector_authentications_failed", SMX_COUNTER,
		 "Requests refused for want of a user with the right password."},
	[OWN_CONFIG_SUCCESSFUL] =
		{"shmetrics_config_last_reload_successful", SMX_GAUGE,
		 "Whether the configuration was good (1) when it was last read; if not (0) the one "
		 "before is in force."},
	[OWN_CONFIG_TIMESTAMP] =
		{"shmetrics_config_last_reload_success_timestamp_seconds", SMX_GAUGE,
		 "When a good configuration was last read, in seconds since 1970."},
	[OWN_BUILD_INFO] = {"shmetrics_build", SMX_INFO, "Always 1; the version is in the label."},
	[OWN_UP] = {"shmetrics_segment_up", SMX_GAUGE,
		    "Whether the segment could be read (1) or not (0)."},
	[OWN_FILES] = {"shmetrics_segment_files", SMX_GAUGE,
		       "Files served under this name: more than one while live processes hold a "
		       "replaced one."},
	[OWN_CREATED] = {"shmetrics_segment_created_timestamp_seconds", SMX_GAUGE,
			 "When the segment's generation began, in seconds since 1970."},
	[OWN_WRITERS] = {"shmetrics_segment_writers", SMX_GAUGE,
			 "Slots held by a live process, and slots whose process is gone."},
	[OWN_WRITERS_STARTED] = {"shmetrics_segment_writers_started", SMX_COUNTER,
				 "Processes that have begun to write to the segment."},
	[OWN_BYTES] = {"shmetrics_segment_bytes", SMX_GAUGE,
		       "The segment's size limit by state: used, free (allocated, not yet used), "
		       "unallocated."},
	[OWN_SERIES] = {"shmetrics_segment_series", SMX_GAUGE, "Series in the segment."},
	[OWN_SERIES_LIMIT] =
		{"shmetrics_segment_series_limit", SMX_GAUGE,
		 "Series that the segment may have; beyond it all goes to overflow series."},
	[OWN_DROPPED] = {"shmetrics_segment_dropped", SMX_COUNTER,
			 "What was refused or not recorded as it was asked for, by reason."},
	[OWN_DAMAGED] = {"shmetrics_segment_damaged_records", SMX_GAUGE,
			 "Records that the last walk skipped because they make no sense."},
	[OWN_CONFLICTS] = {"shmetrics_segment_conflicts", SMX_GAUGE,
			   "Metric names with more than one definition."},
	[OWN_RENAMED] = {"shmetrics_segment_renamed_labels", SMX_GAUGE,
			 "Families whose own label `segment` is served as exported_segment "
			 "(--segment.label)."},
	[OWN_WALK_DURATION] = {"shmetrics_segment_walk_duration_seconds", SMX_GAUGE,
			       "How long the last walk through the segment took."},
	[OWN_HEALTH_UP] = {"shmetrics_health_up", SMX_GAUGE,
			   "Whether what the application depends on was up (1) when its health "
			   "check last ran; 0 also when that is longer ago than its time to live."},
	[OWN_HEALTH_AGE] = {"shmetrics_health_age_seconds", SMX_GAUGE,
			    "How long ago the health check last ran."},
	[OWN_HEALTH_TTL] = {"shmetrics_health_ttl_seconds", SMX_GAUGE,
			    "How long an outcome of the health check counts."},
	[OWN_HEALTH_DURATION] = {"shmetrics_health_check_duration_seconds", SMX_GAUGE,
				 "How long the health check took when it last ran."},
};
_Static_assert(OWN_COUNT <= 64, "a bit each");
_Static_assert(OWN_COLLECTOR_SCRAPES == SELFMETRICS_PROCESS_COUNT, "process_* come first");

const char *selfmetrics_suffix(const struct own_metric *metric)
{
	return metric->kind == SMX_COUNTER ? "_total" : metric->kind == SMX_INFO ? "_info" : "";
}

bool selfmetrics_text_is(smx_text text, const char *name, const char *suffix)
{
	size_t size = strlen(name);

	return text.size == size + strlen(suffix) && memcmp(text.data, name, size) == 0 &&
	       memcmp(text.data + size, suffix, text.size - size) == 0;
}

/* Whether two families would share a family or sample name in any format. */
static bool collides(smx_text family, const struct own_metric *metric)
{
	static const char *const suffixes[] = {"_total", "_bucket", "_sum",
					       "_count", "_info",   "_created"};

	if (selfmetrics_text_is(family, metric->name, "") ||
	    selfmetrics_text_is(family, metric->name, selfmetrics_suffix(metric)))
		return true;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t stem = strlen(metric->name) - strlen(suffixes[i]);

		if (strlen(metric->name) > strlen(suffixes[i]) && stem == family.size &&
		    strcmp(metric->name + stem, suffixes[i]) == 0 &&
		    memcmp(family.data, metric->name, stem) == 0)
			return true;
	}
	return false;
}

uint64_t selfmetrics_collisions(smx_text family)
{
	uint64_t collisions = 0;

	/* Nearly every family goes no further than this. */
	if (family.size < 8 ||
	    (memcmp(family.data, "shmetric", 8) != 0 && memcmp(family.data, "process_", 8) != 0))
		return 0;
	for (unsigned i = 0; i < OWN_COUNT; i++)
		if (collides(family, &selfmetrics_table[i]))
			collisions |= SELFMETRICS_BIT(i);
	return collisions;
}

bool selfmetrics_is_reserved(smx_text family, bool is_spelled)
{
	return (selfmetrics_collisions(family) & (is_spelled ? ~0ull : SELFMETRICS_RESERVED)) != 0;
}

uint64_t selfmetrics_about_collector(void)
{
	return SELFMETRICS_BIT(OWN_BUILD_INFO) - 1;
}
