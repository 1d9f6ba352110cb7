/* SPDX-License-Identifier: MIT */
/*
 * test_hidden.c - which families an exposition leaves out, by name and with the reason (I6, I12:
 * what is not served is not silent)
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define UNDERSCORES (1u << SMX_ESCAPING_UNDERSCORES)
#define UTF8 (1u << SMX_ESCAPING_ALLOW_UTF8)

TestSuite(hidden, .init = exposed_set_up, .fini = exposed_tear_down);

static void write_down(void *argument, smx_text name, smx_hiding reason)
{
	char *list = argument;
	size_t size = strlen(list);

	snprintf(list + size, 512 - size, "%.*s %s\n", (int)name.size, name.data,
		 smx_hiding_name(reason));
}

static const char *hidden(const smx_reader *reader, unsigned escapings)
{
	static char list[512];

	exposed_render((smx_exposition_type){.format = SMX_FORMAT_TEXT_004}, NULL, 0);
	list[0] = '\0';
	smx_exposition_hidden(exposition, reader, escapings, write_down, list);
	return list;
}

static struct fake_family *add(smx_reader *reader, smx_kind kind, const char *name)
{
	struct fake_family *family = fake_family_add(reader, kind, name, "");

	fake_series_add(family, "");
	return family;
}

static bool is_own(smx_text name, bool is_spelled)
{
	(void)is_spelled;
	return name.size == 3 && memcmp(name.data, "own", 3) == 0;
}

Test(hidden, names_each_family_of_the_reader_that_has_it)
{
	add(one, SMX_COUNTER, "beaten");
	add(two, SMX_INFO, "beaten")->view.live_writers = 2;
	add(one, SMX_SUMMARY, "latency");
	add(two, SMX_COUNTER, "latency_count")->view.created_unix_ns = 1;
	add(two, SMX_COUNTER, "own");
	add(two, SMX_COUNTER, "served");
	smx_exposition_set_reserved(exposition, is_own);
	cr_expect_str_eq(hidden(one, UNDERSCORES), "beaten definition\nlatency sample_name\n");
	cr_expect_str_eq(hidden(two, UNDERSCORES), "own reserved\n");
}

Test(hidden, names_what_is_unfit_and_what_a_reader_has_decided_itself)
{
	struct fake_family *dead;

	add(one, SMX_COUNTER, "\xff");
	add(one, SMX_COUNTER, "of_the_living")->view.served = false;
	dead = add(one, SMX_COUNTER, "of_the_dead");
	dead->view.served = false;
	dead->view.live_writers = 0;
	cr_expect_str_eq(hidden(one, UNDERSCORES), "\xff unfit\nof_the_living definition\n");
	cr_expect_str_eq(hidden(two, UNDERSCORES), "");
}

Test(hidden, is_by_the_escapings_that_are_asked_about)
{
	add(one, SMX_COUNTER, "x_y");
	add(one, SMX_COUNTER, "x.y");
	cr_expect_str_eq(hidden(one, UTF8), "");
	cr_expect_str_eq(hidden(one, UNDERSCORES), "x.y sample_name\n");
	cr_expect_str_eq(hidden(one, UTF8 | UNDERSCORES), "x.y sample_name\n");
}

Test(hidden, is_nothing_of_a_reader_that_is_no_member)
{
	add(one, SMX_COUNTER, "\xff");
	cr_expect_str_eq(hidden(NULL, UNDERSCORES), "");
	smx_exposition_remove(exposition, one);
	cr_expect_str_eq(hidden(one, UNDERSCORES), "");
}

Test(hidden, has_a_word_for_each_reason)
{
	for (int i = 0; i < SMX_HIDING_COUNT; i++)
		cr_expect_neq(strcmp(smx_hiding_name((smx_hiding)i), "?"), 0);
	cr_expect_str_eq(smx_hiding_name((smx_hiding)SMX_HIDING_COUNT), "?");
	cr_expect_str_eq(smx_hiding_name((smx_hiding)-1), "?");
}
