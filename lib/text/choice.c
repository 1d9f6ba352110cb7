/* SPDX-License-Identifier: MIT */
/*
 * choice.c - which families are shown: one definition a name, one family a sample name
 *
 * Two definitions of one name cannot both be served, nor can a histogram x and a gauge x_count: a
 * Prometheus keeps either of two equal samples without a word. Of a name the definition with more
 * live writers is chosen, then the one created later. Among the chosen, sample names go to whoever
 * was created first: it has been scraped for longer. By an escaping other names may become one (x.y
 * and x_y), so names are given for each escaping by itself; what has none in one is shown in
 * others.
 */
#include "text/buffer.h"
#include "text/merge.h"
#include "text/spelling.h"
#include "text/words.h"

#include <stdlib.h>
#include <string.h>

/* ---- one definition a name ---- */

static int compare_names(smx_text a, smx_text b)
{
	int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int by_name(const void *left, const void *right)
{
	const struct smx_family *a = *(struct smx_family *const *)left;
	const struct smx_family *b = *(struct smx_family *const *)right;
	int order = compare_names(a->name, b->name);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Adds up what the sources say. Returns whether anything changed that sample names are given by. */
static bool look_at_sources(struct smx_family *family)
{
	uint64_t created = family->created_unix_ns;

	family->served = false;
	family->live_writers = 0;
	family->created_unix_ns = UINT64_MAX;
	for (const struct smx_source *source = family->sources; source; source = source->next) {
		if (source->served) {
			family->served = true;
			family->live_writers += source->view->live_writers;
		}
		if (source->view->created_unix_ns < family->created_unix_ns)
			family->created_unix_ns = source->view->created_unix_ns;
	}
	return family->created_unix_ns != created;
}

static bool is_better(const struct smx_family *family, const struct smx_family *than)
{
	if (!than)
		return true;
	if (family->live_writers != than->live_writers)
		return family->live_writers > than->live_writers;
	/* In the order of discovery; the later of two of the same age. */
	return family->created_unix_ns >= than->created_unix_ns;
}

/* The families from `first` on that have one name. Returns where the next name begins. */
static size_t choose_definition(struct smx_merge *merge, size_t first)
{
	struct smx_family **families = merge->families, *best = NULL;
	size_t end = first;

	for (; end < merge->family_count; end++) {
		if (end > first && compare_names(families[end]->name, families[first]->name) != 0)
			break;
		if (look_at_sources(families[end]))
			merge->unsettled = true;
		if (families[end]->served && is_better(families[end], best))
			best = families[end];
	}
	for (size_t i = first; i < end; i++) {
		if (families[i]->chosen != (families[i] == best))
			merge->unsettled = true;
		families[i]->chosen = families[i] == best;
	}
	return end;
}

/* ---- one family a sample name ---- */

struct claim {
	smx_text name; /* of a family, as it is written */
	const char *suffix;
};

/* Names being given, for one escaping. */
struct giving {
	struct smx_merge *merge;
	smx_escaping escaping;
	unsigned shown; /* bits of the escapings that it counts for */
	struct smx_table table;
	struct claim *claims;
	size_t claim_count;
};

static bool claim_is(const void *item, const void *key, size_t key_size)
{
	const struct claim *claim = item;
	size_t size = claim->name.size;

	return size + strlen(claim->suffix) == key_size &&
	       memcmp(key, claim->name.data, size) == 0 &&
	       memcmp((const char *)key + size, claim->suffix, key_size - size) == 0;
}

static bool is_reserved(const struct giving *giving, const struct smx_family *family)
{
	const struct smx_merge *merge = giving->merge;
	const struct smx_spelling *spelling = family->spellings[giving->escaping];
	const bool is_spelled = spelling && compare_names(spelling->name, family->name) != 0;

	return merge->is_reserved &&
	       merge->is_reserved(spelling ? spelling->name : family->name, is_spelled);
}

/* Whether the family may be written in this escaping, whatever the others are called. */
static bool is_fit(const struct giving *giving, struct smx_family *family)
{
	const struct smx_spelling *spelling = family->spellings[giving->escaping];

	if (spelling && !spelling->is_fit)
		return false;
	if (!is_reserved(giving, family))
		return true;
	family->reserved |= giving->shown;
	return false;
}

/* Takes the family's sample names if all of them are free. False: no memory. */
static bool claim_names(struct giving *giving, struct smx_family *family)
{
	const char *const *suffixes = smx_words_suffixes(family->kind);
	const smx_text written = smx_spelling_name(family, giving->escaping);
	uint64_t hashes[SMX_WORDS_SUFFIXES_MAX];
	smx_buffer *name = &giving->merge->scratch;
	size_t count = 0;

	if (!is_fit(giving, family))
		return true;
	for (; suffixes[count]; count++) {
		name->size = 0;
		smx_buffer_append(name, written.data, written.size);
		smx_buffer_append_string(name, suffixes[count]);
		if (name->failed) {
			smx_buffer_free(name);
			return false;
		}
		hashes[count] = smx_table_hash(giving->merge->seed, name->data, name->size);
		if (smx_table_find(&giving->table, hashes[count], claim_is, name->data, name->size))
			return true;
	}
	for (size_t i = 0; i < count; i++) {
		struct claim *claim = &giving->claims[giving->claim_count++];

		*claim = (struct claim){written, suffixes[i]};
		smx_table_insert(&giving->table, hashes[i], claim);
	}
	family->shown |= giving->shown;
	return true;
}

static int by_age(const void *left, const void *right)
{
	const struct smx_family *a = *(struct smx_family *const *)left;
	const struct smx_family *b = *(struct smx_family *const *)right;

	if (a->created_unix_ns != b->created_unix_ns)
		return a->created_unix_ns < b->created_unix_ns ? -1 : 1;
	return by_name(left, right);
}

/* chosen: by age. False: no memory. */
static bool give_names(struct giving *giving, struct smx_family *const *chosen, size_t count)
{
	smx_table_clear(&giving->table);
	giving->claim_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!smx_spelling_make(chosen[i], giving->escaping) ||
		    !claim_names(giving, chosen[i]))
			return false;
	}
	return true;
}

