/* SPDX-License-Identifier: MIT */
/*
 * support.c - what the stress programs share
 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];
static const char *program;
static pid_t owner;
static uint64_t *failures;
static uint64_t began_ns;

bool stress_is_long(void)
{
	const char *value = getenv("SMX_LONG");

	return value && strcmp(value, "1") == 0;
}

unsigned stress_slowness(void)
{
#if defined(__SANITIZE_THREAD__)
	return 10;
#elif defined(__SANITIZE_ADDRESS__)
	return 3;
#else
	return 1;
#endif
}

const char *stress_folder(void)
{
	return folder;
}

static void remove_folder(void)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(folder);
}

/* The children go with their parent. */
static void too_late(int signal_number)
{
	if (getpid() == owner) {
		fprintf(stderr, "%s: %s\n", program,
			signal_number == SIGALRM ? "deadline passed: something hangs" : "stopped");
		remove_folder();
	}
	_exit(1);
}

void stress_begin(const char *name, unsigned deadline_s)
{
	const char *parent = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%.30s/smx-stress-XXXXXX",
		 parent && *parent ? parent : "/dev/shm");
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
	setenv("SHMETRICS_DIR", folder, 1);
	unsetenv("SHMETRICS_SEGMENT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	program = name;
	owner = getpid();
	began_ns = stress_now_ns();
	failures = stress_shared(sizeof *failures);
	signal(SIGALRM, too_late);
	signal(SIGTERM, too_late);
	signal(SIGINT, too_late);
	alarm(deadline_s * stress_slowness() * (stress_is_long() ? 30 : 1));
}

int stress_end(void)
{
	uint64_t count = GET(*failures);

	remove_folder();
	printf("%s: %s, %.1f s", program, count ? "FAILED" : "ok",
	       (double)(stress_now_ns() - began_ns) / 1e9);
	if (count)
		printf(", %llu claims did not hold", (unsigned long long)count);
	printf("\n");
	return count != 0;
}

uint64_t stress_failure_count(void)
{
	return GET(*failures);
}

static void say(const char *file, int line, const char *format, va_list arguments)
{
	const char *slash = strrchr(file, '/');
	char text[512];

	vsnprintf(text, sizeof text, format, arguments);
	fprintf(stderr, "%s:%d: %s\n", slash ? slash + 1 : file, line, text);
}

void stress_failed(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	if (ADD(*failures, 1) >= 20) /* the first ones tell */
		return;
	va_start(arguments, format);
	say(file, line, format, arguments);
	va_end(arguments);
}

void stress_broken(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(file, line, format, arguments);
	va_end(arguments);
	ADD(*failures, 1);
	if (getpid() == owner)
		remove_folder();
	_exit(1);
}

void *stress_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

uint64_t stress_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t stress_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void stress_shuffle(uint32_t *order, uint32_t count, uint64_t seed)
{
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; i > 1; i--) {
		uint32_t j = (uint32_t)(stress_random(&seed) % i), swapped = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swapped;
	}
}

/* ---- processes ---- */

static void become_child(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent && getppid() != 0) /* 0: a parent in another PID namespace */
		_exit(1);
}

pid_t stress_fork(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_child(parent);
	else if (pid < 0)
		perror("fork");
	return pid;
}

pid_t stress_raw_fork(void)
{
	pid_t parent = getpid();
	long pid;

	fflush(NULL);
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		become_child(parent);
	return (pid_t)pid;
}

