/* SPDX-License-Identifier: MIT */
/*
 * test_protobuf.c - delimited protobuf: every kind, as its messages have it (I12)
 */
#include "exposed.h"
#include "message_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static const smx_exposition_type protobuf = {.format = SMX_FORMAT_PROTOBUF};
static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

static smx_buffer text;

static void tear_down(void)
{
	exposed_tear_down();
	smx_buffer_free(&text);
}

TestSuite(protobuf, .init = exposed_set_up, .fini = tear_down);

static const char *text_of_buffer(void)
{
	text.size = 0;
	cr_expect(message_text(&buffer, &text), "malformed: %.*s", (int)text.size, text.data);
	smx_buffer_append(&text, "", 1);
	return text.data;
}

static const char *render(void)
{
	buffer.size = 0;
	cr_assert(smx_exposition_render(exposition, protobuf, NULL, 0, &buffer, NULL) == SMX_OK);
	smx_emit_end(&buffer, protobuf);
	return text_of_buffer();
}

static struct fake_series *made(struct fake_series *series, uint64_t created_unix_ns)
{
	series->view.created_unix_ns = created_unix_ns;
	return series;
}

/* ---- the whole ---- */

Test(protobuf, is_empty_where_there_is_nothing)
{
	cr_expect_str_eq(render(), "");
	cr_expect_str_eq(smx_format_content_type(protobuf),
			 "application/vnd.google.protobuf; "
			 "proto=io.prometheus.client.MetricFamily; encoding=delimited");
}

/* The bytes themselves, once. */
Test(protobuf, is_a_length_and_a_message_for_each_family)
{
	static const char expected[] = "\x21"
				       "\x0a\x01"
				       "a"
				       "\x12\x05"
				       "Help."
				       "\x18\x01"
				       "\x22\x13"
				       "\x0a\x06\x0a\x01"
				       "x"
				       "\x12\x01"
				       "1"
				       "\x12\x09\x09\0\0\0\0\0\0\x04\x40"
				       "\x0c"
				       "\x0a\x01"
				       "b"
				       "\x12\x05"
				       "Help."
				       "\x18\x01";
	struct fake_series *series =
		fake_series_add(fake_family_add(one, SMX_GAUGE, "a", "x"), "1");

	fake_gauge_set(series, fake_writer_add(one, 0, 1, 10), 2.5, 0);
	fake_family_add(one, SMX_GAUGE, "b", "");
	render();
	cr_assert_eq(buffer.size, sizeof(expected) - 1);
	cr_expect_arr_eq(buffer.data, expected, buffer.size);
}

Test(protobuf, serves_the_families_that_are_asked_for)
{
	const smx_text names[] = {TEXT("b_total")};

	fake_family_add(one, SMX_GAUGE, "a", "");
	fake_family_add(one, SMX_COUNTER, "b", "");
	cr_assert(smx_exposition_render(exposition, protobuf, names, 1, &buffer, NULL) == SMX_OK);
	cr_expect_str_eq(text_of_buffer(), "name:\"b_total\" help:\"Help.\" type:0\n");
}

/* ---- families ---- */

Test(protobuf, names_families_as_the_scraper_names_their_samples)
{
	fake_family_add(one, SMX_COUNTER, "a_seconds", "")->view.unit = fake_text("seconds");
	fake_family_add(one, SMX_INFO, "b", "")->view.help = fake_text("");
	fake_family_add(one, SMX_SUMMARY, "c_bytes", "")->view.unit = fake_text("bytes");
	fake_family_add(one, SMX_GAUGE, "d_bytes", "")->view.unit = fake_text("seconds");
	fake_family_add(one, SMX_GAUGE, "e", "")->view.help = fake_text("a \"b\" \\ c\nd\r\xff");
	cr_expect_str_eq(render(),
			 "name:\"a_seconds_total\" help:\"Help.\" type:0 unit:\"seconds\"\n"
			 "name:\"b_info\" type:1\n"
			 "name:\"c_bytes\" help:\"Help.\" type:2 unit:\"bytes\"\n"
			 "name:\"d_bytes\" help:\"Help.\" type:1\n"
			 "name:\"e\" help:\"a \"b\" \\ c\nd\r\xef\xbf\xbd\" type:1\n");
}

