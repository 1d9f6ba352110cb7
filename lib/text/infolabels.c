/* SPDX-License-Identifier: MIT */
/*
 * infolabels.c - the labels of an info, which are values and have names of any kind
 *
 * Names that two labels would come to share by the escaping go to the family's own label, then to a
 * label that has the name as it is, then to the first; the others are written by VALUES, and left
 * out where even that name is taken.
 */
#include "text/infolabels.h"

#include "text/buffer.h"
#include "text/words.h"

#include <string.h>

struct spelled {
	const struct smx_family *family;
	smx_buffer *names; /* moves while it grows, so what is in it is known by its place */
	struct place {
		size_t start, size; /* size 0: the label is not served */
	} places[SMX_INFOLABELS_MAX];
	size_t count;
};

static bool same_text(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* Until something is written behind it. */
static smx_text name_at(const struct spelled *spelled, struct place place)
{
	return (smx_text){spelled->names->data + place.start, place.size};
}

static bool is_taken(const struct spelled *spelled, smx_text name)
{
	for (size_t i = 0; i < spelled->family->label_count; i++) {
		if (same_text(spelled->family->label_names[i], name))
			return true;
	}
	for (size_t i = 0; i < spelled->count; i++) {
		if (spelled->places[i].size != 0 &&
		    same_text(name_at(spelled, spelled->places[i]), name))
			return true;
	}
	return false;
}

static struct place write_name(smx_buffer *names, smx_text name, smx_escaping escaping,
			       bool is_quoted)
{
	size_t start = names->size;

	if (is_quoted && escaping == SMX_ESCAPING_ALLOW_UTF8 &&
	    !smx_words_is_old_name(name, false)) {
		smx_buffer_append_string(names, "\"");
		smx_words_escaped(names, name);
		smx_buffer_append_string(names, "\"");
	} else {
		smx_escape_name(names, name, escaping, false);
	}
	return (struct place){start, names->failed ? 0 : names->size - start};
}

static bool is_fit(const smx_label *label)
{
	return label->value.size != 0 && smx_words_is_name(label->name) &&
	       !smx_words_is_reserved(label->name);
}

static bool is_free(const struct spelled *spelled, struct place place, smx_escaping escaping)
{
	smx_text name;

	if (place.size == 0)
		return false;
	name = name_at(spelled, place);
	return (escaping == SMX_ESCAPING_ALLOW_UTF8 || smx_words_is_label_name(name)) &&
	       !is_taken(spelled, name);
}

static struct place spell_one(const struct spelled *spelled, smx_text name, smx_escaping escaping,
			      bool is_quoted)
{
	struct place place = write_name(spelled->names, name, escaping, is_quoted);

	if (is_free(spelled, place, escaping))
		return place;
	place = write_name(spelled->names, name, SMX_ESCAPING_VALUES, false);
	return is_free(spelled, place, SMX_ESCAPING_VALUES) ? place : (struct place){0, 0};
}

size_t smx_infolabels_spell(const struct smx_family *family, smx_escaping escaping, bool is_quoted,
			    const smx_label *given, size_t count, smx_label *labels,
			    smx_buffer *names)
{
	struct spelled spelled = {.family = family, .names = names};
	size_t kept = 0;

	spelled.count = count < SMX_INFOLABELS_MAX ? count : SMX_INFOLABELS_MAX;
	names->size = 0;
	for (int old = 1; old >= 0; old--) {
		for (size_t i = 0; i < spelled.count; i++) {
			if (smx_words_is_old_name(given[i].name, false) == old && is_fit(&given[i]))
				spelled.places[i] =
					spell_one(&spelled, given[i].name, escaping, is_quoted);
		}
	}
	for (size_t i = 0; i < spelled.count && !names->failed; i++) {
		if (spelled.places[i].size != 0)
			labels[kept++] =
				(smx_label){name_at(&spelled, spelled.places[i]), given[i].value};
	}
	return kept;
}
