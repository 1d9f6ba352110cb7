/* SPDX-License-Identifier: MIT */
/*
 * reader_values.c - the numbers of a series, summed over stripes or gathered from live processes
 *
 * The cells were checked when the series was found. Each pair is read as of one moment (atomics.h),
 * so a histogram's sum belongs to exactly the observations counted, bucket by bucket.
 */
#include "reader_internal.h"

/* A view is constant for the reader's callers, not for the reader. */
static struct reader_series *known(const smx_series_view *view)
{
	return (struct reader_series *)(uintptr_t)(const void *)view;
}

/* Cell i of the series in a stripe: the formula of layout.h. */
static const smx_layout_cell *cell_at(const smx_reader *reader, const struct reader_series *series,
				      uint64_t i, uint64_t stripe)
{
	uint64_t tile = series->cells & ~(uint64_t)(SMX_LAYOUT_TILE_SIZE - 1);
	uint64_t n = (series->cells % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell) + i;
	uint64_t at =
		tile +
		(n / SMX_LAYOUT_TILE_CELLS) * SMX_LAYOUT_TILE_SIZE * reader->info.stripe_count +
		stripe * SMX_LAYOUT_TILE_SIZE +
		(n % SMX_LAYOUT_TILE_CELLS) * sizeof(smx_layout_cell);

	return (const smx_layout_cell *)(const void *)(reader->base + at);
}

static const uint64_t *word(const double *value)
{
	return (const uint64_t *)(const void *)value;
}

smx_counter_sample smx_reader_counter(const smx_reader *reader, const smx_series_view *view)
{
	struct reader_series *series = known(view);
	smx_counter_sample sample;
	int tries = 0;

	do {
		sample = (smx_counter_sample){0, 0.0};
		for (uint64_t stripe = 0; stripe < reader->info.stripe_count; stripe++) {
			const smx_layout_cell *cell = cell_at(reader, series, 0, stripe);

			sample.whole += smx_read_relaxed(&cell->count);
			sample.fraction += smx_double(smx_read_relaxed(word(&cell->sum)));
		}
	} while (!reader_follow(reader, series, ++tries));
	return sample;
}

/* Adds up `count` cells that lie side by side. */
static double add_cells(const smx_layout_cell *cells, size_t count, uint64_t *counts)
{
	double total = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t number = 0, bits = 0;

		/* It fails only when a hostile writer moves the count without end. */
		if (!smx_pair_read(&cells[i].count, word(&cells[i].sum), &number, &bits))
			continue;
		counts[i] += number;
		total += smx_double(bits);
	}
	return total;
}

static double add_buckets(const smx_reader *reader, const struct reader_series *series,
			  uint64_t *counts)
{
	size_t left = (size_t)reader_cell_count(series->view.family);
	uint64_t first = (series->cells % SMX_LAYOUT_TILE_SIZE) / sizeof(smx_layout_cell);
	double total = 0;

	memset(counts, 0, left * sizeof *counts);
	/* Row by row: the cells of a stripe lie side by side up to the end of their tile. */
	for (uint64_t i = 0; left > 0; first = 0) {
		size_t row =
			SMX_LAYOUT_TILE_CELLS - first < left ? SMX_LAYOUT_TILE_CELLS - first : left;

		for (uint64_t stripe = 0; stripe < reader->info.stripe_count; stripe++)
			total += add_cells(cell_at(reader, series, i, stripe), row, counts);
		counts += row;
		i += row;
		left -= row;
	}
	return total;
}

void reader_read_cells(const smx_reader *reader, const smx_series_view *view, uint64_t *counts,
		       double *sum)
{
	struct reader_series *series = known(view);
	int tries = 0;

	do
		*sum = add_buckets(reader, series, counts);
	while (!reader_follow(reader, series, ++tries));
}

void smx_reader_histogram(const smx_reader *reader, const smx_series_view *view, uint64_t *counts,
			  double *sum)
{
	reader_read_cells(reader, view, counts, sum);
}

/* One cell, as a histogram without bounds. */
void smx_reader_summary(const smx_reader *reader, const smx_series_view *view, uint64_t *count,
			double *sum)
{
	reader_read_cells(reader, view, count, sum);
}

size_t smx_reader_gauge(const smx_reader *reader, const smx_series_view *view,
			smx_gauge_sample *samples)
{
	const struct reader_series *series = known(view);
	smx_gauge_mode mode = view->family->mode;
	bool stamped = mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT;
	size_t holders =
		mode == SMX_GAUGE_ALL ? smx_reader_holder_count(reader) : reader->writer_count;
	uint64_t base = reader_tag_base(series);
	size_t count = 0;

	for (size_t i = 0; i < holders; i++) {
		const struct reader_writer *writer = &reader->writers[i];
		const smx_layout_gauge_cell *cell = reader_gauge_cell(writer, series->cells);
		uint64_t tag, bits;

		if (!cell || !smx_pair_read(&cell->tag, word(&cell->value), &tag, &bits))
			continue;
		if (stamped ? tag <= base || tag < writer->view.claimed_monotonic_ns
			    : tag != (base | writer->view.slot_generation))
			continue;
		samples[count].writer = (uint32_t)i;
		samples[count].value = smx_double(bits);
		samples[count].stamp_ns = stamped ? tag : 0;
		count++;
	}
	return count;
}