void stress_kill(pid_t pid)
{
	REQUIRE(pid > 0, "a process could not be started"); /* -1 would be everybody */
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

int stress_wait(pid_t pid, unsigned seconds)
{
	uint64_t deadline = stress_now_ns() + (uint64_t)seconds * stress_slowness() * 1000000000u;
	struct timespec pause = {.tv_nsec = 200000};
	int status = -1;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG | __WALL);

		if (got == pid)
			return status;
		if (got < 0 && errno != EINTR)
			return -1;
		if (stress_now_ns() > deadline) {
			stress_kill(pid);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
}

bool stress_wait_word(const uint64_t *word, uint64_t value, unsigned seconds)
{
	uint64_t deadline = stress_now_ns() + (uint64_t)seconds * stress_slowness() * 1000000000u;
	struct timespec pause = {.tv_nsec = 50000};

	while (GET(*word) < value) {
		if (stress_now_ns() > deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* ---- segments ---- */

smx_segment *stress_open(const char *name, const smx_segment_options *options)
{
	smx_segment *segment = NULL;
	smx_error error;

	REQUIRE(smx_segment_open(name, options, &segment, &error) == SMX_OK, "open: %s",
		error.message);
	return segment;
}

const char *stress_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s" SMX_SEGMENT_SUFFIX, folder, name);
	return path;
}

smx_reader *stress_reader(const char *name)
{
	smx_reader *reader = NULL;
	smx_error error;

	REQUIRE(smx_reader_open(stress_path(name), NULL, &reader, &error) == SMX_OK, "reader: %s",
		error.message);
	return reader;
}

void stress_walk(smx_reader *reader)
{
	smx_error error;

	REQUIRE(smx_reader_walk(reader, &error) == SMX_OK, "walk: %s", error.message);
}

unsigned stress_files(const char *prefix)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	while (directory && (entry = readdir(directory)))
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
			 strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (directory)
		closedir(directory);
	return count;
}

static bool is_text(smx_text text, const char *string)
{
	return text.size == strlen(string) && memcmp(text.data, string, text.size) == 0;
}

const smx_family_view *stress_family(const smx_reader *reader, const char *name)
{
	const smx_family_view *found = NULL;

	for (size_t i = 0; i < smx_reader_family_count(reader); i++) {
		const smx_family_view *family = smx_reader_family(reader, i);

		if (!is_text(family->name, name))
			continue;
		CHECK(!found, "family %s is there twice", name);
		found = family;
	}
	return found;
}

const smx_series_view *stress_series(const smx_reader *reader, const smx_family_view *family,
				     const char *const *values)
{
	const smx_series_view *found = NULL;

	for (size_t i = 0; family && i < family->series_count; i++) {
		const smx_series_view *series = smx_reader_series(reader, family, i);
		bool same = true;

		for (size_t l = 0; l < family->label_count && same; l++)
			same = is_text(series->label_values[l], values[l]);
		if (!same)
			continue;
		CHECK(!found, "a series of %.*s is there twice", (int)family->name.size,
		      family->name.data);
		found = series;
	}
	return found;
}

uint64_t stress_counter(const smx_reader *reader, const char *name)
{
	const smx_series_view *series = stress_series(reader, stress_family(reader, name), NULL);

	return series ? smx_reader_counter(reader, series).whole : 0;
}

smx_counter stress_counter_of(smx_segment *segment, const char *name)
{
	smx_definition definition = {.name = name, .help = "A counter."};
	smx_counter_family family;
	smx_error error;

	CHECK(smx_counter_define(segment, &definition, &family, &error) == SMX_OK, "%s",
	      error.message);
	return smx_counter_with(family, NULL);
}

smx_gauge stress_gauge_of(smx_segment *segment, const char *name, smx_gauge_mode mode)
{
	smx_definition definition = {.name = name, .help = "A gauge."};
	smx_gauge_family family;
	smx_error error;

	CHECK(smx_gauge_define(segment, &definition, mode, &family, &error) == SMX_OK, "%s",
	      error.message);
	return smx_gauge_with(family, NULL);
}

size_t stress_gauge(const smx_reader *reader, const char *name, double *sum)
{
	const smx_series_view *series = stress_series(reader, stress_family(reader, name), NULL);
	smx_gauge_sample *samples = calloc(smx_reader_holder_count(reader) + 1, sizeof *samples);
	size_t count = series ? smx_reader_gauge(reader, series, samples) : 0;

	if (sum)
		*sum = 0;
	for (size_t i = 0; sum && i < count; i++)
		*sum += samples[i].value;
	free(samples);
	return count;
}
