/* SPDX-License-Identifier: MIT */
/*
 * dumpjson - what the reader finds in a segment, as JSON, for comparison with decode.py
 *
 *     dumpjson FILE            families, series and values
 *     dumpjson --text FILE     the exposition in text 0.0.4
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "visit.h"

static void print_text(smx_text text)
{
	visit_print_json(text.data, text.size);
}

static void print_texts(const smx_text *texts, size_t count)
{
	putchar('[');
	for (size_t i = 0; i < count; i++) {
		printf("%s", i ? ", " : "");
		print_text(texts[i]);
	}
	putchar(']');
}

static void print_double(double value)
{
	if (isnan(value))
		printf("\"NaN\"");
	else if (isinf(value))
		printf(value > 0 ? "\"+Inf\"" : "\"-Inf\"");
	else
		printf("%.17g", value);
}

static void print_histogram(const smx_reader *reader, const smx_family_view *family,
			    const smx_series_view *series)
{
	uint64_t counts[1001] = {0};
	double sum = 0;

	smx_reader_histogram(reader, series, counts, &sum);
	printf("\"buckets\": [");
	for (size_t i = 0; i <= family->bound_count; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)counts[i]);
	printf("], \"sum\": ");
	print_double(sum);
}

static void print_gauge(const smx_reader *reader, const smx_series_view *series)
{
	smx_gauge_sample *samples = calloc(smx_reader_holder_count(reader) + 1, sizeof(*samples));
	size_t count = samples ? smx_reader_gauge(reader, series, samples) : 0;

	printf("\"values\": {");
	for (size_t i = 0; i < count; i++) {
		printf("%s\"%u\": ", i ? ", " : "",
		       smx_reader_writer(reader, samples[i].writer)->slot);
		print_double(samples[i].value);
	}
	putchar('}');
	free(samples);
}

static void print_labels(const smx_label *labels, size_t count)
{
	putchar('{');
	for (size_t i = 0; i < count; i++) {
		printf("%s", i ? ", " : "");
		print_text(labels[i].name);
		printf(": ");
		print_text(labels[i].value);
	}
	putchar('}');
}

static void print_exemplars(const smx_reader *reader, const smx_series_view *series)
{
	smx_exemplar_view exemplar;
	const char *comma = "";

	printf(", \"exemplars\": {");
	for (size_t i = 0; i <= series->family->bound_count || i < SMX_NATIVE_EXEMPLAR_MAX; i++) {
		if (!smx_reader_exemplar(reader, series, i, &exemplar))
			continue;
		printf("%s\"%zu\": [", comma, i);
		print_double(exemplar.value);
		printf(", ");
		print_labels(exemplar.labels, exemplar.label_count);
		putchar(']');
		comma = ", ";
	}
	putchar('}');
}

static void print_counts(const char *name, const uint64_t *counts, size_t count)
{
	printf("\"%s\": [", name);
	for (size_t i = 0; i < count; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)counts[i]);
	printf("], ");
}

static void print_native(const smx_reader *reader, const smx_family_view *family,
			 const smx_series_view *series)
{
	uint64_t *native = calloc(family->native.count, sizeof(*native));
	uint64_t *buckets = calloc(family->bound_count + 1, sizeof(*buckets));
	double sum = 0;

	if (native && buckets) {
		smx_reader_native_histogram(reader, series, native, buckets, &sum);
		print_counts("native", native, family->native.count);
		print_counts("buckets", buckets, family->bound_count + 1);
	}
	printf("\"sum\": ");
	print_double(sum);
	free(native);
	free(buckets);
}

static void print_summary(const smx_reader *reader, const smx_series_view *series)
{
	uint64_t count;
	double sum;

	smx_reader_summary(reader, series, &count, &sum);
	printf("\"count\": %llu, \"sum\": ", (unsigned long long)count);
	print_double(sum);
}

static void print_info(smx_reader *reader, const smx_series_view *series)
{
	const smx_label *labels;
	size_t count = smx_reader_info_labels(reader, series, &labels);

	printf("\"info\": ");
	print_labels(labels, count);
}

static void print_health(smx_reader *reader)
{
	printf("], \"health\": [");
	for (size_t i = 0; i < smx_reader_health_count(reader); i++) {
		const smx_health_view *health = smx_reader_health(reader, i);

		printf("%s{\"name\": ", i ? ",\n " : "\n ");
		print_text(health->name);
		printf(", \"ttl\": ");
		print_double(health->ttl_seconds);
		if (health->reported) {
			printf(", \"up\": %s, \"detail\": ", health->up ? "true" : "false");
			print_text(health->detail);
			printf(", \"duration\": ");
			print_double(health->duration_seconds);
		}
		printf(", \"live_writers\": %u}", health->live_writers);
	}
}

static void print_series(smx_reader *reader, const smx_family_view *family,
			 const smx_series_view *series)
{
	printf("{\"labels\": ");
	print_texts(series->label_values, family->label_count);
	printf(", \"overflow\": %s, \"removed\": %s, ", series->overflow ? "true" : "false",
	       series->removed ? "true" : "false");
	if (family->kind == SMX_COUNTER) {
		smx_counter_sample sample = smx_reader_counter(reader, series);

		printf("\"whole\": %llu, \"fraction\": ", (unsigned long long)sample.whole);
		print_double(sample.fraction);
		print_exemplars(reader, series);
	} else if (family->kind == SMX_HISTOGRAM) {
		print_histogram(reader, family, series);
		print_exemplars(reader, series);
	} else if (family->kind == SMX_NATIVE_HISTOGRAM) {
		print_native(reader, family, series);
		print_exemplars(reader, series);
	} else if (family->kind == SMX_SUMMARY) {
		print_summary(reader, series);
	} else if (family->kind == SMX_INFO) {
		print_info(reader, series);
	} else {
		print_gauge(reader, series);
	}
	putchar('}');
}

static void print_family(smx_reader *reader, const smx_family_view *family)
{
	printf("{\"name\": ");
	print_text(family->name);
	printf(", \"kind\": \"%s\", \"mode\": ", smx_kind_name(family->kind));
	if (family->kind == SMX_GAUGE || family->kind == SMX_STATE_SET)
		printf("\"%s\"", smx_gauge_mode_name(family->mode));
	else
		printf("null");
	printf(", \"help\": ");
	print_text(family->help);
	printf(", \"unit\": ");
	print_text(family->unit);
	printf(", \"label_names\": ");
	print_texts(family->label_names, family->label_count);
	printf(", \"bounds\": [");
	for (size_t i = 0; i < family->bound_count; i++) {
		printf("%s", i ? ", " : "");
		print_double(family->bounds[i]);
	}
	printf("], \"native\": ");
	if (family->kind == SMX_NATIVE_HISTOGRAM)
		printf("{\"schema\": %d, \"first\": %d, \"side\": %zu, \"negative\": %s}",
		       family->native.schema, family->native.first, family->native.side,
		       family->native.negative ? "true" : "false");
	else
		printf("null");
	printf(", \"states\": ");
	print_texts(family->states, family->state_count);
	printf(", \"live_writers\": %u, \"series\": [", family->live_writers);
	for (size_t i = 0; i < family->series_count; i++) {
		printf("%s", i ? ",\n  " : "\n  ");
		print_series(reader, family, smx_reader_series(reader, family, i));
	}
	printf("]}");
}

static int dump_json(const char *path)
{
	const smx_reader_info *info;
	smx_reader *reader = NULL;
	smx_error error = {0};

	if (smx_reader_open(path, NULL, &reader, &error) != SMX_OK ||
	    smx_reader_walk(reader, &error) != SMX_OK) {
		fprintf(stderr, "%s: %s: %s\n", path, smx_status_name(error.status), error.message);
		smx_reader_close(reader);
		return 1;
	}
	info = smx_reader_information(reader);
	printf("{\"writers\": %zu, \"damaged\": %llu, \"dropped\": {",
	       smx_reader_writer_count(reader), (unsigned long long)info->damaged_count);
	for (int i = 0; i < SMX_DROP_COUNT; i++)
		printf("%s\"%s\": %llu", i ? ", " : "", smx_drop_name((smx_drop)i),
		       (unsigned long long)info->dropped[i]);
	printf("}, \"families\": [");
	for (size_t i = 0; i < smx_reader_family_count(reader); i++) {
		printf("%s", i ? ",\n " : "\n ");
		print_family(reader, smx_reader_family(reader, i));
	}
	print_health(reader);
	printf("]}\n");
	smx_reader_close(reader);
	return 0;
}

static int dump_text(const char *path)
{
	visit_result result;
	smx_buffer text = {0};
	bool good = visit(path, NULL, &result, &text);

	if (!good)
		fprintf(stderr, "%s: %s\n", path, result.message);
	fwrite(text.data, 1, text.size, stdout);
	smx_buffer_free(&text);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return dump_json(argv[1]);
	if (argc == 3 && strcmp(argv[1], "--text") == 0)
		return dump_text(argv[2]);
	fprintf(stderr, "usage: dumpjson [--text] FILE\n");
	return 2;
}
