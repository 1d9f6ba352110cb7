/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - what does finding a series cost among 10 and among 1,000,000, and what does making one
 * cost?
 *
 * Three labels, of which one tells the series apart. Among many series two kinds of look-up are
 * measured: always the same ten (the index is in the cache: what is left is its depth), and a
 * random one each time (every step is a cache miss; the reference is one random read of as much
 * memory as the index takes).
 */
#include "harness.h"

#include <shmetrics/shmetrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LABELS = 3, ID_SIZE = 12, FEW = 10, MANY = 1000000, MANY_QUICK = 100000 };

typedef struct looked_up {
	smx_counter_family family;
	const char (*ids)[ID_SIZE];
	const uint32_t *order; /* which to look up, a cycle of order_count */
	size_t order_count;
	size_t next;
} looked_up;

typedef struct memory {
	const char *data;
	size_t size;
	uint64_t state;
} memory;

static const char *const label_names[LABELS] = {"method", "endpoint", "item"};

static smx_counter look_up(smx_counter_family family, const char *id)
{
	const char *const values[LABELS] = {"GET", "/api/v1/items/{item_id}", id};
	return smx_counter_with(family, values);
}

static void loop_look_up(void *context, uint64_t n)
{
	looked_up *l = context;
	while (n--) {
		look_up(l->family, l->ids[l->order[l->next]]);
		if (++l->next == l->order_count)
			l->next = 0;
	}
}

static void loop_random_read(void *context, uint64_t n)
{
	memory *m = context;
	uint64_t state = m->state;
	while (n--) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		/* the next address depends on what was read, as in an index */
		state += (unsigned char)m->data[(state >> 20) % m->size];
	}
	m->state = state;
}

static smx_counter_family define(smx_segment *segment, const char *name)
{
	smx_counter_family family;
	smx_error error;
	smx_definition definition = {.name = name,
				     .help = "Items.",
				     .label_names = label_names,
				     .label_count = LABELS,
				     .series_max = MANY + 1};
	if (smx_counter_define(segment, &definition, &family, &error))
		bench_fail("%s", error.message);
	return family;
}

/* ns a series; no series may have gone to the overflow. */
static double create(smx_counter_family family, const char (*ids)[ID_SIZE], size_t count)
{
	uint64_t begin = bench_now();
	for (size_t i = 0; i < count; i++)
		look_up(family, ids[i]);
	double ns = (double)(bench_now() - begin) / (double)count;
	if (look_up(family, ids[0]).impl == look_up(family, ids[count - 1]).impl)
		bench_fail("the series did not fit");
	return ns;
}

static void shuffle(uint32_t *order, size_t count)
{
	srandom(1);
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)random() % i;
		uint32_t other = order[j];
		order[j] = order[i - 1];
		order[i - 1] = other;
	}
}

int main(void)
{
	size_t many = bench_is_quick() ? MANY_QUICK : MANY;
	smx_segment_options options = {.size_max_bytes = UINT64_C(2) << 30,
				       .series_max = MANY + FEW + 1000,
				       .family_series_max = MANY + 1};
	smx_segment *few_segment, *many_segment;
	smx_error error;
	struct stat status;
	char(*ids)[ID_SIZE] = malloc(many * ID_SIZE);
	uint32_t *order = malloc(many * sizeof(*order));

	bench_pin((size_t)getpid());
	if (!ids || !order)
		bench_fail("no memory");
	for (size_t i = 0; i < many; i++)
		snprintf(ids[i], ID_SIZE, "%zu", i);
	if (smx_segment_open("bench-lookup-few", &options, &few_segment, &error) ||
	    smx_segment_open("bench-lookup-many", &options, &many_segment, &error))
		bench_fail("%s", error.message);

	looked_up few = {define(few_segment, "few"), (const char(*)[ID_SIZE])ids, order, FEW, 0};
	looked_up hot = {define(many_segment, "many"), (const char(*)[ID_SIZE])ids, order, FEW, 0};
	looked_up cold = {hot.family, hot.ids, order, many, 0};
	shuffle(order, many);
	double create_ns = create(hot.family, hot.ids, many);
	for (size_t i = 0; i < FEW; i++)
		look_up(few.family, ids[order[i]]);
	if (stat(smx_segment_path(many_segment), &status))
		bench_fail("%s: %m", smx_segment_path(many_segment));

	memory as_much = {malloc((size_t)status.st_size), (size_t)status.st_size, 1};
	if (!as_much.data)
		bench_fail("no memory");
	memset((char *)as_much.data, 1, as_much.size);
	bench_case cases[] = {
		{"few", loop_look_up, &few, 0, 0},
		{"hot", loop_look_up, &hot, 0, 0},
		{"cold", loop_look_up, &cold, 0, 0},
		{"read", loop_random_read, &as_much, 0, 0},
	};
	bench_side_by_side(cases, 4, bench_is_quick() ? 31 : 101, 500000);

	char name[128];
	bench_emit("look-up among 10 series", cases[0].ns, "ns", BENCH_NO_TARGET, 0);
	snprintf(name, sizeof(name), "look-up among %zu series, the same 10", many);
	bench_emit(name, cases[1].ns, "ns", BENCH_NO_TARGET, 0);
	snprintf(name, sizeof(name), "look-up among %zu series, random", many);
	bench_emit(name, cases[2].ns, "ns", BENCH_NO_TARGET, 0);
	bench_emit("reference: one random read of as much memory", cases[3].ns, "ns",
		   BENCH_NO_TARGET, 0);
	snprintf(name, sizeof(name), "making a series, mean of %zu", many);
	bench_emit(name, create_ns, "ns", BENCH_NO_TARGET, 0);
	bench_emit("bytes of the segment a series", (double)status.st_size / (double)many, "B",
		   BENCH_NO_TARGET, 0);

	free((char *)as_much.data);
	smx_segment_close(many_segment);
	smx_segment_close(few_segment);
	free(order);
	free(ids);
	return 0;
}
