/* SPDX-License-Identifier: MIT */
/*
 * native_histogram.h - which native bucket a value belongs to
 */
#ifndef SMX_NATIVE_HISTOGRAM_H
#define SMX_NATIVE_HISTOGRAM_H

#include "native.h"

#include <math.h>

/*
 * The native bucket of a value that is not NaN, among a family's in ascending order. *lacking: the
 * range lacks it, so that the bucket is not its own.
 */
static inline uint32_t smx_native_place(const smx_layout_family *family, double value,
					bool *lacking)
{
	uint64_t bits = smx_bits(value);
	int64_t last = (int64_t)family->native_side - 1, step;

	step = (int64_t)smx_native_index(bits & ~SMX_NATIVE_SIGN, family->native_schema) -
	       family->native_first;
	if (__builtin_expect(isinf(value), 0))
		step = last; /* in no bucket that ends in 2^1024 */
	*lacking = step >= last;
	if (step < 0)
		return family->native_zero;
	if (step > last)
		step = last;
	if (!(bits & SMX_NATIVE_SIGN))
		return family->native_zero + 1 + (uint32_t)step;
	if (family->native_zero > 0)
		return family->native_zero - 1 - (uint32_t)step;
	*lacking = true;
	return 0;
}

#endif
