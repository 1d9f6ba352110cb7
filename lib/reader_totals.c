/* SPDX-License-Identifier: MIT */
/*
 * reader_totals.c - what all processes hold of a family's gauges, in one pass over their cells
 *
 * Series by series, every cell is a cache line of its own in a slot of its own. Slot by slot, a
 * slot's cells are read as they lie. So all series of a family are added up at once, when the first
 * is asked for.
 */
#include "reader_internal.h"

#include <math.h>
#include <stdlib.h>

#define RUN_MAX 256u /* a page of cells, and totals that stay in the nearest cache */

static const uint64_t *word(const double *value)
{
	return (const uint64_t *)(const void *)value;
}

/* ---- where the cells are ---- */

static int by_gauge(const void *left, const void *right)
{
	const struct reader_series *a = *(struct reader_series *const *)left;
	const struct reader_series *b = *(struct reader_series *const *)right;

	return (a->cells > b->cells) - (a->cells < b->cells);
}

/* A new array of the same kind in the old one's place. False: no memory, the old one stands. */
static bool replace_array(void *array, size_t count, size_t size)
{
	void **old = array, *new = calloc(count, size);

	if (!new)
		return false;
	free(*old);
	*old = new;
	return true;
}

static void find_runs(struct reader_family *family, struct reader_series *const *sorted)
{
	struct reader_run *run = NULL;

	family->run_count = 0;
	for (uint32_t i = 0; i < family->total_count; i++) {
		uint32_t gauge = (uint32_t)sorted[i]->cells;

		sorted[i]->total = i;
		if (run && run->count < RUN_MAX && gauge == run->gauge + run->count &&
		    reader_block_of(gauge) == reader_block_of(run->gauge)) {
			run->count++;
			continue;
		}
		run = &family->runs[family->run_count++];
		*run = (struct reader_run){i, 1, gauge};
	}
}

/* Takes in series that are new since the last time. False: no memory. */
static bool place_totals(struct reader_family *family)
{
	size_t count = family->view.series_count;
	struct reader_series **sorted;

	if (family->total_count == count)
		return true;
	family->total_count = 0;
	sorted = malloc(count * sizeof *sorted);
	if (!sorted || !replace_array(&family->totals, count, sizeof *family->totals) ||
	    !replace_array(&family->stamps_ns, count, sizeof *family->stamps_ns) ||
	    !replace_array(&family->runs, count, sizeof *family->runs)) {
		free(sorted);
		return false;
	}
	memcpy(sorted, family->series, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_gauge);
	family->total_count = count;
	family->total_look = 0;
	find_runs(family, sorted);
	free(sorted);
	return true;
}

/* What the cells of each series must be tagged with, when that may have changed. */
static void place_bases(const smx_reader *reader, struct reader_family *family)
{
	if (family->total_look == reader->words_look)
		return;
	for (size_t i = 0; i < family->total_count; i++)
		family->totals[family->series[i]->total].base = reader_tag_base(family->series[i]);
	family->total_look = reader->words_look;
}

/* ---- adding up ---- */

/* One slot's cells of a run, for sums: the mode that most gauges with one line have. */
static void sum_run(const struct reader_writer *writer, const smx_layout_gauge_cell *cells,
		    struct reader_total *totals, uint32_t count)
{
	uint64_t generation = writer->view.slot_generation;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t tag, bits;

		if (!smx_pair_read(&cells[i].tag, word(&cells[i].value), &tag, &bits) ||
		    tag != (generation | totals[i].base))
			continue;
		totals[i].value += smx_double(bits);
		totals[i].count++;
	}
}

/* Numbers go before NaN, so that the outcome does not depend on the order of the writers. */
static bool is_preferred(smx_gauge_mode mode, double value, double than)
{
	if (isnan(than))
		return true;
	return mode == SMX_GAUGE_LIVE_MIN || mode == SMX_GAUGE_MIN ? value < than : value > than;
}

static void prefer(smx_gauge_mode mode, struct reader_total *total, double value, uint32_t writer)
{
	if (total->count++ > 0 && !is_preferred(mode, value, total->value))
		return;
	total->value = value;
	total->writer = writer;
}

/* One slot's cells of a run, for the least and the greatest. */
static void compare_run(smx_gauge_mode mode, const struct reader_writer *writer, uint32_t number,
			const smx_layout_gauge_cell *cells, struct reader_total *totals,
			uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t tag, bits;

		if (!smx_pair_read(&cells[i].tag, word(&cells[i].value), &tag, &bits) ||
		    tag != (writer->view.slot_generation | totals[i].base))
			continue;
		prefer(mode, &totals[i], smx_double(bits), number);
	}
}

/* One slot's cells of a run, for the most recent, set at claimed_ns or after. */
static void date_run(uint64_t claimed_ns, uint32_t number, const smx_layout_gauge_cell *cells,
		     struct reader_total *totals, uint64_t *stamps_ns, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t tag, bits;

		if (!smx_pair_read(&cells[i].tag, word(&cells[i].value), &tag, &bits) ||
		    tag <= totals[i].base || tag < claimed_ns)
			continue;
		totals[i].count++;
		if (tag <= stamps_ns[i])
			continue;
		totals[i].value = smx_double(bits);
		totals[i].writer = number;
		stamps_ns[i] = tag;
	}
}

/* ---- adding up the dead ---- */

static bool is_of(uint64_t tag, uint64_t base)
{
	return tag != 0 && (tag & ~SMX_TAG_GENERATION_MASK) == base;
}

