/* SPDX-License-Identifier: MIT */
/*
 * identity.c - what a family and a series are: their keys, their texts, and whether they are fit to
 * be served
 *
 * What is fit is decided here, once for each family: a segment may hold anything, and a single
 * bad name would cost its scraper everything else.
 */
#include "text/buffer.h"
#include "text/merge.h"
#include "text/number.h"
#include "text/pairs.h"
#include "text/spelling.h"
#include "text/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is fit to be served ---- */

static bool same_text(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool labels_are_fit(const smx_family_view *view)
{
	static const smx_text pid = {"pid", 3};
	bool adds_pid = view->kind == SMX_GAUGE && smx_mode_shows_each(view->mode);

	for (size_t i = 0; i < view->label_count; i++) {
		if (!smx_words_is_name(view->label_names[i]) ||
		    smx_words_is_reserved(view->label_names[i]))
			return false;
		if (adds_pid && same_text(view->label_names[i], pid))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (same_text(view->label_names[i], view->label_names[j]))
				return false;
		}
	}
	return true;
}

static bool bounds_are_fit(const smx_family_view *view)
{
	for (size_t i = 0; i < view->bound_count; i++) {
		if (!isfinite(view->bounds[i]) ||
		    (i > 0 && !(view->bounds[i - 1] < view->bounds[i])))
			return false;
	}
	return true;
}

/* A hostile reader's are no concern here, but a bucket's index must not overflow. */
static bool native_is_fit(const smx_native_view *native)
{
	return native->schema >= -4 && native->schema <= 8 && native->side >= 2 &&
	       native->side <= SMX_NATIVE_SIDE_MAX &&
	       native->count == native->side * (native->negative ? 2 : 1) + 1 &&
	       native->first >= -SMX_NATIVE_INDEX_MAX && native->first <= SMX_NATIVE_INDEX_MAX &&
	       native->zero_threshold > 0 && isfinite(native->zero_threshold);
}

/* Each must be a label value of its own. */
static bool states_are_fit(const smx_family_view *view)
{
	for (size_t i = 0; i < view->label_count; i++) {
		if (same_text(view->label_names[i], view->name))
			return false;
	}
	for (size_t i = 0; i < view->state_count; i++) {
		if (view->states[i].size == 0 || !smx_words_is_utf8(view->states[i]))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (same_text(view->states[i], view->states[j]))
				return false;
		}
	}
	return view->state_count != 0 && !smx_words_is_reserved(view->name);
}

static bool kind_is_fit(const smx_family_view *view)
{
	switch (view->kind) {
	case SMX_COUNTER:
	case SMX_SUMMARY:
	case SMX_INFO:
		return true;
	case SMX_STATE_SET:
		return states_are_fit(view);
	case SMX_GAUGE:
		return view->mode >= SMX_GAUGE_LIVE_ALL && view->mode <= SMX_GAUGE_MOST_RECENT;
	case SMX_HISTOGRAM:
		return bounds_are_fit(view);
	case SMX_NATIVE_HISTOGRAM:
		return bounds_are_fit(view) && native_is_fit(&view->native);
	default:
		return false;
	}
}

/* ---- families ---- */

/* The definition as bytes. Names hold no NUL, so it can end them. */
static void append_key(smx_buffer *key, const smx_family_view *view)
{
	const char what[] = {(char)view->kind, view->kind == SMX_GAUGE ? (char)view->mode : 0};

	smx_buffer_append(key, view->name.data, view->name.size);
	smx_buffer_append(key, "", 1);
	smx_buffer_append(key, &view->unit.size, sizeof(view->unit.size));
	smx_buffer_append(key, view->unit.data, view->unit.size);
	smx_buffer_append(key, what, sizeof(what));
	for (size_t i = 0; i < view->label_count; i++) {
		smx_buffer_append(key, view->label_names[i].data, view->label_names[i].size);
		smx_buffer_append(key, "", 1);
	}
	smx_buffer_append(key, "", 1);
	if (smx_kind_is_histogram(view->kind))
		smx_buffer_append(key, view->bounds, view->bound_count * sizeof(double));
	if (view->kind == SMX_NATIVE_HISTOGRAM) {
		smx_buffer_append(key, &view->native.schema, sizeof(view->native.schema));
		smx_buffer_append(key, &view->native.first, sizeof(view->native.first));
		smx_buffer_append(key, &view->native.side, sizeof(view->native.side));
		smx_buffer_append(key, &view->native.negative, sizeof(view->native.negative));
	}
	for (size_t i = 0; view->kind == SMX_STATE_SET && i < view->state_count; i++) {
		smx_buffer_append(key, view->states[i].data, view->states[i].size);
		smx_buffer_append(key, "", 1);
	}
}

static bool family_has_key(const void *item, const void *key, size_t key_size)
{
	const struct smx_family *family = item;

	return family->key_size == key_size && memcmp(family->key, key, key_size) == 0;
}

