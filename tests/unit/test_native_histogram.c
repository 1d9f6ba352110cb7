/* SPDX-License-Identifier: MIT */
/*
 * test_native_histogram.c - I5: each observation is in one native bucket and one of the bounds, and
 * the sum is of exactly those
 */
#include "fixture.h"
#include "native.h"
#include "segment.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

TestSuite(native_histogram, .init = fixture_begin, .fini = fixture_end);

#define COUNT_MAX 4096

/* What a reader says of the one series of a family. */
struct seen {
	smx_native_view form;
	uint64_t native[COUNT_MAX], buckets[1001], total, bucket_total;
	double sum;
};

static struct seen seen;

static void look(smx_segment *segment, const char *name)
{
	smx_reader *reader = fixture_reader(segment);
	const smx_family_view *family = fixture_family(reader, name);

	cr_assert(family);
	cr_expect_eq(family->kind, SMX_NATIVE_HISTOGRAM);
	memset(&seen, 0, sizeof seen);
	seen.form = family->native;
	cr_assert_leq(seen.form.count, COUNT_MAX);
	smx_reader_native_histogram(reader, fixture_series(reader, name, NULL), seen.native,
				    seen.buckets, &seen.sum);
	for (size_t i = 0; i < seen.form.count; i++)
		seen.total += seen.native[i];
	for (size_t i = 0; i <= family->bound_count; i++)
		seen.bucket_total += seen.buckets[i];
	cr_expect_eq(seen.total, seen.bucket_total);
	smx_reader_close(reader);
}

static smx_native_histogram make(smx_segment *segment, const char *name,
				 const smx_native_options *options)
{
	smx_definition definition = {.name = name};
	smx_native_histogram_family family;
	smx_error error;

	cr_assert_eq(smx_native_histogram_define(segment, &definition, options, &family, &error),
		     SMX_OK, "%s", error.message);
	return smx_native_histogram_with(family, NULL);
}

static smx_status refused(smx_segment *segment, smx_native_options options)
{
	smx_definition definition = {.name = "refused"};
	smx_native_histogram_family family = {(void *)&definition};
	smx_status status =
		smx_native_histogram_define(segment, &definition, &options, &family, NULL);

	cr_expect_null(family.impl);
	return status;
}

/* The place of the native bucket with an index, of positive values. */
static size_t at(int index)
{
	return (seen.form.negative ? seen.form.side : 0) + 1 + (size_t)(index - seen.form.first);
}

Test(native_histogram, has_schema_3_from_a_tenth_of_a_millisecond_to_100_s_by_default)
{
	smx_segment *segment = fixture_segment("a");

	make(segment, "h", NULL);
	look(segment, "h");
	cr_expect_eq(seen.form.schema, 3);
	cr_expect_leq(seen.form.zero_threshold, 1e-4);
	cr_expect_gt(smx_native_bound(seen.form.first, 3), 1e-4);
	cr_expect_eq(seen.form.first + (int)seen.form.side - 2,
		     smx_native_index(smx_bits(100.0), 3));
	cr_expect_eq(seen.total, 0);
}

Test(native_histogram, counts_each_value_in_its_bucket)
{
	smx_segment *segment = fixture_segment("a");
	smx_native_options options = {.schema = 0, .least = 0.25, .greatest = 8};
	smx_native_histogram histogram = make(segment, "h", &options);
	static const double values[] = {0, 0.25, 0.26, 0.5, 0.75, 1, 1.5, 8};

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		smx_native_histogram_observe(histogram, values[i]);
	look(segment, "h");
	cr_expect_eq(seen.form.zero_threshold, 0.25);
	cr_expect_eq(seen.native[0], 2);
	cr_expect_eq(seen.native[at(-1)], 2);
	cr_expect_eq(seen.native[at(0)], 2);
	cr_expect_eq(seen.native[at(1)], 1);
	cr_expect_eq(seen.native[at(2)], 0);
	cr_expect_eq(seen.native[at(3)], 1);
	cr_expect_eq(seen.total, 8);
	cr_expect_eq(seen.sum, 12.26);
	cr_expect_eq(segment->header->dropped[SMX_DROP_RANGE], 0);
}

Test(native_histogram, has_negative_buckets_that_mirror_the_positive_ones)
{
	smx_segment *segment = fixture_segment("a");
	smx_native_options options = {
		.schema = 1, .least = 0.01, .greatest = 100, .negative = true};
	smx_native_histogram histogram = make(segment, "h", &options);

	for (double value = 0.001; value < 1e6; value *= 1.1) {
		smx_native_histogram_observe(histogram, value);
		smx_native_histogram_observe(histogram, -value);
	}
	smx_native_histogram_observe(histogram, -2);
	look(segment, "h");
	seen.native[seen.form.side - 1 - (size_t)(2 - seen.form.first)]--; /* -2, a bound */
	for (size_t i = 0; i < seen.form.count; i++)
		cr_expect_eq(seen.native[i], seen.native[seen.form.count - 1 - i], "%zu", i);
	cr_expect_gt(seen.native[0], 0);
	cr_expect_gt(seen.native[seen.form.side], 0);
}

