/* SPDX-License-Identifier: MIT */
/*
 * test_state_set.c - state sets: one of several states, set last by a live process
 */
#include "fixture.h"
#include "segment.h"

#include <criterion/criterion.h>

TestSuite(state_set, .init = fixture_begin, .fini = fixture_end);

static const char *const states[] = {"starting", "running", "größer"};

static smx_status define(smx_segment *segment, const char *name, const char *label,
			 const char *const *names, size_t count, smx_state_set_family *family,
			 smx_error *error)
{
	const char *labels[] = {label};
	smx_definition definition = {
		.name = name, .label_names = labels, .label_count = label ? 1 : 0};

	return smx_state_set_define(segment, &definition, names, count, family, error);
}

static size_t state_of(smx_reader *reader, const char *name)
{
	smx_gauge_sample total;
	size_t state;

	cr_assert_eq(smx_reader_walk(reader, NULL), SMX_OK);
	smx_reader_state(reader, fixture_series(reader, name, NULL), &state, &total);
	return state;
}

Test(state_set, is_in_its_first_state_until_one_is_set)
{
	smx_segment *segment = fixture_segment("a");
	smx_state_set_family family;
	smx_state_set set;
	smx_reader *reader;
	const smx_family_view *view;

	cr_assert_eq(define(segment, "phase", NULL, states, 3, &family, NULL), SMX_OK);
	set = smx_state_set_with(family, NULL);
	reader = fixture_reader(segment);
	view = fixture_family(reader, "phase");
	cr_expect_eq(view->kind, SMX_STATE_SET);
	cr_assert_eq(view->state_count, 3);
	cr_expect_eq(view->bound_count, 0);
	cr_expect_eq(memcmp(view->states[2].data, "größer", view->states[2].size), 0);
	cr_expect_eq(state_of(reader, "phase"), 0);
	smx_state_set_set(set, 2);
	cr_expect_eq(state_of(reader, "phase"), 2);
	smx_state_set_set(set, 1);
	cr_expect_eq(state_of(reader, "phase"), 1);
	smx_reader_close(reader);
}

Test(state_set, does_not_take_an_index_that_is_none)
{
	smx_segment *segment = fixture_segment("a");
	uint64_t before = smx_unrecorded_count();
	smx_state_set_family family;
	smx_state_set set;
	smx_reader *reader;

	cr_assert_eq(define(segment, "phase", NULL, states, 3, &family, NULL), SMX_OK);
	set = smx_state_set_with(family, NULL);
	smx_state_set_set(set, 1);
	smx_state_set_set(set, 3);
	smx_state_set_set((smx_state_set){NULL}, 0);
	cr_expect_eq(smx_unrecorded_count(), before + 2);
	reader = fixture_reader(segment);
	cr_expect_eq(state_of(reader, "phase"), 1);
	smx_reader_close(reader);
}

Test(state_set, is_another_family_with_other_states)
{
	smx_segment *segment = fixture_segment("a");
	smx_state_set_family family, again;
	smx_error error;

	cr_assert_eq(define(segment, "phase", "l", states, 3, &family, NULL), SMX_OK);
	cr_assert_eq(define(segment, "phase", "l", states, 3, &again, NULL), SMX_OK);
	cr_expect_eq(family.impl, again.impl);
	cr_expect_eq(define(segment, "phase", "l", states, 2, &again, &error), SMX_ERR_CONFLICT);
	cr_expect(strstr(error.message, "states"), "%s", error.message);
	cr_expect_null(again.impl);
}

Test(state_set, refuses_states_and_labels_that_cannot_be_served)
{
	smx_segment *segment = fixture_segment("a");
	static char big[257];
	static const char *const empty[] = {"a", ""}, *const twice[] = {"a", "a"};
	static const char *const invalid[] = {"\xff"}, *const null[] = {NULL},
				 *const tall[] = {big};
	static const char *many[129];
	smx_state_set_family family;
	smx_error error;

	memset(big, 'x', sizeof big - 1);
	for (int i = 0; i < 129; i++)
		many[i] = "x";
	cr_expect_eq(define(segment, "s", NULL, empty, 2, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, twice, 2, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, invalid, 1, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, null, 1, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, tall, 1, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, states, 0, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", NULL, many, 129, &family, NULL), SMX_ERR_INVALID);
	cr_expect_eq(define(segment, "s", "s", states, 3, &family, &error), SMX_ERR_INVALID);
	cr_expect(strstr(error.message, "\"s\" is the name of the state set"), "%s", error.message);
}

Test(state_set, of_the_largest_definition_is_served)
{
	smx_segment *segment = fixture_segment("a");
	static char names[128][256];
	static const char *largest[128];
	smx_state_set_family family;
	smx_reader *reader;

	for (int i = 0; i < 128; i++) {
		memset(names[i], 'a', 255);
		names[i][254] = (char)('0' + i % 10);
		names[i][253] = (char)('0' + i / 10 % 10);
		names[i][252] = (char)('0' + i / 100);
		largest[i] = names[i];
	}
	cr_assert_eq(define(segment, "phase", NULL, largest, 128, &family, NULL), SMX_OK);
	smx_state_set_set(smx_state_set_with(family, NULL), 127);
	reader = fixture_reader(segment);
	cr_expect_eq(state_of(reader, "phase"), 127);
	smx_reader_close(reader);
}
