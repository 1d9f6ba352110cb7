/* SPDX-License-Identifier: MIT */
/*
 * choice.c - which families are shown: one definition a name, one family a sample name
 *
 * Two definitions of one name cannot both be served, nor can a histogram x and a gauge x_count: a
 * Prometheus keeps either of two equal samples without a word. Of a name the definition with more
 * live writers is chosen, then the one created later. Among the chosen, sample names go to whoever
 * was created first: it has been scraped for longer.
 */
#include "text/buffer.h"
#include "text/merge.h"
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
	const struct smx_family *family;
	const char *suffix;
};

static bool claim_is(const void *item, const void *key, size_t key_size)
{
	const struct claim *claim = item;
	size_t size = claim->family->name.size;

	return size + strlen(claim->suffix) == key_size &&
	       memcmp(key, claim->family->name.data, size) == 0 &&
	       memcmp((const char *)key + size, claim->suffix, key_size - size) == 0;
}

/*
 * Takes the family's sample names if all of them are free. claims: room for
 * SMX_WORDS_SUFFIXES_MAX; *taken tells how many were used. False: no memory.
 */
static bool claim_names(struct smx_merge *merge, struct smx_table *table, struct smx_family *family,
			struct claim *claims, size_t *taken)
{
	const char *const *suffixes = smx_words_suffixes(family->kind);
	uint64_t hashes[SMX_WORDS_SUFFIXES_MAX];
	smx_buffer *name = &merge->scratch;
	size_t count = 0;

	*taken = 0;
	family->shown = false;
	for (; suffixes[count]; count++) {
		name->size = 0;
		smx_buffer_append(name, family->name.data, family->name.size);
		smx_buffer_append_string(name, suffixes[count]);
		if (name->failed) {
			smx_buffer_free(name);
			return false;
		}
		hashes[count] = smx_table_hash(merge->seed, name->data, name->size);
		if (smx_table_find(table, hashes[count], claim_is, name->data, name->size))
			return true;
	}
	for (size_t i = 0; i < count; i++) {
		claims[i] = (struct claim){family, suffixes[i]};
		smx_table_insert(table, hashes[i], &claims[i]);
	}
	*taken = count;
	family->shown = true;
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

static bool settle_names(struct smx_merge *merge)
{
	struct smx_table table = {0};
	struct smx_family **chosen = calloc(merge->family_count + 1, sizeof(struct smx_family *));
	struct claim *claims =
		calloc(merge->family_count + 1, SMX_WORDS_SUFFIXES_MAX * sizeof(*claims));
	size_t count = 0, taken, used = 0;
	bool ok = false;

	if (!chosen || !claims ||
	    !smx_table_reserve(&table, merge->family_count * SMX_WORDS_SUFFIXES_MAX))
		goto out;
	for (size_t i = 0; i < merge->family_count; i++) {
		merge->families[i]->shown = false;
		if (merge->families[i]->chosen)
			chosen[count++] = merge->families[i];
	}
	qsort(chosen, count, sizeof(struct smx_family *), by_age);
	for (size_t i = 0; i < count; i++, used += taken) {
		if (!claim_names(merge, &table, chosen[i], &claims[used], &taken))
			goto out;
	}
	ok = true;
out:
	smx_table_free(&table);
	free(claims);
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
