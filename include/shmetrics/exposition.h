/* SPDX-License-Identifier: MIT */
/*
 * exposition.h - rendering: from readers to bytes that a scraper understands; no I/O
 *
 * The conventions stand at the top of types.h. An exposition holds what never changes of each
 * series (its text) so that a scrape only adds cells and formats numbers. One thread at a time per
 * exposition, and its readers are used by the thread that renders.
 */
#ifndef SHMETRICS_EXPOSITION_H
#define SHMETRICS_EXPOSITION_H

#include "shmetrics/reader.h"
#include "shmetrics/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Bytes that grow. Zero-initialised it is empty. failed: an allocation failed, the contents are
 * useless.
 */
typedef struct smx_buffer {
	char *data;
	size_t size;
	size_t capacity;
	bool failed;
} smx_buffer;

SMX_API void smx_buffer_append(smx_buffer *buffer, const void *data, size_t size);
SMX_API void smx_buffer_free(smx_buffer *buffer);

typedef enum smx_format {
	SMX_FORMAT_TEXT_004 = 1,	/* Prometheus text 0.0.4 */
	SMX_FORMAT_OPENMETRICS_100 = 2, /* OpenMetrics 1.0 */
	SMX_FORMAT_TEXT_100 = 3,	/* Prometheus text 1.0.0 */
	SMX_FORMAT_OPENMETRICS_200 = 4, /* OpenMetrics 2.0 */
	SMX_FORMAT_PROTOBUF = 5		/* io.prometheus.client.MetricFamily, delimited */
} smx_format;

/*
 * How names are written that have more in them than the letters, digits, underscores and colons
 * that every scraper understands.
 */
typedef enum smx_escaping {
	SMX_ESCAPING_UNDERSCORES = 0, /* "_" for each character that is not one of these */
	SMX_ESCAPING_DOTS = 1,	      /* "_dot_" for a dot, "__" for an underscore and the rest */
	SMX_ESCAPING_VALUES = 2,      /* "U__" in front, "_2e_" for each, by its number */
	SMX_ESCAPING_ALLOW_UTF8 = 3   /* as they are */
} smx_escaping;

/* What a scraper gets. */
typedef struct smx_exposition_type {
	smx_format format;
	smx_escaping escaping;
} smx_exposition_type;

/* The exact Content-Type. */
SMX_API const char *smx_format_content_type(smx_exposition_type type);

/*
 * What to answer to the Accept header of an HTTP request, several of them joined by commas; NULL:
 * there is none. Whatever it says, there is an answer: text 0.0.4 if nothing in it fits.
 */
SMX_API smx_exposition_type smx_format_choose(const char *accept);

typedef struct smx_exposition smx_exposition;

SMX_API smx_status smx_exposition_create(smx_exposition **exposition, smx_error *error);
SMX_API void smx_exposition_destroy(smx_exposition *exposition);

/*
 * Adds or takes away a reader, which stays the caller's and must outlive its membership. Series of
 * several readers with one identity are added up (counters, histograms, gauges that sum) or
 * combined as their gauge mode says: nothing is ever served twice. Of two definitions of one name
 * the one with more live writers is served. Fails: NO_MEMORY.
 */
SMX_API smx_status smx_exposition_add(smx_exposition *exposition, smx_reader *reader,
				      smx_error *error);
SMX_API void smx_exposition_remove(smx_exposition *exposition, smx_reader *reader);

/*
 * Whether the text formats also tell when each counter, histogram and summary was made: in
 * OpenMetrics 1.0 a _created beside each of them, in the Prometheus text a family of gauges
 * x_created behind theirs. Off at first: a Prometheus stores it as one more series.
 */
SMX_API void smx_exposition_set_created(smx_exposition *exposition, bool created);

/*
 * Names that no family is served under, since others are behind it. is_reserved is called with a
 * family's name as it is written, without _total or _info; is_spelled: its own is another, and the
 * escaping makes it this one (shmetrics.build.info would be shmetrics_build_info). NULL, as at
 * first: there are none.
 */
SMX_API void smx_exposition_set_reserved(smx_exposition *exposition,
					 bool (*is_reserved)(smx_text family_name,
							     bool is_spelled));

