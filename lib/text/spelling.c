/* SPDX-License-Identifier: MIT */
/*
 * spelling.c - families with names beyond the older character set, as one scraper gets them
 *
 * Labels that an escaping makes one and the same, or one of Prometheus' own (`..x` and `__x`), are
 * written by VALUES instead, all of the family: that keeps apart whatever it changes. What it does
 * not change could still have been given such a name on purpose; that family is not fit.
 */
#include "text/spelling.h"

#include "text/buffer.h"
#include "text/words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As it is written, with quotes where it needs them. */
static void append_label(smx_buffer *text, smx_text name, smx_escaping escaping)
{
	bool is_quoted = escaping == SMX_ESCAPING_ALLOW_UTF8 && !smx_words_is_old_name(name, false);

	if (!is_quoted) {
		smx_escape_name(text, name, escaping, false);
		return;
	}
	smx_buffer_append_string(text, "\"");
	smx_words_escaped(text, name);
	smx_buffer_append_string(text, "\"");
}

/* Behind the name. False: no memory. */
static bool write_labels(struct smx_spelling *spelling, const struct smx_family *family,
			 smx_escaping escaping)
{
	const char *at;

	spelling->text.size = spelling->name.size;
	for (size_t i = 0; i < spelling->label_count; i++) {
		size_t before = spelling->text.size;

		append_label(&spelling->text,
			     i < family->label_count ? family->label_names[i] : family->name,
			     escaping);
		spelling->label_names[i].size = spelling->text.size - before;
	}
	if (spelling->text.failed)
		return false;
	spelling->name.data = spelling->text.data;
	at = spelling->text.data + spelling->name.size;
	for (size_t i = 0; i < spelling->label_count; i++) {
		spelling->label_names[i].data = at;
		at += spelling->label_names[i].size;
	}
	return true;
}

static bool same_text(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool labels_are_fit(const struct smx_spelling *spelling, const struct smx_family *family)
{
	static const smx_text pid = {"pid", 3};
	bool adds_pid = family->kind == SMX_GAUGE && smx_mode_shows_each(family->mode);

	for (size_t i = 0; i < spelling->label_count; i++) {
		smx_text name = spelling->label_names[i];

		if (!smx_words_is_label_name(name) || (adds_pid && same_text(name, pid)))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (same_text(name, spelling->label_names[j]))
				return false;
		}
	}
	return true;
}

/*
 * The suffix that is part of a family's name is escaped with it, as by Prometheus' own libraries,
 * so that x.y_total comes back whole: the "_" before it is one of two then.
 */
static bool doubles_underscore(const struct smx_family *family, smx_escaping escaping)
{
	return (family->kind == SMX_COUNTER || family->kind == SMX_INFO) &&
	       (escaping == SMX_ESCAPING_DOTS || escaping == SMX_ESCAPING_VALUES) &&
	       !smx_words_is_metric_name(family->name);
}

/* Of a state set as its own label is written, which OpenMetrics knows it by. */
static void write_name(struct smx_spelling *spelling, const struct smx_family *family,
		       smx_escaping escaping)
{
	spelling->text.size = 0;
	if (spelling->is_quoted)
		smx_words_escaped(&spelling->text, family->name);
	else
		smx_escape_name(&spelling->text, family->name, escaping,
				family->kind != SMX_STATE_SET);
	if (doubles_underscore(family, escaping))
		smx_buffer_append_string(&spelling->text, "_");
	spelling->name.size = spelling->text.size;
}

static bool write_names(struct smx_spelling *spelling, const struct smx_family *family,
			smx_escaping escaping)
{
	spelling->is_quoted =
		escaping == SMX_ESCAPING_ALLOW_UTF8 && !smx_words_is_metric_name(family->name);
	spelling->label_count = family->label_count + (family->kind == SMX_STATE_SET);
	spelling->label_names = calloc(spelling->label_count + 1, sizeof(smx_text));
	if (!spelling->label_names)
		return false;
	write_name(spelling, family, escaping);
	if (!write_labels(spelling, family, escaping))
		return false;
	/* Names that are all different stay so between quotes. */
	spelling->is_fit = escaping == SMX_ESCAPING_ALLOW_UTF8 || labels_are_fit(spelling, family);
	if (spelling->is_fit)
		return true;
	if (family->kind == SMX_STATE_SET)
		write_name(spelling, family, SMX_ESCAPING_VALUES);
	if (!write_labels(spelling, family, SMX_ESCAPING_VALUES))
		return false;
	spelling->is_fit = labels_are_fit(spelling, family);
	return true;
}

