/* SPDX-License-Identifier: MIT */
/*
 * test_native.c - I5: the bounds of native buckets are exact, and so is the search
 *
 * Whether a mantissa m of 53 bits is below 2^(k/256) is decided without rounding: m^256 is compared
 * with a power of two, in integers of up to 14,000 bits.
 */
#include "native.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define LIMBS 440 /* of 32 bits: 53 * 256 and some */

/* The number of bits of m^256. */
static unsigned bits_of_power(uint64_t m)
{
	static uint32_t power[LIMBS], square[LIMBS];
	size_t count = 2;

	power[0] = (uint32_t)m;
	power[1] = (uint32_t)(m >> 32);
	for (int squarings = 0; squarings < 8; squarings++) {
		memset(square, 0, sizeof square);
		for (size_t i = 0; i < count; i++) {
			uint64_t carry = 0;

			for (size_t j = 0; j < count; j++) {
				carry += (uint64_t)power[i] * power[j] + square[i + j];
				square[i + j] = (uint32_t)carry;
				carry >>= 32;
			}
			square[i + count] = (uint32_t)carry;
		}
		count *= 2;
		while (square[count - 1] == 0)
			count--;
		memcpy(power, square, sizeof power);
	}
	return (unsigned)count * 32 - (unsigned)__builtin_clz(power[count - 1]);
}

/* Whether m / 2^52, from 1 to 2, is less than 2^(k/256). */
static bool is_below(uint64_t m, unsigned k)
{
	return bits_of_power(m) <= 52 * 256 + k;
}

Test(native, bounds_are_the_greatest_doubles_below_the_exact_ones)
{
	cr_expect_eq(smx_native_bounds[0], 0);
	for (unsigned k = 1; k < SMX_NATIVE_FINEST; k++) {
		uint64_t bound = (UINT64_C(1) << 52) | smx_native_bounds[k];

		cr_expect(is_below(bound, k), "bound %u is too great", k);
		cr_expect_not(is_below(bound + 1, k), "bound %u is too small", k);
	}
}

/* The definition: the first bucket whose upper bound is not below the value. */
static void expect_bucket(double value, int32_t schema)
{
	int32_t index = smx_native_index(smx_bits(value), schema);

	cr_expect_leq(value, smx_native_bound(index, schema), "%a, schema %d", value, schema);
	cr_expect_gt(value, smx_native_bound(index - 1, schema), "%a, schema %d", value, schema);
}

Test(native, puts_a_value_on_a_bound_into_the_lower_bucket_in_every_schema)
{
	for (int32_t schema = -4; schema <= 8; schema++) {
		int32_t most = schema >= 0 ? 1022 << schema : 1022 >> -schema;

		for (int32_t i = -most + 1; i < most; i += 1 + (most > 4000) * (rand() % 50)) {
			double bound = smx_native_bound(i, schema);

			cr_expect_eq(smx_native_index(smx_bits(bound), schema), i);
			cr_expect_eq(smx_native_index(smx_bits(nextafter(bound, 0)), schema), i);
			cr_expect_eq(smx_native_index(smx_bits(nextafter(bound, INFINITY)), schema),
				     i + 1);
		}
	}
}

Test(native, finds_the_bucket_of_any_magnitude)
{
	srand(4);
	for (int i = 0; i < 200000; i++) {
		uint64_t mantissa =
			((uint64_t)rand() << 31 ^ (uint64_t)rand()) & SMX_NATIVE_MANTISSA;
		uint64_t exponent = 1 + 16 + (uint64_t)rand() % 2012;

		expect_bucket(smx_double(exponent << SMX_NATIVE_MANTISSA_BITS | mantissa),
			      -4 + i % 13);
	}
}

Test(native, powers_of_two_are_bounds_of_every_schema_that_has_them)
{
	for (int32_t schema = 0; schema <= 8; schema++)
		for (int e = -1000; e <= 1000; e++)
			cr_expect_eq(smx_native_bound(e * (1 << schema), schema), ldexp(1, e));
	cr_expect_eq(smx_native_bound(1, -4), 65536);
	cr_expect_eq(smx_native_bound(-1, -1), 0.25);
	cr_expect_eq(smx_native_bound(1, 1), nextafter(sqrt(2), 0)); /* which was rounded up */
}

Test(native, infinity_is_beyond_the_greatest_double)
{
	for (int32_t schema = -4; schema <= 8; schema++) {
		int32_t last = smx_native_index(smx_bits(1.7976931348623157e308), schema);

		cr_expect_eq(smx_native_bound(last, schema), INFINITY);
		cr_expect_lt(smx_native_bound(last - 1, schema), INFINITY);
		cr_expect_geq(smx_native_index(smx_bits(INFINITY), schema), last);
	}
}

Test(native, zero_and_subnormal_numbers_are_below_the_bucket_of_the_least_normal_one)
{
	static const double small[] = {0, 5e-324, 1e-310, 2.2250738585072009e-308};

	for (int32_t schema = -4; schema <= 8; schema++)
		for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
			cr_expect_leq(smx_native_index(smx_bits(small[i]), schema),
				      smx_native_index(smx_bits(2.2250738585072014e-308), schema));
}