static void append_bound(struct smx_family *family, double bound)
{
	char *out;

	smx_buffer_append_string(&family->tails, ",le=\"");
	out = smx_buffer_reserve(&family->tails, SMX_NUMBER_ROOM);
	if (out)
		smx_buffer_commit(&family->tails, smx_number_bound(out, bound));
	smx_buffer_append_string(&family->tails, "\"} ");
}

static bool make_tails(struct smx_family *family, const smx_family_view *view)
{
	bool has_bounds = smx_kind_is_histogram(view->kind);

	family->tail_count = has_bounds ? view->bound_count + 1 : view->state_count;
	family->tail_ends = calloc(family->tail_count, sizeof(size_t));
	if (!family->tail_ends)
		return false;
	for (size_t i = 0; i < family->tail_count; i++) {
		if (has_bounds) {
			append_bound(family,
				     i < view->bound_count ? view->bounds[i] : (double)INFINITY);
		} else {
			smx_words_label(&family->tails, ",", family->name, view->states[i]);
			smx_buffer_append_string(&family->tails, "} ");
		}
		family->tail_ends[i] = family->tails.size;
	}
	return !family->tails.failed;
}

/* The label names, which stand in the key one after the other from `at` on. */
static bool make_label_names(struct smx_family *family, const smx_family_view *view, const char *at)
{
	family->label_names = calloc(view->label_count + 1, sizeof(smx_text));
	if (!family->label_names)
		return false;
	family->label_count = view->label_count;
	family->is_plain = smx_words_is_metric_name(view->name) &&
			   (view->kind != SMX_STATE_SET || smx_words_is_label_name(view->name));
	for (size_t i = 0; i < view->label_count; i++) {
		family->label_names[i] = (smx_text){at, view->label_names[i].size};
		family->is_plain =
			family->is_plain && smx_words_is_label_name(view->label_names[i]);
		at += view->label_names[i].size + 1;
	}
	return true;
}

static bool make_texts(struct smx_family *family, const smx_family_view *view)
{
	/* Behind the name, the unit and what family it is, as append_key has them. */
	if (!make_label_names(family, view, family->unit.data + family->unit.size + 2))
		return false;
	smx_buffer_append(&family->head, family->name.data, family->name.size);
	smx_buffer_append_string(&family->head, smx_words_sample_suffix(family->kind));
	if (smx_kind_is_histogram(family->kind))
		family->may_be_negative = view->bound_count != 0 && view->bounds[0] < 0;
	if (family->kind == SMX_NATIVE_HISTOGRAM) {
		family->native = view->native;
		family->may_be_negative |= view->native.negative;
	}
	if ((smx_kind_is_histogram(family->kind) || family->kind == SMX_STATE_SET) &&
	    !make_tails(family, view))
		return false;
	return !family->head.failed;
}

/* key: what append_key made of the view. */
static struct smx_family *make_family(struct smx_merge *merge, const smx_family_view *view,
				      const smx_buffer *key, uint64_t hash)
{
	struct smx_family *family = calloc(1, sizeof(*family));

	if (!family)
		return NULL;
	family->kind = view->kind;
	family->mode = view->mode;
	family->hash = hash;
	family->order = merge->next_order++;
	family->key_size = key->size;
	family->key = malloc(key->size);
	if (family->key) {
		memcpy(family->key, key->data, key->size);
		family->name = (smx_text){family->key, view->name.size};
		family->unit = (smx_text){family->key + view->name.size + 1 + sizeof(size_t),
					  view->unit.size};
		if (make_texts(family, view))
			return family;
	}
	smx_family_free(family);
	return NULL;
}

bool smx_merge_find_family(struct smx_merge *merge, const smx_family_view *view,
			   struct smx_family **found)
{
	struct smx_family **families;
	smx_buffer *key = &merge->scratch;
	uint64_t hash;

	*found = NULL;
	if (!smx_words_is_name(view->name) || !kind_is_fit(view) || !labels_are_fit(view))
		return true;
	key->size = 0;
	append_key(key, view);
	if (key->failed) {
		smx_buffer_free(key);
		return false;
	}
	hash = smx_table_hash(merge->seed, key->data, key->size);
	*found = smx_table_find(&merge->table, hash, family_has_key, key->data, key->size);
	if (*found)
		return true;
	families = smx_array_grow(merge->families, merge->family_count, &merge->family_capacity,
				  sizeof(struct smx_family *));
	if (!families)
		return false;
	merge->families = families;
	if (!smx_table_reserve(&merge->table, merge->family_count + 1))
		return false;
	*found = make_family(merge, view, key, hash);
	if (!*found)
		return false;
	families[merge->family_count++] = *found;
	smx_table_insert(&merge->table, hash, *found);
	merge->unsorted = merge->unsettled = true;
	return true;
}

