/* SPDX-License-Identifier: MIT */
/*
 * print_exposition.c - prints what is served of random readers, hostile ones among them
 *
 *     print_exposition SEED SCRAPES
 *
 * Each scrape is printed in text 0.0.4, in OpenMetrics 1.0, as hexadecimal digits in protobuf, and
 * in OpenMetrics 2.0, each ended by a line "---". Between them counters grow, series and writers
 * come and go, a reader leaves and comes back. check_expositions.py judges the output.
 */
#include "fake_reader.h"
#include "shmetrics/exposition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS 3
#define FAMILIES_MAX 24
#define SERIES_MAX 12

struct world {
	smx_reader *readers[READERS];
	struct fake_family *families[READERS][FAMILIES_MAX];
	size_t family_counts[READERS];
	smx_exposition *exposition;
};

static uint64_t state;

/* 0 to below - 1 */
static unsigned random_below(unsigned below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)(state * 0x2545f4914f6cdd1d >> 33) % below;
}

static smx_text pick(const smx_text *texts, size_t count)
{
	return texts[random_below((unsigned)count)];
}

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}
#define PICK(texts) pick(texts, sizeof(texts) / sizeof(texts[0]))

/*
 * Few, so that they meet; some collide with samples of others, some by their escaping; some are no
 * names.
 */
static const smx_text names[] = {
	TEXT("a"),	  TEXT("a_total"),  TEXT("a_count"),	   TEXT("a_sum"),
	TEXT("a_bucket"), TEXT("b"),	    TEXT("b_bucket"),	   TEXT("b:c"),
	TEXT("_d"),	  TEXT("e_total"),  TEXT("e_total_total"), TEXT("f"),
	TEXT(""),	  TEXT("1"),	    TEXT("g-h"),	   TEXT("g.h"),
	TEXT("g_h"),	  TEXT("i\nj 1\n"), TEXT("k\0"),	   TEXT("\xff"),
	TEXT("{"),
};

static const smx_text label_names[] = {
	TEXT("x"),	  TEXT("y"),   TEXT("z"),   TEXT("x"),	   TEXT("y"),	TEXT("z"),
	TEXT("u"),	  TEXT("x_y"), TEXT("x.y"), TEXT("le"),	   TEXT("pid"), TEXT("__name__"),
	TEXT("quantile"), TEXT("a b"), TEXT(""),    TEXT("\"=\n"),
};

static const smx_text values[] = {
	TEXT(""),	   TEXT("1"),	       TEXT("2"),
	TEXT("\xff"),	   TEXT("\xfe"),       TEXT("\xef\xbf\xbd"),
	TEXT("\0"),	   TEXT("a\"b\\c\nd"), TEXT("\\"),
	TEXT("\r\n"),	   TEXT("\xe2\x82"),   TEXT("\xf0\x9f\x98\x80"),
	TEXT("_overflow"), TEXT(",z=\"1\""),   TEXT("} 1\n"),
	TEXT(" "),
};

static const smx_text helps[] = {
	TEXT(""),	   TEXT("Plain."),    TEXT("two\nlines"),
	TEXT("\\n \\ \""), TEXT("ends in\r"), TEXT("\xc3"),
	TEXT("\0"),	   TEXT(" "),	      TEXT("\n# TYPE a gauge"),
};

static const smx_text units[] = {
	TEXT(""), TEXT("total"), TEXT("count"), TEXT("b"), TEXT("bytes"), TEXT(" \n"),
};

static const double numbers[] = {
	0,	-0.0,	 1,    0.5,	 0.1,	    1e-7, 1e16, 123456789.125,
	5e-324, 1.7e308, -2.5, INFINITY, -INFINITY, NAN,
};

static double random_number(void)
{
	if (random_below(4) == 0)
		return numbers[random_below(sizeof(numbers) / sizeof(numbers[0]))];
	return random_below(1000000) / 1e3 / (1 + random_below(1000));
}

static void add_bounds(struct fake_family *family)
{
	static const double choices[][3] = {
		{0.1, 1, 1e6}, {1e-5, 2.5, 1e10}, {-1, 0, 1}, {1, 1, 2}, {1, NAN, 2}};
	unsigned choice = random_below(20);

	fake_family_bounds(family, choices[choice < 17 ? choice % 3 : choice - 15],
			   random_below(4));
}

/* Few buckets, so that they fill; with bounds or without. */
static void add_native(struct fake_family *family)
{
	fake_family_native(family, (int)random_below(13) - 4, (int)random_below(40) - 20,
			   2 + random_below(6), random_below(2));
	if (random_below(2))
		add_bounds(family);
}

