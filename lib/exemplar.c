/* SPDX-License-Identifier: MIT */
/*
 * exemplar.c - exemplars: one observation of each bucket, with labels that lead to its trace
 *
 * The last writer wins, without a lock that a killed one could hold. An exemplar's words are stored
 * one by one; a checksum over them says whether they belong together. Where two writers met, or one
 * was killed, it is wrong, and there is none until the next is written. The observation itself is
 * recorded first and never depends on it.
 */
#include "arena.h"
#include "buckets.h"
#include "labels.h"
#include "names.h"
#include "native_histogram.h"
#include "platform.h"
#include "series.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define WORDS (sizeof(smx_layout_exemplar) / sizeof(uint64_t))

/* The series' exemplars, made at first use; NULL: no room. */
static smx_layout_exemplar *exemplars_of(smx_layout_series *series, unsigned count)
{
	struct smx_segment *segment = smx_segment_at(smx_base_of(&series->record));
	uint64_t seen = smx_read_acquire(&series->exemplar_offset);
	uint64_t size = count * sizeof(smx_layout_exemplar), mine;

	if (seen)
		return smx_at(segment, seen);
	mine = smx_arena_reserve(segment, size);
	if (!mine)
		return NULL;
	if (smx_publish_if(&series->exemplar_offset, &seen, mine))
		return smx_at(segment, mine);
	smx_arena_return(segment, mine, size);
	return smx_at(segment, seen);
}

/* Bytes that begin a character of UTF-8. */
static size_t count_characters(smx_text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

static bool encode(const smx_label *labels, size_t count, smx_layout_exemplar *exemplar)
{
	size_t size = 0, characters = 0;

	for (size_t i = 0; i < count; i++) {
		characters += count_characters(labels[i].name) + count_characters(labels[i].value);
		for (size_t j = 0; j < i; j++)
			if (labels[j].name.size == labels[i].name.size &&
			    memcmp(labels[j].name.data, labels[i].name.data, labels[i].name.size) ==
				    0)
				return false;
		if (!smx_names_is_exemplar_label(labels[i].name) ||
		    characters > SMX_LAYOUT_EXEMPLAR_CHARACTERS ||
		    !smx_labels_append_pair(exemplar->labels, &size, sizeof exemplar->labels,
					    labels[i]))
			return false;
	}
	exemplar->label_size = (uint32_t)size;
	return true;
}

static bool keep(smx_layout_series *series, unsigned index, unsigned count, double value,
		 const smx_label *labels, size_t label_count)
{
	smx_layout_exemplar exemplar = {.unix_ns = smx_platform_unix_ns(), .value = value}, *to;
	uint64_t words[WORDS], *place;

	exemplar.life = (smx_read_acquire(&series->cells_or_gauge) >> SMX_LAYOUT_PLACE_BITS) &
			SMX_LAYOUT_LIFE_MASK;
	if (!encode(labels, label_count, &exemplar))
		return false;
	to = exemplars_of(series, count);
	if (!to)
		return false;
	exemplar.checksum = XXH3_64bits(&exemplar.life, sizeof exemplar - sizeof exemplar.checksum);
	memcpy(words, &exemplar, sizeof words);
	place = (uint64_t *)(void *)&to[index];
	for (size_t i = 0; i < WORDS; i++)
		smx_store_relaxed(&place[i], words[i]);
	return true;
}

static void keep_or_count(smx_layout_series *series, unsigned index, unsigned count, double value,
			  const smx_label *labels, size_t label_count)
{
	if (!keep(series, index, count, value, labels, label_count))
		smx_dropped((smx_layout_header *)(void *)smx_base_of(&series->record),
			    SMX_DROP_EXEMPLAR);
}

void smx_counter_add_exemplar(smx_counter counter, double amount, const smx_label *labels,
			      size_t label_count)
{
	smx_counter_add(counter, amount);
	if (counter.impl && amount >= 0)
		keep_or_count(smx_series_of(counter.impl), 0, 1, amount, labels, label_count);
}

static const smx_layout_family *family_of(const smx_layout_series *series)
{
	return (const smx_layout_family *)(const void *)(smx_base_of(&series->record) +
							 series->family_offset);
}

void smx_histogram_observe_exemplar(smx_histogram histogram, double value, const smx_label *labels,
				    size_t label_count)
{
	smx_layout_series *series = smx_series_of(histogram.impl);
	const smx_layout_family *family;

	smx_histogram_observe(histogram, value);
	if (!series || value != value)
		return;
	family = family_of(series);
	keep_or_count(series, smx_buckets_find(family, value), family->bound_count + 1u, value,
		      labels, label_count);
}

/* Of its classic buckets where it has any; else neighbours do not displace each other's. */
void smx_native_histogram_observe_exemplar(smx_native_histogram histogram, double value,
					   const smx_label *labels, size_t label_count)
{
	smx_layout_series *series = smx_series_of(histogram.impl);
	const smx_layout_family *family;
	bool lacking;

	smx_native_histogram_observe(histogram, value);
	if (!series || value != value)
		return;
	family = family_of(series);
	if (family->bound_count > 0)
		keep_or_count(series, smx_buckets_find(family, value), family->bound_count + 1u,
			      value, labels, label_count);
	else
		keep_or_count(series,
			      smx_native_place(family, value, &lacking) %
				      SMX_LAYOUT_NATIVE_EXEMPLARS,
			      SMX_LAYOUT_NATIVE_EXEMPLARS, value, labels, label_count);
}