static void add_value(smx_gauge_mode mode, struct reader_total *total, uint64_t bits)
{
	if (mode != SMX_GAUGE_SUM) {
		prefer(mode, total, smx_double(bits), 0);
		return;
	}
	total->value += smx_double(bits);
	total->count++;
}

/*
 * What all owners of a slot held of a gauge, the present one's included: the retired cell, and the
 * live one unless it is folded into it. Read as of one moment: D4 in fold.c. A writer that changes
 * the retired cell without end is hostile, and gets what was read last.
 */
static void add_slot_cell(smx_gauge_mode mode, const smx_layout_gauge_cell *live,
			  const smx_layout_gauge_cell *retired, struct reader_total *total)
{
	uint64_t live_tag = 0, live_bits = 0, tag = 0, bits = 0, again = 0;

	for (int i = 0; i < SMX_PAIR_TRIES; i++) {
		if (!smx_pair_read(&retired->tag, word(&retired->value), &tag, &bits) ||
		    !smx_pair_read(&live->tag, word(&live->value), &live_tag, &live_bits))
			return;
		smx_fence_loads();
		again = smx_read_acquire(&retired->tag);
		if (again == tag)
			break;
	}
	if (!is_of(tag, total->base))
		tag = 0;
	if (tag)
		add_value(mode, total, bits);
	if (is_of(live_tag, total->base) &&
	    (live_tag & SMX_TAG_GENERATION_MASK) > (tag & SMX_TAG_GENERATION_MASK))
		add_value(mode, total, live_bits);
}

static void add_up_slot(const struct reader_holder *holder, smx_gauge_mode mode,
			struct reader_run run, struct reader_total *totals, uint64_t *stamps_ns)
{
	uint32_t block = reader_block_of(run.gauge);
	uint32_t first = run.gauge - SMX_LAYOUT_GAUGE_BLOCK_FIRST * ((1u << block) - 1);
	const smx_layout_gauge_cell *live = holder->live[block], *retired = holder->retired[block];

	if (mode == SMX_GAUGE_MOST_RECENT) {
		if (live)
			date_run(0, 0, live + first, totals, stamps_ns, run.count);
		return;
	}
	for (uint32_t i = 0; live && retired && i < run.count; i++)
		add_slot_cell(mode, live + first + i, retired + first + i, &totals[i]);
}

/* ---- all slots ---- */

static void start_run(struct reader_run run, struct reader_total *totals, uint64_t *stamps_ns)
{
	for (uint32_t i = 0; i < run.count; i++)
		totals[i] = (struct reader_total){.base = totals[i].base};
	memset(stamps_ns, 0, run.count * sizeof *stamps_ns);
}

/* What all slots hold of a run. */
static void add_up_run(const smx_reader *reader, smx_gauge_mode mode, struct reader_run run,
		       struct reader_total *totals, uint64_t *stamps_ns)
{
	start_run(run, totals, stamps_ns);
	for (uint64_t i = 0; mode >= SMX_GAUGE_SUM && i < reader->holder_count; i++)
		add_up_slot(&reader->holders[i], mode, run, totals, stamps_ns);
	for (uint32_t i = 0; mode < SMX_GAUGE_SUM && i < reader->writer_count; i++) {
		const struct reader_writer *writer = &reader->writers[i];
		const smx_layout_gauge_cell *cells = reader_gauge_cell(writer, run.gauge);

		if (!cells)
			continue;
		if (mode == SMX_GAUGE_LIVE_SUM)
			sum_run(writer, cells, totals, run.count);
		else if (mode == SMX_GAUGE_LIVE_MOST_RECENT)
			date_run(writer->view.claimed_monotonic_ns, i, cells, totals, stamps_ns,
				 run.count);
		else
			compare_run(mode, writer, i, cells, totals, run.count);
	}
}

/* All runs of a family, once a walk. False: no memory. */
static bool add_up_family(const smx_reader *reader, struct reader_family *family)
{
	if (family->total_walk == reader->walk)
		return true;
	if (!place_totals(family))
		return false;
	place_bases(reader, family);
	for (size_t i = 0; i < family->run_count; i++) {
		struct reader_run run = family->runs[i];

		add_up_run(reader, family->view.mode, run, &family->totals[run.first],
			   &family->stamps_ns[run.first]);
	}
	family->total_walk = reader->walk;
	return true;
}

size_t smx_reader_gauge_total(smx_reader *reader, const smx_series_view *view,
			      smx_gauge_sample *sample)
{
	const struct reader_series *series = (const struct reader_series *)(const void *)view;
	/* A view is constant for the reader's callers, not for the reader. */
	struct reader_family *family =
		(struct reader_family *)(uintptr_t)(const void *)view->family;
	struct reader_total total;
	uint64_t stamp_ns;

	if (add_up_family(reader, family)) {
		total = family->totals[series->total];
		stamp_ns = family->stamps_ns[series->total];
	} else { /* without memory for all of them: this one alone */
		struct reader_run run = {0, 1, (uint32_t)series->cells};

		total.base = reader_tag_base(series);
		add_up_run(reader, view->family->mode, run, &total, &stamp_ns);
	}
	*sample = (smx_gauge_sample){total.writer, total.value, stamp_ns};
	return total.count;
}

size_t smx_reader_state(smx_reader *reader, const smx_series_view *view, size_t *state,
			smx_gauge_sample *sample)
{
	size_t count = smx_reader_gauge_total(reader, view, sample);

	/* The comparison is false for NaN, too. */
	*state = sample->value >= 0 && sample->value < (double)view->family->state_count
			 ? (size_t)sample->value
			 : 0;
	return count;
}
