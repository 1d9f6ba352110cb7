/* SPDX-License-Identifier: MIT */
/*
 * body.c - the bytes of an answer: shared by those who are sent the same, counted while held
 */
#include "body.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <urcu/ref.h>

struct body {
	struct urcu_ref references;
	smx_buffer bytes;
};

static size_t limit_bytes;
static atomic_size_t held_bytes;

void body_set_limit(size_t bytes)
{
	limit_bytes = bytes;
}

size_t body_held_bytes(void)
{
	return atomic_load(&held_bytes);
}

bool body_has_room(void)
{
	return limit_bytes == 0 || body_held_bytes() < limit_bytes;
}

/* False: it would be too much, and is not the only one. */
static bool hold(size_t size)
{
	size_t held = atomic_load(&held_bytes);

	do {
		if (limit_bytes != 0 && held != 0 &&
		    (held >= limit_bytes || size > limit_bytes - held))
			return false;
	} while (!atomic_compare_exchange_weak(&held_bytes, &held, held + size));
	return true;
}

struct body *body_create(smx_buffer *bytes)
{
	struct body *body = malloc(sizeof(*body));

	/* What is held is what was allocated, not what is used of it. */
	if (!body || !hold(bytes->capacity)) {
		smx_buffer_free(bytes);
		free(body);
		return NULL;
	}
	urcu_ref_init(&body->references);
	body->bytes = *bytes;
	*bytes = (smx_buffer){0};
	return body;
}

struct body *body_get(struct body *body)
{
	urcu_ref_get(&body->references);
	return body;
}

static void release(struct urcu_ref *references)
{
	struct body *body = caa_container_of(references, struct body, references);

	atomic_fetch_sub(&held_bytes, body->bytes.capacity);
	smx_buffer_free(&body->bytes);
	free(body);
}

void body_put(struct body *body)
{
	if (body)
		urcu_ref_put(&body->references, release);
}

void *body_data(const struct body *body)
{
	return body->bytes.data;
}

size_t body_size(const struct body *body)
{
	return body->bytes.size;
}