Test(native_histogram, counts_what_its_range_lacks_and_loses_none_of_it)
{
	smx_segment *segment = fixture_segment("a");
	smx_native_options options = {.schema = 2, .least = 0.1, .greatest = 10};
	smx_native_histogram histogram = make(segment, "h", &options);

	smx_native_histogram_observe(histogram, 1e9);
	smx_native_histogram_observe(histogram, INFINITY);
	smx_native_histogram_observe(histogram, -3);
	smx_native_histogram_observe(histogram, -0.01);
	smx_native_histogram_observe(histogram, 1e-320);
	smx_native_histogram_observe(histogram, NAN);
	look(segment, "h");
	cr_expect_eq(seen.native[seen.form.count - 1], 2);
	cr_expect_eq(seen.native[0], 3);
	cr_expect_eq(seen.total, 5);
	cr_expect_eq(segment->header->dropped[SMX_DROP_RANGE], 3);
	cr_expect_eq(segment->header->dropped[SMX_DROP_NAN], 1);
}

/* The cell of a value is right exactly if both views of it are. */
static void expect_both_views(const char *name, const smx_native_options *options)
{
	smx_segment *segment = fixture_segment(name);
	smx_native_histogram histogram = make(segment, "both", options);
	size_t count = 0;

	for (size_t i = 0; i < options->bound_count; i++) {
		double bound = options->bounds[i];
		const double values[] = {bound, nextafter(bound, -INFINITY),
					 nextafter(bound, INFINITY), bound * 1.01, bound * 0.7};

		for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
			double value = values[j];
			int32_t index = smx_native_index(smx_bits(fabs(value)), options->schema);
			size_t bucket = 0, place, zero;

			smx_native_histogram_observe(histogram, value);
			count++;
			if (fabs(value) > options->greatest)
				continue;
			while (bucket < options->bound_count && value > options->bounds[bucket])
				bucket++;
			struct seen before = seen;

			look(segment, "both");
			zero = seen.form.negative ? seen.form.side : 0;
			place = index < seen.form.first ? zero
				: value > 0 ? zero + 1 + (size_t)(index - seen.form.first)
				: zero > 0  ? zero - 1 - (size_t)(index - seen.form.first)
					    : 0;
			cr_expect_eq(seen.buckets[bucket], before.buckets[bucket] + 1, "%a", value);
			cr_expect_eq(seen.native[place], before.native[place] + 1, "%a", value);
		}
	}
	look(segment, "both");
	cr_expect_eq(seen.total, count);
	memset(&seen, 0, sizeof seen);
}

Test(native_histogram, observes_for_its_classic_buckets_at_once)
{
	/* Many of them are bounds of native buckets, too. */
	static const double bounds[] = {-8, -4, -3, -0.5, -0.25, 0, 0.1, 0.25, 0.5, 1, 2, 3, 8};
	smx_native_options options = {
		.schema = 0, .least = 0.25, .greatest = 16, .bounds = bounds, .bound_count = 13};

	expect_both_views("positive", &options);
	options.negative = true;
	expect_both_views("both", &options);
	options.schema = 5;
	options.least = 1e-3;
	expect_both_views("fine", &options);
	options.schema = -2;
	expect_both_views("coarse", &options);
}

Test(native_histogram, refuses_schemas_and_ranges_that_have_no_sense)
{
	smx_segment *segment = fixture_segment("a");
	static const double bounds[] = {2, 1};

	cr_expect_eq(refused(segment, (smx_native_options){9, 1, 2, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){-5, 1, 2, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){0, 0, 2, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){0, -1, 2, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){0, 2, 2, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){0, 1, INFINITY, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){0, NAN, 1, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){8, 1e-6, 1e12, false, NULL, 0}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){3, 1, 2, false, bounds, 2}),
		     SMX_ERR_INVALID);
	cr_expect_eq(refused(segment, (smx_native_options){3, 1, 2, false, NULL, 2}),
		     SMX_ERR_INVALID);
}

