/* SPDX-License-Identifier: MIT */
/*
 * test_native_exposition.c - native histograms in every format: what has no native histograms shows
 * a histogram, and what has, the same numbers (I5, I12)
 */
#include "exposed.h"
#include "message_text.h"
#include "text/spans.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static smx_buffer text;

static void tear_down(void)
{
	exposed_tear_down();
	smx_buffer_free(&text);
}

TestSuite(native_exposition, .init = exposed_set_up, .fini = tear_down);

static const char *render(smx_format format)
{
	const smx_exposition_type type = {.format = format};

	buffer.size = text.size = 0;
	cr_assert(smx_exposition_render(exposition, type, NULL, 0, &buffer, NULL) == SMX_OK);
	if (format == SMX_FORMAT_PROTOBUF)
		cr_expect(message_text(&buffer, &text), "malformed: %.*s", (int)text.size,
			  text.data);
	else
		smx_buffer_append(&text, buffer.data, buffer.size);
	smx_buffer_append(&text, "", 1);
	return text.data;
}

/* Five buckets of each sign, from (0.5, 1] on. */
static struct fake_family *family_in(smx_reader *reader, bool negative)
{
	struct fake_family *family = fake_family_add(reader, SMX_NATIVE_HISTOGRAM, "h", "");

	family->view.help = (smx_text){"", 0};
	fake_family_native(family, 0, 0, 5, negative);
	return family;
}

static struct fake_series *series_in(struct fake_family *family, const uint64_t *counts)
{
	struct fake_series *series = fake_series_add(family, "");

	series->view.created_unix_ns = UINT64_C(5000000000);
	for (size_t i = 0; i < family->view.native.count; i++) {
		series->native_counts[i] = counts[i];
		series->counts[0] += counts[i];
	}
	series->sum = 12.5;
	return series;
}

Test(native_exposition, without_bounds_is_a_histogram_of_one_bucket_in_text)
{
	series_in(family_in(one, false), (uint64_t[]){1, 0, 2, 0, 0, 3});
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004), "# TYPE h histogram\n"
						      "h_bucket{le=\"+Inf\"} 6\n"
						      "h_sum 12.5\n"
						      "h_count 6\n");
	cr_expect_str_eq(render(SMX_FORMAT_OPENMETRICS_100), "# TYPE h histogram\n"
							     "h_bucket{le=\"+Inf\"} 6\n"
							     "h_sum 12.5\n"
							     "h_count 6\n");
}

Test(native_exposition, of_negative_values_has_no_sum_where_that_must_be_a_counter)
{
	series_in(family_in(one, true), (uint64_t[]){1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0});
	cr_expect_str_eq(render(SMX_FORMAT_OPENMETRICS_100), "# TYPE h histogram\n"
							     "h_bucket{le=\"+Inf\"} 3\n");
}

Test(native_exposition, has_its_buckets_in_spans_of_protobuf)
{
	series_in(family_in(one, false), (uint64_t[]){1, 7, 0, 0, 0, 3});
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:11 sum:12.5 schema:0 "
			 "zero_threshold:0.5 zero_count:1 "
			 "positive_span{offset:0 length:1} positive_span{offset:3 length:1} "
			 "positive_delta:[7,-4] start{seconds:5 nanos:0}}}\n");
}

Test(native_exposition, has_negative_buckets_from_zero_outwards)
{
	struct fake_family *family = family_in(one, true);

	series_in(family, (uint64_t[]){4, 0, 0, 2, 1, 9, 0, 5, 5, 0, 0});
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:26 sum:12.5 schema:0 "
			 "zero_threshold:0.5 zero_count:9 "
			 "negative_span{offset:0 length:5} negative_delta:[1,1,-2,0,4] "
			 "positive_span{offset:1 length:2} positive_delta:[5,0] "
			 "start{seconds:5 nanos:0}}}\n");
}

Test(native_exposition, that_is_empty_is_still_known_to_be_native)
{
	series_in(family_in(one, false), (uint64_t[]){0, 0, 0, 0, 0, 0})->sum = 0;
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:0 sum:0 schema:0 "
			 "zero_threshold:0.5 zero_count:0 positive_span{offset:0 length:0} "
			 "start{seconds:5 nanos:0}}}\n");
}

Test(native_exposition, has_its_classic_buckets_besides)
{
	struct fake_family *family = family_in(one, false);
	struct fake_series *series = series_in(family, (uint64_t[]){1, 7, 0, 0, 0, 3});

	fake_family_bounds(family, (double[]){0.75, 20}, 2);
	memcpy(series->counts, (uint64_t[]){2, 6, 3}, sizeof(uint64_t[3]));
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:11 sum:12.5 "
			 "bucket{count:2 bound:0.75} bucket{count:8 bound:20} "
			 "bucket{count:11 bound:inf} schema:0 "
			 "zero_threshold:0.5 zero_count:1 "
			 "positive_span{offset:0 length:1} positive_span{offset:3 length:1} "
			 "positive_delta:[7,-4] start{seconds:5 nanos:0}}}\n");
	cr_expect_str_eq(render(SMX_FORMAT_TEXT_004), "# TYPE h histogram\n"
						      "h_bucket{le=\"0.75\"} 2\n"
						      "h_bucket{le=\"20.0\"} 8\n"
						      "h_bucket{le=\"+Inf\"} 11\n"
						      "h_sum 12.5\n"
						      "h_count 11\n");
}

