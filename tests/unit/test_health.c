/* SPDX-License-Identifier: MIT */
/*
 * test_health.c - health checks: the newest whole outcome, and whether it still counts
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(health, .init = fixture_begin, .fini = fixture_end);

static smx_health define(smx_segment *segment, const char *name, double ttl_seconds)
{
	smx_health health;
	smx_error error = {0};

	cr_assert_eq(smx_health_define(segment, name, ttl_seconds, &health, &error), SMX_OK, "%s",
		     error.message);
	return health;
}

static bool has_detail(const smx_health_view *view, const char *detail)
{
	return view->detail.size == strlen(detail) &&
	       memcmp(view->detail.data, detail, strlen(detail)) == 0;
}

/* The outcomes in the record, for tests that spoil them. */
static smx_layout_outcome *outcomes_of(smx_health health)
{
	return ((smx_layout_health *)(void *)health.impl)->outcomes;
}

Test(health, tells_the_outcome_reported_last)
{
	smx_segment *segment = fixture_segment("a");
	smx_health health = define(segment, "database", 60);
	smx_reader *reader = fixture_reader(segment);
	const smx_health_view *view = smx_reader_health(reader, 0);
	smx_health_outcome last;

	cr_expect_not(smx_health_last(health, &last));
	cr_expect_not(smx_health_last((smx_health){NULL}, &last));
	cr_assert_eq(smx_reader_health_count(reader), 1);
	cr_expect_not(view->reported);
	cr_expect(view->stale);
	cr_expect(isinf(view->age_seconds) && isinf(smx_health_age(health)));
	cr_expect_eq(view->ttl_seconds, 60);
	cr_expect_eq(memcmp(view->name.data, "database", view->name.size), 0);
	smx_health_report(health, true, 0.25, NULL);
	view = smx_reader_health(reader, 0);
	cr_expect(view->reported && view->up && !view->stale && has_detail(view, ""));
	cr_expect_eq(view->duration_seconds, 0.25);
	for (int i = 0; i < 5; i++) {
		smx_health_report(health, false, 1, "refused");
		view = smx_reader_health(reader, 0);
		cr_expect(!view->up && has_detail(view, "refused"));
		smx_health_report(health, true, 1, "fine");
		view = smx_reader_health(reader, 0);
		cr_expect(view->up && has_detail(view, "fine"));
	}
	cr_assert(smx_health_last(health, &last));
	cr_expect(last.up && last.duration_seconds == 1 && strcmp(last.detail, "fine") == 0);
	cr_expect(view->age_seconds >= 0 && view->age_seconds < 60);
	cr_expect(smx_health_age(health) < 60);
	smx_reader_close(reader);
}

Test(health, is_stale_when_older_than_its_time_to_live)
{
	smx_segment *segment = fixture_segment("a");
	smx_health health = define(segment, "database", 1e-9);
	smx_reader *reader;
	const smx_health_view *view;

	smx_health_report(health, true, 0, NULL);
	reader = fixture_reader(segment);
	view = smx_reader_health(reader, 0);
	cr_expect(view->reported && view->up && view->stale);
	define(segment, "database", 60); /* the one given last counts */
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_health_count(reader), 1);
	cr_expect_not(smx_reader_health(reader, 0)->stale);
	smx_reader_close(reader);
}

Test(health, keeps_the_other_outcome_where_one_was_spoilt)
{
	smx_segment *segment = fixture_segment("a");
	smx_health health = define(segment, "database", 60);
	smx_layout_outcome *outcomes = outcomes_of(health);
	smx_reader *reader = fixture_reader(segment);
	unsigned newest;

	smx_health_report(health, true, 0, "first");
	smx_health_report(health, false, 0, "second");
	newest = outcomes[1].reported_ns > outcomes[0].reported_ns;
	for (size_t i = 0; i < sizeof *outcomes; i++) {
		unsigned char *byte = (unsigned char *)&outcomes[newest] + i;

		*byte ^= 1;
		cr_expect(has_detail(smx_reader_health(reader, 0), "first"), "byte %zu", i);
		*byte ^= 1;
	}
	cr_expect(has_detail(smx_reader_health(reader, 0), "second"));
	/* The next report takes the spoilt one's place, not that of the one that is whole. */
	outcomes[newest].checksum ^= 1;
	smx_health_report(health, true, 0, "third");
	cr_expect(has_detail(smx_reader_health(reader, 0), "third"));
	cr_expect_eq(memcmp(outcomes[!newest].detail, "first", 6), 0);
	outcomes[0].checksum ^= 1;
	outcomes[1].checksum ^= 1;
	cr_expect_not(smx_reader_health(reader, 0)->reported);
	cr_expect(isinf(smx_health_age(health)));
	smx_reader_close(reader);
}

