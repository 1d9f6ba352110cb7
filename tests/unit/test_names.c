/* SPDX-License-Identifier: MIT */
/*
 * test_names.c - bad names get an error that says which and why
 */
#include "labels.h"
#include "names.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static smx_error error;

static smx_status check(const char *name, smx_kind kind, const char *label, const char *unit)
{
	const char *labels[] = {label};
	smx_definition definition = {
		.name = name, .unit = unit, .label_names = labels, .label_count = label ? 1 : 0};
	size_t size;

	memset(&error, 0, sizeof error);
	return smx_names_check(&definition, kind, SMX_GAUGE_LIVE_ALL, &size, &error);
}

Test(names, of_metrics_follow_the_data_model)
{
	cr_expect_eq(check("a:b_c9", SMX_COUNTER, NULL, NULL), SMX_OK);
	cr_expect_eq(check("9a", SMX_COUNTER, NULL, NULL), SMX_OK);
	cr_expect_eq(check("größe.a b\n\"", SMX_COUNTER, "ü.\"\\\n", NULL), SMX_OK);
	cr_expect_eq(check("", SMX_COUNTER, NULL, NULL), SMX_ERR_INVALID);
	cr_expect_eq(check(NULL, SMX_COUNTER, NULL, NULL), SMX_ERR_INVALID);
}

/* Cut short, overlong, a surrogate, beyond U+10FFFF: what no reader of UTF-8 takes. */
Test(names, that_are_no_utf8_are_refused)
{
	static const char *const bad[] = {"a\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80",
					  "\xf4\x90\x80\x80"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_expect_eq(check(bad[i], SMX_COUNTER, NULL, NULL), SMX_ERR_INVALID);
		cr_expect_eq(check("x", SMX_COUNTER, bad[i], NULL), SMX_ERR_INVALID);
	}
	check("a\xff", SMX_COUNTER, NULL, NULL);
	cr_expect(strstr(error.message, "\"a?\" must be UTF-8"), "%s", error.message);
}

/* Bytes, not characters: 255, the most that the layout has. */
Test(names, have_at_most_255_bytes)
{
	char name[257];

	memset(name, 'a', sizeof name);
	name[255] = '\0';
	cr_expect_eq(check(name, SMX_COUNTER, name, NULL), SMX_OK);
	memcpy(name + 254, "ü", sizeof "ü");
	cr_expect_eq(check(name, SMX_COUNTER, NULL, NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_COUNTER, name, NULL), SMX_ERR_INVALID);
}

/* A message that is cut within a character is still UTF-8 and one line. */
Test(names, leave_messages_fit_to_be_read)
{
	char name[300] = "a\nb";

	while (strlen(name) < 290)
		strcat(name, "ü");
	cr_expect_eq(check(name, SMX_COUNTER, NULL, NULL), SMX_ERR_INVALID);
	cr_expect_null(strchr(error.message, '\n'));
	cr_expect(smx_labels_is_text((smx_text){error.message, strlen(error.message)}));
	cr_expect(strstr(error.message, "a?büüü"), "%s", error.message);
}

Test(names, of_labels_that_are_reserved_are_refused)
{
	cr_expect_eq(check("x", SMX_HISTOGRAM, "le", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_COUNTER, "le", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_GAUGE, "quantile", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_COUNTER, "__x", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_GAUGE, "pid", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_COUNTER, "", NULL), SMX_ERR_INVALID);
	cr_expect_eq(check("x", SMX_COUNTER, "__\n", NULL), SMX_ERR_INVALID);
	cr_expect(strstr(error.message, "\"__?\""), "%s", error.message);
}

Test(names, of_labels_may_not_be_given_twice)
{
	const char *labels[] = {"a", "b", "a"};
	smx_definition definition = {.name = "x", .label_names = labels, .label_count = 3};
	size_t size;

	cr_expect_eq(smx_names_check(&definition, SMX_COUNTER, 0, &size, &error), SMX_ERR_INVALID);
	cr_expect(strstr(error.message, "twice"), "%s", error.message);
}

