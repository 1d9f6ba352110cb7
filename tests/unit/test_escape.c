/* SPDX-License-Identifier: MIT */
/*
 * test_escape.c - names written in the older character set, by each scheme (I12)
 */
#include "text/escape.h"

#include "text/words.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static smx_buffer buffer;

static const char *escape(smx_text name, smx_escaping escaping, bool colons)
{
	buffer.size = 0;
	smx_escape_name(&buffer, name, escaping, colons);
	smx_buffer_append(&buffer, "", 1);
	return buffer.data;
}

static const char *escape_metric(const char *name, smx_escaping escaping)
{
	return escape((smx_text){name, strlen(name)}, escaping, true);
}

static const struct {
	const char *name, *underscores, *dots, *values;
} names[] = {
	/* of the older set: as they are, whatever the scheme */
	{"http_requests:rate5m", "http_requests:rate5m", "http_requests:rate5m",
	 "http_requests:rate5m"},
	{"U__a", "U__a", "U__a", "U__a"},
	{"_", "_", "_", "_"},
	/* the examples of the specification and of its libraries */
	{"metric.name/with/slashes", "metric_name_with_slashes", "metric_dot_name__with__slashes",
	 "U__metric_2e_name_2f_with_2f_slashes"},
	{"mysystem.prod.west.cpu.load_total", "mysystem_prod_west_cpu_load_total",
	 "mysystem_dot_prod_dot_west_dot_cpu_dot_load__total",
	 "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total"},
	{"http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum"},
	{"label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_"},
	{"花火", "__", "____", "U___82b1__706b_"},
	/* digits at the beginning, and nowhere else */
	{"5xx.rate", "_xx_rate", "__xx_dot_rate", "U___35_xx_2e_rate"},
	{"a.5", "a_5", "a_dot_5", "U__a_2e_5"},
	/* what a name in quotes would escape */
	{"a\n\"\\", "a___", "a______", "U__a_a__22__5c_"},
	{"\x7f\x01", "__", "____", "U___7f__1_"},
	/* the ends of what UTF-8 has */
	{"\xf4\x8f\xbf\xbf\xc2\x80", "__", "____", "U___10ffff__80_"},
};

Test(escape, writes_names_by_each_scheme)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i].name;

		cr_expect_str_eq(escape_metric(name, SMX_ESCAPING_UNDERSCORES),
				 names[i].underscores);
		cr_expect_str_eq(escape_metric(name, SMX_ESCAPING_DOTS), names[i].dots);
		cr_expect_str_eq(escape_metric(name, SMX_ESCAPING_VALUES), names[i].values);
		cr_expect_str_eq(escape_metric(name, SMX_ESCAPING_ALLOW_UTF8), name);
	}
}

Test(escape, leaves_no_colon_in_the_name_of_a_label)
{
	static const smx_text name = {"a:b", 3};

	cr_expect_str_eq(escape(name, SMX_ESCAPING_UNDERSCORES, false), "a_b");
	cr_expect_str_eq(escape(name, SMX_ESCAPING_DOTS, false), "a__b");
	cr_expect_str_eq(escape(name, SMX_ESCAPING_VALUES, false), "U__a_3a_b");
}

static size_t put_character(char *out, unsigned long character)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = size; i-- > 1; character >>= 6)
		out[i] = (char)(0x80 | (character & 0x3f));
	out[0] = (char)(size == 1 ? character : lead[size] | character);
	return size;
}

/* What the specification says of the other way round, written without a look at ours. */
static void unescape_values(const char *text, char *out)
{
	cr_assert(strncmp(text, "U__", 3) == 0, "%s", text);
	for (text += 3; *text;) {
		if (strncmp(text, "__", 2) == 0) {
			*out++ = '_';
			text += 2;
		} else if (*text == '_') {
			char *end;

			out += put_character(out, strtoul(text + 1, &end, 16));
			cr_assert_eq(*end, '_');
			text = end + 1;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* A name of up to 40 characters, nearly all of which are worth a try. */
static void draw_name(char *name)
{
	static const char ordinary[] = "abU_:09.. -\"\\\n\t";
	size_t count = 1 + (size_t)rand() % 40, size = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned long character = (unsigned long)rand() % 0x110000;

		if (rand() % 3 != 0)
			character =
				(unsigned char)ordinary[(size_t)rand() % (sizeof(ordinary) - 1)];
		if (character == 0 || (character >= 0xd800 && character < 0xe000))
			character = '.';
		size += put_character(name + size, character);
	}
	name[size] = '\0';
}

/* Whatever the name, what comes out is one that every scraper takes, and `values` tells it back. */
Test(escape, makes_old_names_of_any_and_values_can_be_undone)
{
	char name[256], back[256];

	srand(1);
	for (int i = 0; i < 20000; i++) {
		smx_text text;

		draw_name(name);
		text = (smx_text){name, strlen(name)};
		cr_assert(smx_words_is_name(text));
		for (int scheme = 0; scheme < SMX_ESCAPING_ALLOW_UTF8; scheme++) {
			for (int colons = 0; colons < 2; colons++) {
				const char *out = escape(text, (smx_escaping)scheme, colons);

				cr_assert(
					smx_words_is_old_name((smx_text){out, strlen(out)}, colons),
					"%s", out);
			}
		}
		if (smx_words_is_old_name(text, true))
			continue;
		unescape_values(escape(text, SMX_ESCAPING_VALUES, true), back);
		cr_assert_str_eq(back, name);
	}
}

/* Bytes that are no UTF-8 never come so far; they end where the name does all the same. */
Test(escape, survives_what_is_no_utf8)
{
	static const smx_text name = {"a\xff\xe2\x82", 4};

	cr_expect_str_eq(escape(name, SMX_ESCAPING_UNDERSCORES, true), "a__");
	cr_expect_str_eq(escape(name, SMX_ESCAPING_VALUES, true), "U__a_fffd__fffd_");
}