Test(health, leaves_an_outcome_at_whichever_store_a_writer_is_killed)
{
	smx_segment *segment = fixture_segment("a");
	smx_health health = define(segment, "database", 60);
	uint64_t *words = (uint64_t *)(void *)outcomes_of(health);
	uint64_t before[128], after[128];
	smx_reader *reader = fixture_reader(segment);

	smx_health_report(health, true, 0, "first");
	for (int i = 0; i < 6; i++) {
		const char *old = i % 2 ? "second" : "first", *new = i % 2 ? "first" : "second";

		memcpy(before, words, sizeof before);
		smx_health_report(health, true, 0, new);
		memcpy(after, words, sizeof after);
		for (unsigned stored = 0; stored <= 128; stored++) {
			memcpy(words, before, sizeof before);
			memcpy(words, after, stored * sizeof *words);
			cr_expect(has_detail(smx_reader_health(reader, 0), old) ||
					  has_detail(smx_reader_health(reader, 0), new),
				  "after %u stores of report %d", stored, i);
		}
	}
	smx_reader_close(reader);
}

Test(health, cuts_a_long_detail_off_between_characters)
{
	smx_segment *segment = fixture_segment("a");
	smx_health health = define(segment, "database", 60);
	static char detail[1000];
	smx_reader *reader = fixture_reader(segment);
	const smx_health_view *view;

	for (int i = 0; i < 331; i++)
		memcpy(detail + 1 + 3 * i, "日", 3);
	detail[0] = 'x';
	smx_health_report(health, false, 0, detail);
	view = smx_reader_health(reader, 0);
	cr_expect_eq(view->detail.size, 1 + 159 * 3);
	smx_health_report(health, false, 0, "bad \xff byte");
	cr_expect(has_detail(smx_reader_health(reader, 0), "bad \xef\xbf\xbd byte"));
	smx_reader_close(reader);
}

Test(health, says_how_many_live_processes_have_defined_it)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader;
	int status;
	pid_t child;

	define(segment, "database", 60);
	reader = fixture_reader(segment);
	cr_expect_eq(smx_reader_health(reader, 0)->live_writers, 1);
	child = fork(); /* a child inherits the definition */
	if (child == 0) {
		bool good = smx_reader_walk(reader, NULL) == SMX_OK &&
			    smx_reader_health(reader, 0)->live_writers == 2;

		_exit(good ? 0 : 1);
	}
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_health(reader, 0)->live_writers, 1);
	smx_reader_close(reader);
}

Test(health, refuses_what_cannot_be_a_check_and_a_257th)
{
	smx_segment *segment = fixture_segment("a");
	static char big[130];
	smx_health health;
	smx_error error;
	char name[16];

	memset(big, 'x', sizeof big - 1);
	cr_expect_eq(smx_health_define(segment, "", 1, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(segment, NULL, 1, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(segment, big, 1, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(segment, "\xff", 1, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(segment, "x", 0, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(segment, "x", NAN, &health, &error), SMX_ERR_INVALID);
	cr_expect(strstr(error.message, "health check x: its time to live"), "%s", error.message);
	cr_expect_eq(smx_health_define(segment, "x", INFINITY, &health, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_health_define(NULL, "x", 1, &health, NULL), SMX_ERR_INVALID);
	cr_expect_null(health.impl);
	smx_health_report(health, true, 0, NULL);
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof name, "check %d", i);
		define(segment, name, 1);
	}
	cr_expect_eq(smx_health_define(segment, "another", 1, &health, &error), SMX_ERR_FULL);
	define(segment, "check 255", 2);
}
