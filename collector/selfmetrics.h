/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics.h - the collector's own metrics, and what it knows of each segment
 */
#ifndef COLLECTOR_SELFMETRICS_H
#define COLLECTOR_SELFMETRICS_H

#include <stdatomic.h>

#include "catalog.h"
#include "shmetrics/exposition.h"

/* What the parts of the collector count; any thread adds. */
struct selfmetrics_counts {
	atomic_ullong scrapes;
	atomic_ullong scrapes_failed;
	atomic_ullong scrapes_shared;	     /* answered by what was rendered for another */
	atomic_ullong rejected_for_requests; /* 503: more at once than allowed */
	atomic_ullong rejected_for_bytes;    /* 503: answers hold more memory than allowed */
	atomic_ullong sent_bytes;	     /* of bodies that were sent whole */
	atomic_ullong gzip_input_bytes;
	atomic_ullong gzip_output_bytes;
	atomic_ullong connections_reaped;
	atomic_ullong refused_in_all;	  /* connections, for there were too many */
	atomic_ullong refused_by_address; /* from where they came */
	atomic_ullong last_scrape_ns;
	atomic_ullong tls_handshakes;
	atomic_ullong tls_handshakes_failed;
	atomic_ullong client_certificates_refused;
	atomic_ullong certificate_expires_at; /* seconds since 1970; 0: there is none */
	atomic_ullong authentications;
	atomic_ullong authentications_failed;
	atomic_ullong config_is_bad;	/* the last time it was read */
	atomic_ullong config_loaded_at; /* seconds since 1970 */
	/* Of the last scrape of all segments as one, by smx_hiding. */
	atomic_ullong hidden[SMX_HIDING_COUNT];
	atomic_ullong segments_ignored; /* beyond CATALOG_SEGMENT_MAX, at the last scan */
};
extern struct selfmetrics_counts selfmetrics_counts;

/*
 * Which of the collector's own families a family of a segment would collide with: a bit each. Those
 * in SELFMETRICS_RESERVED are the collector's alone: a segment's are hidden. The others, process_*,
 * are the application's where it has them: there is one of each in an exposition.
 */
uint64_t selfmetrics_collisions(smx_text family_name);
/*
 * For smx_exposition_set_reserved. A name that a family only comes to have by its escaping must not
 * collide with any.
 */
bool selfmetrics_is_reserved(smx_text family_name, bool is_spelled);
#define SELFMETRICS_PROCESS_COUNT 5u
#define SELFMETRICS_RESERVED (~(((uint64_t)1 << SELFMETRICS_PROCESS_COUNT) - 1))

/*
 * Appends them. Segments with one name (a replaced one that is still held, and its successor) are
 * one: added up. leave_out: families not to emit. names: as in smx_exposition_render.
 */
void selfmetrics_emit(smx_buffer *buffer, smx_exposition_type type, const struct catalog *catalog,
		      uint64_t leave_out, const smx_text *names, size_t name_count);

/* The families about the collector itself, for --web.disable-exporter-metrics. */
uint64_t selfmetrics_about_collector(void);

#endif
