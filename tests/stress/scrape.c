/* SPDX-License-Identifier: MIT */
/*
 * scrape.c - a scraper that believes nothing
 *
 * Attacks I4 (counters never go back) and I5 (count == +Inf == the sum of the buckets, and the sum
 * belongs to exactly those observations) through both ways out: the reader's numbers and the
 * rendered text.
 */
#include "scrape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

const double scrape_bounds[SCRAPE_BUCKETS - 1] = {10, 100, 1000};
const double scrape_values[SCRAPE_BUCKETS] = {3, 50, 700, 20000};
const smx_native_options scrape_native = {.schema = 0,
					  .least = 1,
					  .greatest = 32768,
					  .bounds = scrape_bounds,
					  .bound_count = SCRAPE_BUCKETS - 1};
#define NATIVE_BUCKETS 17 /* of zero, (1, 2] to (16384, 32768], above */

void scrape_read(const smx_reader *reader, const smx_series_view *series,
		 uint64_t counts[SCRAPE_BUCKETS], double *sum)
{
	uint64_t native[NATIVE_BUCKETS], total = 0;

	if (series->family->kind != SMX_NATIVE_HISTOGRAM) {
		smx_reader_histogram(reader, series, counts, sum);
		return;
	}
	REQUIRE(series->family->native.count == NATIVE_BUCKETS, "%zu native buckets",
		series->family->native.count);
	smx_reader_native_histogram(reader, series, native, counts, sum);
	for (unsigned i = 0; i < SCRAPE_BUCKETS; i++) {
		unsigned power = 0;

		while ((double)(1u << power) < scrape_values[i])
			power++;
		CHECK(native[power] == counts[i],
		      "%" PRIu64 " in the native bucket of %g, %" PRIu64 " in its bucket",
		      native[power], scrape_values[i], counts[i]);
		total += counts[i];
	}
	for (unsigned i = 0; i < NATIVE_BUCKETS; i++)
		total -= native[i];
	CHECK(total == 0, "other native buckets hold something");
}

void scraper_start(struct scraper *scraper, smx_reader *reader)
{
	smx_error error;

	memset(scraper, 0, sizeof *scraper);
	scraper->reader = reader;
	REQUIRE(smx_exposition_create(&scraper->exposition, &error) == SMX_OK, "%s", error.message);
	REQUIRE(smx_exposition_add(scraper->exposition, reader, &error) == SMX_OK, "%s",
		error.message);
}

void scraper_stop(struct scraper *scraper)
{
	for (size_t i = 0; i < scraper->family_count; i++)
		free(scraper->last[i]);
	free(scraper->last);
	free(scraper->last_count);
	smx_buffer_free(&scraper->text);
	smx_exposition_destroy(scraper->exposition);
	smx_reader_close(scraper->reader);
}

/* The numbers of the last scrape of one series; zero the first time. */
static uint64_t *last_of(struct scraper *scraper, size_t family, size_t series)
{
	if (family >= scraper->family_count) {
		scraper->last = realloc(scraper->last, (family + 1) * sizeof *scraper->last);
		scraper->last_count =
			realloc(scraper->last_count, (family + 1) * sizeof *scraper->last_count);
		for (size_t i = scraper->family_count; i <= family; i++) {
			scraper->last[i] = NULL;
			scraper->last_count[i] = 0;
		}
		scraper->family_count = family + 1;
	}
	if (series >= scraper->last_count[family]) {
		size_t old = scraper->last_count[family], count = (series + 1) * 2;
		uint64_t *grown =
			realloc(scraper->last[family], count * SCRAPE_BUCKETS * sizeof *grown);

		memset(grown + old * SCRAPE_BUCKETS, 0,
		       (count - old) * SCRAPE_BUCKETS * sizeof *grown);
		scraper->last[family] = grown;
		scraper->last_count[family] = count;
	}
	return scraper->last[family] + series * SCRAPE_BUCKETS;
}

static void check_histogram(const struct scraper *scraper, const smx_series_view *series,
			    uint64_t *last)
{
	uint64_t counts[SCRAPE_BUCKETS];
	double sum, expected = 0;

	scrape_read(scraper->reader, series, counts, &sum);
	for (unsigned i = 0; i < SCRAPE_BUCKETS; i++) {
		CHECK(counts[i] >= last[i], "bucket %u went back from %" PRIu64 " to %" PRIu64, i,
		      last[i], counts[i]);
		last[i] = counts[i];
		expected += (double)counts[i] * scrape_values[i];
	}
	CHECK(sum == expected, "the sum is %.0f, of the observations counted %.0f", sum, expected);
}

