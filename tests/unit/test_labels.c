/* SPDX-License-Identifier: MIT */
/*
 * test_labels.c - I12: what is stored of a label value is always UTF-8 without NUL
 */
#include "labels.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *stored(const char *data, size_t size)
{
	static unsigned char key[SMX_LABELS_KEY_MAX + 1];
	size_t key_size = 0;

	if (!smx_labels_append(key, &key_size, (smx_text){data, size}))
		return NULL;
	key[key_size] = '\0';
	return (const char *)key + 2;
}

Test(labels, keep_valid_utf8_as_it_is)
{
	cr_expect_str_eq(stored("", 0), "");
	cr_expect_str_eq(stored("GET", 3), "GET");
	cr_expect_str_eq(stored("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9),
			 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	cr_expect_str_eq(stored("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10),
			 "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

Test(labels, replace_each_byte_that_is_no_utf8)
{
	cr_expect_str_eq(stored("a\xff"
				"b",
				3),
			 "a\xef\xbf\xbd"
			 "b");
	cr_expect_str_eq(stored("\xc0\x80", 2), "\xef\xbf\xbd\xef\xbf\xbd", "overlong NUL");
	cr_expect_str_eq(stored("\xed\xa0\x80", 3), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
			 "surrogate");
	cr_expect_str_eq(stored("\xf4\x90\x80\x80", 4),
			 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "beyond U+10FFFF");
	cr_expect_str_eq(stored("\xe2\x82", 2), "\xef\xbf\xbd\xef\xbf\xbd", "cut short");
}

Test(labels, refuse_nul_and_what_is_too_long)
{
	char long_value[1025];

	memset(long_value, 'x', sizeof long_value);
	cr_expect_null(stored("a\0b", 3));
	cr_expect_not_null(stored(long_value, 1024));
	cr_expect_null(stored(long_value, 1025));
	memset(long_value, 0xff, sizeof long_value);
	cr_expect_not_null(stored(long_value, 341), "341 replaced bytes are 1,023");
	cr_expect_null(stored(long_value, 342), "342 replaced bytes would be 1,026");
}

Test(labels, refuse_a_key_beyond_its_maximum)
{
	unsigned char key[SMX_LABELS_KEY_MAX];
	char value[1024];
	size_t size = 0, appended = 0;

	memset(value, 'x', sizeof value);
	while (smx_labels_append(key, &size, (smx_text){value, sizeof value}))
		appended++;
	cr_expect_eq(appended, 3);
	cr_expect_leq(size, sizeof key);
	cr_expect(smx_labels_append(key, &size, (smx_text){value, 1000}));
	cr_expect_leq(size, sizeof key);
}
