/* SPDX-License-Identifier: MIT */
/*
 * render.h - the lines of a family
 */
#ifndef SMX_TEXT_RENDER_H
#define SMX_TEXT_RENDER_H

#include "text/format.h"
#include "text/merge.h"

/* What a rendering is for, and room for what a reader tells of one series. */
struct smx_rendering {
	const struct smx_text_format *format;
	smx_buffer *buffer;
	smx_escaping escaping;
	bool created;			/* serve _created, where the format has it */
	uint64_t *counts, *part_counts; /* of the largest histogram */
	smx_gauge_sample *samples;	/* of the reader with most writers */
	smx_buffer *scratch;		/* for series that are respelled */
};

void smx_render_family(const struct smx_rendering *rendering, const struct smx_family *family,
		       smx_text help);

/*
 * Whether it can be served. One with a value that is no UTF-8 cannot: what stands for the bytes
 * would be more than the 128 characters there may be.
 */
bool smx_render_is_exemplar_fit(const smx_exemplar_view *exemplar);
/* The exemplar that is served of a counter (bucket 0) or a bucket, if there is one. */
bool smx_render_finds_exemplar(const struct smx_series *series, size_t bucket,
			       smx_exemplar_view *exemplar);

/* Parts of a line: ` # {trace_id="a"} 0.5 1700000000.125` */
void smx_render_append_exemplar(smx_buffer *buffer, const smx_exemplar_view *exemplar);
/* ` st@1700000000.125`, or nothing where the time is not known */
void smx_render_append_start(smx_buffer *buffer, const struct smx_series *series);
/* `x{a="b"} `: the name of the family, and the labels */
void smx_render_append_head(smx_buffer *buffer, const struct smx_family *family,
			    const struct smx_series *series);

#endif