/* `x_total`, or `{"x.y_total"` */
static void write_head(struct smx_spelling *spelling, smx_kind kind)
{
	smx_buffer_append_string(&spelling->head, spelling->is_quoted ? "{\"" : "");
	smx_buffer_append(&spelling->head, spelling->name.data, spelling->name.size);
	smx_buffer_append_string(&spelling->head, smx_words_sample_suffix(kind));
	smx_buffer_append_string(&spelling->head, spelling->is_quoted ? "\"" : "");
}

/* Of a state set: its own label in each state. */
static bool write_tails(struct smx_spelling *spelling, const struct smx_family *family)
{
	const smx_family_view *view = family->sources->view;

	if (family->kind != SMX_STATE_SET)
		return true;
	spelling->tail_ends = calloc(family->tail_count, sizeof(size_t));
	if (!spelling->tail_ends)
		return false;
	for (size_t i = 0; i < family->tail_count; i++) {
		smx_words_label(&spelling->tails, ",", spelling->label_names[family->label_count],
				view->states[i]);
		smx_buffer_append_string(&spelling->tails, "} ");
		spelling->tail_ends[i] = spelling->tails.size;
	}
	return !spelling->tails.failed;
}

bool smx_spelling_make(struct smx_family *family, smx_escaping escaping)
{
	struct smx_spelling *spelling;

	if (family->is_plain || family->spellings[escaping])
		return true;
	spelling = calloc(1, sizeof(*spelling));
	if (!spelling)
		return false;
	if (write_names(spelling, family, escaping) && write_tails(spelling, family)) {
		write_head(spelling, family->kind);
		if (!spelling->head.failed) {
			family->spellings[escaping] = spelling;
			return true;
		}
	}
	smx_spelling_free(spelling);
	return false;
}

void smx_spelling_free(struct smx_spelling *spelling)
{
	if (!spelling)
		return;
	smx_buffer_free(&spelling->text);
	smx_buffer_free(&spelling->head);
	smx_buffer_free(&spelling->tails);
	free(spelling->tail_ends);
	free(spelling->label_names);
	free(spelling);
}

struct smx_family smx_spelling_apply(const struct smx_family *family, smx_escaping escaping)
{
	const struct smx_spelling *spelling = family->spellings[escaping];
	struct smx_family copy = *family;

	copy.name = spelling->name;
	copy.label_names = spelling->label_names;
	copy.head = spelling->head;
	copy.is_quoted = spelling->is_quoted;
	copy.is_respelled = true;
	copy.pairs = NULL;
	if (spelling->tail_ends) {
		copy.tails = spelling->tails;
		copy.tail_ends = spelling->tail_ends;
	}
	return copy;
}

const struct smx_series *smx_spelling_series(const struct smx_family *copy,
					     const struct smx_series *series, smx_buffer *scratch)
{
	const char *before = copy->is_quoted ? "," : "{";
	struct smx_series respelled = *series;
	size_t labels_at;

	scratch->size = 0;
	smx_buffer_append(scratch, &respelled, offsetof(struct smx_series, text));
	smx_buffer_append(scratch, copy->head.data, copy->head.size);
	labels_at = scratch->size;
	for (size_t i = 0; i < copy->label_count; i++) {
		smx_text value = series->first.view->label_values[i];

		if (value.size == 0)
			continue;
		smx_words_label(scratch, before, copy->label_names[i], value);
		before = ",";
	}
	respelled.labels_size = (uint32_t)(scratch->size - labels_at);
	if (smx_family_has_one_sample(copy))
		smx_buffer_append_string(scratch, *before == ',' ? "} " : " ");
	if (scratch->failed)
		return NULL;
	respelled.text_size = (uint32_t)(scratch->size - offsetof(struct smx_series, text));
	memcpy(scratch->data, &respelled, offsetof(struct smx_series, text));
	return (const struct smx_series *)(const void *)scratch->data;
}
