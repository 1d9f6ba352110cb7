/* SPDX-License-Identifier: MIT */
/*
 * renderer.c - renders the segment that this process writes to
 *
 * What never changes of a series is found and made into text once, at the first scrape that this
 * process answers: attaching to 10,000 series takes some ten times as long as rendering them. It is
 * kept until the next, some 300 bytes a series, in a place for one. Who renders takes it out by an
 * exchange and puts it back by another: there is no lock that a fork could leave held. Who finds
 * the place empty makes another for itself, and frees it if the place is taken afterwards. A child
 * that was forked meanwhile starts with an empty place.
 */
#include "renderer.h"

#include <stdlib.h>

#include "shmetrics/reader.h"

struct renderer {
	smx_reader *reader;
	smx_exposition *exposition;
};

static void destroy(struct renderer *renderer)
{
	if (!renderer)
		return;
	smx_exposition_destroy(renderer->exposition);
	smx_reader_close(renderer->reader);
	free(renderer);
}

/* It has walked once. */
static struct renderer *make(smx_segment *segment, smx_error *error)
{
	struct renderer *renderer = calloc(1, sizeof(*renderer));

	if (!renderer) {
		*error = (smx_error){.status = SMX_ERR_NO_MEMORY, .message = "no memory"};
		return NULL;
	}
	if (smx_reader_open_segment(segment, &renderer->reader, error) == SMX_OK &&
	    smx_exposition_create(&renderer->exposition, error) == SMX_OK &&
	    smx_exposition_add(renderer->exposition, renderer->reader, error) == SMX_OK)
		return renderer;
	destroy(renderer);
	return NULL;
}

/* As of now; NULL: *error says why. */
static struct renderer *take(renderer_place *place, smx_segment *segment, smx_error *error)
{
	struct renderer *renderer = atomic_exchange(place, NULL);

	if (!renderer)
		return make(segment, error);
	if (smx_reader_walk(renderer->reader, error) == SMX_OK)
		return renderer;
	destroy(renderer);
	return NULL;
}

static smx_status render(struct renderer *renderer, const struct rendering *wanted,
			 smx_buffer *buffer, smx_error *error)
{
	static const smx_text nobody = {"", 0};
	const bool is_none = wanted->has_names && wanted->name_count == 0;
	smx_status status;

	smx_exposition_set_created(renderer->exposition, wanted->created);
	status = smx_exposition_render(renderer->exposition, wanted->type,
				       is_none ? &nobody : wanted->names,
				       is_none ? 1 : wanted->name_count, buffer, error);
	for (size_t i = 0; status == SMX_OK && i < wanted->other_count; i++)
		wanted->taken[i] = smx_exposition_has_name(
			renderer->exposition, wanted->type.escaping, wanted->others[i]);
	return status;
}

smx_status renderer_render(renderer_place *place, smx_segment *segment,
			   const struct rendering *wanted, smx_buffer *buffer, smx_error *error)
{
	smx_status status = SMX_OK;

	if (!wanted->has_names || wanted->name_count != 0 || wanted->other_count != 0) {
		struct renderer *renderer = take(place, segment, error);

		if (!renderer)
			return error->status;
		status = render(renderer, wanted, buffer, error);
		destroy(atomic_exchange(place, renderer));
	}
	smx_emit_end(buffer, wanted->type);
	return status;
}

void renderer_free(renderer_place *place)
{
	destroy(atomic_exchange(place, NULL));
}
