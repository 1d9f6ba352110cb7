/* SPDX-License-Identifier: MIT */
/*
 * renderer.h - renders the segment that this process writes to
 */
#ifndef SHMETRICS_PYTHON_RENDERER_H
#define SHMETRICS_PYTHON_RENDERER_H

#include <stdatomic.h>

#include "core.h"
#include "shmetrics/exposition.h"

/* A reader and its exposition. */
struct renderer;

/* A place for one that nobody uses now; NULL: none is there. */
typedef _Atomic(struct renderer *) renderer_place;

struct rendering {
	smx_exposition_type type;
	bool created;
	const smx_text *names;
	size_t name_count;
	bool has_names; /* without any: nothing is asked for */
	/* Sample names that somebody else would serve behind it; taken: which of them are there. */
	const smx_text *others;
	bool *taken;
	size_t other_count;
};

/* Appends a whole exposition. Without the GIL; any number of threads at once. */
smx_status renderer_render(renderer_place *place, smx_segment *segment,
			   const struct rendering *wanted, smx_buffer *buffer, smx_error *error);
/* Frees what is in the place. Before the segment is closed. */
void renderer_free(renderer_place *place);

#endif