static void check_series(struct scraper *scraper)
{
	for (size_t f = 0; f < smx_reader_family_count(scraper->reader); f++) {
		const smx_family_view *family = smx_reader_family(scraper->reader, f);

		for (size_t s = 0; s < family->series_count; s++) {
			const smx_series_view *series =
				smx_reader_series(scraper->reader, family, s);
			uint64_t *last = last_of(scraper, f, s);

			if (family->kind == SMX_HISTOGRAM || family->kind == SMX_NATIVE_HISTOGRAM) {
				check_histogram(scraper, series, last);
			} else if (family->kind == SMX_COUNTER) {
				smx_counter_sample sample =
					smx_reader_counter(scraper->reader, series);
				uint64_t twice = sample.whole * 2 + (uint64_t)(sample.fraction * 2);

				CHECK(twice >= *last, "a counter went back from %.1f to %.1f",
				      (double)*last / 2, (double)twice / 2);
				*last = twice;
			}
		}
	}
}

/* ---- the text ---- */

struct judge {
	uint64_t cumulative, infinite;
	double sum, expected;
	unsigned bucket;
};

/* The number at the end of a line. */
static double number_of(const char *line, size_t size)
{
	const char *space = memrchr(line, ' ', size);

	return space ? strtod(space + 1, NULL) : -1;
}

static bool has_suffix(const char *line, const char *end, const char *suffix)
{
	size_t length = strlen(suffix);
	const char *brace = memchr(line, '{', (size_t)(end - line));

	return brace && (size_t)(brace - line) > length &&
	       memcmp(brace - length, suffix, length) == 0;
}

/* The lines of a histogram's series follow each other: buckets in order, sum, count. */
static void judge_line(struct judge *judge, const char *line, const char *end)
{
	double number = number_of(line, (size_t)(end - line));

	if (has_suffix(line, end, "_bucket")) {
		uint64_t cumulative = (uint64_t)number;

		CHECK(cumulative >= judge->cumulative, "buckets are not cumulative: %.*s",
		      (int)(end - line), line);
		if (judge->bucket < SCRAPE_BUCKETS)
			judge->expected += (double)(cumulative - judge->cumulative) *
					   scrape_values[judge->bucket];
		judge->cumulative = cumulative;
		judge->bucket++;
	} else if (has_suffix(line, end, "_sum")) {
		judge->sum = number;
	} else if (has_suffix(line, end, "_count")) {
		CHECK(judge->bucket == SCRAPE_BUCKETS, "%u buckets before %.*s", judge->bucket,
		      (int)(end - line), line);
		CHECK((uint64_t)number == judge->cumulative,
		      "count is not +Inf (%" PRIu64 "): %.*s", judge->cumulative, (int)(end - line),
		      line);
		CHECK(judge->sum == judge->expected,
		      "the text's sum is %.0f, of its buckets %.0f: %.*s", judge->sum,
		      judge->expected, (int)(end - line), line);
		*judge = (struct judge){0};
	}
}

static void check_text(struct scraper *scraper)
{
	struct judge judge = {0};
	const char *line = scraper->text.data, *stop = line + scraper->text.size;

	while (line && line < stop) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));

		CHECK(end, "the text does not end with a newline");
		if (!end)
			break;
		if (*line != '#')
			judge_line(&judge, line, end);
		scraper->lines++;
		line = end + 1;
	}
}

void scraper_scrape(struct scraper *scraper)
{
	const smx_reader_info *info = smx_reader_information(scraper->reader);
	smx_error error;

	if (smx_reader_walk(scraper->reader, &error) != SMX_OK) {
		CHECK(false, "walk: %s", error.message);
		return;
	}
	CHECK(info->damaged_count == 0,
	      "%" PRIu64 " records count as damaged, at a size of %" PRIu64 " bytes",
	      info->damaged_count, info->size_bytes);
	check_series(scraper);
	scraper->text.size = 0;
	CHECK(smx_exposition_render(scraper->exposition, text_004, NULL, 0, &scraper->text,
				    &error) == SMX_OK,
	      "render: %s", error.message);
	check_text(scraper);
	scraper->scrapes++;
}
