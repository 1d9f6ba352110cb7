/* SPDX-License-Identifier: MIT */
/*
 * test_buckets.c - I5: each value is in exactly the bucket that `le` says
 */
#include "buckets.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* A family record with these bounds, as family.c lays it out. */
static smx_layout_family *family_with(const double *bounds, size_t count)
{
	uint32_t low, table_count = smx_buckets_table_count(bounds, count, &low);
	size_t table = SMX_LAYOUT_FAMILY_BOUNDS + count * sizeof(double);
	smx_layout_family *family = calloc(1, table + table_count * sizeof(uint16_t));

	cr_assert(family);
	family->bound_count = (uint16_t)count;
	memcpy((char *)family + SMX_LAYOUT_FAMILY_BOUNDS, bounds, count * sizeof(double));
	family->table_count = table_count;
	family->table_low = low;
	family->table_offset = (uint32_t)table;
	if (table_count)
		smx_buckets_fill_table(bounds, count, low,
				       (uint16_t *)(void *)((char *)family + table), table_count);
	return family;
}

static uint32_t by_definition(const double *bounds, size_t count, double value)
{
	uint32_t bucket = 0;

	while (bucket < count && !(value <= bounds[bucket]))
		bucket++;
	return bucket;
}

static void check(const double *bounds, size_t count)
{
	smx_layout_family *family = family_with(bounds, count);
	static const double always[] = {0.0,	   -0.0,   1.0,	    -1.0, INFINITY,
					-INFINITY, 5e-324, -5e-324, 1e308};

	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		cr_expect_eq(smx_buckets_find(family, always[i]),
			     by_definition(bounds, count, always[i]), "%g", always[i]);
	for (size_t i = 0; i < count; i++) {
		double near[] = {bounds[i], nextafter(bounds[i], -INFINITY),
				 nextafter(bounds[i], INFINITY)};

		for (size_t j = 0; j < 3; j++)
			cr_expect_eq(smx_buckets_find(family, near[j]),
				     by_definition(bounds, count, near[j]), "%.17g", near[j]);
	}
	free(family);
}

Test(buckets, puts_a_value_on_a_bound_into_the_lower_bucket)
{
	static const double bounds[] = {1, 2, 4};
	smx_layout_family *family = family_with(bounds, 3);

	cr_expect_eq(smx_buckets_find(family, 2.0), 1);
	cr_expect_eq(smx_buckets_find(family, nextafter(2.0, 3.0)), 2);
	cr_expect_eq(smx_buckets_find(family, 4.5), 3);
	free(family);
}

Test(buckets, agree_with_the_definition_around_every_bound)
{
	static const double negative[] = {-5, -1, 0, 1, 5}, tiny[] = {5e-324, 1e-300, 1e300},
			    one[] = {3};
	static const double close[] = {1.0, 1.0000000000000002, 1.0000000000000004, 1.5, 1.75};
	size_t count;
	const double *defaults = smx_buckets_default(&count);

	check(defaults, count);
	check(negative, 5);
	check(tiny, 3);
	check(close, 5);
	check(one, 1);
}

Test(buckets, agree_with_the_definition_on_random_bounds_and_values)
{
	double bounds[64];

	srand48(7);
	for (int round = 0; round < 300; round++) {
		size_t count = 1 + (size_t)(lrand48() % 64);
		smx_layout_family *family;

		bounds[0] = exp(drand48() * 40 - 30);
		for (size_t i = 1; i < count; i++)
			bounds[i] = bounds[i - 1] * (1 + drand48());
		family = family_with(bounds, count);
		for (int i = 0; i < 2000; i++) {
			double value = exp(drand48() * 60 - 40);

			cr_assert_eq(smx_buckets_find(family, value),
				     by_definition(bounds, count, value), "%.17g", value);
		}
		free(family);
	}
}

Test(buckets, cut_off_a_last_infinity_and_refuse_what_is_not_increasing)
{
	double infinite[] = {1, 2, INFINITY}, equal[] = {1, 1}, nan_bound[] = {1, NAN},
	       only[] = {INFINITY};
	smx_error error;
	size_t count = 3;

	cr_expect_eq(smx_buckets_check("x", infinite, &count, &error), SMX_OK);
	cr_expect_eq(count, 2);
	count = 2;
	cr_expect_eq(smx_buckets_check("x", equal, &count, &error), SMX_ERR_INVALID);
	cr_expect(strstr(error.message, "must be above"), "%s", error.message);
	cr_expect_eq(smx_buckets_check("x", nan_bound, &count, &error), SMX_ERR_INVALID);
	count = 1;
	cr_expect_eq(smx_buckets_check("x", only, &count, &error), SMX_ERR_INVALID);
}