Test(native_histogram, takes_the_widest_range_there_is)
{
	smx_segment *segment = fixture_segment("a");
	smx_native_options options = {
		.schema = 0, .least = 1e-300, .greatest = 1.7976931348623157e308, .negative = true};
	smx_native_histogram histogram = make(segment, "h", &options);

	smx_native_histogram_observe(histogram, 1.7976931348623157e308);
	smx_native_histogram_observe(histogram, 1.1e-300);
	smx_native_histogram_observe(histogram, -INFINITY);
	look(segment, "h");
	cr_expect_eq(seen.native[seen.form.count - 2], 1);
	cr_expect_eq(seen.native[seen.form.side + 1] + seen.native[seen.form.side + 2], 1);
	cr_expect_eq(seen.native[0], 1);
	cr_expect_eq(segment->header->dropped[SMX_DROP_RANGE], 1);
}

Test(native_histogram, of_another_range_is_another_definition)
{
	smx_segment *segment = fixture_segment("a");
	smx_definition definition = {.name = "h"};
	smx_native_options options = {.schema = 3, .least = 0.1, .greatest = 10};
	smx_native_histogram_family family;
	smx_histogram_family classic;

	make(segment, "h", &options);
	make(segment, "h", &options); /* the same once more */
	options.greatest = 20;
	cr_expect_eq(smx_native_histogram_define(segment, &definition, &options, &family, NULL),
		     SMX_ERR_CONFLICT);
	cr_expect_eq(smx_histogram_define(segment, &definition, NULL, 0, &classic, NULL),
		     SMX_ERR_CONFLICT);
	definition.name = "h_count";
	cr_expect_eq(smx_native_histogram_define(segment, &definition, &options, &family, NULL),
		     SMX_ERR_CONFLICT);
}

Test(native_histogram, is_removed_made_again_and_reset)
{
	smx_segment *segment = fixture_segment("a");
	const char *labels[] = {"a"}, *values[] = {"x"};
	smx_definition definition = {.name = "h", .label_names = labels, .label_count = 1};
	static const double bounds[] = {1, 2, 3};
	smx_native_options options = {
		.schema = 3, .least = 0.1, .greatest = 10, .bounds = bounds, .bound_count = 3};
	smx_text text = {"x", 1};
	smx_native_histogram_family family;
	smx_native_histogram histogram;

	cr_assert_eq(smx_native_histogram_define(segment, &definition, &options, &family, NULL),
		     SMX_OK);
	for (int life = 0; life < 10; life++) {
		smx_reader *reader;
		uint64_t native[100], buckets[4];
		double sum;

		histogram = smx_native_histogram_with(family, values);
		smx_native_histogram_observe(histogram, 100);
		smx_series_reset(histogram.impl);
		smx_native_histogram_observe(histogram, 2.5);
		reader = fixture_reader(segment);
		smx_reader_native_histogram(reader, fixture_series(reader, "h", "x"), native,
					    buckets, &sum);
		cr_expect_eq(buckets[2], 1);
		cr_expect_eq(buckets[0] + buckets[1] + buckets[3], 0);
		cr_expect_eq(sum, 2.5);
		smx_reader_close(reader);
		cr_expect(smx_series_remove(family.impl, &text));
	}
}

Test(native_histogram, keeps_the_exemplars_of_neighbours_apart)
{
	smx_segment *segment = fixture_segment("a");
	smx_native_options options = {.schema = 3, .least = 0.1, .greatest = 10};
	smx_native_histogram histogram = make(segment, "h", &options);
	smx_label label = {{"trace_id", 8}, {"t", 1}};
	smx_exemplar_view exemplar;
	smx_reader *reader;
	unsigned found = 0;

	for (int i = 0; i < 9; i++)
		smx_native_histogram_observe_exemplar(histogram, smx_native_bound(i, 3), &label, 1);
	smx_native_histogram_observe_exemplar(histogram, NAN, &label, 1);
	reader = fixture_reader(segment);
	for (size_t i = 0; i < SMX_NATIVE_EXEMPLAR_MAX; i++) {
		if (!smx_reader_exemplar(reader, fixture_series(reader, "h", NULL), i, &exemplar))
			continue;
		found++;
		cr_expect_eq(exemplar.label_count, 1);
		cr_expect_geq(exemplar.value, 1);
		cr_expect_leq(exemplar.value, 2);
	}
	cr_expect_eq(found, 9);
	cr_expect_not(smx_reader_exemplar(reader, fixture_series(reader, "h", NULL),
					  SMX_NATIVE_EXEMPLAR_MAX, &exemplar));
	smx_reader_close(reader);
}

Test(native_histogram, empty_handles_record_nothing)
{
	uint64_t before = smx_unrecorded_count();

	smx_native_histogram_observe((smx_native_histogram){NULL}, 1);
	smx_native_histogram_observe_exemplar((smx_native_histogram){NULL}, 1, NULL, 0);
	cr_expect_eq(smx_unrecorded_count(), before + 2);
}
