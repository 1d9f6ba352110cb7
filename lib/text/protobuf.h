/* SPDX-License-Identifier: MIT */
/*
 * protobuf.h - delimited protocol buffers: a MetricFamily of Prometheus' client model for each
 * family, behind its length
 */
#ifndef SMX_TEXT_PROTOBUF_H
#define SMX_TEXT_PROTOBUF_H

#include "text/pairs.h"
#include "text/render.h"

/* smx_pairs_update comes before it. */
void smx_protobuf_render_family(const struct smx_rendering *rendering,
				const struct smx_family *family, smx_text help);

/*
 * protobuf_native.c: what a Histogram has more if it is native. counts: of its native buckets;
 * their sum is no more than an int64_t holds.
 */
void smx_protobuf_append_native(smx_buffer *buffer, const smx_native_view *native,
				const uint64_t *counts);

/*
 * A family that lives in no segment. What begins it leaves this much room for its length, and
 * appends nothing else than the family.
 */
#define SMX_PROTOBUF_LENGTH_ROOM 2u
void smx_protobuf_begin_family(smx_buffer *buffer, smx_kind kind, smx_text name, smx_text help);
/* start: the size of the buffer when it was begun. */
void smx_protobuf_end_family(smx_buffer *buffer, size_t start);

/* One Metric of a counter, of a gauge or what is one here, or untyped. */
void smx_protobuf_append_sample(smx_buffer *buffer, smx_kind kind, const char *const *label_names,
				const char *const *label_values, size_t label_count, double value);

#endif
