/* SPDX-License-Identifier: MIT */
/*
 * foresight.c - how long an order will take, by how long the last one like it took
 */
#include "foresight.h"

/* FNV-1a: nobody gains anything by a collision but a wrong guess about a scrape of his own. */
static uint64_t kind_of(const struct order *order)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < order->key.size; i++)
		hash = (hash ^ (unsigned char)order->key.data[i]) * 0x100000001b3u;
	return hash;
}

void foresight_learn(struct foresight *foresight, const struct order *order)
{
	const uint64_t kind = kind_of(order);

	foresight->seen[kind % FORESIGHT_KINDS].kind = kind;
	foresight->seen[kind % FORESIGHT_KINDS].took_ns = order->took_ns;
}

bool foresight_allows(struct foresight *foresight, const struct order *order, uint64_t now_ns,
		      uint64_t deadline_ns)
{
	const uint64_t kind = kind_of(order);
	uint64_t *took_ns = &foresight->seen[kind % FORESIGHT_KINDS].took_ns;

	if (foresight->seen[kind % FORESIGHT_KINDS].kind != kind)
		*took_ns = 0;
	if (deadline_ns == 0 || (now_ns < deadline_ns && *took_ns < deadline_ns - now_ns))
		return true;
	*took_ns -= *took_ns / 8;
	return false;
}
