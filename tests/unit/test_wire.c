/* SPDX-License-Identifier: MIT */
/*
 * test_wire.c - the wire format of protocol buffers, byte by byte (I12)
 *
 * The bytes are those of the encoding's own specification, or follow from it.
 */
#include "text/wire.h"

#include <criterion/criterion.h>
#include <math.h>

static smx_buffer buffer;

static void tear_down(void)
{
	smx_buffer_free(&buffer);
}

TestSuite(wire, .fini = tear_down);

#define EXPECT_BYTES(data, size, literal)                                                          \
	do {                                                                                       \
		cr_expect_eq((size_t)(size), sizeof(literal) - 1, "%zu bytes", (size_t)(size));    \
		cr_expect_arr_eq(data, literal, sizeof(literal) - 1);                              \
	} while (0)

#define EXPECT_WRITTEN(call, literal)                                                              \
	do {                                                                                       \
		char out[64];                                                                      \
		char *end = (call);                                                                \
                                                                                                   \
		EXPECT_BYTES(out, end - out, literal);                                             \
	} while (0)

Test(wire, writes_a_number_in_as_few_bytes_as_it_needs)
{
	static const struct {
		uint64_t value;
		size_t size;
	} cases[] = {
		{0, 1},
		{1, 1},
		{127, 1},
		{128, 2},
		{16383, 2},
		{16384, 3},
		{2097151, 3},
		{2097152, 4},
		{268435455, 4},
		{268435456, 5},
		{1ull << 35, 6},
		{1ull << 42, 7},
		{(1ull << 49) - 1, 7},
		{1ull << 49, 8},
		{1ull << 56, 9},
		{INT64_MAX, 9},
		{UINT64_MAX, 10},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[SMX_WIRE_VARINT_ROOM];
		char *end = smx_wire_put_varint(out, cases[i].value);
		uint64_t read = 0;

		for (char *at = end; at-- > out;)
			read = read << 7 | (uint64_t)(*at & 0x7f);
		cr_expect_eq((size_t)(end - out), cases[i].size, "%zu", i);
		cr_expect_eq(smx_wire_varint_size(cases[i].value), cases[i].size, "%zu", i);
		cr_expect_eq(read, cases[i].value, "%zu", i);
		for (char *at = out; at < end; at++)
			cr_expect_eq((*at & 0x80) != 0, at + 1 < end, "%zu", i);
	}
}

Test(wire, writes_fields_as_the_specification_shows_them)
{
	EXPECT_WRITTEN(smx_wire_put_uint(out, 1, 150), "\x08\x96\x01");
	EXPECT_WRITTEN(smx_wire_put_uint(out, 16, 1), "\x80\x01\x01");
	EXPECT_WRITTEN(smx_wire_put_size(out, 2, 7), "\x12\x07");
	EXPECT_WRITTEN(smx_wire_put_double(out, 1, 1.0), "\x09\0\0\0\0\0\0\xf0\x3f");
	EXPECT_WRITTEN(smx_wire_put_double(out, 1, -0.0), "\x09\0\0\0\0\0\0\0\x80");
	EXPECT_WRITTEN(smx_wire_put_double(out, 2, (double)-INFINITY), "\x11\0\0\0\0\0\0\xf0\xff");
}

/* 0x7ff0000000000002 tells a Prometheus that the series has ended. */
Test(wire, writes_every_nan_alike)
{
	static const uint64_t marks[] = {0x7ff0000000000002, 0xfff8000000000000,
					 0x7ff8000000000000};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		double value;

		memcpy(&value, &marks[i], sizeof(value));
		EXPECT_WRITTEN(smx_wire_put_double(out, 1, value), "\x09\x01\0\0\0\0\0\xf8\x7f");
	}
}

Test(wire, writes_small_numbers_of_either_sign_in_few_bytes)
{
	cr_expect_eq(smx_wire_zigzag(0), 0);
	cr_expect_eq(smx_wire_zigzag(-1), 1);
	cr_expect_eq(smx_wire_zigzag(1), 2);
	cr_expect_eq(smx_wire_zigzag(-2), 3);
	cr_expect_eq(smx_wire_zigzag(INT64_MAX), UINT64_MAX - 1);
	cr_expect_eq(smx_wire_zigzag(INT64_MIN), UINT64_MAX);
}

static void append_message(size_t size, unsigned char *length)
{
	struct smx_wire_message message = smx_wire_begin(&buffer, 3, length);

	for (size_t i = 0; i < size; i++)
		smx_buffer_append(&buffer, "x", 1);
	smx_wire_end(&buffer, message);
}

/* Whatever was expected: the length is right, the shortest, and what stands around is untouched. */
Test(wire, puts_the_length_before_a_message_whatever_was_expected)
{
	static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 3};

	for (unsigned char expected = 1; expected <= 5; expected++) {
		unsigned char length = expected;

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			size_t size = sizes[i], varint = smx_wire_varint_size(size);
			char head[16];
			size_t head_size = (size_t)(smx_wire_put_size(head, 3, size) - head);

			buffer.size = 0;
			smx_buffer_append(&buffer, "before", 6);
			append_message(size, &length);
			smx_buffer_append(&buffer, "behind", 6);
			cr_assert_eq(buffer.size, 6 + head_size + size + 6);
			cr_expect_arr_eq(buffer.data, "before", 6);
			cr_expect_arr_eq(buffer.data + 6, head, head_size);
			for (size_t at = 0; at < size; at++)
				cr_assert_eq(buffer.data[6 + head_size + at], 'x');
			cr_expect_arr_eq(buffer.data + 6 + head_size + size, "behind", 6);
			cr_expect_eq(length, varint, "the next one expects what this one took");
		}
	}
}

Test(wire, nests_messages_of_one_sort)
{
	unsigned char length = 2;
	struct smx_wire_message outer = smx_wire_begin(&buffer, 1, &length), inner;

	inner = smx_wire_begin(&buffer, 1, &length);
	smx_buffer_append(&buffer, "abc", 3);
	smx_wire_end(&buffer, inner);
	smx_wire_end(&buffer, outer);
	EXPECT_BYTES(buffer.data, buffer.size,
		     "\x0a\x05\x0a\x03"
		     "abc");
}

Test(wire, has_no_tag_before_a_message_of_a_stream)
{
	unsigned char length = 1;
	struct smx_wire_message message = smx_wire_begin(&buffer, 0, &length);

	smx_buffer_append(&buffer, "ab", 2);
	smx_wire_end(&buffer, message);
	EXPECT_BYTES(buffer.data, buffer.size,
		     "\x02"
		     "ab");
}

Test(wire, makes_strings_valid)
{
	smx_wire_append_text(&buffer, 1, (smx_text){"a\"\\\n\r", 5});
	smx_wire_append_text(&buffer, 2, (smx_text){"\xff\0", 2});
	smx_wire_append_text(&buffer, 3, (smx_text){NULL, 0});
	EXPECT_BYTES(buffer.data, buffer.size,
		     "\x0a\x05"
		     "a\"\\\n\r"
		     "\x12\x06\xef\xbf\xbd\xef\xbf\xbd\x1a\x00");
}

Test(wire, leaves_a_buffer_that_has_failed)
{
	unsigned char length = 1;
	struct smx_wire_message message;

	buffer.failed = true;
	message = smx_wire_begin(&buffer, 1, &length);
	smx_wire_end(&buffer, message);
	cr_expect(buffer.failed && buffer.size == 0);
}