/* ---- labels ---- */

Test(protobuf, has_the_labels_that_text_has)
{
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "a", "x,y");
	static const smx_text invalid[] = {TEXT("\xff"), TEXT("\"\n\\")};

	fake_series_add(family, "1,");
	fake_series_add(family, ",");
	fake_series_add_texts(family, invalid);
	cr_expect_str_eq(render(), "name:\"a_total\" help:\"Help.\" type:0 "
				   "metric{label{name:\"x\" value:\"1\"} counter{value:0}} "
				   "metric{counter{value:0}} "
				   "metric{label{name:\"x\" value:\"\xef\xbf\xbd\"} "
				   "label{name:\"y\" value:\"\"\n\\\"} counter{value:0}}\n");
}

/* A value of 300 bytes needs longer lengths all the way up, and the next series shorter ones. */
Test(protobuf, has_labels_of_any_length)
{
	struct fake_family *family = fake_family_add(one, SMX_GAUGE, "a", "x");
	static char value[301], expected[1024];

	memset(value, 'v', sizeof(value) - 1);
	fake_series_add(family, "1");
	fake_series_add(family, value);
	fake_series_add(family, "2");
	snprintf(expected, sizeof(expected),
		 "name:\"a\" help:\"Help.\" type:1 "
		 "metric{label{name:\"x\" value:\"1\"} gauge{value:0}} "
		 "metric{label{name:\"x\" value:\"%s\"} gauge{value:0}} "
		 "metric{label{name:\"x\" value:\"2\"} gauge{value:0}}\n",
		 value);
	cr_expect_str_eq(render(), expected);
	cr_expect_str_eq(render(), expected, "with what was learnt from the first");
}

/* What is kept of each series must follow it: a reader leaves, and others come. */
Test(protobuf, keeps_the_labels_of_each_series_apart_when_readers_change)
{
	struct fake_family *here = fake_family_add(one, SMX_COUNTER, "a", "x");
	struct fake_family *there = fake_family_add(two, SMX_COUNTER, "a", "x");

	fake_series_add(here, "1")->counter.whole = 1;
	fake_series_add(there, "2")->counter.whole = 2;
	fake_series_add(here, "3")->counter.whole = 3;
	render();
	smx_exposition_remove(exposition, one);
	cr_expect_str_eq(render(), "name:\"a_total\" help:\"Help.\" type:0 "
				   "metric{label{name:\"x\" value:\"2\"} counter{value:2}}\n");
	fake_series_add(there, "4")->counter.whole = 4;
	cr_expect_not_null(strstr(render(), "value:\"4\"} counter{value:4}"));
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	render();
	cr_expect_not_null(strstr(text.data, "value:\"1\"} counter{value:1}"));
	cr_expect_not_null(strstr(text.data, "value:\"3\"} counter{value:3}"));
}

/* ---- kinds ---- */

Test(protobuf, shows_counters_with_exemplar_and_start)
{
	static const smx_label trace[] = {{TEXT("trace_id"), TEXT("a\"b")}, {TEXT("s"), TEXT("")}};
	struct fake_family *family = fake_family_add(one, SMX_COUNTER, "c", "");
	struct fake_family *other = fake_family_add(two, SMX_COUNTER, "c", "");
	struct fake_series *series =
		made(fake_series_add(family, ""), UINT64_C(1700000000125000000));

	series->counter = (smx_counter_sample){3, 0.5};
	series->exemplars[0] = (struct fake_exemplar){2, UINT64_C(1500000001), trace, 2};
	made(fake_series_add(other, ""), UINT64_C(1700000001000000000))->counter.whole = 4;
	cr_expect_str_eq(render(),
			 "name:\"c_total\" help:\"Help.\" type:0 metric{counter{value:7.5 "
			 "exemplar{label{name:\"trace_id\" value:\"a\"b\"} "
			 "value:2 timestamp{seconds:1 nanos:500000001}} "
			 "start{seconds:1700000000 nanos:125000000}}}\n");
}

