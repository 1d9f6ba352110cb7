/* SPDX-License-Identifier: MIT */
/*
 * info.c - infos: labels that describe something, set as a whole
 *
 * A label set is an interned text. Setting it is one compare-and-swap of the series' word: whoever
 * looks sees the old set or the new one, and who is killed before leaves the old one.
 */
#include "error.h"
#include "intern.h"
#include "labels.h"
#include "names.h"
#include "series.h"

#include <stdlib.h>

smx_status smx_info_define(smx_segment *segment, const smx_definition *definition,
			   smx_info_family *family, smx_error *error)
{
	struct smx_family_form form = {.kind = SMX_INFO};

	return smx_family_define(segment, definition, &form, family ? &family->impl : NULL, error);
}

smx_info smx_info_with(smx_info_family family, const char *const *values)
{
	smx_layout_series *series = smx_series_find_strings(smx_family_of(family.impl), values);

	return (smx_info){(struct smx_series_record *)(void *)series};
}

smx_info smx_info_with_text(smx_info_family family, const smx_text *values)
{
	smx_layout_series *series = smx_series_find(smx_family_of(family.impl), values);

	return (smx_info){(struct smx_series_record *)(void *)series};
}

static int by_name(const void *left, const void *right)
{
	const smx_text *a = &((const smx_label *)left)->name,
		       *b = &((const smx_label *)right)->name;
	int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

static smx_status refuse(smx_error *error, smx_text name, const char *rule)
{
	return smx_fail(error, SMX_ERR_INVALID, 0, "info: label \"%.*s\" %s",
			(int)(name.size < 60 ? name.size : 60), name.data, rule);
}

/* Checks the labels and writes them, which are sorted, as layout.h has them. */
static smx_status encode(const smx_layout_family *family, const smx_label *labels, size_t count,
			 unsigned char *bytes, size_t *size, smx_error *error)
{
	*size = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && by_name(&labels[i - 1], &labels[i]) == 0)
			return refuse(error, labels[i].name, "is given twice");
		if (smx_family_has_label(family, labels[i].name))
			return refuse(error, labels[i].name,
				      "is one of the metric's own label names");
		if (!smx_labels_append_pair(bytes, size, SMX_LAYOUT_INFO_MAX, labels[i]))
			return refuse(error, labels[i].name,
				      "has a value over 1,024 bytes or with a NUL, or all labels "
				      "together have over 4,096 bytes");
	}
	return SMX_OK;
}

static smx_status set(smx_layout_series *series, smx_text text, smx_error *error)
{
	char *base = smx_base_of(&series->record);
	uint64_t offset = smx_intern(smx_segment_at(base), text);
	uint64_t seen = smx_read_acquire(&series->cells_or_gauge);

	if (!offset)
		return smx_fail(error, SMX_ERR_FULL, 0,
				"info: the segment has no room for its labels");
	while (!smx_publish_if(&series->cells_or_gauge, &seen,
			       (seen & ~SMX_LAYOUT_PLACE_MASK) | offset))
		;
	return SMX_OK;
}

smx_status smx_info_set(smx_info info, const smx_label *labels, size_t label_count,
			smx_error *error)
{
	smx_layout_series *series = smx_series_of(info.impl);
	smx_label sorted[SMX_LAYOUT_INFO_LABEL_MAX];
	unsigned char bytes[SMX_LAYOUT_INFO_MAX];
	smx_status status;
	size_t size;

	if (!series) {
		smx_series_unrecorded();
		return SMX_OK;
	}
	if (label_count > SMX_LAYOUT_INFO_LABEL_MAX || (!labels && label_count > 0))
		return smx_fail(error, SMX_ERR_INVALID, 0,
				"info: %zu labels, at most %u are allowed", label_count,
				SMX_LAYOUT_INFO_LABEL_MAX);
	for (size_t i = 0; i < label_count; i++) {
		if (!smx_names_is_label(labels[i].name))
			return refuse(error, labels[i].name,
				      "must be UTF-8, not begin with __, and have 1 to 255 bytes");
		if (smx_names_is_reserved(labels[i].name))
			return refuse(error, labels[i].name,
				      "is reserved for histograms (le) and summaries (quantile)");
		sorted[i] = labels[i];
	}
	qsort(sorted, label_count, sizeof *sorted, by_name);
	status = encode((const smx_layout_family *)(const void *)(smx_base_of(&series->record) +
								  series->family_offset),
			sorted, label_count, bytes, &size, error);
	if (status != SMX_OK)
		return status;
	return set(series, (smx_text){(const char *)bytes, size}, error);
}
