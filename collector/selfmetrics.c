/* SPDX-License-Identifier: MIT */
/*
 * selfmetrics.c - the collector's own metrics, and what it knows of each segment: one table, and a
 * value for each line
 */
#include "selfmetrics.h"

#include <stdio.h>
#include <string.h>

#include "body.h"
#include "process.h"
#include "readiness.h"
#include "shmetrics/version.h"

struct selfmetrics_counts selfmetrics_counts;

/* ---- the table ---- */

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

#define BIT(id) ((uint64_t)1 << (id))

static const struct own_metric {
	const char *name; /* without _total and _info */
	smx_kind kind;
	const char *help;
} own_metrics[OWN_COUNT] = {
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

/* What the names of its samples have behind its own. */
static const char *sample_suffix(const struct own_metric *metric)
{
	return metric->kind == SMX_COUNTER ? "_total" : metric->kind == SMX_INFO ? "_info" : "";
}

static bool text_is(smx_text text, const char *name, const char *suffix)
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

	if (text_is(family, metric->name, "") ||
	    text_is(family, metric->name, sample_suffix(metric)))
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
		if (collides(family, &own_metrics[i]))
			collisions |= BIT(i);
	return collisions;
}

bool selfmetrics_is_own(smx_text family)
{
	return selfmetrics_collisions(family) != 0;
}

uint64_t selfmetrics_about_collector(void)
{
	return BIT(OWN_BUILD_INFO) - 1;
}

/* ---- what one name stands for ---- */

struct row {
	const char *name;
	bool up;
	size_t files; /* those that could be read */
	smx_reader_info total;
};

static void add_info(smx_reader_info *total, const smx_reader_info *info)
{
	if (info->created_unix_ns > total->created_unix_ns)
		total->created_unix_ns = info->created_unix_ns;
	total->size_bytes += info->size_bytes;
	total->size_max_bytes += info->size_max_bytes;
	total->used_bytes += info->used_bytes;
	total->series_count += info->series_count;
	total->series_max += info->series_max;
	total->conflict_count += info->conflict_count;
	total->renamed_label_count += info->renamed_label_count;
	total->slots_live += info->slots_live;
	total->slots_dead += info->slots_dead;
	total->damaged_count += info->damaged_count;
	total->walk_ns += info->walk_ns;
	for (size_t i = 0; i < SMX_DROP_COUNT; i++)
		total->dropped[i] += info->dropped[i];
}

/* The catalog is ordered by name, the current file of a name first: that one decides about up. */
static size_t make_rows(const struct catalog *catalog, struct row *rows)
{
	size_t count = 0;

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];
		struct segment_status status = segment_status(segment);

		if (count == 0 || strcmp(rows[count - 1].name, segment->name) != 0)
			rows[count++] = (struct row){.name = segment->name, .up = status.up};
		if (!status.up)
			continue;
		rows[count - 1].files++;
		add_info(&rows[count - 1].total, &status.info);
	}
	return count;
}

/* ---- emitting ---- */

struct emitter {
	smx_buffer *buffer;
	smx_exposition_type type;
	uint64_t leave_out;
	const smx_text *names;
	size_t name_count;
	const struct own_metric *metric; /* begun, and where; NULL: none is */
	size_t start;
};

static void end(struct emitter *emitter)
{
	if (emitter->metric)
		smx_emit_family_end(emitter->buffer, emitter->type, emitter->start);
	emitter->metric = NULL;
}

static bool begin(struct emitter *emitter, enum own_id id)
{
	const struct own_metric *metric = &own_metrics[id];
	bool wanted = emitter->name_count == 0;

	for (size_t i = 0; i < emitter->name_count && !wanted; i++)
		wanted = text_is(emitter->names[i], metric->name, "") ||
			 text_is(emitter->names[i], metric->name, sample_suffix(metric));
	if (!wanted || (emitter->leave_out & BIT(id)))
		return false;
	end(emitter);
	emitter->metric = metric;
	emitter->start = smx_emit_family(emitter->buffer, emitter->type, metric->name, metric->help,
					 metric->kind);
	return true;
}

static void sample(struct emitter *emitter, const char *segment, const char *label,
		   const char *value, double number)
{
	const char *const names[] = {"segment", label};
	const char *const values[] = {segment, value};
	size_t skip = segment ? 0 : 1;
	size_t count = label ? 2 : 1;

	smx_emit_sample(emitter->buffer, emitter->type, emitter->metric->name,
			emitter->metric->kind, names + skip, values + skip, count - skip, number);
}

static void emit_one(struct emitter *emitter, enum own_id id, double number)
{
	if (number >= 0 && begin(emitter, id))
		sample(emitter, NULL, NULL, NULL, number);
}