/* Seldom ones that are not fit. */
static void add_states(struct fake_family *family)
{
	static const char *const choices[] = {"on,off", "a,b\"c,\\", "x", "x,x", ",y"};

	fake_family_states(family, choices[random_below(random_below(4) ? 3 : 5)]);
	family->view.mode = SMX_GAUGE_LIVE_MOST_RECENT;
}

/* As a reader tells of them: valid names, none that a family here has. */
static const smx_label info_labels[] = {
	{TEXT("t"), TEXT("1")},	    {TEXT("version"), TEXT("1.2")}, {TEXT("v:w"), TEXT("x")},
	{TEXT("empty"), TEXT("")},  {TEXT("le"), TEXT("1")},	    {TEXT("bytes"), TEXT("\xff")},
	{TEXT("zone"), TEXT("\n")}, {TEXT("zz"), TEXT("\"")},
};

/* No quotes in them: prometheus_client's parser does not understand their escape in an exemplar. */
static const smx_label exemplar_labels[] = {
	{TEXT("a"), TEXT("1")},	   {TEXT("le"), TEXT("")},	 {TEXT("trace_id"), TEXT("4bf9")},
	{TEXT("b"), TEXT("\\\n")}, {TEXT("c"), TEXT("\xff")},	 {TEXT("d"), TEXT("\xe2\x82\xac")},
	{TEXT("e"), TEXT(",")},	   {TEXT("f"), TEXT("} 1 # {")},
};

/* In the last bucket, which every family has. */
static void add_exemplar(struct fake_series *series)
{
	unsigned first = random_below(8);

	series->exemplars[series->view.family->bound_count] = (struct fake_exemplar){
		.value = 1e11 + random_below(1000),
		.unix_ns = random_below(1u << 30) * UINT64_C(1000000001),
		.labels = &exemplar_labels[first],
		.label_count = random_below(9 - first),
	};
}

static void add_family(struct world *world, unsigned reader)
{
	static const smx_kind kinds[] = {
		SMX_COUNTER,   SMX_COUNTER,	     SMX_GAUGE,	    SMX_GAUGE,
		SMX_SUMMARY,   SMX_HISTOGRAM,	     SMX_HISTOGRAM, SMX_INFO,
		SMX_STATE_SET, SMX_NATIVE_HISTOGRAM, SMX_UNKNOWN,   (smx_kind)99};
	smx_kind kind = kinds[random_below(sizeof(kinds) / sizeof(kinds[0]))];
	smx_text labels[FAKE_LABELS_MAX];
	size_t label_count = random_below(FAKE_LABELS_MAX);
	struct fake_family *family;

	if (world->family_counts[reader] == FAMILIES_MAX)
		return;
	for (size_t i = 0; i < label_count; i++)
		labels[i] = pick(label_names, random_below(4) ? 9 : 16);
	family = fake_family_add_texts(world->readers[reader], kind, PICK(names), labels,
				       label_count);
	family->view.help = PICK(helps);
	family->view.unit = PICK(units);
	family->view.live_writers = random_below(4);
	family->view.mode = (smx_gauge_mode)(1 + random_below(random_below(4) ? 5 : 10));
	if (kind == SMX_HISTOGRAM)
		add_bounds(family);
	if (kind == SMX_NATIVE_HISTOGRAM)
		add_native(family);
	if (kind == SMX_STATE_SET)
		add_states(family);
	world->families[reader][world->family_counts[reader]++] = family;
}

/* Label values as they are in a segment: no two series alike byte for byte. */
static void add_series(struct fake_family *family)
{
	smx_text picked[FAKE_LABELS_MAX];
	struct fake_series *series;

	for (size_t i = 0; i < family->view.label_count; i++)
		picked[i] = PICK(values);
	for (size_t i = 0; i < family->view.series_count; i++) {
		size_t same = 0;

		for (size_t j = 0; j < family->view.label_count; j++)
			same += picked[j].data == family->series[i]->values[j].data;
		if (same == family->view.label_count)
			return;
	}
	series = fake_series_add_texts(family, picked);
	series->view.overflow = random_below(5) == 0;
	series->view.created_unix_ns = random_below(1u << 30) * UINT64_C(1000000001);
}

/* What is counted in a bucket with bounds is counted in a native one, too, if there are any. */
static void observe(struct fake_series *series, size_t bucket, unsigned count)
{
	const size_t native_count = series->view.family->native.count;

	series->counts[bucket] += count;
	if (native_count != 0)
		series->native_counts[random_below((unsigned)native_count)] += count;
}

