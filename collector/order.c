/* SPDX-License-Identifier: MIT */
/*
 * order.c - what a scrape asks for, who waits for it, and what came of it
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

/* Names point into the key, which must have its final place. */
static void find_names(struct order *order, size_t first, const smx_text *names)
{
	const char *at = order->key.data + first;

	for (size_t i = 0; i < order->name_count; i++) {
		at += sizeof(names[i].size);
		order->names[i] = (smx_text){at, names[i].size};
		at += names[i].size;
	}
}

struct order *order_create(smx_exposition_type type, bool wants_gzip, const smx_text *names,
			   size_t name_count)
{
	struct order *order = calloc(1, sizeof(*order));
	size_t first;

	if (!order)
		return NULL;
	order->type = type;
	order->wants_gzip = wants_gzip;
	order->name_count = name_count;
	order->names = calloc(name_count + 1, sizeof(smx_text));
	/* Member by member: what is between them is nobody's. */
	smx_buffer_append(&order->key, &type.format, sizeof(type.format));
	smx_buffer_append(&order->key, &type.escaping, sizeof(type.escaping));
	smx_buffer_append(&order->key, &wants_gzip, sizeof(wants_gzip));
	first = order->key.size;
	for (size_t i = 0; i < name_count; i++) {
		smx_buffer_append(&order->key, &names[i].size, sizeof(names[i].size));
		smx_buffer_append(&order->key, names[i].data, names[i].size);
	}
	if (!order->names || order->key.failed) {
		order_destroy(order);
		return NULL;
	}
	find_names(order, first, names);
	return order;
}

void order_destroy(struct order *order)
{
	if (!order)
		return;
	body_put(order->body);
	smx_buffer_free(&order->key);
	free(order->names);
	free(order);
}

bool order_equals(const struct order *order, const struct order *other)
{
	return order->key.size == other->key.size &&
	       memcmp(order->key.data, other->key.data, order->key.size) == 0;
}

uint64_t order_deadline_ns(const struct order *order)
{
	uint64_t last = 0;

	for (const struct ticket *ticket = order->tickets; ticket; ticket = ticket->next) {
		if (ticket->deadline_ns == 0)
			return 0;
		if (ticket->deadline_ns > last)
			last = ticket->deadline_ns;
	}
	return last;
}
