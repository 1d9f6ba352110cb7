/* SPDX-License-Identifier: MIT */
/*
 * reader_words.c - which series are removed, and where the cells of the others are now
 *
 * The word of a series changes when it is removed, comes back or is reset (removal.c). The header
 * counts these before and after: while the counts are equal and as they were, no word has changed,
 * and a walk looks at none. Numbers are read after the walk, so each time it is asked whether the
 * cells they came from were still the series'; that is one load of the header while nothing is
 * removed.
 */
#include "reader_internal.h"

#include <stdlib.h>

#define FOLLOW_TRIES 100 /* more changes of one series during a scrape are a hostile writer's */

static const smx_layout_header *header_of(const smx_reader *reader)
{
	return (const smx_layout_header *)(const void *)reader->base;
}

static const smx_layout_series *record_of(const smx_reader *reader,
					  const struct reader_series *series)
{
	return (const smx_layout_series *)(const void *)(reader->base + series->view.id);
}

/* What the word says, if it is sound; else the series stays as it is. */
enum taken reader_take_word(const smx_reader *reader, struct reader_series *series, uint64_t word)
{
	const smx_layout_series *record = record_of(reader, series);
	const smx_family_view *family = series->view.family;
	uint64_t target = word & SMX_LAYOUT_PLACE_MASK;
	enum taken taken = reader_check_cells(reader, family, target);

	if (taken != TAKEN)
		return taken;
	if (reader_is_gauge(family->kind) && series->word_known && target != series->cells)
		return TAKEN_DAMAGED; /* a gauge keeps its number */
	series->cells = target;
	series->word = word;
	series->word_known = true;
	series->since_ns = smx_read_relaxed(&record->since_ns);
	series->view.created_unix_ns = smx_read_relaxed(&record->created_unix_ns);
	series->view.removed = (word & SMX_WORD_REMOVED) && !series->view.overflow;
	return TAKEN;
}

static void look_at_word(smx_reader *reader, struct reader_series *series)
{
	uint64_t word = smx_read_acquire(&record_of(reader, series)->cells_or_gauge);

	switch (reader_take_word(reader, series, word)) {
	case TAKEN:
		return;
	case TAKEN_DAMAGED:
		series->view.removed = true;
		reader->info.damaged_count++;
		break;
	default: /* beyond what this walk may read: it is the next one's */
		break;
	}
	reader->unsettled_words++;
}

void reader_words_walk(smx_reader *reader)
{
	/* In this order: begun is never the lesser, so if it is not greater all have ended. */
	uint64_t epoch = smx_read_acquire(&header_of(reader)->removal_epoch);
	uint64_t begun = smx_read_acquire(&header_of(reader)->removal_begun);
	bool settled = begun == epoch;

	if (!settled || !reader->are_words_known || epoch != reader->removals) {
		reader->unsettled_words = 0;
		reader->words_look++;
		for (size_t i = 0; i < reader->family_count; i++) {
			struct reader_family *family = reader->families[i];

			for (size_t j = 0; j < family->view.series_count; j++)
				look_at_word(reader, family->series[j]);
		}
	}
	reader->are_words_known = settled && reader->unsettled_words == 0;
	reader->removals = epoch;
}

bool reader_follow(const smx_reader *reader, struct reader_series *series, int tries)
{
	uint64_t word;

	smx_fence_loads(); /* the cells before the counts */
	if (reader->are_words_known &&
	    smx_read_relaxed(&header_of(reader)->removal_begun) == reader->removals)
		return true;
	word = smx_read_acquire(&record_of(reader, series)->cells_or_gauge);
	if (((word ^ series->word) & ~SMX_WORD_REMOVED) == 0 || tries >= FOLLOW_TRIES)
		return true; /* removed since, but no other cells */
	return reader_take_word(reader, series, word) != TAKEN;
}

bool reader_take_gauge(smx_reader *reader, uint64_t gauge)
{
	uint8_t bit = (uint8_t)(1u << gauge % 8);

	if (!reader->gauges)
		reader->gauges = calloc(SMX_LAYOUT_GAUGE_MAX / 8 + 1, 1);
	if (!reader->gauges || (reader->gauges[gauge / 8] & bit))
		return false;
	reader->gauges[gauge / 8] |= bit;
	return true;
}
