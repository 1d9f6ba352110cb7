/* SPDX-License-Identifier: MIT */
/*
 * torn.c - exemplars, label sets of infos and outcomes of health checks under racing writers and
 * kills
 *
 * Attacks I1 and I3 where one swap is too small. Everything that is written says the same thing
 * twice or more: a reader that finds it disagree has found a torn one. First one writer at a time
 * is killed: the outcome it reported last, or was reporting, must be there. Then several race and
 * are killed: what is served is whole, and the next report after the last of them is dead is
 * served.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "torn"
#define WRITERS 4
#define SETS 32u

struct board {
	uint64_t begun, completed; /* number of the outcome, of the single writer */
	uint64_t rounds;
};

static struct board *board;

struct things {
	smx_segment *segment;
	smx_counter counter;
	smx_info info;
	smx_health health;
};

struct seen {
	uint64_t exemplars, infos, outcomes;
};

static smx_label label(const char *name, const char *value)
{
	return (smx_label){{name, strlen(name)}, {value, strlen(value)}};
}

static void define(struct things *things)
{
	smx_definition counter = {.name = "c"}, info = {.name = "i"};
	smx_counter_family counters;
	smx_info_family infos;

	things->segment = stress_open(SEGMENT, NULL);
	smx_counter_define(things->segment, &counter, &counters, NULL);
	smx_info_define(things->segment, &info, &infos, NULL);
	things->counter = smx_counter_with(counters, NULL);
	things->info = smx_info_with(infos, NULL);
	REQUIRE(smx_health_define(things->segment, "h", 3600, &things->health, NULL) == SMX_OK,
		"define");
}

/* Writes everything once, with a number below 2^53 that each part says. */
static void write_number(const struct things *things, uint64_t number)
{
	char text[40], set[8];
	smx_label trace, labels[2];

	snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, number, number);
	snprintf(set, sizeof set, "%" PRIu64, number % SETS);
	trace = label("trace_id", text);
	labels[0] = label("a", set);
	labels[1] = label("b", set);
	smx_counter_add_exemplar(things->counter, (double)number, &trace, 1);
	smx_info_set(things->info, labels, 2, NULL);
	smx_health_report(things->health, number & 1, (double)number, text);
}

/* ---- reading ---- */

static bool says(smx_text text, uint64_t number)
{
	char wanted[40];

	snprintf(wanted, sizeof wanted, "%016" PRIx64 "%016" PRIx64, number, number);
	return text.size == 32 && memcmp(text.data, wanted, 32) == 0;
}

/* The number of the outcome that is served; 0: there is none. */
static uint64_t look_at_health(smx_reader *reader)
{
	const smx_health_view *view = smx_reader_health(reader, 0);
	uint64_t number = (uint64_t)view->duration_seconds;

	if (!view->reported)
		return 0;
	CHECK(says(view->detail, number) && view->up == (bool)(number & 1), "a torn outcome: %.*s",
	      (int)view->detail.size, view->detail.data);
	return number;
}

static uint64_t look_at_exemplar(const smx_reader *reader)
{
	const smx_series_view *series = stress_series(reader, stress_family(reader, "c"), NULL);
	smx_exemplar_view view;

	if (!smx_reader_exemplar(reader, series, 0, &view))
		return 0;
	CHECK(view.label_count == 1 && says(view.labels[0].value, (uint64_t)view.value),
	      "a torn exemplar: %g with %.*s", view.value, (int)view.labels[0].value.size,
	      view.labels[0].value.data);
	return (uint64_t)view.value;
}

static bool look_at_info(smx_reader *reader)
{
	const smx_series_view *series = stress_series(reader, stress_family(reader, "i"), NULL);
	const smx_label *labels;
	size_t count = smx_reader_info_labels(reader, series, &labels);

	if (count == 0)
		return false;
	CHECK(count == 2 && labels[0].value.size == labels[1].value.size &&
		      memcmp(labels[0].value.data, labels[1].value.data, labels[0].value.size) == 0,
	      "a torn label set");
	return true;
}

