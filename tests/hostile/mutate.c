/* SPDX-License-Identifier: MIT */
/*
 * mutate - reads a real segment with a few random changes, many times (attacks I8, I12)
 *
 *     mutate --count N [--seed S] [--only I] BASE DIR
 *
 * BASE is a segment file; DIR (on tmpfs) gets the work file, every distinct text that was rendered
 * (texts: a line "iteration size", then the bytes), and a copy of each file that the reader did not
 * survive. Change i depends on the seed and i alone: --only makes and reads it again. Prints a
 * summary as JSON.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutation.h"
#include "visit.h"

#define BATCH 1000u
#define CHANGES_MAX 6u
#define SEEN_MAX (UINT32_C(1) << 20)
#define TEXTS_MAX ((size_t)256 << 20)
#define MEMORY_MAX ((rlim_t)512 << 20)

/* Shared by the parent and the children of the batches. */
typedef struct progress {
	uint64_t iteration;
	uint64_t open[SMX_ERR_BUSY + 1];
	uint64_t walk_failed;
	uint64_t render_failed;
	uint64_t damaged; /* with a record that was skipped */
	uint64_t texts;	  /* distinct ones */
	size_t text_bytes;
	long max_rss_kib;
	uint64_t seen[SEEN_MAX]; /* hashes of texts */
} progress;

typedef struct run {
	mutation_source source;
	uint64_t seed;
	char file[4096]; /* the work file */
	char texts[4096];
	const char *directory;
	unsigned char *map;
	progress *shared;
} run;

static bool is_new(progress *p, const smx_buffer *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text->size; i++)
		hash = (hash ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001b3);
	hash |= 1;
	for (uint32_t i = 0, at = (uint32_t)hash; i < 64; i++, at++) {
		uint64_t *place = &p->seen[at % SEEN_MAX];

		if (*place == hash)
			return false;
		if (*place == 0) {
			*place = hash;
			return true;
		}
	}
	return false;
}

static void keep_text(run *r, uint64_t iteration, const smx_buffer *text)
{
	FILE *file;

	if (text->size == 0 || r->shared->text_bytes + text->size > TEXTS_MAX ||
	    !is_new(r->shared, text))
		return;
	file = fopen(r->texts, "a");
	if (!file)
		return;
	fprintf(file, "%llu %zu\n", (unsigned long long)iteration, text->size);
	fwrite(text->data, 1, text->size, file);
	fclose(file);
	r->shared->texts++;
	r->shared->text_bytes += text->size;
}

/* Makes the changes of an iteration in the work file. */
static void change(run *r, uint64_t iteration, mutation *changes, unsigned *count)
{
	uint64_t state = r->seed * UINT64_C(0xd1342543de82ef95) + iteration;

	*count = 1 + (unsigned)(mutation_random(&state) % CHANGES_MAX);
	for (unsigned i = 0; i < *count; i++) {
		mutation_next(&r->source, &state, &changes[i]);
		memcpy(r->map + changes[i].offset, changes[i].bytes, changes[i].size);
	}
}

static void note(progress *p, const visit_result *result)
{
	p->open[result->open <= SMX_ERR_BUSY ? result->open : SMX_ERR_SYSTEM]++;
	p->walk_failed += result->walk != SMX_OK;
	p->render_failed += result->render != SMX_OK;
	p->damaged += result->damaged_count != 0;
}

static void read_mutant(run *r, uint64_t iteration, smx_buffer *text)
{
	visit_options twice = {.rounds = 2};
	mutation changes[CHANGES_MAX];
	visit_result result;
	unsigned count;

	r->shared->iteration = iteration;
	change(r, iteration, changes, &count);
	alarm(30);
	visit(r->file, &twice, &result, text);
	note(r->shared, &result);
	if (result.render == SMX_OK)
		keep_text(r, iteration, text);
	for (unsigned i = count; i-- > 0;)
		memcpy(r->map + changes[i].offset, r->source.bytes + changes[i].offset,
		       changes[i].size);
}