static double read_count(const atomic_ullong *count)
{
	return (double)atomic_load_explicit(count, memory_order_relaxed);
}

static void emit_collector(struct emitter *emitter)
{
	const struct selfmetrics_counts *counts = &selfmetrics_counts;

	if (begin(emitter, OWN_BUILD_INFO))
		sample(emitter, NULL, "version", SMX_VERSION, 1);
	emit_one(emitter, OWN_COLLECTOR_SCRAPES, read_count(&counts->scrapes));
	emit_one(emitter, OWN_COLLECTOR_FAILED, read_count(&counts->scrapes_failed));
	if (begin(emitter, OWN_COLLECTOR_REJECTED)) {
		sample(emitter, NULL, "reason", "bytes", read_count(&counts->rejected_for_bytes));
		sample(emitter, NULL, "reason", "requests",
		       read_count(&counts->rejected_for_requests));
	}
	emit_one(emitter, OWN_COLLECTOR_SHARED, read_count(&counts->scrapes_shared));
	emit_one(emitter, OWN_COLLECTOR_DURATION, read_count(&counts->last_scrape_ns) / 1e9);
	emit_one(emitter, OWN_COLLECTOR_SENT, read_count(&counts->sent_bytes));
	emit_one(emitter, OWN_COLLECTOR_HELD, (double)body_held_bytes());
	emit_one(emitter, OWN_COLLECTOR_GZIP_INPUT, read_count(&counts->gzip_input_bytes));
	emit_one(emitter, OWN_COLLECTOR_GZIP_OUTPUT, read_count(&counts->gzip_output_bytes));
	emit_one(emitter, OWN_COLLECTOR_REAPED, read_count(&counts->connections_reaped));
	emit_one(emitter, OWN_COLLECTOR_IGNORED, read_count(&counts->segments_ignored));
	if (begin(emitter, OWN_COLLECTOR_HIDDEN)) {
		sample(emitter, NULL, "reason", "definition",
		       read_count(&counts->hidden_by_definition));
		sample(emitter, NULL, "reason", "sample_name",
		       read_count(&counts->hidden_by_sample_name));
		sample(emitter, NULL, "reason", "unfit", read_count(&counts->hidden_unfit));
	}
	emit_one(emitter, OWN_COLLECTOR_HANDSHAKES, read_count(&counts->tls_handshakes));
	emit_one(emitter, OWN_COLLECTOR_HANDSHAKES_FAILED,
		 read_count(&counts->tls_handshakes_failed));
	emit_one(emitter, OWN_COLLECTOR_CERTIFICATES_REFUSED,
		 read_count(&counts->client_certificates_refused));
	if (atomic_load(&counts->certificate_expires_at))
		emit_one(emitter, OWN_COLLECTOR_CERTIFICATE_EXPIRY,
			 read_count(&counts->certificate_expires_at));
	emit_one(emitter, OWN_COLLECTOR_AUTHENTICATIONS, read_count(&counts->authentications));
	emit_one(emitter, OWN_COLLECTOR_AUTHENTICATIONS_FAILED,
		 read_count(&counts->authentications_failed));
	emit_one(emitter, OWN_CONFIG_SUCCESSFUL, !atomic_load(&counts->config_is_bad));
	emit_one(emitter, OWN_CONFIG_TIMESTAMP, read_count(&counts->config_loaded_at));
}

static void emit_process(struct emitter *emitter)
{
	const uint64_t all = ~SELFMETRICS_RESERVED;
	struct process_usage usage;

	if ((emitter->leave_out & all) == all)
		return;
	usage = process_usage();
	emit_one(emitter, OWN_PROCESS_CPU, usage.cpu_seconds);
	emit_one(emitter, OWN_PROCESS_RESIDENT, usage.resident_bytes);
	emit_one(emitter, OWN_PROCESS_OPEN_FDS, usage.open_fds);
	emit_one(emitter, OWN_PROCESS_MAX_FDS, usage.max_fds);
	emit_one(emitter, OWN_PROCESS_START, usage.start_unix_seconds);
}

/* One sample a row, but for rows that no file stands behind. */
static void emit_numbers(struct emitter *emitter, enum own_id id, const struct row *rows,
			 size_t count)
{
	if (!begin(emitter, id))
		return;
	for (size_t i = 0; i < count; i++) {
		const smx_reader_info *total = &rows[i].total;
		double number = 0;

		if (rows[i].files == 0)
			continue;
		switch (id) {
		case OWN_FILES:
			number = (double)rows[i].files;
			break;
		case OWN_CREATED:
			number = (double)total->created_unix_ns / 1e9;
			break;
		case OWN_SERIES:
			number = (double)total->series_count;
			break;
		case OWN_SERIES_LIMIT:
			number = (double)total->series_max;
			break;
		case OWN_DAMAGED:
			number = (double)total->damaged_count;
			break;
		case OWN_CONFLICTS:
			number = (double)total->conflict_count;
			break;
		case OWN_RENAMED:
			number = (double)total->renamed_label_count;
			break;
		default:
			number = (double)total->walk_ns / 1e9;
		}
		sample(emitter, rows[i].name, NULL, NULL, number);
	}
}

