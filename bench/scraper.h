/* SPDX-License-Identifier: MIT */
/*
 * scraper.h - what a scrape does, without the HTTP: walk the segment, render the text
 */
#ifndef SHMETRICS_BENCH_SCRAPER_H
#define SHMETRICS_BENCH_SCRAPER_H

#include <shmetrics/exposition.h>
#include <shmetrics/reader.h>

typedef struct scraper {
	smx_reader *reader;
	smx_exposition *exposition;
	smx_buffer buffer; /* the text of the last scrape */
	double walk_ns;	   /* of the last scrape */
} scraper;

/* name: of a segment, as a writer gives it. Ends the program on failure, and so do the others. */
void scraper_open(scraper *s, const char *name);
/* One scrape in text 0.0.4, in ns of this thread. */
double scraper_scrape(scraper *s);
/* The same in any format; the text is then what that has. */
double scraper_scrape_as(scraper *s, smx_format format);
size_t scraper_line_count(const scraper *s);
void scraper_close(scraper *s);

#endif
