/* SPDX-License-Identifier: MIT */
/*
 * test_segment.c - the life of a segment within one process
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(segment, .init = fixture_begin, .fini = fixture_end);

Test(segment, has_mode_0660_whatever_the_umask)
{
	struct stat status;

	umask(0077);
	cr_assert_eq(stat(smx_segment_path(fixture_segment("a")), &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0660);
}

Test(segment, has_every_byte_allocated)
{
	struct stat status;

	cr_assert_eq(stat(smx_segment_path(fixture_segment("a")), &status), 0);
	cr_expect_geq(status.st_blocks * 512, status.st_size);
}

Test(segment, opened_twice_is_one_and_closes_once)
{
	smx_segment *first = fixture_segment("a"), *second = fixture_segment("a");
	smx_counter counter = smx_counter_with(fixture_counter(first, "x", NULL), NULL);

	cr_expect_eq(first, second);
	smx_segment_close(first);
	smx_counter_inc(counter);
	cr_expect_eq(smx_counter_value(counter), 1);
	smx_segment_close(second);
}

Test(segment, starts_anew_when_nobody_holds_it_and_goes_on_with_keep)
{
	smx_segment_options keep = {.flags = SMX_SEGMENT_KEEP};
	smx_segment *segment = fixture_segment("a");

	smx_counter_inc(smx_counter_with(fixture_counter(segment, "x", NULL), NULL));
	smx_segment_close(segment);
	cr_assert_eq(smx_segment_open("a", &keep, &segment, NULL), SMX_OK);
	cr_expect_eq(smx_counter_value(smx_counter_with(fixture_counter(segment, "x", NULL), NULL)),
		     1);
	smx_segment_close(segment);
	segment = fixture_segment("a");
	cr_expect_eq(smx_counter_value(smx_counter_with(fixture_counter(segment, "x", NULL), NULL)),
		     0);
}

Test(segment, is_not_made_where_that_is_forbidden)
{
	smx_segment_options options = {.flags = SMX_SEGMENT_NO_CREATE};
	smx_segment *segment = (smx_segment *)1;
	smx_error error;

	cr_expect_eq(smx_segment_open("a", &options, &segment, &error), SMX_ERR_NOT_FOUND);
	cr_expect_null(segment);
	cr_expect(strstr(error.message, "a.smx1"), "%s", error.message);
}

Test(segment, of_garbage_that_nobody_holds_is_replaced)
{
	char path[4096];
	FILE *file;

	smx_segment_resolve("a", NULL, path, sizeof path, NULL);
	file = fopen(path, "w");
	cr_assert(file);
	fputs("no segment at all", file);
	fclose(file);
	fixture_counter(fixture_segment("a"), "x", NULL);
}

Test(segment, that_is_a_link_or_everybodys_is_refused)
{
	char path[4096];
	smx_segment *segment;
	smx_error error;

	smx_segment_resolve("a", NULL, path, sizeof path, NULL);
	cr_assert_eq(symlink("/etc/hostname", path), 0);
	cr_expect_eq(smx_segment_open("a", NULL, &segment, &error), SMX_ERR_PERMISSION);
	cr_expect(strstr(error.message, "symbolic link"), "%s", error.message);
	smx_segment_close(fixture_segment("b"));
	smx_segment_resolve("b", NULL, path, sizeof path, NULL);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_expect_eq(smx_segment_open("b", NULL, &segment, &error), SMX_ERR_PERMISSION);
	cr_expect(strstr(error.message, "everybody"), "%s", error.message);
}

Test(segment, options_that_break_a_rule_are_named)
{
	static const struct {
		smx_segment_options options;
		const char *named;
	} cases[] = {
		{{.size_max_bytes = 1000}, "size_max_bytes 1000"},
		{{.stripe_count = 3}, "stripe_count 3"},
		{{.slot_max = 40000}, "slot_max 40000"},
		{{.series_max = 20000000}, "series_max 20000000"},
		{{.flags = 64}, "flags 0x40"},
		{{.size_max_bytes = 1 << 20, .slot_max = 32768}, "slot_max 32768"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		smx_segment *segment;
		smx_error error = {0};

		cr_expect_eq(smx_segment_open("a", &cases[i].options, &segment, &error),
			     SMX_ERR_INVALID);
		cr_expect(strstr(error.message, cases[i].named), "%s", error.message);
	}
}

Test(segment, private_is_nobody_elses)
{
	smx_segment *segment;
	smx_reader *reader;
	smx_gauge gauge;

	cr_assert_eq(smx_segment_open(NULL, NULL, &segment, NULL), SMX_OK);
	cr_expect_str_eq(smx_segment_path(segment), "");
	gauge = smx_gauge_with(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_MOST_RECENT, NULL), NULL);
	smx_gauge_set(gauge, 4);
	cr_expect_eq(smx_gauge_value(gauge), 4);
	cr_assert_eq(smx_reader_open_segment(segment, &reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_writer_count(reader), 1);
	smx_reader_close(reader);
	smx_segment_close(segment);
}

Test(segment, in_a_child_of_a_private_one_is_a_copy)
{
	smx_segment *segment;
	smx_counter counter;
	int status;
	pid_t child;

	cr_assert_eq(smx_segment_open_private(NULL, &segment, NULL), SMX_OK);
	counter = smx_counter_with(fixture_counter(segment, "x", NULL), NULL);
	child = fork();
	if (child == 0) {
		smx_counter_inc(counter);
		_exit(smx_counter_value(counter) == 1 ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	cr_expect_eq(smx_counter_value(counter), 0);
}
