/* SPDX-License-Identifier: MIT */
/*
 * survive - reads each given file as a collector does, in a process of its own, under limits
 * (attacks I8, I12)
 *
 *     survive [--out DIR] [--truncate BYTES] [--memory MIB] [--cpu SECONDS] FILE...
 *
 * Prints one line of JSON a file: what each call returned, what was found, how much memory it took;
 * or the signal or exit status that ended the child. With --out the rendered text goes to
 * DIR/NAME.txt. With
 * --truncate the file is cut to that size after the first walk, while it is mapped. --memory limits
 * what may be allocated (RLIMIT_DATA, so that the mapping of the file itself does not count).
 */
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "visit.h"

typedef struct survive_options {
	const char *out;
	long long truncate;  /* -1: not */
	rlim_t memory_bytes; /* 0: no limit */
	rlim_t cpu_seconds;
} survive_options;

typedef struct cut {
	const char *path;
	long long size;
} cut;

static void cut_file(void *argument)
{
	const cut *c = argument;

	if (c->size >= 0 && truncate(c->path, (off_t)c->size) != 0)
		perror("truncate");
}

static void limit(int resource, rlim_t value)
{
	struct rlimit both = {.rlim_cur = value, .rlim_max = value};

	if (setrlimit(resource, &both) != 0)
		perror("setrlimit");
}

static void print_status(const char *name, smx_status status)
{
	printf(", \"%s\": \"%s\"", name, smx_status_name(status));
}

static void write_text(const char *directory, const char *path, const smx_buffer *text)
{
	char *copy = strdup(path), name[4096];
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s.txt", directory, copy ? basename(copy) : "text");
	file = fopen(name, "w");
	if (!file || fwrite(text->data, 1, text->size, file) != text->size || fclose(file) != 0)
		perror(name);
	free(copy);
}

/* The child: visits the file and prints the line. */
static void read_one(const char *path, const survive_options *options)
{
	cut c = {path, options->truncate};
	visit_options rounds = {.rounds = 2, .between = cut_file, .argument = &c};
	smx_error error = {0};
	smx_buffer text = {0};
	visit_result result;
	struct rusage usage;

	if (smx_reader_guard_install(&error) != SMX_OK)
		fprintf(stderr, "guard: %s\n", error.message);
	visit_hold_slots(path);
	visit(path, &rounds, &result, &text);
	if (options->out && result.open == SMX_OK && text.size)
		write_text(options->out, path, &text);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"file\": ");
	visit_print_json(path, strlen(path));
	print_status("open", result.open);
	print_status("walk", result.walk);
	print_status("render", result.render);
	printf(", \"message\": ");
	visit_print_json(result.message, strlen(result.message));
	printf(", \"families\": %zu, \"series\": %zu, \"writers\": %zu, \"damaged\": %llu",
	       result.family_count, result.series_count, result.writer_count,
	       (unsigned long long)result.damaged_count);
	printf(", \"bytes\": %zu, \"walk_rss_kib\": %ld, \"max_rss_kib\": %ld}\n", text.size,
	       result.walk_rss_kib, usage.ru_maxrss);
	fflush(stdout);
	smx_buffer_free(&text);
}

/* Returns whether the child ended by itself. */
static bool survive(const char *path, const survive_options *options)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(2);
	}
	if (child == 0) {
		if (options->memory_bytes)
			limit(RLIMIT_DATA, options->memory_bytes);
		limit(RLIMIT_CPU, options->cpu_seconds);
		limit(RLIMIT_CORE, 0);
		alarm(60); /* it also must not wait: for a FIFO, a lock, a device */
		read_one(path, options);
		exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	printf("{\"file\": ");
	visit_print_json(path, strlen(path));
	if (WIFSIGNALED(status))
		printf(", \"signal\": %d}\n", WTERMSIG(status));
	else
		printf(", \"exit\": %d}\n", WEXITSTATUS(status));
	return false;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"out", required_argument, NULL, 'o'},
					      {"truncate", required_argument, NULL, 't'},
					      {"memory", required_argument, NULL, 'm'},
					      {"cpu", required_argument, NULL, 'c'},
					      {0}};
	survive_options options = {.truncate = -1, .cpu_seconds = 20};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'o')
			options.out = optarg;
		else if (c == 't')
			options.truncate = strtoll(optarg, NULL, 10);
		else if (c == 'm')
			options.memory_bytes = (rlim_t)strtoull(optarg, NULL, 10) << 20;
		else if (c == 'c')
			options.cpu_seconds = (rlim_t)strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	for (int i = optind; i < argc; i++)
		good = survive(argv[i], &options) && good;
	return good ? 0 : 1;
}
