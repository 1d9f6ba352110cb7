/* SPDX-License-Identifier: MIT */
/*
 * fixture.c - a folder of its own in /dev/shm for each test, and segments in it
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/dev/shm/smx-unit-XXXXXX";

void fixture_begin(void)
{
	cr_assert(mkdtemp(folder), "a folder in /dev/shm");
	setenv("SHMETRICS_DIR", folder, 1);
	unsetenv("SHMETRICS_SEGMENT");
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

void fixture_end(void)
{
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

smx_segment *fixture_segment(const char *name)
{
	smx_segment_options options = {.size_max_bytes = 1 << 20, .slot_max = 4, .stripe_count = 2};
	smx_segment *segment;
	smx_error error = {0};

	cr_assert_eq(smx_segment_open(name, &options, &segment, &error), SMX_OK, "%s",
		     error.message);
	return segment;
}

smx_reader *fixture_reader(const smx_segment *segment)
{
	smx_reader *reader;
	smx_error error = {0};

	cr_assert_eq(smx_reader_open(smx_segment_path(segment), NULL, &reader, &error), SMX_OK,
		     "%s", error.message);
	return reader;
}

#define DEFINITION(name_, label_)                                                                  \
	smx_definition definition = {.name = (name_), .help = "A metric of a test"};               \
	const char *labels[] = {label_};                                                           \
	smx_error error = {0};                                                                     \
	if (labels[0]) {                                                                           \
		definition.label_names = labels;                                                   \
		definition.label_count = 1;                                                        \
	}

smx_counter_family fixture_counter(smx_segment *segment, const char *name, const char *label)
{
	smx_counter_family family;
	DEFINITION(name, label)

	cr_assert_eq(smx_counter_define(segment, &definition, &family, &error), SMX_OK, "%s",
		     error.message);
	return family;
}

smx_gauge_family fixture_gauge(smx_segment *segment, const char *name, smx_gauge_mode mode,
			       const char *label)
{
	smx_gauge_family family;
	DEFINITION(name, label)

	cr_assert_eq(smx_gauge_define(segment, &definition, mode, &family, &error), SMX_OK, "%s",
		     error.message);
	return family;
}

smx_histogram_family fixture_histogram(smx_segment *segment, const char *name, const char *label)
{
	static const double bounds[] = {1, 2, 5};
	smx_histogram_family family;
	DEFINITION(name, label)

	cr_assert_eq(smx_histogram_define(segment, &definition, bounds, 3, &family, &error), SMX_OK,
		     "%s", error.message);
	return family;
}

static bool is(smx_text text, const char *string)
{
	return text.size == strlen(string) && memcmp(text.data, string, text.size) == 0;
}

const smx_family_view *fixture_family(const smx_reader *reader, const char *name)
{
	for (size_t i = 0; i < smx_reader_family_count(reader); i++) {
		const smx_family_view *family = smx_reader_family(reader, i);

		if (family->served && is(family->name, name))
			return family;
	}
	return NULL;
}

const smx_series_view *fixture_series(const smx_reader *reader, const char *name, const char *value)
{
	const smx_family_view *family = fixture_family(reader, name);

	for (size_t i = 0; family && i < family->series_count; i++) {
		const smx_series_view *series = smx_reader_series(reader, family, i);

		if (!value || is(series->label_values[0], value))
			return series;
	}
	return NULL;
}