Test(names, end_with_their_unit)
{
	cr_expect_eq(check("x_seconds", SMX_GAUGE, NULL, "seconds"), SMX_OK);
	cr_expect_eq(check("x_seconds_total", SMX_COUNTER, NULL, "seconds"), SMX_OK);
	cr_expect_eq(check("x", SMX_GAUGE, NULL, "seconds"), SMX_ERR_INVALID);
	cr_expect_eq(check("xseconds", SMX_GAUGE, NULL, "seconds"), SMX_ERR_INVALID);
}

static bool collide(const char *a, smx_kind kind_a, const char *b, smx_kind kind_b)
{
	return smx_names_collide((smx_text){a, strlen(a)}, kind_a, (smx_text){b, strlen(b)},
				 kind_b);
}

Test(names, collide_over_the_samples_they_own)
{
	cr_expect(collide("x", SMX_HISTOGRAM, "x_count", SMX_GAUGE));
	cr_expect(collide("x_count", SMX_GAUGE, "x", SMX_HISTOGRAM));
	cr_expect(collide("x", SMX_COUNTER, "x_total", SMX_GAUGE));
	cr_expect(collide("x", SMX_COUNTER, "x", SMX_GAUGE));
	cr_expect_not(collide("x", SMX_COUNTER, "x_count", SMX_GAUGE));
	cr_expect_not(collide("x", SMX_HISTOGRAM, "x_total", SMX_GAUGE));
	cr_expect_not(collide("ab", SMX_GAUGE, "ac", SMX_GAUGE));
	cr_expect(collide("x", SMX_SUMMARY, "x_sum", SMX_GAUGE));
	cr_expect_not(collide("x", SMX_SUMMARY, "x_bucket", SMX_GAUGE));
	cr_expect(collide("x", SMX_INFO, "x_info", SMX_GAUGE));
	cr_expect_not(collide("x", SMX_INFO, "x_count", SMX_GAUGE));
	cr_expect_not(collide("x", SMX_STATE_SET, "x_info", SMX_GAUGE));
	cr_expect(collide("x", SMX_STATE_SET, "x", SMX_INFO));
}

static const char *resolved(const char *name, const char *directory)
{
	static char path[4096];

	return smx_segment_resolve(name, directory, path, sizeof path, &error) == SMX_OK ? path
											 : "";
}

Test(names, of_segments_become_paths)
{
	char here[4096], expected[8192];

	unsetenv("SHMETRICS_DIR");
	cr_expect_str_eq(resolved("app", NULL), "/dev/shm/app.smx1");
	cr_expect_str_eq(resolved("app.smx1", "/run/x"), "/run/x/app.smx1");
	cr_expect_str_eq(resolved("/run/x/app", "/elsewhere"), "/run/x/app.smx1");
	setenv("SHMETRICS_DIR", "/run/y", 1);
	cr_expect_str_eq(resolved("app", NULL), "/run/y/app.smx1");
	cr_assert(getcwd(here, sizeof here));
	snprintf(expected, sizeof expected, "%s/./app.smx1", here);
	cr_expect_str_eq(resolved("./app", NULL), expected);
}

Test(names, of_segments_that_are_none_are_refused)
{
	char long_name[130];

	memset(long_name, 'a', sizeof long_name);
	long_name[129] = '\0';
	cr_expect_str_eq(resolved("", NULL), "");
	cr_expect_str_eq(resolved(".hidden", NULL), "");
	cr_expect_str_eq(resolved("a b", NULL), "");
	cr_expect(strstr(error.message, "\"a b\""), "%s", error.message);
	cr_expect_str_eq(resolved(long_name, NULL), "");
	cr_expect_str_eq(resolved("/tmp/", NULL), "");
	cr_expect_str_eq(resolved("/tmp/..", NULL), "");
}
