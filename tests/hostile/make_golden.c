/* SPDX-License-Identifier: MIT */
/*
 * make_golden - writes a golden segment file: the sample of sample.c, as this version of the
 * library lays it out
 *
 *     make_golden FILE
 *
 * golden/v1.smx1.gz to v4.smx1.gz were made by it. A golden file is never made again: a new layout
 * adds a new one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sample.h"

int main(int argc, char **argv)
{
	char directory[] = "/dev/shm/golden.XXXXXX", path[64];
	bool good;

	if (argc != 2) {
		fprintf(stderr, "usage: make_golden FILE\n");
		return 2;
	}
	if (!mkdtemp(directory)) {
		perror(directory);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/golden.smx1", directory);
	good = sample_write(path, argv[1]);
	unlink(path);
	rmdir(directory);
	return good ? 0 : 1;
}
