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

/* The most that a byte of a name becomes: "." is "_2e_". */
#define NAME_ROOM(size) (4 * (size) + sizeof("U__"))

struct spelled {
	const struct smx_family *family;
	const smx_label *labels;
	bool is_written[SMX_INFOLABELS_MAX]; /* the label has the name that is served */
	size_t count;
};

static bool same_text(smx_text a, smx_text b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_taken(const struct spelled *spelled, smx_text name)
{
	for (size_t i = 0; i < spelled->family->label_count; i++) {
		if (same_text(spelled->family->label_names[i], name))
			return true;
	}
	for (size_t i = 0; i < spelled->count; i++) {
		if (spelled->is_written[i] && same_text(spelled->labels[i].name, name))
			return true;
	}
	return false;
}

/* There is room, so that what is in `names` already stays where it is. */
static smx_text write_name(smx_buffer *names, smx_text name, smx_escaping escaping, bool is_quoted)
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
	return (smx_text){names->data + start, names->size - start};
}

static bool is_fit(const smx_label *label)
{
	return label->value.size != 0 && smx_words_is_name(label->name) &&
	       !smx_words_is_reserved(label->name);
}

static bool is_free(const struct spelled *spelled, smx_text name, smx_escaping escaping)
{
	return (escaping == SMX_ESCAPING_ALLOW_UTF8 || smx_words_is_label_name(name)) &&
	       !is_taken(spelled, name);
}

static void spell_one(struct spelled *spelled, size_t index, smx_escaping escaping, bool is_quoted,
		      smx_label *label, smx_buffer *names)
{
	smx_text name = write_name(names, label->name, escaping, is_quoted);

	if (!is_free(spelled, name, escaping)) {
		name = write_name(names, label->name, SMX_ESCAPING_VALUES, false);
		if (!is_free(spelled, name, SMX_ESCAPING_VALUES))
			return;
	}
	label->name = name;
	spelled->is_written[index] = true;
}

size_t smx_infolabels_spell(const struct smx_family *family, smx_escaping escaping, bool is_quoted,
			    const smx_label *given, size_t count, smx_label *labels,
			    smx_buffer *names)
{
	struct spelled spelled = {.family = family, .labels = labels};
	bool is_old[SMX_INFOLABELS_MAX];
	size_t room = 0, kept = 0;

	spelled.count = count < SMX_INFOLABELS_MAX ? count : SMX_INFOLABELS_MAX;
	for (size_t i = 0; i < spelled.count; i++) {
		labels[i] = given[i];
		is_old[i] = smx_words_is_old_name(given[i].name, false);
		room += 2 * NAME_ROOM(given[i].name.size);
	}
	names->size = 0;
	if (!smx_buffer_reserve(names, room + 1))
		return 0;
	for (int old = 1; old >= 0; old--) {
		for (size_t i = 0; i < spelled.count; i++) {
			if (is_old[i] == old && is_fit(&labels[i]))
				spell_one(&spelled, i, escaping, is_quoted, &labels[i], names);
		}
	}
	for (size_t i = 0; i < spelled.count; i++) {
		if (spelled.is_written[i])
			labels[kept++] = labels[i];
	}
	return kept;
}
