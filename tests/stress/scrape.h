/* SPDX-License-Identifier: MIT */
/*
 * scrape.h - a scraper that believes nothing: every scrape is checked against itself and the one
 * before
 */
#ifndef STRESS_SCRAPE_H
#define STRESS_SCRAPE_H

#include "support.h"

/*
 * The histograms of these tests: bucket i takes only the value scrape_values[i], so a sum can be
 * checked.
 */
#define SCRAPE_BUCKETS 4
extern const double scrape_bounds[SCRAPE_BUCKETS - 1];
extern const double scrape_values[SCRAPE_BUCKETS];
/* A native histogram with the same bounds; each value has a native bucket of its own. */
extern const smx_native_options scrape_native;

/* What is in the buckets of a histogram; of a native one it checks that both sorts say the same. */
void scrape_read(const smx_reader *reader, const smx_series_view *series,
		 uint64_t counts[SCRAPE_BUCKETS], double *sum);

struct scraper {
	smx_exposition *exposition;
	smx_reader *reader;
	smx_buffer text;
	uint64_t scrapes, lines;
	/* what the last scrape said: by family and series index, SCRAPE_BUCKETS numbers each */
	uint64_t **last;
	size_t *last_count;
	size_t family_count;
};

/* Takes the reader over. */
void scraper_start(struct scraper *scraper, smx_reader *reader);
/* Walks, reads, renders, and checks I4, I5 and that nothing counts as damaged. */
void scraper_scrape(struct scraper *scraper);
void scraper_stop(struct scraper *scraper);

#endif
