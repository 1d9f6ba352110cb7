/* SPDX-License-Identifier: MIT */
/*
 * test_text004.c - names, escapes, HELP and TYPE parse whatever they are made of (I12)
 */
#include "fake_reader.h"
#include "text/words.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

/* A literal with its length, NUL bytes included. */
#define TEXT(literal) ((smx_text){literal, sizeof(literal) - 1})

static smx_buffer buffer;

static void expect_text(const char *expected)
{
	cr_assert(buffer.size == strlen(expected) &&
			  memcmp(buffer.data, expected, buffer.size) == 0,
		  "got:\n%.*s\nnot:\n%s", (int)buffer.size, buffer.data, expected);
	smx_buffer_free(&buffer);
}

static void expect_value(smx_text value, const char *escaped)
{
	smx_text name = TEXT("a");
	char expected[256];

	snprintf(expected, sizeof(expected), "{a=\"%s\"", escaped);
	smx_words_labels(&buffer, &name, &value, 1);
	expect_text(expected);
}

Test(text004, knows_the_grammar_of_metric_names)
{
	cr_expect(smx_words_is_metric_name(TEXT("a")));
	cr_expect(smx_words_is_metric_name(TEXT("_a:B9")));
	cr_expect(smx_words_is_metric_name(TEXT(":a")));
	cr_expect_not(smx_words_is_metric_name(TEXT("")));
	cr_expect_not(smx_words_is_metric_name(TEXT("9a")));
	cr_expect_not(smx_words_is_metric_name(TEXT("a-b")));
	cr_expect_not(smx_words_is_metric_name(TEXT("a b")));
	cr_expect_not(smx_words_is_metric_name(TEXT("a\n")));
	cr_expect_not(smx_words_is_metric_name(TEXT("a\0b")));
	cr_expect_not(smx_words_is_metric_name(TEXT("\xc3\xa4")));
}

Test(text004, knows_the_grammar_of_label_names)
{
	cr_expect(smx_words_is_label_name(TEXT("a")));
	cr_expect(smx_words_is_label_name(TEXT("_a9")));
	cr_expect(smx_words_is_label_name(TEXT("less")));
	cr_expect_not(smx_words_is_label_name(TEXT("")));
	cr_expect_not(smx_words_is_label_name(TEXT("a:b")));
	cr_expect_not(smx_words_is_label_name(TEXT("0")));
	cr_expect_not(smx_words_is_label_name(TEXT("__name__")));
	cr_expect_not(smx_words_is_label_name(TEXT("le")));
	cr_expect_not(smx_words_is_label_name(TEXT("quantile")));
}

Test(text004, escapes_exactly_what_the_format_says)
{
	expect_value(TEXT("plain /text {x=\"y\"}"), "plain /text {x=\\\"y\\\"}");
	expect_value(TEXT("back\\slash"), "back\\\\slash");
	expect_value(TEXT("two\nlines"), "two\\nlines");
	expect_value(TEXT("\\n"), "\\\\n");
	expect_value(TEXT("tab\tand\rreturn"), "tab\tand\rreturn");
	expect_value(TEXT("\"\\\n"), "\\\"\\\\\\n");
}