void smx_family_free(struct smx_family *family)
{
	for (size_t i = 0; i < family->series_count; i++)
		free(family->series[i]);
	free(family->series);
	smx_pairs_free(family);
	smx_table_free(&family->table);
	smx_buffer_free(&family->head);
	smx_buffer_free(&family->tails);
	free(family->tail_ends);
	free(family->label_names);
	for (size_t i = 0; i < SMX_ESCAPING_COUNT; i++)
		smx_spelling_free(family->spellings[i]);
	free(family->key);
	free(family);
}

/* ---- series ---- */

static bool series_has_labels(const void *item, const void *labels, size_t labels_size)
{
	const struct smx_series *series = item;
	const struct smx_family *family = series->first.source->family;

	if (series->labels_size != labels_size)
		return false;
	return labels_size == 0 ||
	       memcmp(series->text + family->head.size, labels, labels_size) == 0;
}

static struct smx_series *make_series(struct smx_source *source, const smx_series_view *view,
				      const smx_buffer *labels, uint64_t hash)
{
	const struct smx_family *family = source->family;
	const char *close = !smx_family_has_one_sample(family) ? "" : labels->size ? "} " : " ";
	size_t size = family->head.size + labels->size + strlen(close);
	struct smx_series *series;
	char *out;

	if (size > UINT32_MAX)
		return NULL;
	series = malloc(sizeof(*series) + size);
	if (!series)
		return NULL;
	series->hash = hash;
	series->first = (struct smx_part){NULL, source, view};
	series->text_size = (uint32_t)size;
	series->labels_size = (uint32_t)labels->size;
	out = series->text;
	memcpy(out, family->head.data, family->head.size);
	out += family->head.size;
	if (labels->size)
		memcpy(out, labels->data, labels->size);
	memcpy(out + labels->size, close, strlen(close));
	return series;
}

/*
 * Two label sets that differ in the segment are one here if they differ only in bytes that are no
 * UTF-8. Their numbers are added up; but of gauges with a sample a writer the first one alone is
 * served, or a writer would have two samples.
 */
static bool add_part(struct smx_series *series, struct smx_source *source,
		     const smx_series_view *view)
{
	struct smx_part *part;

	if (source->family->kind == SMX_GAUGE && smx_mode_shows_each(source->family->mode)) {
		for (part = &series->first; part; part = part->next) {
			if (part->source == source)
				return true;
		}
	}
	part = malloc(sizeof(*part));
	if (!part)
		return false;
	*part = (struct smx_part){series->first.next, source, view};
	series->first.next = part;
	return true;
}

static bool adopt_one(struct smx_merge *merge, struct smx_source *source,
		      const smx_series_view *view)
{
	struct smx_family *family = source->family;
	smx_buffer *labels = &merge->scratch;
	struct smx_series **grown, *series;
	uint64_t hash;

	labels->size = 0;
	smx_words_labels(labels, source->view->label_names, view->label_values,
			 source->view->label_count);
	if (labels->failed) {
		smx_buffer_free(labels);
		return false;
	}
	hash = smx_table_hash(merge->seed, labels->data, labels->size);
	series =
		smx_table_find(&family->table, hash, series_has_labels, labels->data, labels->size);
	if (series)
		return add_part(series, source, view);
	grown = smx_array_grow(family->series, family->series_count, &family->series_capacity,
			       sizeof(struct smx_series *));
	if (!grown)
		return false;
	family->series = grown;
	if (!smx_table_reserve(&family->table, family->series_count + 1))
		return false;
	series = make_series(source, view, labels, hash);
	if (!series)
		return false;
	grown[family->series_count++] = series;
	smx_table_insert(&family->table, hash, series);
	return true;
}

bool smx_merge_adopt_series(struct smx_merge *merge, struct smx_source *source)
{
	for (; source->series_seen < source->view->series_count; source->series_seen++) {
		const smx_series_view *view = smx_reader_series(source->member->reader,
								source->view, source->series_seen);

		if (view && !adopt_one(merge, source, view))
			return false;
	}
	return true;
}

/* Returns whether anything is left of the series. */
static bool drop_parts(struct smx_series *series, const struct smx_source *source)
{
	struct smx_part **link = &series->first.next;

	while (*link) {
		struct smx_part *part = *link;

		if (part->source != source) {
			link = &part->next;
			continue;
		}
		*link = part->next;
		free(part);
	}
	if (series->first.source != source)
		return true;
	if (series->first.next) {
		struct smx_part *second = series->first.next;

		series->first = *second;
		free(second);
		return true;
	}
	return false;
}

void smx_family_drop_source(struct smx_family *family, struct smx_source *source)
{
	struct smx_source **link = &family->sources;
	size_t kept = 0;

	smx_pairs_free(family);
	smx_table_clear(&family->table);
	for (size_t i = 0; i < family->series_count; i++) {
		struct smx_series *series = family->series[i];

		if (!drop_parts(series, source)) {
			free(series);
			continue;
		}
		family->series[kept++] = series;
		smx_table_insert(&family->table, series->hash, series);
	}
	family->series_count = kept;
	while (*link != source)
		link = &(*link)->next;
	*link = source->next;
	free(source);
}