Test(native_exposition, shows_the_latest_exemplar_in_text_and_all_in_protobuf)
{
	static const smx_label older[] = {{TEXT("t"), TEXT("1")}};
	static const smx_label later[] = {{TEXT("t"), TEXT("2")}};
	static const smx_label no_text[] = {{TEXT("t"), TEXT("\xff")}};
	struct fake_series *series =
		series_in(family_in(one, false), (uint64_t[]){0, 1, 2, 0, 0, 0});

	series->exemplars[1] = (struct fake_exemplar){1.5, UINT64_C(4000000000), later, 1};
	series->exemplars[3] = (struct fake_exemplar){1, UINT64_C(3000000000), older, 1};
	series->exemplars[8] = (struct fake_exemplar){1, UINT64_C(2000000000), no_text, 1};
	cr_expect_str_eq(render(SMX_FORMAT_OPENMETRICS_100),
			 "# TYPE h histogram\n"
			 "h_bucket{le=\"+Inf\"} 3 # {t=\"2\"} 1.5 4\n"
			 "h_sum 12.5\n"
			 "h_count 3\n");
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:3 sum:12.5 "
			 "bucket{count:3 bound:inf exemplar{label{name:\"t\" value:\"2\"} "
			 "value:1.5 timestamp{seconds:4 nanos:0}}} "
			 "schema:0 zero_threshold:0.5 zero_count:0 "
			 "positive_span{offset:0 length:2} positive_delta:[1,1] "
			 "start{seconds:5 nanos:0} "
			 "exemplars{label{name:\"t\" value:\"2\"} value:1.5 "
			 "timestamp{seconds:4 nanos:0}} "
			 "exemplars{label{name:\"t\" value:\"1\"} value:1 "
			 "timestamp{seconds:3 nanos:0}}}}\n");
}

Test(native_exposition, of_several_readers_is_added_up_bucket_by_bucket)
{
	series_in(family_in(one, false), (uint64_t[]){1, 0, 2, 0, 0, 3});
	series_in(family_in(two, false), (uint64_t[]){0, 1, 1, 0, 0, 1});
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:9 sum:25 schema:0 "
			 "zero_threshold:0.5 zero_count:1 positive_span{offset:0 length:5} "
			 "positive_delta:[1,2,-3,0,4] start{seconds:5 nanos:0}}}\n");
}

Test(native_exposition, of_two_ranges_is_two_definitions_of_which_one_is_served)
{
	struct fake_family *wider = fake_family_add(two, SMX_NATIVE_HISTOGRAM, "h", "");

	series_in(family_in(one, false), (uint64_t[]){1, 0, 2, 0, 0, 3});
	fake_family_native(wider, 0, 0, 6, false);
	wider->view.live_writers = 3;
	series_in(wider, (uint64_t[]){0, 0, 0, 0, 1, 0, 0});
	cr_expect(strstr(render(SMX_FORMAT_PROTOBUF), "count:1 "));
	cr_expect_null(strstr(text.data, "count:6 "));
}

/* No writer counts as far, but a segment may say anything: differences of those are no numbers. */
Test(native_exposition, of_more_than_can_be_counted_is_served_as_classic)
{
	series_in(family_in(one, false), (uint64_t[]){0, UINT64_MAX, 0, 0, 0, 0});
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF),
			 "name:\"h\" type:4 metric{histogram{count:18446744073709551615 sum:12.5 "
			 "bucket{count:18446744073709551615 bound:inf} "
			 "start{seconds:5 nanos:0}}}\n");
}

Test(native_exposition, of_an_index_beyond_all_numbers_is_not_served)
{
	struct fake_family *family = family_in(one, false);

	series_in(family, (uint64_t[]){1, 0, 0, 0, 0, 0});
	family->view.native.first = 1000000;
	cr_expect_str_eq(render(SMX_FORMAT_PROTOBUF), "");
}

/* ---- spans ---- */

Test(native_exposition, spans_tell_every_bucket_and_are_not_longer_than_need_be)
{
	uint64_t counts[41];
	const smx_native_view native = {.first = -7, .side = 40, .count = 41};

	srand(3);
	for (int round = 0; round < 20000; round++) {
		struct smx_native_buckets buckets = smx_native_positive(&native, counts);
		struct smx_native_span span = {0};
		int index = 0, told = 0, filled = 0;
		unsigned spans = 0;

		for (size_t i = 0; i <= native.side; i++)
			counts[i] = rand() % (1 + round % 9) == 0 ? (uint64_t)rand() : 0;
		for (size_t i = 1; i <= native.side; i++)
			filled += counts[i] != 0;
		while (smx_native_next_span(&buckets, &span)) {
			cr_assert_neq(smx_native_count(&buckets, span.begin), 0);
			cr_assert_neq(smx_native_count(&buckets, span.begin + span.length - 1), 0);
			cr_assert(spans++ == 0 || span.offset > 2);
			index += span.offset;
			cr_assert_eq(index, native.first + (int)span.begin);
			for (size_t i = 0; i < span.length; i++)
				told += smx_native_count(&buckets, span.begin + i) != 0;
			index += (int)span.length;
		}
		cr_assert_eq(told, filled);
	}
}
