/* SPDX-License-Identifier: MIT */
/*
 * body.c - the bytes of an answer: shared by those who are sent the same, counted while held
 */
#include "body.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "refcount.h"

struct body {
	struct refcount references;
	enum body_kind kind;
	smx_buffer bytes;
};

/* Far more than one page of them; many readers of it share one. */
#define OWN_BYTES_MAX ((size_t)16 << 20)

static struct budget {
	size_t limit_bytes; /* 0: none */
	atomic_size_t held_bytes;
} budgets[BODY_KINDS] = {[BODY_OWN] = {.limit_bytes = OWN_BYTES_MAX}};

void body_set_limit(size_t bytes)
{
	budgets[BODY_SEGMENTS].limit_bytes = bytes;
}

size_t body_held_bytes(void)
{
	size_t held = 0;

	for (size_t i = 0; i < BODY_KINDS; i++)
		held += atomic_load(&budgets[i].held_bytes);
	return held;
}

bool body_has_room(enum body_kind kind)
{
	const struct budget *budget = &budgets[kind];

	return budget->limit_bytes == 0 || atomic_load(&budget->held_bytes) < budget->limit_bytes;
}

/* False: it would be too much, and is not the only one. */
static bool hold(struct budget *budget, size_t size)
{
	const size_t limit = budget->limit_bytes;
	size_t held = atomic_load(&budget->held_bytes);

	do {
		if (limit != 0 && held != 0 && (held >= limit || size > limit - held))
			return false;
	} while (!atomic_compare_exchange_weak(&budget->held_bytes, &held, held + size));
	return true;
}

struct body *body_create(smx_buffer *bytes, enum body_kind kind)
{
	struct body *body = malloc(sizeof(*body));

	/* What is held is what was allocated, not what is used of it. */
	if (!body || !hold(&budgets[kind], bytes->capacity)) {
		smx_buffer_free(bytes);
		free(body);
		return NULL;
	}
	refcount_init(&body->references);
	body->kind = kind;
	body->bytes = *bytes;
	*bytes = (smx_buffer){0};
	return body;
}

struct body *body_get(struct body *body)
{
	refcount_take(&body->references);
	return body;
}

static void release(struct body *body)
{
	atomic_fetch_sub(&budgets[body->kind].held_bytes, body->bytes.capacity);
	smx_buffer_free(&body->bytes);
	free(body);
}

void body_put(struct body *body)
{
	if (body && refcount_drop(&body->references))
		release(body);
}

void *body_data(const struct body *body)
{
	return body->bytes.data;
}

size_t body_size(const struct body *body)
{
	return body->bytes.size;
}
