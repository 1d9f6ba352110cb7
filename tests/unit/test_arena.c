/* SPDX-License-Identifier: MIT */
/*
 * test_arena.c - I7: room is given out within bounds, zeroed, and its end is counted
 */
#include "arena.h"
#include "fixture.h"

#include <criterion/criterion.h>

TestSuite(arena, .init = fixture_begin, .fini = fixture_end);

Test(arena, gives_zeroed_aligned_pieces_that_do_not_overlap)
{
	smx_segment *segment = fixture_segment("a");
	uint64_t end = 0;

	for (unsigned i = 1; i < 200; i++) {
		uint64_t offset = smx_arena_reserve(segment, i * 7);
		const unsigned char *at = smx_at(segment, offset);

		cr_assert(offset);
		cr_expect_eq(offset % 64, 0);
		cr_expect_geq(offset, end);
		for (unsigned j = 0; j < i * 7; j++)
			cr_assert_eq(at[j], 0);
		memset(smx_at(segment, offset), 0xff, i * 7);
		end = offset + i * 7;
	}
}

Test(arena, takes_back_the_last_piece_zeroed)
{
	smx_segment *segment = fixture_segment("a");
	uint64_t first = smx_arena_reserve(segment, 100), again;

	memset(smx_at(segment, first), 0xff, 100);
	smx_arena_return(segment, first, 100);
	again = smx_arena_reserve(segment, 100);
	cr_expect_eq(again, first);
	cr_expect_eq(*(char *)smx_at(segment, again), 0);
	smx_arena_reserve(segment, 64);
	smx_arena_return(segment, first, 100);
	cr_expect_neq(smx_arena_reserve(segment, 100), first, "somebody has reserved since");
}

Test(arena, grows_to_its_maximum_and_then_counts)
{
	smx_segment *segment = fixture_segment("a");
	const smx_layout_header *header = segment->header;
	uint64_t before = header->size, last = 0, offset;

	while ((offset = smx_arena_reserve(segment, 4096)))
		last = offset;
	cr_expect_gt(header->size, before);
	cr_expect_leq(last + 4096, header->size);
	cr_expect_eq(header->size, header->size_max);
	cr_expect_leq(header->arena_next, header->size);
	cr_expect_eq(header->dropped[SMX_DROP_SEGMENT_FULL], 1);
	cr_expect_neq(smx_arena_reserve(segment, 64) == 0 &&
			      header->size_max - header->arena_next >= 64,
		      1, "what still fits is given");
	cr_expect_eq(smx_arena_reserve(segment, UINT64_MAX / 2), 0, "no overflow");
}

Test(arena, gives_cells_that_share_no_bytes_in_any_stripe)
{
	smx_segment *segment = fixture_segment("a");
	static const unsigned counts[] = {1, 15, 1, 16, 33, 2, 64, 31, 1, 1, 100, 1, 32};
	unsigned char *used = calloc(1, 1 << 20);

	cr_assert(used);
	for (int round = 0; round < 10; round++) {
		for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
			uint64_t offset = smx_arena_cells(segment, counts[c]);
			uint64_t tile = offset & ~UINT64_C(511);

			cr_assert(offset);
			for (unsigned i = 0; i < counts[c]; i++) {
				for (unsigned stripe = 0; stripe < 2; stripe++) {
					uint64_t n = (offset & 511) / 16 + i;
					uint64_t at =
						tile + n / 32 * 1024 + stripe * 512 + n % 32 * 16;

					cr_assert_lt(at, segment->header->arena_next);
					cr_assert_eq(used[at], 0, "cell at %lu twice",
						     (unsigned long)at);
					used[at] = 1;
				}
			}
		}
	}
	free(used);
}