/*
 * Appends everything the readers held at their last walk. names, name_count: only the families with
 * one of these sample or family names (name[] of the HTTP interface); 0: all. A text ends in a
 * newline or is empty. Other families may follow; smx_emit_end makes it a whole exposition.
 * Independent of the locale. Fails: NO_MEMORY (the buffer is then as it was), INVALID.
 */
SMX_API smx_status smx_exposition_render(smx_exposition *exposition, smx_exposition_type type,
					 const smx_text *names, size_t name_count,
					 smx_buffer *buffer, smx_error *error);

/* What the last rendering showed, whatever it was asked for, and what it left out. */
typedef struct smx_exposition_info {
	uint64_t family_count;	       /* shown */
	uint64_t hidden_by_definition; /* another one of the name has more live writers */
	/*
	 * A sample of it would be another family's, which is older, or its labels could not be told
	 * apart: as names were written then.
	 */
	uint64_t hidden_by_sample_name;
	uint64_t reserved; /* as names were written then: smx_exposition_set_reserved */
	uint64_t unfit;	   /* no scraper would take it */
} smx_exposition_info;

SMX_API void smx_exposition_information(const smx_exposition *exposition,
					smx_exposition_info *info);

/* Why a family is not served. */
typedef enum smx_hiding {
	SMX_HIDING_DEFINITION = 0,  /* another definition of the name has more live writers */
	SMX_HIDING_SAMPLE_NAME = 1, /* one of its samples would be another family's */
	SMX_HIDING_RESERVED = 2,    /* smx_exposition_set_reserved */
	SMX_HIDING_UNFIT = 3	    /* no scraper would take it */
} smx_hiding;
#define SMX_HIDING_COUNT 4

/* "definition", "sample_name", "reserved", "unfit". */
SMX_API const char *smx_hiding_name(smx_hiding reason);

/*
 * Tells which families of one of the readers the last rendering left out, or would have for a
 * scraper with another of these escapings: a bit each, 1 << smx_escaping. In the reader's order. A
 * definition that live processes have and another has beaten within the reader is one of them.
 */
SMX_API void smx_exposition_hidden(
	const smx_exposition *exposition, const smx_reader *reader, unsigned escapings,
	void (*tell)(void *argument, smx_text family_name, smx_hiding reason), void *argument);

/*
 * Whether a family that is shown to scrapers with this escaping has the name, or has it as the name
 * of a sample: as of the last rendering, whatever families it was asked for. Who serves more behind
 * an exposition leaves out what would be there twice.
 */
SMX_API bool smx_exposition_has_name(const smx_exposition *exposition, smx_escaping escaping,
				     smx_text name);

/* ---- for metrics that live in no segment, such as the collector's own ---- */

/*
 * Begins a family: HELP and TYPE. name as in the definition of a family: without the _total of a
 * counter and the _info of an info. Returns what smx_emit_family_end wants.
 */
SMX_API size_t smx_emit_family(smx_buffer *buffer, smx_exposition_type type, const char *name,
			       const char *help, smx_kind kind);
/*
 * One sample of a counter, a gauge or an info (whose value is 1). The label values may be any
 * bytes: what is no UTF-8 becomes U+FFFD.
 */
SMX_API void smx_emit_sample(smx_buffer *buffer, smx_exposition_type type, const char *name,
			     smx_kind kind, const char *const *label_names,
			     const char *const *label_values, size_t label_count, double value);

/*
 * Ends a family, after its samples and before anything else is appended: protobuf tells in front
 * how long it is. start: what smx_emit_family returned.
 */
SMX_API void smx_emit_family_end(smx_buffer *buffer, smx_exposition_type type, size_t start);

/* Ends an exposition, after everything in it: "# EOF" in OpenMetrics, nothing in the others. */
SMX_API void smx_emit_end(smx_buffer *buffer, smx_exposition_type type);

/* Appends the shortest decimal that reads back as the same double; "+Inf", "-Inf", "NaN". */
SMX_API void smx_emit_double(smx_buffer *buffer, double value);

#ifdef __cplusplus
}
#endif
#endif
