/* SPDX-License-Identifier: MIT */
/*
 * scribble - reads a segment while another process scribbles into it (attacks I8, I12)
 *
 *     scribble --rounds N [--seed S] [--truncate] BASE DIR
 *
 * What the reader checked in one instant is something else in the next. DIR (on tmpfs) gets the
 * work file and some of the texts that were rendered, as mutate writes them. With --truncate the
 * file also shrinks and grows. It reads N times at least, and until both have had their turn: the
 * scribbler more often than that, the reader with a file that was whole. Prints a summary as JSON;
 * status 1 if the reader died.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutation.h"
#include "visit.h"

#define TEXTS_MAX 2000u
#define MEMORY_MAX ((rlim_t)512 << 20)

typedef struct tally {
	uint64_t rounds;
	uint64_t served; /* rounds in which everything succeeded */
	uint64_t texts;
	uint64_t scribbles;
} tally;

/*
 * Writes with pwrite, so that a truncation cannot hit the scribbler itself. Now and then everything
 * is put back, or the reader would soon refuse the file for good.
 */
static void scribble(const char *path, const mutation_source *source, uint64_t seed, bool truncates,
		     tally *t)
{
	int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	uint64_t state = seed;

	if (descriptor < 0)
		_exit(1);
	for (;;) {
		mutation change;

		mutation_next(source, &state, &change);
		if (pwrite(descriptor, change.bytes, change.size, (off_t)change.offset) < 0)
			_exit(1);
		if (truncates && mutation_random(&state) % 64 == 0 &&
		    ftruncate(descriptor, (off_t)(mutation_random(&state) % source->size)) != 0)
			_exit(1);
		if (mutation_random(&state) % 16 == 0 &&
		    pwrite(descriptor, source->bytes, source->size, 0) < 0)
			_exit(1);
		__atomic_fetch_add(&t->scribbles, 1, __ATOMIC_RELAXED);
	}
}

/* On a busy machine N reads may all fall between two turns of the scribbler. */
static bool is_enough(const tally *t, uint64_t rounds)
{
	if (t->rounds < rounds)
		return false;
	return (t->served > 0 && __atomic_load_n(&t->scribbles, __ATOMIC_RELAXED) > t->rounds) ||
	       t->rounds >= rounds * 1000;
}

static void read_on(const char *path, const char *texts, uint64_t rounds, tally *t)
{
	struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, cpu = {300, 300};
	visit_options several = {.rounds = 4};
	smx_buffer text = {0};
	smx_error error;
	FILE *file = fopen(texts, "w");

#if !defined(__SANITIZE_ADDRESS__)
	setrlimit(RLIMIT_DATA, &memory);
#endif
	(void)memory;
	setrlimit(RLIMIT_CPU, &cpu);
	smx_reader_guard_install(&error);
	while (!is_enough(t, rounds)) {
		visit_result result;

		alarm(60);
		t->served += visit(path, &several, &result, &text);
		t->rounds++;
		if (!file || text.size == 0 || t->texts >= TEXTS_MAX)
			continue;
		fprintf(file, "%llu %zu\n", (unsigned long long)t->rounds, text.size);
		fwrite(text.data, 1, text.size, file);
		t->texts++;
	}
	if (file)
		fclose(file);
	smx_buffer_free(&text);
}

static pid_t start(void (*what)(void *), void *argument)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what(argument);
		exit(0);
	}
	return child;
}

typedef struct job {
	char file[4096];
	char texts[4096];
	mutation_source source;
	uint64_t seed, rounds;
	bool truncates;
	tally *t;
} job;

static void scribbler(void *argument)
{
	job *j = argument;

	scribble(j->file, &j->source, j->seed, j->truncates, j->t);
}

static void reader(void *argument)
{
	job *j = argument;

	read_on(j->file, j->texts, j->rounds, j->t);
}

static bool prepare(job *j, const char *base, const char *directory)
{
	FILE *file;
	bool good;

	if (!mutation_load(&j->source, base))
		return false;
	snprintf(j->file, sizeof(j->file), "%s/scribbled.smx1", directory);
	snprintf(j->texts, sizeof(j->texts), "%s/texts", directory);
	j->t = mmap(NULL, sizeof(*j->t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	umask(077);
	file = fopen(j->file, "w");
	good = file && fwrite(j->source.bytes, 1, j->source.size, file) == j->source.size;
	return file && fclose(file) == 0 && good && j->t != MAP_FAILED &&
	       visit_hold_slots(j->file) >= 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
					      {"seed", required_argument, NULL, 's'},
					      {"truncate", no_argument, NULL, 't'},
					      {0}};
	static job j = {.seed = 1, .rounds = 1000};
	int c, status = 0, scribbled = 0;
	pid_t scribbling, reading;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'r')
			j.rounds = strtoull(optarg, NULL, 10);
		else if (c == 's')
			j.seed = strtoull(optarg, NULL, 10);
		else if (c == 't')
			j.truncates = true;
		else
			return 2;
	}
	if (argc - optind != 2 || !prepare(&j, argv[optind], argv[optind + 1]))
		return 2;
	scribbling = start(scribbler, &j);
	reading = start(reader, &j);
	if (scribbling < 0 || reading < 0)
		return 2;
	waitpid(reading, &status, 0);
	kill(scribbling, SIGKILL);
	waitpid(scribbling, &scribbled, 0);
	printf("{\"rounds\": %llu, \"served\": %llu, \"texts\": %llu, \"scribbles\": %llu, "
	       "\"signal\": %d, "
	       "\"exit\": %d, \"scribbler_was_well\": %s}\n",
	       (unsigned long long)j.t->rounds, (unsigned long long)j.t->served,
	       (unsigned long long)j.t->texts, (unsigned long long)j.t->scribbles,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0,
	       WIFSIGNALED(scribbled) && WTERMSIG(scribbled) == SIGKILL ? "true" : "false");
	mutation_free(&j.source);
	return status == 0 ? 0 : 1;
}
