/* SPDX-License-Identifier: MIT */
/*
 * test_info.c - infos: the label set given last is served, as a whole
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(info, .init = fixture_begin, .fini = fixture_end);

static smx_label label(const char *name, const char *value)
{
	return (smx_label){{name, strlen(name)}, {value, strlen(value)}};
}

static smx_info_family define(smx_segment *segment, const char *name, const char *own)
{
	const char *labels[] = {own};
	smx_definition definition = {
		.name = name, .label_names = labels, .label_count = own ? 1 : 0};
	smx_info_family family;

	cr_assert_eq(smx_info_define(segment, &definition, &family, NULL), SMX_OK);
	return family;
}

/* The labels of an info as "a=1,b=2". */
static const char *labels_of(smx_reader *reader, const char *name, const char *value)
{
	static char text[8192];
	const smx_label *labels;
	size_t count, at = 0;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	count = smx_reader_info_labels(reader, fixture_series(reader, name, value), &labels);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s=%.*s", i ? "," : "",
				       (int)labels[i].name.size, labels[i].name.data,
				       (int)labels[i].value.size, labels[i].value.data);
	return text;
}

Test(info, serves_the_set_given_last_in_the_order_of_names)
{
	smx_segment *segment = fixture_segment("a");
	smx_info info = smx_info_with(define(segment, "build", NULL), NULL);
	smx_label first[] = {label("version", "1"), label("branch", "main")};
	smx_label second[] = {label("version", "2")};
	smx_reader *reader = fixture_reader(segment);

	cr_expect_str_eq(labels_of(reader, "build", NULL), "");
	cr_assert_eq(smx_info_set(info, first, 2, NULL), SMX_OK);
	cr_expect_str_eq(labels_of(reader, "build", NULL), "branch=main,version=1");
	cr_assert_eq(smx_info_set(info, second, 1, NULL), SMX_OK);
	cr_expect_str_eq(labels_of(reader, "build", NULL), "version=2");
	cr_assert_eq(smx_info_set(info, NULL, 0, NULL), SMX_OK);
	cr_expect_str_eq(labels_of(reader, "build", NULL), "");
	smx_reader_close(reader);
}

Test(info, takes_no_room_for_a_set_that_was_there)
{
	smx_segment *segment = fixture_segment("a");
	smx_info info = smx_info_with(define(segment, "build", NULL), NULL);
	smx_label labels[][2] = {{label("a", "1"), label("b", "2")},
				 {label("b", "3"), label("a", "4")},
				 {label("b", "2"), label("a", "1")}};
	uint64_t used;

	for (int i = 0; i < 3; i++)
		cr_assert_eq(smx_info_set(info, labels[i], 2, NULL), SMX_OK);
	used = segment->header->arena_next;
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(smx_info_set(info, labels[i % 3], 2, NULL), SMX_OK);
	cr_expect_eq(segment->header->arena_next, used);
}

Test(info, keeps_the_high_bits_of_the_series_word)
{
	smx_segment *segment = fixture_segment("a");
	smx_info info = smx_info_with(define(segment, "build", NULL), NULL);
	uint64_t *word = (uint64_t *)((char *)info.impl + 32), high = UINT64_C(5) << 36;
	smx_label labels[] = {label("a", "1")};
	smx_reader *reader;

	*word |= high;
	cr_assert_eq(smx_info_set(info, labels, 1, NULL), SMX_OK);
	cr_expect_eq(*word & ~SMX_LAYOUT_PLACE_MASK, high);
	reader = fixture_reader(segment);
	cr_expect_str_eq(labels_of(reader, "build", NULL), "a=1");
	smx_reader_close(reader);
}

Test(info, has_one_set_a_series)
{
	smx_segment *segment = fixture_segment("a");
	smx_info_family family = define(segment, "node", "zone");
	smx_label east[] = {label("host", "größe \xff")}, west[] = {label("host", "w")};
	smx_reader *reader;

	cr_assert_eq(smx_info_set(smx_info_with(family, (const char *[]){"east"}), east, 1, NULL),
		     SMX_OK);
	cr_assert_eq(
		smx_info_set(smx_info_with_text(family, &(smx_text){"west", 4}), west, 1, NULL),
		SMX_OK);
	reader = fixture_reader(segment);
	cr_expect_str_eq(labels_of(reader, "node", "east"), "host=größe \xef\xbf\xbd");
	cr_expect_str_eq(labels_of(reader, "node", "west"), "host=w");
	smx_reader_close(reader);
}

Test(info, refuses_labels_that_cannot_be_served_and_says_which)
{
	smx_segment *segment = fixture_segment("a");
	smx_info info = smx_info_with(define(segment, "node", "zone"), (const char *[]){"east"});
	static char big[2000];
	smx_label many[65], bad[][2] = {{label("a", "1"), label("1\xff", "1")},
					{label("a", "1"), label("__a", "1")},
					{label("a", "1"), label("", "1")},
					{label("b", "1"), label("zone", "1")},
					{label("b", "1"), label("le", "1")},
					{label("quantile", "1"), label("b", "1")},
					{label("same", "1"), label("same", "2")},
					{label("a", "1"), label("big", big)}};
	static const char *const rules[] = {"\"1?\"", "\"__a\"",      "\"\"",	  "\"zone\"",
					    "\"le\"", "\"quantile\"", "\"same\"", "\"big\""};
	smx_error error;

	memset(big, 'x', sizeof big - 1);
	bad[7][1] = label("big", big);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_expect_eq(smx_info_set(info, bad[i], 2, &error), SMX_ERR_INVALID);
		cr_expect(strstr(error.message, rules[i]), "%s", error.message);
	}
	for (int i = 0; i < 65; i++) {
		static char names[65][8];

		snprintf(names[i], sizeof names[i], "l%d", i);
		many[i] = label(names[i], "");
	}
	cr_expect_eq(smx_info_set(info, many, 64, &error), SMX_OK);
	cr_expect_eq(smx_info_set(info, many, 65, &error), SMX_ERR_INVALID);
}

Test(info, has_no_unit_and_owns_its_sample_name)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition unit = {.name = "build_bytes", .unit = "bytes"},
		       gauge = {.name = "build_info"};
	smx_info_family family;
	smx_gauge_family taken;

	define(segment, "build", NULL);
	cr_expect_eq(smx_info_define(segment, &unit, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(smx_gauge_define(segment, &gauge, SMX_GAUGE_LIVE_SUM, &taken, NULL),
		     SMX_ERR_CONFLICT);
}