Test(protobuf, leaves_out_an_exemplar_that_is_no_utf8)
{
	static const smx_label bad[] = {{TEXT("a"), TEXT("\xff")}};
	struct fake_series *series =
		fake_series_add(fake_family_add(one, SMX_COUNTER, "c", ""), "");

	series->exemplars[0] = (struct fake_exemplar){2, 1, bad, 1};
	cr_expect_null(strstr(render(), "exemplar"));
}

Test(protobuf, shows_gauges_of_one_and_of_each_writer)
{
	struct fake_family *sum = fake_family_add(one, SMX_GAUGE, "a", "");
	struct fake_family *each = fake_family_add(one, SMX_GAUGE, "b", "x");
	struct fake_series *series;
	uint32_t first = fake_writer_add(one, 0, 1, 10), second = fake_writer_add(one, 1, 1, 10);

	each->view.mode = SMX_GAUGE_LIVE_ALL;
	series = fake_series_add(sum, "");
	fake_gauge_set(series, first, 1, 0);
	fake_gauge_set(series, second, -0.5, 0);
	series = fake_series_add(each, "1");
	fake_gauge_set(series, first, (double)INFINITY, 0);
	fake_gauge_set(series, second, (double)NAN, 0);
	cr_expect_str_eq(render(), "name:\"a\" help:\"Help.\" type:1 metric{gauge{value:0.5}}\n"
				   "name:\"b\" help:\"Help.\" type:1 "
				   "metric{label{name:\"x\" value:\"1\"} "
				   "label{name:\"pid\" value:\"10\"} gauge{value:inf}} "
				   "metric{label{name:\"x\" value:\"1\"} "
				   "label{name:\"pid\" value:\"10-2\"} gauge{value:nan}}\n");
}

Test(protobuf, shows_histograms_with_cumulative_buckets)
{
	static const smx_label trace[] = {{TEXT("t"), TEXT("1")}};
	struct fake_family *family = fake_family_add(one, SMX_HISTOGRAM, "h_seconds", "");
	struct fake_series *series = made(fake_series_add(family, ""), UINT64_C(2000000000));

	fake_family_bounds(family, (double[]){-1, 0.5}, 2);
	family->view.unit = fake_text("seconds");
	memcpy(series->counts, (uint64_t[]){1, 0, UINT64_MAX - 1}, sizeof(uint64_t[3]));
	series->sum = -51.25;
	series->exemplars[1] = (struct fake_exemplar){0, 1, trace, 1}; /* of an empty bucket */
	series->exemplars[2] = (struct fake_exemplar){7, UINT64_C(3000000000), trace, 1};
	cr_expect_str_eq(render(), "name:\"h_seconds\" help:\"Help.\" type:4 metric{histogram{"
				   "count:18446744073709551615 sum:-51.25 "
				   "bucket{count:1 bound:-1} bucket{count:1 bound:0.5} "
				   "bucket{count:18446744073709551615 bound:inf "
				   "exemplar{label{name:\"t\" value:\"1\"} value:7 "
				   "timestamp{seconds:3 nanos:0}}} start{seconds:2 nanos:0}}} "
				   "unit:\"seconds\"\n");
}

