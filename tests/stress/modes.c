/* SPDX-License-Identifier: MIT */
/*
 * modes.c - thousands of kills over the ten gauge modes: what counts the dead is right, what does
 * not never shows them
 *
 * Attacks I1, I3 and I4. Workers are killed at random moments, from their first instruction on, and
 * others take their slots over. Each call is entered in a ledger before and after it. So the sum is
 * within completed and begun at every look, and never goes back; the least and the greatest are
 * those that were set; the most recent is not older than any that was set before the look; each
 * process has at most one value, and its own; of the dead at most 64 are shown.
 */
#include "shmetrics/layout.h"
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "modes"
#define WORKERS 4
#define SLOTS 128
#define KILLS_MAX 40000
#define FAR 1e15 /* beyond every value that a worker sets */

struct ledger {
	uint64_t begun, completed;	       /* of each worker's turns together */
	uint64_t ticket;		       /* what the next turn sets */
	uint64_t least_begun, least_completed; /* the greatest tickets of MIN and MAX */
	uint64_t set_at_ns;		       /* the latest that a completed setting had begun */
	uint64_t pids[KILLS_MAX + WORKERS];    /* of each worker, by its number */
	uint64_t ready[KILLS_MAX + WORKERS];   /* it has set every gauge */
};

static struct ledger *ledger;

struct gauges {
	smx_gauge of[SMX_GAUGE_MOST_RECENT + 1];
};

static const char *name_of(int mode)
{
	return smx_gauge_mode_name((smx_gauge_mode)mode);
}

