/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader - a libFuzzer target for the reader and the renderer (attacks I8, I12)
 *
 *     cmake -DCMAKE_C_COMPILER=clang -DSMX_SANITIZE=fuzzer-no-link,address,undefined …
 *     tests/hostile/fuzz_reader -max_total_time=600 -max_len=512 CORPUS
 *
 * An input is a list of changes to a real segment, which the target makes at its start: u24 offset,
 * u8 size, bytes; again and again. Whole files as inputs would nearly always fail at the first
 * check.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mutation.h"
#include "sample.h"
#include "visit.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/dev/shm/fuzz.XXXXXX";
static char path[64];
static mutation_source source;
static unsigned char *map;

static void remove_files(void)
{
	unlink(path);
	rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char original[64];
	smx_error error;
	int descriptor;

	(void)argc;
	(void)argv;
	if (!mkdtemp(directory))
		abort();
	snprintf(original, sizeof(original), "%s/original.smx1", directory);
	snprintf(path, sizeof(path), "%s/changed.smx1", directory);
	if (!sample_write(original, path) || !mutation_load(&source, path))
		abort();
	unlink(original);
	atexit(remove_files);
	descriptor = open(path, O_RDWR | O_CLOEXEC);
	map = mmap(NULL, source.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	close(descriptor);
	if (map == MAP_FAILED || visit_hold_slots(path) < 0 ||
	    smx_reader_guard_install(&error) != SMX_OK)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	visit_options twice = {.rounds = 2};
	visit_result result;
	size_t at = 0;

	while (at + 4 < size) {
		size_t offset =
			(data[at] | (size_t)data[at + 1] << 8 | (size_t)data[at + 2] << 16) %
			source.size;
		size_t length = 1 + data[at + 3] % 16;

		at += 4;
		if (length > size - at)
			length = size - at;
		if (length > source.size - offset)
			length = source.size - offset;
		memcpy(map + offset, data + at, length);
		at += length;
	}
	visit(path, &twice, &result, NULL);
	memcpy(map, source.bytes, source.size);
	return 0;
}
