/* SPDX-License-Identifier: MIT */
/*
 * visit - what a collector does with a segment, in one call: open, walk, look at everything, render
 *
 * Every view, text and number that the reader offers is read here, so that a sanitizer sees a view
 * that leads out of the mapping.
 */
#include "visit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message_text.h"
#include "shmetrics/layout.h"

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};
static const smx_exposition_type openmetrics_100 = {.format = SMX_FORMAT_OPENMETRICS_100};
static const smx_exposition_type openmetrics_200 = {.format = SMX_FORMAT_OPENMETRICS_200};
static const smx_exposition_type protobuf = {.format = SMX_FORMAT_PROTOBUF};

static void digest(visit_result *result, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t hash = result->digest;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	result->digest = hash;
}

static void digest_text(visit_result *result, smx_text text)
{
	digest(result, text.data, text.size);
}

static void digest_labels(visit_result *result, const smx_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		digest_text(result, labels[i].name);
		digest_text(result, labels[i].value);
	}
}

static void see_exemplars(visit_result *result, const smx_reader *reader,
			  const smx_series_view *series)
{
	smx_exemplar_view exemplar;

	for (size_t i = 0; i <= series->family->bound_count || i < SMX_NATIVE_EXEMPLAR_MAX; i++)
		if (smx_reader_exemplar(reader, series, i, &exemplar))
			digest_labels(result, exemplar.labels, exemplar.label_count);
}

static void see_native(visit_result *result, const smx_reader *reader,
		       const smx_series_view *series)
{
	const smx_family_view *family = series->family;
	uint64_t *native = calloc(family->native.count, sizeof(*native));
	uint64_t *buckets = calloc(family->bound_count + 1, sizeof(*buckets));
	double sum = 0;

	if (native && buckets) {
		smx_reader_native_histogram(reader, series, native, buckets, &sum);
		digest(result, native, family->native.count * sizeof(*native));
		digest(result, buckets, (family->bound_count + 1) * sizeof(*buckets));
	}
	digest(result, &sum, sizeof(sum));
	free(native);
	free(buckets);
	see_exemplars(result, reader, series);
}

/* Kinds without cells a bucket or a writer. */
static void see_others(visit_result *result, smx_reader *reader, const smx_series_view *series)
{
	const smx_label *labels;
	smx_gauge_sample total;
	uint64_t count;
	size_t state;
	double sum;

	if (series->family->kind == SMX_SUMMARY) {
		smx_reader_summary(reader, series, &count, &sum);
		digest(result, &count, sizeof(count));
	} else if (series->family->kind == SMX_INFO) {
		count = smx_reader_info_labels(reader, series, &labels);
		digest_labels(result, labels, (size_t)count);
	} else if (series->family->kind == SMX_STATE_SET) {
		smx_reader_state(reader, series, &state, &total);
		if (state >= series->family->state_count)
			abort(); /* beyond what there are */
		digest_text(result, series->family->states[state]);
	}
}

static void see_series(visit_result *result, smx_reader *reader, const smx_family_view *family,
		       const smx_series_view *series)
{
	for (size_t i = 0; i < family->label_count; i++)
		digest_text(result, series->label_values[i]);
	if (family->kind == SMX_COUNTER) {
		smx_counter_sample sample = smx_reader_counter(reader, series);

		digest(result, &sample.whole, sizeof(sample.whole));
		see_exemplars(result, reader, series);
	} else if (family->kind == SMX_HISTOGRAM) {
		uint64_t *counts = calloc(family->bound_count + 1, sizeof(*counts));
		double sum = 0;

		if (counts)
			smx_reader_histogram(reader, series, counts, &sum);
		digest(result, &sum, sizeof(sum));
		free(counts);
		see_exemplars(result, reader, series);
	} else if (family->kind == SMX_NATIVE_HISTOGRAM) {
		see_native(result, reader, series);
	} else if (family->kind == SMX_GAUGE) {
		size_t count = smx_reader_holder_count(reader);
		smx_gauge_sample *samples = calloc(count + 1, sizeof(*samples));
		size_t present = samples ? smx_reader_gauge(reader, series, samples) : 0;

		if (present > count)
			abort(); /* more than there was room for */
		for (size_t i = 0; i < present; i++)
			digest(result, smx_reader_writer(reader, samples[i].writer),
			       sizeof(smx_writer_view));
		free(samples);
	} else {
		see_others(result, reader, series);
	}
}

static void see(visit_result *result, smx_reader *reader)
{
	const smx_reader_info *info = smx_reader_information(reader);

	digest(result, info, sizeof(*info));
	result->damaged_count = info->damaged_count;
	result->writer_count = smx_reader_writer_count(reader);
	result->family_count = smx_reader_family_count(reader);
	result->series_count = 0;
	for (size_t i = 0; i < result->family_count; i++) {
		const smx_family_view *family = smx_reader_family(reader, i);

		digest_text(result, family->name);
		digest_text(result, family->help);
		digest_text(result, family->unit);
		digest(result, family->bounds, family->bound_count * sizeof(double));
		for (size_t j = 0; j < family->label_count; j++)
			digest_text(result, family->label_names[j]);
		result->series_count += family->series_count;
		for (size_t j = 0; j < family->series_count; j++)
			see_series(result, reader, family, smx_reader_series(reader, family, j));
	}
}