Test(text004, leaves_valid_utf8_alone)
{
	expect_value(TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	expect_value(TEXT("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"),
		     "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80");
}

#define BAD "\xef\xbf\xbd"

Test(text004, replaces_what_is_no_utf8)
{
	expect_value(TEXT("a\xff"
			  "b"),
		     "a" BAD "b");
	expect_value(TEXT("\xff\xfe"), BAD BAD);
	expect_value(TEXT("\x80"), BAD);
	expect_value(TEXT("cut \xe2\x82"), "cut " BAD);
	expect_value(TEXT("cut \xf0\x9f\x98"), "cut " BAD);
	expect_value(TEXT("\xe2\x82x"), BAD "x");
	expect_value(TEXT("\xc3\""), BAD "\\\"");
	expect_value(TEXT("\xc0\xaf"), BAD BAD);
	expect_value(TEXT("\xe0\x80\x80"), BAD BAD BAD);
	expect_value(TEXT("\xed\xa0\x80"), BAD BAD BAD);
	expect_value(TEXT("\xf4\x90\x80\x80"), BAD BAD BAD BAD);
	expect_value(TEXT("\xf5\x80"), BAD BAD);
	expect_value(TEXT("nul\0nul"), "nul" BAD "nul");
}

Test(text004, drops_empty_labels)
{
	const smx_text names[] = {TEXT("a"), TEXT("b"), TEXT("c")};
	const smx_text middle[] = {TEXT(""), TEXT("x"), TEXT("")};
	const smx_text sides[] = {TEXT("x"), TEXT(""), TEXT("y")};
	const smx_text none[] = {TEXT(""), TEXT(""), TEXT("")};

	smx_words_labels(&buffer, names, middle, 3);
	expect_text("{b=\"x\"");
	smx_words_labels(&buffer, names, sides, 3);
	expect_text("{a=\"x\",c=\"y\"");
	smx_words_labels(&buffer, names, none, 3);
	cr_expect(buffer.size == 0);
}

Test(text004, writes_help_and_type)
{
	smx_words_header(&buffer, &smx_text_format_text004, SMX_GAUGE, TEXT("x"), TEXT(""),
			 TEXT("What \"it\" is\\\nand more"));
	expect_text("# HELP x What \"it\" is\\\\\\nand more\n# TYPE x gauge\n");
	smx_words_header(&buffer, &smx_text_format_text004, SMX_COUNTER, TEXT("x"), TEXT(""),
			 TEXT("Help."));
	expect_text("# HELP x_total Help.\n# TYPE x_total counter\n");
	smx_words_header(&buffer, &smx_text_format_text004, SMX_HISTOGRAM, TEXT("x"), TEXT(""),
			 TEXT(""));
	expect_text("# TYPE x histogram\n");
}

Test(text004, never_ends_a_help_line_but_by_lf)
{
	smx_words_header(&buffer, &smx_text_format_text004, SMX_GAUGE, TEXT("x"), TEXT(""),
			 TEXT("one\r\ntwo\r"));
	expect_text("# HELP x one \\ntwo \n# TYPE x gauge\n");
	smx_words_header(&buffer, &smx_text_format_text004, SMX_GAUGE, TEXT("x"), TEXT(""),
			 TEXT("\0\xff"));
	expect_text("# HELP x " BAD BAD "\n# TYPE x gauge\n");
}

Test(text004, emits_samples_that_live_in_no_segment)
{
	const char *const names[] = {"a", "b"};
	const char *const values[] = {"x\n", "\xff"};
	const char *const half[] = {"", "y"};
	const char *const none[] = {"", ""};

	smx_emit_family(&buffer, text_004, "x", "Help.", SMX_COUNTER);
	smx_emit_sample(&buffer, text_004, "x", SMX_COUNTER, names, values, 2, 1.5);
	smx_emit_sample(&buffer, text_004, "x", SMX_COUNTER, names, half, 2, 1e300);
	smx_emit_sample(&buffer, text_004, "x", SMX_COUNTER, names, none, 2, INFINITY);
	smx_emit_sample(&buffer, text_004, "y", SMX_GAUGE, NULL, NULL, 0, NAN);
	expect_text("# HELP x_total Help.\n# TYPE x_total counter\nx_total{a=\"x\\n\",b=\"" BAD
		    "\"} 1.5\n"
		    "x_total{b=\"y\"} 1e+300\nx_total +Inf\ny NaN\n");
}

Test(text004, emits_nothing_for_a_name_that_does_not_parse)
{
	const char *const names[] = {"bad name", "good"};
	const char *const values[] = {"x", "y"};

	smx_emit_family(&buffer, text_004, "a b", "Help.", SMX_COUNTER);
	smx_emit_sample(&buffer, text_004, "a b", SMX_COUNTER, NULL, NULL, 0, 1);
	cr_expect(buffer.size == 0);
	smx_emit_sample(&buffer, text_004, "a", SMX_GAUGE, names, values, 2, 1);
	expect_text("a{good=\"y\"} 1\n");
}

Test(text004, names_its_content_type_exactly)
{
	cr_expect_str_eq(smx_format_content_type(text_004),
			 "text/plain; version=0.0.4; charset=utf-8");
}

Test(text004, grows_a_buffer_by_what_is_appended)
{
	char byte = 'x';

	for (int i = 0; i < 100000; i++)
		smx_buffer_append(&buffer, &byte, 1);
	cr_expect(buffer.size == 100000 && buffer.capacity >= buffer.size && !buffer.failed);
	cr_expect(buffer.data[0] == 'x' && buffer.data[99999] == 'x');
	smx_buffer_append(&buffer, "", 0);
	cr_expect(buffer.size == 100000);
	smx_buffer_free(&buffer);
	cr_expect(buffer.data == NULL && buffer.size == 0);
}

Test(text004, marks_a_buffer_that_cannot_grow)
{
	smx_buffer_append(&buffer, "abc", 3);
	smx_buffer_append(&buffer, "abc", SIZE_MAX - 1);
	cr_expect(buffer.failed && buffer.size == 3);
	smx_buffer_append(&buffer, "abc", 3);
	cr_expect(buffer.size == 3);
	smx_buffer_free(&buffer);
}
