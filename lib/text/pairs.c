/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - the labels of series as protocol buffers have them
 */
#include "text/pairs.h"

#include "text/metrics_proto.h"
#include "text/wire.h"

#include <stdlib.h>

void smx_pairs_append(smx_buffer *buffer, smx_text name, smx_text value)
{
	unsigned char length = 1;
	struct smx_wire_message pair = smx_wire_begin(buffer, METRIC_LABEL, &length);

	smx_wire_append_text(buffer, PAIR_NAME, name);
	smx_wire_append_text(buffer, PAIR_VALUE, value);
	smx_wire_end(buffer, pair);
}

/* As the text of the series has them: an empty label is an absent one. */
static void append_labels(smx_buffer *buffer, const struct smx_family *family,
			  const struct smx_series *series)
{
	for (size_t i = 0; i < family->label_count; i++) {
		if (series->first.view->label_values[i].size != 0)
			smx_pairs_append(buffer, family->label_names[i],
					 series->first.view->label_values[i]);
	}
}

bool smx_pairs_update(struct smx_family *family)
{
	struct smx_pairs *pairs = family->pairs;

	if (!pairs) {
		family->pairs = pairs = calloc(1, sizeof(*pairs));
		if (!pairs)
			return false;
		pairs->lengths = (struct smx_message_lengths){1, 1, 1, 1, 1};
	}
	for (; pairs->count < family->series_count; pairs->count++) {
		size_t size = pairs->bytes.size;
		size_t *ends =
			smx_array_grow(pairs->ends, pairs->count, &pairs->capacity, sizeof(size_t));

		if (!ends)
			return false;
		pairs->ends = ends;
		append_labels(&pairs->bytes, family, family->series[pairs->count]);
		if (pairs->bytes.failed) {
			pairs->bytes.failed = false;
			pairs->bytes.size = size;
			return false;
		}
		ends[pairs->count] = pairs->bytes.size;
	}
	return true;
}

void smx_pairs_free(struct smx_family *family)
{
	if (!family->pairs)
		return;
	smx_buffer_free(&family->pairs->bytes);
	free(family->pairs->ends);
	free(family->pairs);
	family->pairs = NULL;
}