/* Among the chosen, in the order in which they come. */
static bool settle_chosen(struct smx_merge *merge, struct smx_family *const *chosen, size_t count)
{
	struct giving giving = {.merge = merge, .shown = (1u << SMX_ESCAPING_COUNT) - 1};
	bool is_plain = true, ok;

	for (size_t i = 0; i < count; i++)
		is_plain = is_plain && chosen[i]->is_plain;
	giving.claims = calloc(count + 1, SMX_WORDS_SUFFIXES_MAX * sizeof(*giving.claims));
	ok = giving.claims &&
	     smx_table_reserve(&giving.table, (count + 1) * SMX_WORDS_SUFFIXES_MAX);
	if (ok && is_plain)
		ok = give_names(&giving, chosen, count); /* the same for every scraper */
	for (int escaping = 0; ok && !is_plain && escaping < SMX_ESCAPING_COUNT; escaping++) {
		giving.escaping = (smx_escaping)escaping;
		giving.shown = 1u << escaping;
		ok = give_names(&giving, chosen, count);
	}
	smx_table_free(&giving.table);
	free(giving.claims);
	return ok;
}

static bool settle_names(struct smx_merge *merge)
{
	struct smx_family **chosen = calloc(merge->family_count + 1, sizeof(struct smx_family *));
	size_t count = 0;
	bool ok;

	if (!chosen)
		return false;
	for (size_t i = 0; i < merge->family_count; i++) {
		merge->families[i]->shown = 0;
		merge->families[i]->reserved = 0;
		if (merge->families[i]->chosen)
			chosen[count++] = merge->families[i];
	}
	qsort(chosen, count, sizeof(struct smx_family *), by_age);
	ok = settle_chosen(merge, chosen, count);
	free(chosen);
	return ok;
}

bool smx_merge_choose(struct smx_merge *merge)
{
	if (merge->unsorted) {
		qsort(merge->families, merge->family_count, sizeof(struct smx_family *), by_name);
		merge->unsorted = false;
	}
	for (size_t i = 0; i < merge->family_count;)
		i = choose_definition(merge, i);
	if (!merge->unsettled)
		return true;
	if (!settle_names(merge))
		return false;
	merge->unsettled = false;
	return true;
}