static void batch(run *r, uint64_t from, uint64_t to)
{
	struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
	struct rusage usage;
	smx_buffer text = {0};
	smx_error error;

#if !defined(__SANITIZE_ADDRESS__)
	setrlimit(RLIMIT_DATA, &memory);
#endif
	(void)memory;
	smx_reader_guard_install(&error);
	for (uint64_t i = from; i < to; i++)
		read_mutant(r, i, &text);
	getrusage(RUSAGE_SELF, &usage);
	if (usage.ru_maxrss > r->shared->max_rss_kib)
		r->shared->max_rss_kib = usage.ru_maxrss;
	smx_buffer_free(&text);
}

/* The file that killed the reader, for a test of its own. */
static void keep_file(run *r, uint64_t iteration)
{
	mutation changes[CHANGES_MAX];
	char name[4096 + 64];
	unsigned count;
	FILE *file;

	memcpy(r->map, r->source.bytes, r->source.size);
	change(r, iteration, changes, &count);
	snprintf(name, sizeof(name), "%s/crash-%llu.smx1", r->directory,
		 (unsigned long long)iteration);
	file = fopen(name, "w");
	if (file) {
		fwrite(r->map, 1, r->source.size, file);
		fclose(file);
	}
	memcpy(r->map, r->source.bytes, r->source.size);
}

/* Reads [from, to) and returns how many of them killed the reader. */
static uint64_t read_all(run *r, uint64_t from, uint64_t to)
{
	uint64_t crashes = 0;

	while (from < to) {
		uint64_t end = to - from < BATCH ? to : from + BATCH;
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			batch(r, from, end);
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			exit(2);
		if (status == 0) {
			from = end;
			continue;
		}
		crashes++;
		fprintf(stderr, "iteration %llu: %s %d\n", (unsigned long long)r->shared->iteration,
			WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		keep_file(r, r->shared->iteration);
		from = r->shared->iteration + 1;
	}
	return crashes;
}

static bool prepare(run *r, const char *base)
{
	int descriptor;

	if (!mutation_load(&r->source, base))
		return false;
	snprintf(r->file, sizeof(r->file), "%s/mutant.smx1", r->directory);
	snprintf(r->texts, sizeof(r->texts), "%s/texts", r->directory);
	descriptor = open(r->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (descriptor < 0 ||
	    write(descriptor, r->source.bytes, r->source.size) != (ssize_t)r->source.size) {
		perror(r->file);
		return false;
	}
	r->map = mmap(NULL, r->source.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	r->shared = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	close(descriptor);
	return r->map != MAP_FAILED && r->shared != MAP_FAILED && visit_hold_slots(r->file) >= 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"count", required_argument, NULL, 'c'},
					      {"seed", required_argument, NULL, 's'},
					      {"only", required_argument, NULL, 'o'},
					      {0}};
	uint64_t from = 0, to = 1000, crashes;
	run r = {.seed = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'c')
			to = strtoull(optarg, NULL, 10);
		else if (c == 's')
			r.seed = strtoull(optarg, NULL, 10);
		else if (c == 'o')
			to = (from = strtoull(optarg, NULL, 10)) + 1;
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	r.directory = argv[optind + 1];
	if (!prepare(&r, argv[optind]))
		return 2;
	crashes = read_all(&r, from, to);
	printf("{\"ran\": %llu, \"crashes\": %llu, \"walk_failed\": %llu, \"render_failed\": %llu, "
	       "\"damaged\": %llu, \"texts\": %llu, \"max_rss_kib\": %ld, \"open\": {",
	       (unsigned long long)(to - from), (unsigned long long)crashes,
	       (unsigned long long)r.shared->walk_failed,
	       (unsigned long long)r.shared->render_failed, (unsigned long long)r.shared->damaged,
	       (unsigned long long)r.shared->texts, r.shared->max_rss_kib);
	for (int i = 0; i <= SMX_ERR_BUSY; i++)
		printf("%s\"%s\": %llu", i ? ", " : "", smx_status_name((smx_status)i),
		       (unsigned long long)r.shared->open[i]);
	printf("}}\n");
	mutation_free(&r.source);
	return crashes ? 1 : 0;
}
