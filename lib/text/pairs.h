/* SPDX-License-Identifier: MIT */
/*
 * pairs.h - the labels of series as protocol buffers have them: encoded once, when first asked for
 *
 * Of each series' identity the text formats have the text (merge.h); this is the same for
 * protobuf. A family that is never rendered in protobuf has none of it.
 */
#ifndef SMX_TEXT_PAIRS_H
#define SMX_TEXT_PAIRS_H

#include "text/merge.h"

/* How many bytes the lengths of a family's messages took the last time (wire.h). */
struct smx_message_lengths {
	unsigned char family, metric, value, bucket, exemplar;
};

/* The labels of all series of a family, one series behind the other, in the order of series. */
struct smx_pairs {
	smx_buffer bytes;
	size_t *ends;
	size_t count, capacity; /* of ends */
	struct smx_message_lengths lengths;
};

/* Field 1 of a Metric and of an Exemplar: a LabelPair. */
void smx_pairs_append(smx_buffer *buffer, smx_text name, smx_text value);

/* Takes in the series that are new. False: no memory; what there was before stays usable. */
bool smx_pairs_update(struct smx_family *family);
/* After series have gone or moved. */
void smx_pairs_free(struct smx_family *family);

static inline smx_text smx_pairs_of(const struct smx_family *family, size_t series)
{
	const struct smx_pairs *pairs = family->pairs;
	size_t start = series ? pairs->ends[series - 1] : 0;

	return (smx_text){pairs->bytes.data + start, pairs->ends[series] - start};
}

#endif
