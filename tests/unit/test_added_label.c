/* SPDX-License-Identifier: MIT */
/*
 * test_added_label.c - I6: a label that a reader adds is there once, whatever the segment has
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>

TestSuite(added_label, .init = fixture_begin, .fini = fixture_end);

static smx_reader *open_reader(const smx_segment *segment)
{
	char name[] = "segment", value[] = "a";
	const smx_reader_options options = {.label_name = name, .label_value = value};
	smx_reader *reader;

	cr_assert_eq(smx_reader_open(smx_segment_path(segment), &options, &reader, NULL), SMX_OK);
	memset(name, '-', strlen(name)); /* both are copied */
	memset(value, '-', strlen(value));
	return reader;
}

static bool is(smx_text text, const char *expected)
{
	return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static smx_counter inc(smx_segment *segment, const char *name, const char *const *labels,
		       size_t count, const char *const *values)
{
	const smx_definition definition = {
		.name = name, .label_names = labels, .label_count = count};
	smx_counter_family family;
	smx_counter counter;

	cr_assert_eq(smx_counter_define(segment, &definition, &family, NULL), SMX_OK);
	counter = smx_counter_with(family, values);
	smx_counter_inc(counter);
	return counter;
}

Test(added_label, stands_behind_those_of_the_segment)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader = open_reader(segment);
	const smx_family_view *family;
	const smx_series_view *series;

	inc(segment, "bare", NULL, 0, NULL);
	inc(segment, "two", (const char *[]){"x", "y"}, 2, (const char *[]){"1", "2"});
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);

	family = fixture_family(reader, "bare");
	cr_assert_eq(family->label_count, 1);
	cr_expect(is(family->label_names[0], "segment"));
	cr_expect(is(fixture_series(reader, "bare", "a")->label_values[0], "a"));

	family = fixture_family(reader, "two");
	series = fixture_series(reader, "two", "1");
	cr_assert_eq(family->label_count, 3);
	cr_expect(is(family->label_names[1], "y") && is(family->label_names[2], "segment"));
	cr_expect(is(series->label_values[1], "2") && is(series->label_values[2], "a"));
	cr_expect_eq(smx_reader_information(reader)->renamed_label_count, 0);
	smx_reader_close(reader);
}

Test(added_label, renames_one_of_its_name_until_it_is_no_others)
{
	smx_segment *segment = fixture_segment("a");
	smx_reader *reader = open_reader(segment);
	const smx_family_view *family;

	inc(segment, "once", (const char *[]){"segment"}, 1, (const char *[]){"eu"});
	inc(segment, "twice", (const char *[]){"exported_segment", "segment"}, 2,
	    (const char *[]){"us", "eu"});
	inc(segment, "never", (const char *[]){"segments"}, 1, (const char *[]){"eu"});
	for (int walks = 0; walks < 3; walks++) /* which counts nothing twice */
		cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);

	family = fixture_family(reader, "once");
	cr_expect(is(family->label_names[0], "exported_segment"));
	cr_expect(is(family->label_names[1], "segment"));
	family = fixture_family(reader, "twice");
	cr_expect(is(family->label_names[0], "exported_segment"));
	cr_expect(is(family->label_names[1], "exported_exported_segment"));
	cr_expect(is(family->label_names[2], "segment"));
	cr_expect(is(fixture_family(reader, "never")->label_names[0], "segments"));
	cr_expect_eq(smx_reader_information(reader)->renamed_label_count, 2);
	smx_reader_close(reader);
}

Test(added_label, renames_one_of_its_name_in_an_info)
{
	smx_segment *segment = fixture_segment("a");
	const smx_definition definition = {.name = "build"};
	const smx_label own[] = {{{"segment", 7}, {"eu", 2}}, {{"version", 7}, {"1", 1}}};
	const smx_label both[] = {{{"exported_segment", 16}, {"us", 2}},
				  {{"segment", 7}, {"eu", 2}}};
	smx_reader *reader = open_reader(segment);
	const smx_label *labels;
	smx_info_family family;
	smx_info info;

	cr_assert_eq(smx_info_define(segment, &definition, &family, NULL), SMX_OK);
	info = smx_info_with(family, NULL);
	cr_assert_eq(smx_info_set(info, own, 2, NULL), SMX_OK);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_assert_eq(smx_reader_info_labels(reader, fixture_series(reader, "build", "a"), &labels),
		     2);
	cr_expect(is(labels[0].name, "exported_segment") && is(labels[0].value, "eu"));
	cr_expect(is(labels[1].name, "version"));

	/* Two of one name cannot be told apart: none is served. */
	cr_assert_eq(smx_info_set(info, both, 2, NULL), SMX_OK);
	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	cr_expect_eq(smx_reader_info_labels(reader, fixture_series(reader, "build", "a"), &labels),
		     0);
	smx_reader_close(reader);
}
