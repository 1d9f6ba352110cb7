/* SPDX-License-Identifier: MIT */
/*
 * combine.c - the numbers of one series, over all its parts
 */
#include "text/combine.h"

#include <math.h>
#include <string.h>

smx_counter_sample smx_combine_counter(const struct smx_series *series)
{
	smx_counter_sample total = {0, 0};

	for (const struct smx_part *part = &series->first; part; part = part->next) {
		smx_counter_sample sample;

		if (!smx_part_is_served(part))
			continue;
		sample = smx_reader_counter(part->source->member->reader, part->view);
		total.whole = smx_add_saturated(total.whole, sample.whole);
		/* No writer makes one that is negative or NaN; a counter must never be. */
		if (sample.fraction > 0)
			total.fraction += sample.fraction;
	}
	return total;
}

/* What one part has. */
static double read_histogram(const struct smx_part *part, uint64_t *counts)
{
	const smx_reader *reader = part->source->member->reader;
	size_t bucket_count = part->view->family->bound_count + 1;
	double sum;

	if (part->source->family->kind == SMX_NATIVE_HISTOGRAM)
		smx_reader_native_histogram(reader, part->view, counts + bucket_count, counts,
					    &sum);
	else
		smx_reader_histogram(reader, part->view, counts, &sum);
	return sum;
}

double smx_combine_histogram(const struct smx_series *series, uint64_t *counts,
			     uint64_t *part_counts)
{
	size_t room = smx_family_count_room(series->first.source->family);
	double sum = 0, part_sum;
	bool first = true;

	memset(counts, 0, room * sizeof(uint64_t));
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		uint64_t *here = first ? counts : part_counts;

		if (!smx_part_is_served(part))
			continue;
		part_sum = read_histogram(part, here);
		/* Not 0 + sum: a sum of -0 stays one. */
		sum = first ? part_sum : sum + part_sum;
		for (size_t i = 0; !first && i < room; i++)
			counts[i] = smx_add_saturated(counts[i], here[i]);
		first = false;
	}
	return sum;
}

/* NaN gives way to any number, so that the outcome does not depend on the order of the writers. */
static bool is_preferred(smx_gauge_mode mode, const smx_gauge_sample *sample,
			 const smx_gauge_sample *than)
{
	if (mode == SMX_GAUGE_LIVE_MOST_RECENT || mode == SMX_GAUGE_MOST_RECENT)
		return sample->stamp_ns > than->stamp_ns;
	if (isnan(than->value))
		return true;
	return mode == SMX_GAUGE_LIVE_MIN || mode == SMX_GAUGE_MIN ? sample->value < than->value
								   : sample->value > than->value;
}

bool smx_combine_gauge(const struct smx_series *series, smx_gauge_mode mode, double *value)
{
	smx_gauge_sample best = {0};
	size_t count = 0;

	for (const struct smx_part *part = &series->first; part; part = part->next) {
		smx_gauge_sample total;
		size_t here;

		if (!smx_part_is_served(part))
			continue;
		here = smx_reader_gauge_total(part->source->member->reader, part->view, &total);
		if (here == 0)
			continue;
		if (count != 0 && smx_mode_is_sum(mode))
			best.value += total.value;
		else if (count == 0 || is_preferred(mode, &total, &best))
			best = total;
		count += here;
	}
	*value = best.value;
	return count != 0;
}

uint64_t smx_combine_summary(const struct smx_series *series, double *sum)
{
	uint64_t total = 0, count;
	double part_sum;
	bool first = true;

	*sum = 0;
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (!smx_part_is_served(part))
			continue;
		smx_reader_summary(part->source->member->reader, part->view, &count, &part_sum);
		total = smx_add_saturated(total, count);
		*sum = first ? part_sum : *sum + part_sum;
		first = false;
	}
	return total;
}

bool smx_combine_state(const struct smx_series *series, size_t *state)
{
	uint64_t best_ns = 0;
	bool found = false;

	*state = 0;
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		smx_gauge_sample total;
		size_t here;

		if (smx_part_is_served(part) &&
		    smx_reader_state(part->source->member->reader, part->view, &here, &total) !=
			    0 &&
		    total.stamp_ns >= best_ns) {
			best_ns = total.stamp_ns;
			*state = here;
			found = true;
		}
	}
	return found;
}

size_t smx_combine_info(const struct smx_series *series, const smx_label **labels)
{
	size_t count = 0;

	for (const struct smx_part *part = &series->first; part && count == 0; part = part->next) {
		if (smx_part_is_served(part))
			count = smx_reader_info_labels(part->source->member->reader, part->view,
						       labels);
	}
	return count;
}

static bool read_exemplar(const struct smx_part *part, size_t bucket, smx_exemplar_view *exemplar)
{
	return smx_part_is_served(part) &&
	       smx_reader_exemplar(part->source->member->reader, part->view, bucket, exemplar);
}

bool smx_combine_exemplar(const struct smx_series *series, size_t bucket,
			  smx_exemplar_view *exemplar)
{
	const struct smx_part *latest = &series->first;
	uint64_t latest_ns = 0;

	for (const struct smx_part *part = series->first.next ? &series->first : NULL; part;
	     part = part->next) {
		if (read_exemplar(part, bucket, exemplar) && exemplar->unix_ns >= latest_ns) {
			latest = part;
			latest_ns = exemplar->unix_ns;
		}
	}
	return read_exemplar(latest, bucket, exemplar);
}

size_t smx_combine_exemplar_count(const struct smx_family *family)
{
	if (family->kind == SMX_NATIVE_HISTOGRAM && family->tail_count == 1)
		return SMX_NATIVE_EXEMPLAR_MAX;
	return smx_kind_is_histogram(family->kind) ? family->tail_count
						   : family->kind == SMX_COUNTER;
}

bool smx_combine_bucket_exemplar(const struct smx_series *series, size_t bucket,
				 smx_exemplar_view *exemplar)
{
	const struct smx_family *family = series->first.source->family;
	uint64_t latest_ns = 0;

	if (family->kind != SMX_NATIVE_HISTOGRAM || family->tail_count > 1)
		return smx_combine_exemplar(series, bucket, exemplar);
	for (size_t i = 0; i < smx_combine_exemplar_count(family); i++) {
		if (smx_combine_exemplar(series, i, exemplar) && exemplar->unix_ns >= latest_ns) {
			bucket = i;
			latest_ns = exemplar->unix_ns;
		}
	}
	return smx_combine_exemplar(series, bucket, exemplar);
}

bool smx_combine_is_asked_for(const struct smx_series *series)
{
	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (smx_part_is_served(part) && !part->view->overflow)
			return true;
	}
	return false;
}

uint64_t smx_combine_created_ns(const struct smx_series *series)
{
	uint64_t created = UINT64_MAX;

	for (const struct smx_part *part = &series->first; part; part = part->next) {
		if (smx_part_is_served(part) && part->view->created_unix_ns < created)
			created = part->view->created_unix_ns;
	}
	return created;
}
