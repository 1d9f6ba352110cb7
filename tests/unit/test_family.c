/* SPDX-License-Identifier: MIT */
/*
 * test_family.c - definitions: one record for equal ones, an error for two within a process
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(family, .init = fixture_begin, .fini = fixture_end);

Test(family, defined_twice_alike_is_one)
{
	smx_segment *segment = fixture_segment("a");

	cr_expect_eq(fixture_counter(segment, "x", "l").impl,
		     fixture_counter(segment, "x_total", "l").impl);
	cr_expect_eq(fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL).impl,
		     fixture_gauge(segment, "g", SMX_GAUGE_LIVE_SUM, NULL).impl);
}

Test(family, defined_otherwise_by_the_same_process_is_a_conflict)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition definition = {.name = "x", .help = "h"};
	smx_gauge_family gauge;
	smx_counter_family counter;
	smx_error error = {0};

	fixture_counter(segment, "x", "l");
	cr_expect_eq(smx_counter_define(segment, &definition, &counter, &error), SMX_ERR_CONFLICT);
	cr_expect_null(counter.impl);
	cr_expect_eq(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_MAX, &gauge, &error),
		     SMX_ERR_CONFLICT);
	cr_expect(strstr(error.message, "metric x: already defined"), "%s", error.message);
	definition.name = "x_total";
	cr_expect_eq(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_MAX, &gauge, &error),
		     SMX_ERR_CONFLICT);
}

Test(family, that_would_share_samples_with_another_is_a_conflict)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition definition = {.name = "h_count"};
	smx_gauge_family gauge;
	smx_error error = {0};

	fixture_histogram(segment, "h", NULL);
	cr_expect_eq(smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_MAX, &gauge, &error),
		     SMX_ERR_CONFLICT);
	cr_expect(strstr(error.message, "with metric h "), "%s", error.message);
}

Test(family, defined_otherwise_by_another_process_lives_beside_it)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader;
	int status, ready[2];
	char byte;
	pid_t child;

	fixture_counter(segment, "other", NULL);
	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		fixture_counter(segment, "x", NULL);
		cr_assert_eq(write(ready[1], "r", 1), 1);
		pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	fixture_counter(segment, "x", "l");
	reader = fixture_reader(segment);
	cr_expect_eq(smx_reader_information(reader)->conflict_count, 1);
	cr_expect_eq(fixture_family(reader, "x")->label_count, 1,
		     "one live writer each: the later one");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_information(reader)->conflict_count, 0);
	cr_expect_eq(fixture_family(reader, "x")->live_writers, 1);
	smx_reader_close(reader);
}

Test(family, of_the_parent_is_defined_in_the_child)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader;
	int ready[2], status;
	char byte;
	pid_t child;

	fixture_counter(segment, "x", NULL);
	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		smx_definition definition = {.name = "x", .help = "h"};
		smx_gauge_family gauge;
		smx_status result =
			smx_gauge_define(segment, &definition, SMX_GAUGE_LIVE_MAX, &gauge, NULL);

		cr_assert_eq(write(ready[1], &(char){result == SMX_ERR_CONFLICT}, 1), 1);
		pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_expect_eq(byte, 1, "the child knows what its parent defined");
	reader = fixture_reader(segment);
	cr_expect_eq(fixture_family(reader, "x")->live_writers, 2);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	smx_reader_close(reader);
}

Test(family, serves_the_help_given_last_in_bounded_space)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition definition = {.name = "x"};
	smx_counter_family family;
	smx_reader *reader;
	uint64_t used = 0;

	for (int i = 0; i < 100; i++) {
		definition.help = i % 2 ? "the old text" : "the new text";
		cr_assert_eq(smx_counter_define(segment, &definition, &family, NULL), SMX_OK);
		if (i == 1)
			used = segment->header->arena_next;
	}
	cr_expect_eq(segment->header->arena_next, used);
	reader = fixture_reader(segment);
	cr_expect_eq(memcmp(fixture_family(reader, "x")->help.data, "the old text", 12), 0);
	definition.help = "the newest text";
	smx_counter_define(segment, &definition, &family, NULL);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(memcmp(fixture_family(reader, "x")->help.data, "the newest text", 15), 0);
	smx_reader_close(reader);
}

Test(family, without_room_is_full_and_its_handles_are_empty)
{
	smx_segment *segment = fixture_segment("a");
	smx_status status = SMX_OK;
	smx_counter_family family;
	smx_error error = {0};
	char name[32];
	uint64_t unrecorded = smx_unrecorded_count();

	for (int i = 0; status == SMX_OK && i < 100000; i++) {
		smx_definition definition = {.name = name, .help = name};

		snprintf(name, sizeof name, "family_%d", i);
		status = smx_counter_define(segment, &definition, &family, &error);
	}
	cr_expect_eq(status, SMX_ERR_FULL);
	cr_expect(strstr(error.message, name), "%s", error.message);
	cr_expect_null(family.impl);
	smx_counter_inc(smx_counter_with(family, NULL));
	cr_expect_eq(smx_unrecorded_count(), unrecorded + 1);
	cr_expect_geq(segment->header->dropped[SMX_DROP_FAMILY], 1);
}

Test(family, of_gauges_has_one_of_ten_modes)
{
	smx_definition definition = {.name = "g"};
	smx_gauge_family family;
	smx_error error = {0};
	char name[] = "g0";

	definition.name = name;
	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_MOST_RECENT; mode++, name[1]++)
		cr_expect_eq(smx_gauge_define(fixture_segment("a"), &definition,
					      (smx_gauge_mode)mode, &family, &error),
			     SMX_OK, "%s", error.message);
	for (int mode = 0; mode <= 11; mode += 11) {
		cr_expect_eq(smx_gauge_define(fixture_segment("a"), &definition,
					      (smx_gauge_mode)mode, &family, &error),
			     SMX_ERR_INVALID);
		cr_expect_null(family.impl);
	}
}