static void see_health(visit_result *result, smx_reader *reader)
{
	for (size_t i = 0; i < smx_reader_health_count(reader); i++) {
		const smx_health_view *health = smx_reader_health(reader, i);

		digest_text(result, health->name);
		digest_text(result, health->detail);
	}
}

/*
 * What cannot be printed is judged here: whatever the segment holds, and however it changes
 * meanwhile, the messages are whole.
 */
static smx_status see_newer_formats(visit_result *result, smx_exposition *exposition,
				    smx_error *error)
{
	smx_buffer messages = {0}, text = {0};
	smx_status status = smx_exposition_render(exposition, protobuf, NULL, 0, &messages, error);

	if (status == SMX_OK && !message_text(&messages, &text)) {
		fprintf(stderr, "malformed protobuf after: %.*s\n", (int)text.size, text.data);
		abort();
	}
	digest(result, messages.data, messages.size);
	messages.size = 0;
	if (status == SMX_OK) /* for a sanitizer to see */
		status = smx_exposition_render(exposition, openmetrics_200, NULL, 0, &messages,
					       error);
	digest(result, messages.data, messages.size);
	smx_buffer_free(&messages);
	smx_buffer_free(&text);
	return status;
}

static bool round_of(visit_result *result, smx_reader *reader, smx_exposition *exposition,
		     smx_buffer *text, smx_error *error)
{
	result->walk = smx_reader_walk(reader, error);
	if (result->walk != SMX_OK)
		return false;
	see(result, reader);
	see_health(result, reader);
	text->size = 0;
	result->render = smx_exposition_render(exposition, text_004, NULL, 0, text, error);
	if (result->render == SMX_OK) {
		smx_buffer_append(text, VISIT_SEPARATOR, strlen(VISIT_SEPARATOR));
		result->render =
			smx_exposition_render(exposition, openmetrics_100, NULL, 0, text, error);
		smx_emit_end(text, openmetrics_100);
	}
	digest(result, text->data, text->size);
	if (result->render == SMX_OK)
		result->render = see_newer_formats(result, exposition, error);
	return result->render == SMX_OK;
}

static long rss_kib(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

bool visit(const char *path, const visit_options *options, visit_result *result, smx_buffer *text)
{
	unsigned rounds = options && options->rounds ? options->rounds : 1;
	smx_exposition *exposition = NULL;
	smx_reader *reader = NULL;
	smx_buffer own = {0};
	smx_error error = {0};
	bool good = false;

	memset(result, 0, sizeof(*result));
	if (!text)
		text = &own;
	text->size = 0;
	result->open = smx_reader_open(path, NULL, &reader, &error);
	result->walk_rss_kib = rss_kib();
	if (result->open != SMX_OK)
		goto out;
	result->render = smx_exposition_create(&exposition, &error);
	if (result->render != SMX_OK)
		goto out;
	result->render = smx_exposition_add(exposition, reader, &error);
	if (result->render != SMX_OK)
		goto out;
	for (unsigned i = 0; i < rounds; i++) {
		good = round_of(result, reader, exposition, text, &error);
		if (!good)
			break;
		if (i == 0 && options && options->between)
			options->between(options->argument);
	}
	smx_exposition_remove(exposition, reader);
out:
	memcpy(result->message, error.message, sizeof(result->message));
	smx_exposition_destroy(exposition);
	smx_reader_close(reader);
	smx_buffer_free(&own);
	return good;
}

int visit_hold_slots(const char *path)
{
	smx_layout_toc toc;
	struct stat stat;
	int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (descriptor < 0)
		return -1;
	if (fstat(descriptor, &stat) != 0 || !S_ISREG(stat.st_mode) ||
	    pread(descriptor, &toc, sizeof(toc), offsetof(smx_layout_header, toc)) !=
		    (ssize_t)sizeof(toc))
		goto fail;
	for (uint64_t i = 0; i < 16; i++) {
		smx_layout_slot slot;
		off_t at = (off_t)((toc.offset & 0xffffffff) + i * sizeof(slot));
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

		if (pread(descriptor, &slot, sizeof(slot), at) != (ssize_t)sizeof(slot))
			break;
		if (slot.generation == 0 || slot.generation > SMX_LOCK_GENERATION_MAX)
			continue;
		lock.l_start =
			(off_t)(SMX_LOCK_SLOTS + (i << SMX_LOCK_SLOT_SHIFT) + slot.generation);
		fcntl(descriptor, F_OFD_SETLK, &lock);
	}
	return descriptor;
fail:
	close(descriptor);
	return -1;
}

void visit_print_json(const char *text, size_t size)
{
	putchar('"');
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}