static void grow_family(smx_reader *reader, struct fake_family *family)
{
	size_t writers = smx_reader_writer_count(reader);
	unsigned first_label;

	if (family->view.series_count < SERIES_MAX)
		add_series(family);
	for (size_t i = 0; i < family->view.series_count; i++) {
		struct fake_series *series = family->series[i];

		series->view.removed = random_below(16) == 0;
		series->counter.whole += random_below(3);
		series->counter.fraction += random_below(4) ? 0 : random_below(100) / 8.0;
		for (size_t j = 0; j <= family->view.bound_count; j++)
			observe(series, j, random_below(3));
		series->sum += random_below(100) / 7.0;
		for (uint32_t j = 0; j < writers; j++)
			fake_gauge_set(series, j,
				       family->view.kind == SMX_STATE_SET
					       ? random_below((unsigned)family->view.state_count)
					       : random_number(),
				       random_below(50));
		first_label = random_below(8);
		series->info = &info_labels[first_label];
		series->info_count = random_below(9 - first_label);
		if (random_below(2) && series->counts[family->view.bound_count] != 0)
			add_exemplar(series);
	}
	if (random_below(8) == 0)
		family->view.help = PICK(helps);
}

static void change_writers(smx_reader *reader, uint64_t generation)
{
	if (random_below(3) == 0)
		fake_writers_clear(reader);
	for (uint32_t slot = (uint32_t)smx_reader_writer_count(reader); slot < 1 + random_below(6);
	     slot++)
		fake_writer_add(reader, slot, generation, 1 + random_below(4));
}

static void change(struct world *world, uint64_t scrape)
{
	for (unsigned i = 0; i < READERS; i++) {
		change_writers(world->readers[i], scrape);
		for (unsigned j = scrape == 0 ? FAMILIES_MAX / 2 : random_below(3); j > 0; j--)
			add_family(world, i);
		for (size_t j = 0; j < world->family_counts[i]; j++) {
			struct fake_family *family = world->families[i][j];

			grow_family(world->readers[i], family);
			if (random_below(10) == 0)
				family->view.served = !family->view.served;
			if (random_below(10) == 0)
				family->view.live_writers = random_below(4);
		}
	}
	if (random_below(3) == 0) {
		smx_reader *reader = world->readers[random_below(READERS)];

		smx_exposition_remove(world->exposition, reader);
		if (random_below(4) != 0)
			smx_exposition_add(world->exposition, reader, NULL);
	}
}

static void print(smx_exposition *exposition, smx_format format, smx_escaping escaping,
		  smx_buffer *buffer)
{
	const smx_exposition_type type = {format, escaping};

	buffer->size = 0;
	if (smx_exposition_render(exposition, type, NULL, 0, buffer, NULL) != SMX_OK)
		exit(1);
	smx_emit_end(buffer, type);
	if (format != SMX_FORMAT_PROTOBUF)
		fwrite(buffer->data, 1, buffer->size, stdout);
	for (size_t i = 0; format == SMX_FORMAT_PROTOBUF && i < buffer->size; i++)
		printf("%02x", (unsigned char)buffer->data[i]);
	fputs(format == SMX_FORMAT_PROTOBUF ? "\n---\n" : "---\n", stdout);
}

int main(int argc, char **argv)
{
	struct world world = {0};
	smx_buffer buffer = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: print_exposition SEED SCRAPES\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	if (smx_exposition_create(&world.exposition, NULL) != SMX_OK)
		return 1;
	const bool created = random_below(2);

	for (int i = 0; i < READERS; i++) {
		world.readers[i] = fake_reader_create();
		smx_exposition_add(world.exposition, world.readers[i], NULL);
	}
	for (uint64_t scrape = 0; scrape < strtoull(argv[2], NULL, 10); scrape++) {
		/* Each of those that bring names into the older character set. */
		smx_escaping escaping = (smx_escaping)(scrape % SMX_ESCAPING_ALLOW_UTF8);

		change(&world, scrape);
		/* Which the text has as families of their own, no other format does. */
		smx_exposition_set_created(world.exposition, false);
		print(world.exposition, SMX_FORMAT_TEXT_100, escaping, &buffer);
		smx_exposition_set_created(world.exposition, created);
		print(world.exposition, SMX_FORMAT_OPENMETRICS_100, escaping, &buffer);
		print(world.exposition, SMX_FORMAT_PROTOBUF, escaping, &buffer);
		print(world.exposition, SMX_FORMAT_OPENMETRICS_200, escaping, &buffer);
	}
	smx_exposition_destroy(world.exposition);
	for (int i = 0; i < READERS; i++)
		fake_reader_free(world.readers[i]);
	smx_buffer_free(&buffer);
	return 0;
}