Test(protobuf, shows_summaries_infos_and_state_sets)
{
	static const smx_label version[] = {{TEXT("empty"), TEXT("")},
					    {TEXT("le"), TEXT("x")},
					    {TEXT("version"), TEXT("1\n2")}};
	struct fake_family *states = fake_family_add(one, SMX_STATE_SET, "door", "room");
	struct fake_series *info = fake_series_add(fake_family_add(one, SMX_INFO, "i", ""), "");
	struct fake_series *summary =
		made(fake_series_add(fake_family_add(one, SMX_SUMMARY, "s", ""), ""), 1);

	fake_family_states(states, "open,shut");
	fake_gauge_set(fake_series_add(states, "1"), fake_writer_add(one, 0, 1, 10), 1, 1);
	info->info = version;
	info->info_count = 3;
	summary->counts[0] = 3;
	summary->sum = 1.5;
	cr_expect_str_eq(render(), "name:\"door\" help:\"Help.\" type:1 "
				   "metric{label{name:\"room\" value:\"1\"} "
				   "label{name:\"door\" value:\"open\"} gauge{value:0}} "
				   "metric{label{name:\"room\" value:\"1\"} "
				   "label{name:\"door\" value:\"shut\"} gauge{value:1}}\n"
				   "name:\"i_info\" help:\"Help.\" type:1 "
				   "metric{label{name:\"version\" value:\"1\n2\"} gauge{value:1}}\n"
				   "name:\"s\" help:\"Help.\" type:2 "
				   "metric{summary{count:3 sum:1.5 start{seconds:0 nanos:1}}}\n");
}

/* Removed, or nothing in the overflow: as in text. */
Test(protobuf, hides_what_text_hides)
{
	static const smx_kind kinds[] = {SMX_COUNTER, SMX_GAUGE, SMX_HISTOGRAM,
					 SMX_SUMMARY, SMX_INFO,	 SMX_STATE_SET};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fake_family *family = fake_family_add(one, kinds[i], names[i], "x");
		struct fake_series *removed, *overflow;

		if (kinds[i] == SMX_STATE_SET)
			fake_family_states(family, "y,z");
		removed = fake_series_add(family, "1");
		overflow = fake_series_add(family, "_overflow");
		removed->counts[0] = removed->counter.whole = 3;
		removed->view.removed = true;
		overflow->view.overflow = true;
	}
	cr_expect_null(strstr(render(), "metric"));
}

/* ---- metrics that live in no segment ---- */

Test(protobuf, emits_families_and_samples)
{
	const char *const names[] = {"a", "le", "b", "c"};
	const char *const values[] = {"\xff", "1", "", NULL};
	static char help[200];
	size_t start;

	memset(help, 'h', sizeof(help) - 1);
	start = smx_emit_family(&buffer, protobuf, "x", "Help.", SMX_COUNTER);
	smx_emit_sample(&buffer, protobuf, "x", SMX_COUNTER, NULL, NULL, 0, 1.5);
	smx_emit_family_end(&buffer, protobuf, start);
	start = smx_emit_family(&buffer, protobuf, "y", help, SMX_INFO);
	smx_emit_sample(&buffer, protobuf, "y", SMX_INFO, names, values, 4, 1);
	smx_emit_family_end(&buffer, protobuf, start);
	start = smx_emit_family(&buffer, protobuf, "no name", "Help.", SMX_GAUGE);
	smx_emit_sample(&buffer, protobuf, "no name", SMX_GAUGE, NULL, NULL, 0, 1);
	smx_emit_family_end(&buffer, protobuf, start);
	start = smx_emit_family(&buffer, protobuf, "z", NULL, SMX_UNKNOWN);
	smx_emit_sample(&buffer, protobuf, "z", SMX_UNKNOWN, NULL, NULL, 0, 2);
	smx_emit_family_end(&buffer, protobuf, start);
	smx_emit_end(&buffer, protobuf);
	text_of_buffer();
	cr_expect_not_null(strstr(text.data, "name:\"x_total\" help:\"Help.\" type:0 "
					     "metric{counter{value:1.5}}\nname:\"y_info\" help:"));
	cr_expect_not_null(strstr(text.data, "hh\" type:1 metric{label{name:\"a\" "
					     "value:\"\xef\xbf\xbd\"} gauge{value:1}}\n"
					     "name:\"z\" type:3 metric{untyped{value:2}}\n"));
	cr_expect_null(strstr(text.data, "no name"));
}

Test(protobuf, changes_nothing_in_text)
{
	size_t start = smx_emit_family(&buffer, text_004, "x", NULL, SMX_GAUGE);

	smx_emit_family_end(&buffer, text_004, start);
	smx_buffer_append(&buffer, "", 1);
	cr_expect_str_eq(buffer.data, "# TYPE x gauge\n");
}