static double difference(uint64_t more, uint64_t less)
{
	return more > less ? (double)(more - less) : 0;
}

static void emit_by_label(struct emitter *emitter, const struct row *rows, size_t count)
{
	if (begin(emitter, OWN_WRITERS)) {
		for (size_t i = 0; i < count; i++) {
			if (rows[i].files == 0)
				continue;
			sample(emitter, rows[i].name, "state", "live", rows[i].total.slots_live);
			sample(emitter, rows[i].name, "state", "dead", rows[i].total.slots_dead);
		}
	}
	if (begin(emitter, OWN_BYTES)) {
		for (size_t i = 0; i < count; i++) {
			const smx_reader_info *total = &rows[i].total;

			if (rows[i].files == 0)
				continue;
			sample(emitter, rows[i].name, "state", "used", (double)total->used_bytes);
			sample(emitter, rows[i].name, "state", "free",
			       difference(total->size_bytes, total->used_bytes));
			sample(emitter, rows[i].name, "state", "unallocated",
			       difference(total->size_max_bytes, total->size_bytes));
		}
	}
	if (begin(emitter, OWN_DROPPED)) {
		for (size_t i = 0; i < count; i++)
			for (int reason = 0; rows[i].files && reason < SMX_DROP_COUNT; reason++)
				sample(emitter, rows[i].name, "reason",
				       smx_drop_name((smx_drop)reason),
				       (double)rows[i].total.dropped[reason]);
	}
}

/* What one line says of a check; below 0: nothing. */
static double health_number(enum own_id id, const smx_health_view *health)
{
	switch (id) {
	case OWN_HEALTH_UP:
		return health->up && !health->stale;
	case OWN_HEALTH_AGE:
		return health->reported ? health->age_seconds : -1;
	case OWN_HEALTH_TTL:
		return health->ttl_seconds;
	default:
		return health->reported ? health->duration_seconds : -1;
	}
}

static void emit_checks(struct emitter *emitter, enum own_id id, const struct segment *segment)
{
	for (size_t i = 0; i < smx_reader_health_count(segment->reader); i++) {
		const smx_health_view *health = smx_reader_health(segment->reader, i);
		double number = health_number(id, health);
		char name[256];

		if (number < 0 || !readiness_counts(segment->reader, health))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)health->name.size, health->name.data);
		sample(emitter, segment->name, "check", name, number);
	}
}

/* With the scrape lock, which the readers need. Of one name the current file speaks. */
static void emit_health(struct emitter *emitter, const struct catalog *catalog)
{
	bool has_checks = false;

	for (size_t i = 0; catalog && i < catalog->count; i++) {
		struct segment *segment = catalog->segments[i];

		has_checks = has_checks || (segment_status(segment).up &&
					    smx_reader_health_count(segment->reader) > 0);
	}
	for (enum own_id id = OWN_HEALTH_UP; has_checks && id <= OWN_HEALTH_DURATION; id++) {
		if (!begin(emitter, id))
			continue;
		for (size_t i = 0; i < catalog->count; i++) {
			struct segment *segment = catalog->segments[i];

			if (segment_status(segment).up &&
			    (i == 0 || strcmp(catalog->segments[i - 1]->name, segment->name) != 0))
				emit_checks(emitter, id, segment);
		}
	}
}

void selfmetrics_emit(smx_buffer *buffer, smx_exposition_type type, const struct catalog *catalog,
		      uint64_t leave_out, const smx_text *names, size_t name_count)
{
	static const enum own_id numbers[] = {OWN_FILES,	OWN_CREATED,	  OWN_SERIES,
					      OWN_SERIES_LIMIT, OWN_DAMAGED,	  OWN_CONFLICTS,
					      OWN_RENAMED,	OWN_WALK_DURATION};
	struct emitter emitter = {buffer, type, leave_out, names, name_count, NULL, 0};
	struct row rows[CATALOG_SEGMENT_MAX];
	size_t count = make_rows(catalog, rows);

	if (count && begin(&emitter, OWN_UP))
		for (size_t i = 0; i < count; i++)
			sample(&emitter, rows[i].name, NULL, NULL, rows[i].up);
	for (size_t i = 0; count && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		emit_numbers(&emitter, numbers[i], rows, count);
	if (count)
		emit_by_label(&emitter, rows, count);
	emit_health(&emitter, catalog);
	emit_collector(&emitter);
	emit_process(&emitter);
	end(&emitter);
}