static void raise_word(uint64_t *word, uint64_t value)
{
	uint64_t seen = GET(*word);

	while (seen < value && !__atomic_compare_exchange_n(word, &seen, value, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* ---- workers ---- */

static void take_turn(const struct gauges *gauges)
{
	uint64_t ticket = ADD(ledger->ticket, 1) + 1, now;

	ADD(ledger->begun, 1);
	smx_gauge_inc(gauges->of[SMX_GAUGE_SUM]);
	ADD(ledger->completed, 1);
	raise_word(&ledger->least_begun, ticket);
	smx_gauge_set(gauges->of[SMX_GAUGE_MIN], -(double)ticket);
	smx_gauge_set(gauges->of[SMX_GAUGE_MAX], (double)ticket);
	raise_word(&ledger->least_completed, ticket);
	now = stress_now_ns();
	smx_gauge_set(gauges->of[SMX_GAUGE_MOST_RECENT], (double)now);
	raise_word(&ledger->set_at_ns, now);
}

/* What a worker shows of itself is its number. */
_Noreturn static void work(const struct gauges *gauges, uint64_t number)
{
	(void)!nice(10); /* the killer and its looks must come to run */
	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_ALL; mode++)
		smx_gauge_set(gauges->of[mode], mode == SMX_GAUGE_LIVE_SUM ? 1 : (double)number);
	take_turn(gauges);
	PUT(ledger->ready[number], 1);
	for (;;)
		take_turn(gauges);
}

struct worker {
	pid_t pid;
	uint64_t number;
};

/* Every third is forked without a fork handler, and asks for its slot. */
static struct worker start_worker(smx_segment *segment, const struct gauges *gauges,
				  uint64_t number)
{
	bool raw = number % 3 == 0;
	pid_t pid = raw ? stress_raw_fork() : stress_fork();

	if (pid == 0) {
		PUT(ledger->pids[number], (uint64_t)getpid());
		if (raw)
			smx_segment_claim(segment, NULL);
		work(gauges, number);
	}
	REQUIRE(pid > 0, "fork");
	PUT(ledger->pids[number], (uint64_t)pid);
	return (struct worker){pid, number};
}

/* ---- looks ---- */

struct watch {
	smx_reader *reader;
	double sum;
	uint64_t stamp_ns, looks, dead_most;
};

static const smx_series_view *series_of(const smx_reader *reader, int mode)
{
	return stress_series(reader, stress_family(reader, name_of(mode)), NULL);
}

static smx_gauge_sample total_of(smx_reader *reader, int mode)
{
	smx_gauge_sample total;

	smx_reader_gauge_total(reader, series_of(reader, mode), &total);
	return total;
}

/* What the modes that include the dead show while workers go on. */
static void look(struct watch *watch)
{
	uint64_t completed = GET(ledger->completed), ticket = GET(ledger->least_completed);
	uint64_t set_at_ns = GET(ledger->set_at_ns), begun;
	smx_gauge_sample least, most, recent;
	double sum;

	stress_walk(watch->reader);
	sum = total_of(watch->reader, SMX_GAUGE_SUM).value;
	least = total_of(watch->reader, SMX_GAUGE_MIN);
	most = total_of(watch->reader, SMX_GAUGE_MAX);
	recent = total_of(watch->reader, SMX_GAUGE_MOST_RECENT);
	begun = GET(ledger->begun);
	CHECK(sum >= (double)completed && sum <= (double)begun,
	      "sum %.0f, %" PRIu64 " completed, %" PRIu64 " begun", sum, completed, begun);
	CHECK(sum >= watch->sum, "the sum went back from %.0f to %.0f", watch->sum, sum);
	CHECK(most.value >= (double)ticket && most.value <= (double)GET(ledger->least_begun),
	      "greatest %.0f, %" PRIu64 " was set", most.value, ticket);
	CHECK(-least.value >= (double)ticket && -least.value <= (double)GET(ledger->least_begun),
	      "least %.0f, -%" PRIu64 " was set", least.value, ticket);
	CHECK(recent.stamp_ns >= set_at_ns && recent.stamp_ns >= watch->stamp_ns &&
		      recent.value <= (double)recent.stamp_ns,
	      "most recent %.0f of %" PRIu64 ", set at %" PRIu64, recent.value, recent.stamp_ns,
	      set_at_ns);
	CHECK(smx_reader_information(watch->reader)->damaged_count == 0, "damage");
	watch->sum = sum;
	watch->stamp_ns = recent.stamp_ns;
	watch->looks++;
}

static const struct worker *find_worker(const struct worker *workers, uint32_t pid)
{
	for (int i = 0; i < WORKERS; i++)
		if ((uint32_t)workers[i].pid == pid)
			return &workers[i];
	return NULL;
}

/* The modes with a sample a process: nobody who is dead, or the dead as dead. */
static void look_at_each(struct watch *watch, const struct worker *workers, int mode)
{
	smx_gauge_sample samples[SLOTS];
	size_t count, dead = 0;

	count = smx_reader_gauge(watch->reader, series_of(watch->reader, mode), samples);
	for (size_t i = 0; i < count; i++) {
		const smx_writer_view *writer = smx_reader_writer(watch->reader, samples[i].writer);
		const struct worker *worker = find_worker(workers, writer->pid);
		uint64_t number = (uint64_t)samples[i].value;

		if (writer->pid == (uint32_t)getpid())
			continue;
		CHECK(writer->live == (worker != NULL), "%s: process %u is shown as %s",
		      name_of(mode), writer->pid, writer->live ? "live" : "dead");
		CHECK(GET(ledger->pids[number]) == writer->pid,
		      "%s: process %u has the value of %" PRIu64, name_of(mode), writer->pid,
		      number);
		dead += !writer->live;
	}
	CHECK(dead <= (mode == SMX_GAUGE_ALL ? SMX_KEPT_MAX : 0), "%s: %zu dead processes",
	      name_of(mode), dead);
	if (dead > watch->dead_most)
		watch->dead_most = dead;
}

/* All workers have set their gauges: the live modes are exactly theirs. */
static void look_at_live(struct watch *watch, const struct worker *workers)
{
	uint64_t least = UINT64_MAX, most = 0;
	bool recent_found = false;
	double recent;

	for (int i = 0; i < WORKERS; i++)
		REQUIRE(stress_wait_word(&ledger->ready[workers[i].number], 1, 30),
			"a worker does not come to work");
	stress_walk(watch->reader);
	recent = total_of(watch->reader, SMX_GAUGE_LIVE_MOST_RECENT).value;
	for (int i = 0; i < WORKERS; i++) {
		least = workers[i].number < least ? workers[i].number : least;
		most = workers[i].number > most ? workers[i].number : most;
		recent_found |= recent == (double)workers[i].number;
	}
	CHECK(total_of(watch->reader, SMX_GAUGE_LIVE_SUM).value == WORKERS, "livesum %g",
	      total_of(watch->reader, SMX_GAUGE_LIVE_SUM).value);
	CHECK(total_of(watch->reader, SMX_GAUGE_LIVE_MIN).value == (double)least, "livemin");
	CHECK(total_of(watch->reader, SMX_GAUGE_LIVE_MAX).value == (double)most, "livemax");
	CHECK(recent_found, "livemostrecent is %g, which nobody alive has set", recent);
}

/* ---- the storm ---- */

static struct gauges define_all(smx_segment *segment)
{
	struct gauges gauges;

	for (int mode = SMX_GAUGE_LIVE_ALL; mode <= SMX_GAUGE_MOST_RECENT; mode++)
		gauges.of[mode] = stress_gauge_of(segment, name_of(mode), (smx_gauge_mode)mode);
	/* This process's own shall not count. */
	smx_gauge_set(gauges.of[SMX_GAUGE_LIVE_MIN], FAR);
	smx_gauge_set(gauges.of[SMX_GAUGE_LIVE_MAX], -FAR);
	smx_gauge_set(gauges.of[SMX_GAUGE_MIN], FAR);
	smx_gauge_set(gauges.of[SMX_GAUGE_MAX], -FAR);
	return gauges;
}

static void storm(smx_segment *segment, const struct gauges *gauges, uint64_t kills)
{
	struct watch watch = {.reader = stress_reader(SEGMENT)};
	struct worker workers[WORKERS];
	uint64_t chance = 11, next = 0;

	for (; next < WORKERS; next++)
		workers[next] = start_worker(segment, gauges, next);
	stress_wait_word(&ledger->ready[0], 1, 30);
	for (; next < kills + WORKERS; next++) {
		struct worker *victim = &workers[stress_random(&chance) % WORKERS];
		unsigned looks = (unsigned)(stress_random(&chance) % 4);

		for (unsigned i = 0; i < looks; i++)
			look(&watch);
		stress_kill(victim->pid);
		victim->pid = 0;
		look(&watch);
		look_at_each(&watch, workers, SMX_GAUGE_LIVE_ALL);
		look_at_each(&watch, workers, SMX_GAUGE_ALL);
		*victim = start_worker(segment, gauges, next);
		if (next % 64 == 0)
			look_at_live(&watch, workers);
		if (next % 256 == 0) { /* one that has seen nothing before */
			smx_reader_close(watch.reader);
			watch.reader = stress_reader(SEGMENT);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		stress_kill(workers[i].pid);
	look(&watch);
	CHECK(watch.sum == (double)GET(ledger->completed) ||
		      watch.sum <= (double)GET(ledger->begun),
	      "the sum in the end");
	printf("  %" PRIu64 " kills, %" PRIu64 " looks, %.0f turns in the sum (%" PRIu64
	       " completed, %" PRIu64 " begun), at most %" PRIu64 " dead shown, %u slots\n",
	       kills, watch.looks, watch.sum, GET(ledger->completed), GET(ledger->begun),
	       watch.dead_most,
	       smx_reader_information(watch.reader)->slots_dead +
		       smx_reader_information(watch.reader)->slots_live);
	CHECK(watch.dead_most > SMX_KEPT_MAX / 2, "hardly any dead process was shown");
	/*
	 * A worker takes a slot that nobody has had if it sees no more than the kept ones. Besides
	 * these there are then those of the live, those that others are taking over at that moment,
	 * and those that others take as it does: each at most one a worker, however many were
	 * killed.
	 */
	CHECK(smx_reader_information(watch.reader)->slots_dead <= SMX_KEPT_MAX + 3 * WORKERS + 1,
	      "the slots of %u dead processes are kept",
	      smx_reader_information(watch.reader)->slots_dead);
	smx_reader_close(watch.reader);
}

int main(void)
{
	smx_segment_options options = {.slot_max = SLOTS, .stripe_count = 2};
	uint64_t kills = (stress_is_long() ? 20000 : 2200) / stress_slowness();
	smx_segment *segment;
	struct gauges gauges;

	stress_begin("modes", 300);
	ledger = stress_shared(sizeof *ledger);
	printf("modes: all ten, under kills (I1, I3, I4)\n");
	segment = stress_open(SEGMENT, &options);
	gauges = define_all(segment);
	storm(segment, &gauges, kills);
	smx_segment_close(segment);
	return stress_end();
}
