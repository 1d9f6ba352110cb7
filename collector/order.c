/* SPDX-License-Identifier: MIT */
/*
 * order.c - what a scrape asks for, who waits for it, and what came of it
 */
#include "order.h"

#include <stdlib.h>
#include <string.h>

static void append_text(smx_buffer *key, smx_text text)
{
	smx_buffer_append(key, &text.size, sizeof(text.size));
	smx_buffer_append(key, text.data, text.size);
}

/* Member by member: what is between them is nobody's. */
static void append_wish(smx_buffer *key, const struct scrape_wish *wish, bool wants_gzip)
{
	const char *segment = wish->segment ? wish->segment : "";

	smx_buffer_append(key, segment, strlen(segment) + 1);
	smx_buffer_append(key, &wish->type.format, sizeof(wish->type.format));
	smx_buffer_append(key, &wish->type.escaping, sizeof(wish->type.escaping));
	smx_buffer_append(key, &wish->part, sizeof(wish->part));
	smx_buffer_append(key, &wants_gzip, sizeof(wants_gzip));
}

struct order *order_create(const struct scrape_wish *wish, bool wants_gzip)
{
	struct order *order = calloc(1, sizeof(*order));
	const char *at;
	size_t first;

	if (!order)
		return NULL;
	order->names = calloc(wish->name_count + 1, sizeof(smx_text));
	append_wish(&order->key, wish, wants_gzip);
	first = order->key.size;
	for (size_t i = 0; i < wish->name_count; i++)
		append_text(&order->key, wish->names[i]);
	if (!order->names || order->key.failed) {
		order_destroy(order);
		return NULL;
	}
	order->wish = *wish;
	order->wants_gzip = wants_gzip;
	order->wish.segment = order->key.data;
	order->wish.names = order->names;
	at = order->key.data + first;
	for (size_t i = 0; i < wish->name_count; i++) {
		order->names[i] = (smx_text){at + sizeof(size_t), wish->names[i].size};
		at += sizeof(size_t) + wish->names[i].size;
	}
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
