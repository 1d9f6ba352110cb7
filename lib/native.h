/* SPDX-License-Identifier: MIT */
/*
 * native.h - where a value lies among the buckets of a native histogram: arithmetic, no memory
 *
 * Of schema s bucket i holds the magnitudes in (base^(i-1), base^i], base = 2^(2^-s). The bounds of
 * schema 8 are those of all: each schema has every second bound of the next finer one. So the
 * bucket is looked for in schema 8, among the bounds of one octave, and its index is halved,
 * rounded up, once for each step to the schema that is wanted. What is exact for one is exact for
 * all.
 */
#ifndef SMX_NATIVE_H
#define SMX_NATIVE_H

#include "atomics.h"
#include "shmetrics/layout.h"

#define SMX_NATIVE_FINEST 256 /* buckets an octave, of schema 8 */
#define SMX_NATIVE_MANTISSA_BITS 52
#define SMX_NATIVE_MANTISSA ((UINT64_C(1) << SMX_NATIVE_MANTISSA_BITS) - 1)
#define SMX_NATIVE_SIGN (UINT64_C(1) << 63)

extern const uint64_t smx_native_bounds[SMX_NATIVE_FINEST] __attribute__((visibility("hidden")));
extern const uint16_t smx_native_starts[SMX_NATIVE_FINEST] __attribute__((visibility("hidden")));

/* How many times an index of schema 8 is halved. */
static inline unsigned smx_native_shift(int32_t schema)
{
	return (unsigned)(SMX_LAYOUT_NATIVE_SCHEMA_MAX - schema);
}

/*
 * The bucket of a magnitude, given by its bits: of any double of 2^-1022 or more, infinity too. All
 * below, 0 too, are in a bucket at or below that of 2^-1022. At most three bounds are looked at.
 */
static inline int32_t smx_native_index(uint64_t magnitude, int32_t schema)
{
	uint64_t mantissa = magnitude & SMX_NATIVE_MANTISSA;
	unsigned shift = smx_native_shift(schema);
	int32_t octave = (int32_t)(magnitude >> SMX_NATIVE_MANTISSA_BITS) - 1023;
	int32_t bound = smx_native_starts[mantissa >> (SMX_NATIVE_MANTISSA_BITS - 8)];

	while (bound < SMX_NATIVE_FINEST && smx_native_bounds[bound] < mantissa)
		bound++;
	return (octave * SMX_NATIVE_FINEST + bound + (1 << shift) - 1) >> shift;
}

/* The upper bound of a bucket: infinite from 2^1024 on, 0 below 2^-1022. */
static inline double smx_native_bound(int32_t index, int32_t schema)
{
	int64_t finest = (int64_t)index * (1 << smx_native_shift(schema));
	int64_t octave = finest >> 8;

	if (octave < -1022)
		return 0;
	if (octave > 1023)
		return smx_double(UINT64_C(2047) << SMX_NATIVE_MANTISSA_BITS);
	return smx_double((uint64_t)(octave + 1023) << SMX_NATIVE_MANTISSA_BITS |
			  smx_native_bounds[finest & (SMX_NATIVE_FINEST - 1)]);
}

#endif