static void look(smx_reader *reader, struct seen *seen)
{
	seen->exemplars += look_at_exemplar(reader) > 0;
	seen->infos += look_at_info(reader);
	seen->outcomes += look_at_health(reader) > 0;
}

/* ---- one writer at a time ---- */

static _Noreturn void write_alone(void)
{
	struct things things;

	define(&things);
	for (uint64_t number = GET(board->completed) + 1;; number++) {
		PUT(board->begun, number);
		write_number(&things, number);
		PUT(board->completed, number);
	}
}

static void kill_one_by_one(smx_reader *reader, unsigned kills)
{
	uint64_t chance = stress_now_ns();

	for (unsigned i = 0; i < kills; i++) {
		uint64_t before = GET(board->completed), completed, number;
		pid_t pid = stress_fork();

		if (pid == 0)
			write_alone();
		REQUIRE(stress_wait_word(&board->completed,
					 before + 1 + stress_random(&chance) % 200, 20),
			"the writer does not write");
		stress_kill(pid);
		completed = GET(board->completed);
		number = look_at_health(reader);
		CHECK(number == completed || number == GET(board->begun),
		      "kill %u: outcome %" PRIu64 " after %" PRIu64 " was reported", i, number,
		      completed);
		PUT(board->completed, number);
	}
}

/* ---- several at once ---- */

static _Noreturn void race(unsigned writer)
{
	struct things things;
	uint64_t number = (uint64_t)(writer + 1) << 40;

	define(&things);
	for (;;) {
		write_number(&things, ++number);
		ADD(board->rounds, 1);
	}
}

static pid_t start_racer(unsigned writer)
{
	pid_t pid = stress_fork();

	if (pid == 0)
		race(writer);
	return pid;
}

static void kill_while_racing(const struct things *things, smx_reader *reader, unsigned kills)
{
	const uint64_t last = UINT64_C(1) << 50;
	pid_t writers[WRITERS];
	struct seen seen = {0};
	uint64_t chance = stress_now_ns();

	for (unsigned i = 0; i < WRITERS; i++)
		writers[i] = start_racer(i);
	for (unsigned i = 0; i < kills; i++) {
		uint64_t until = GET(board->rounds) + 50 + stress_random(&chance) % 500;
		unsigned victim = (unsigned)(stress_random(&chance) % WRITERS);

		while (GET(board->rounds) < until)
			look(reader, &seen);
		stress_kill(writers[victim]);
		writers[victim] = start_racer(victim);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		stress_kill(writers[i]);
	CHECK(seen.exemplars > 0 && seen.infos > 0 && seen.outcomes > 0, "nothing was ever served");
	write_number(things, last);
	CHECK(look_at_health(reader) == last && look_at_exemplar(reader) == last &&
		      look_at_info(reader),
	      "what is written after all are dead is not served");
	printf("  %u kills of racing writers, %" PRIu64 " rounds; whole: %" PRIu64
	       " exemplars, %" PRIu64 " label sets, %" PRIu64 " outcomes\n",
	       kills, GET(board->rounds), seen.exemplars, seen.infos, seen.outcomes);
}

int main(void)
{
	unsigned kills = (stress_is_long() ? 20000 : 300) / stress_slowness();
	struct things things;
	smx_reader *reader;

	stress_begin("torn", 240);
	board = stress_shared(sizeof *board);
	printf("torn: what is too large for one swap (I1, I3)\n");
	define(&things);
	reader = stress_reader(SEGMENT);
	stress_walk(reader);
	kill_one_by_one(reader, kills);
	printf("  %u kills of a single writer, %" PRIu64 " outcomes\n", kills, GET(board->begun));
	kill_while_racing(&things, reader, kills);
	smx_reader_close(reader);
	smx_segment_close(things.segment);
	return stress_end();
}
