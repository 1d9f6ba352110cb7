/* SPDX-License-Identifier: MIT */
/*
 * test_index.c - I6: a key is there once, and stays findable
 */
#include "arena.h"
#include "fixture.h"
#include "index.h"

#include <criterion/criterion.h>

TestSuite(index, .init = fixture_begin, .fini = fixture_end);

/* Records whose key is a number behind the record's head. */
struct numbered {
	smx_layout_record record;
	uint64_t number;
};

static bool same(const struct smx_index_key *key, const smx_layout_record *record)
{
	return ((const struct numbered *)(const void *)record)->number ==
	       *(const uint64_t *)key->data;
}

static uint64_t make(struct smx_segment *segment, const struct smx_index_key *key)
{
	uint64_t offset = smx_arena_reserve(segment, sizeof(struct numbered));
	struct numbered *at;

	if (!offset)
		return 0;
	at = smx_at(segment, offset);
	at->record = (smx_layout_record){SMX_RECORD_SERIES, 64, key->hash, offset};
	at->number = *(const uint64_t *)key->data;
	return offset;
}

static smx_layout_record *add(smx_segment *segment, uint64_t number, uint64_t hash, bool *made)
{
	struct smx_index_key key = {
		.hash = hash, .same = same, .make = make, .record_size = 64, .data = &number};

	return smx_index_add(segment, smx_index_series(segment), &key, made);
}

static void count(smx_layout_record *record, void *data)
{
	(void)record;
	++*(unsigned *)data;
}

Test(index, holds_each_key_once)
{
	smx_segment *segment = fixture_segment("a");
	unsigned found = 0;
	bool made;

	for (uint64_t i = 0; i < 2000; i++) {
		cr_assert(add(segment, i, smx_index_hash(&i, 8, 5), &made));
		cr_expect(made);
	}
	for (uint64_t i = 0; i < 2000; i++) {
		const struct numbered *at =
			(const void *)add(segment, i, smx_index_hash(&i, 8, 5), &made);

		cr_expect_not(made);
		cr_expect_eq(at->number, i);
	}
	smx_index_each(segment, smx_index_series(segment), count, &found);
	cr_expect_eq(found, 2000);
}

Test(index, tells_keys_apart_down_to_the_last_bits_of_the_hash)
{
	smx_segment *segment = fixture_segment("a");
	uint64_t hash = UINT64_C(0x123456789abcdef0);
	bool made;

	for (uint64_t i = 0; i < 16; i++)
		cr_assert(add(segment, i, hash + i, &made));
	for (uint64_t i = 0; i < 16; i++)
		cr_expect_eq(
			((const struct numbered *)(const void *)add(segment, i, hash + i, &made))
				->number,
			i);
}

Test(index, refuses_and_counts_a_second_key_with_the_same_hash)
{
	smx_segment *segment = fixture_segment("a");
	bool made;

	cr_assert(add(segment, 1, 77, &made));
	cr_expect_null(add(segment, 2, 77, &made));
	cr_expect_eq(segment->header->dropped[SMX_DROP_COLLISION], 1);
	cr_expect_not_null(add(segment, 1, 77, &made), "the first is still there");
}

Test(index, takes_no_room_for_a_key_that_is_there)
{
	smx_segment *segment = fixture_segment("a");
	uint64_t before;
	bool made;

	add(segment, 1, 77, &made);
	before = segment->header->arena_next;
	for (int i = 0; i < 1000; i++)
		add(segment, 1, 77, &made);
	cr_expect_eq(segment->header->arena_next, before);
}
