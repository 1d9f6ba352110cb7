/* SPDX-License-Identifier: MIT */
/*
 * test_reader.c - I8: what a reader refuses, and what it sees
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(reader, .init = fixture_begin, .fini = fixture_end);

static smx_status open_status(const char *path, smx_error *error)
{
	smx_reader *reader;
	smx_status status = smx_reader_open(path, NULL, &reader, error);

	smx_reader_close(reader);
	return status;
}

Test(reader, refuses_what_is_no_segment_and_says_why)
{
	smx_segment *segment = fixture_segment("a");
	char path[4096];
	smx_error error;
	FILE *file;

	snprintf(path, sizeof path, "%s-other", smx_segment_path(segment));
	cr_expect_eq(open_status(path, &error), SMX_ERR_NOT_FOUND);
	file = fopen(path, "w");
	cr_assert(file);
	cr_expect_eq(open_status(path, &error), SMX_ERR_FORMAT);
	cr_expect(strstr(error.message, "shorter than a header"), "%s", error.message);
	for (int i = 0; i < 8192; i++)
		fputc(i * 37, file);
	fclose(file);
	cr_expect_eq(open_status(path, &error), SMX_ERR_FORMAT);
	cr_expect(strstr(error.message, "not a shmetrics segment"), "%s", error.message);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink(smx_segment_path(segment), path), 0);
	cr_expect_eq(open_status(path, &error), SMX_ERR_PERMISSION);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(open_status(path, &error), SMX_ERR_FORMAT);
	cr_assert_eq(chmod(smx_segment_path(segment), 0666), 0);
	cr_expect_eq(open_status(smx_segment_path(segment), &error), SMX_ERR_PERMISSION);
}

Test(reader, refuses_a_segment_with_holes)
{
	smx_segment *segment = fixture_segment("a");
	smx_error error;
	int descriptor = open(smx_segment_path(segment), O_RDWR);

	cr_assert_geq(descriptor, 0);
	cr_assert_eq(
		fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16384, 65536), 0);
	close(descriptor);
	cr_expect_eq(open_status(smx_segment_path(segment), &error), SMX_ERR_FORMAT);
	cr_expect(strstr(error.message, "holes"), "%s", error.message);
}

Test(reader, sees_a_segment_grow_without_opening_it_again)
{
	smx_segment *segment = fixture_segment("a");
	smx_counter_family family = fixture_counter(segment, "x", "l");
	smx_reader *reader = fixture_reader(segment);
	uint64_t before = smx_reader_information(reader)->size_bytes;
	char value[16];

	for (int i = 0; i < 2000; i++) {
		snprintf(value, sizeof value, "%d", i);
		smx_counter_inc(smx_counter_with(family, (const char *[]){value}));
	}
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_gt(smx_reader_information(reader)->size_bytes, before);
	cr_expect_eq(smx_reader_information(reader)->series_count, 2001);
	cr_expect_eq(smx_reader_counter(reader, fixture_series(reader, "x", "1999")).whole, 1);
	smx_reader_close(reader);
}

Test(reader, survives_truncation_with_the_guard)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader;
	smx_error error;

	cr_assert_eq(smx_reader_guard_install(NULL), SMX_OK);
	fixture_counter(segment, "x", "l");
	reader = fixture_reader(segment);
	cr_assert_eq(truncate(smx_segment_path(segment), 8192), 0);
	/* The numbers of what is gone are zero, and the next walk says so. */
	cr_expect_eq(smx_reader_counter(reader, fixture_series(reader, "x", NULL)).whole, 0);
	cr_expect_eq(smx_reader_walk(reader, &error), SMX_ERR_FORMAT);
	cr_expect(strstr(error.message, "truncated"), "%s", error.message);
	smx_reader_close(reader);
}

Test(reader, writes_nothing)
{
	smx_segment *segment = fixture_segment("a");
	static char before[1 << 20], after[1 << 20];
	size_t size;
	smx_reader *reader;

	fixture_histogram(segment, "h", "l");
	size = segment->header->size;
	memcpy(before, segment->header, size);
	reader = fixture_reader(segment);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	smx_reader_close(reader);
	memcpy(after, segment->header, size);
	cr_expect_arr_eq(before, after, size);
}
