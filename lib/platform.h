/* SPDX-License-Identifier: MIT */
/*
 * platform.h - what the library asks of the operating system
 *
 * platform_linux.c does all of it. platform_portable.c knows only private segments: for any other
 * system, and for trying out that build on Linux.
 */
#ifndef SMX_PLATFORM_H
#define SMX_PLATFORM_H

#include "segment.h"

/* ---- memory ---- */

/*
 * Address space for the prefix and size bytes, the prefix usable and zero, struct smx_local wiped
 * by fork if `shared`. The rest is usable zeroed memory if not `shared`, else reserved for
 * smx_platform_map. NULL: refused.
 */
struct smx_segment *smx_platform_reserve(uint64_t size, bool shared);
void smx_platform_release(struct smx_segment *segment);
/* Maps the file behind the descriptor at the reserved address, read-write. */
bool smx_platform_map(struct smx_segment *segment, int descriptor);
/* A zeroed page that is wiped by fork; NULL: refused. */
void *smx_platform_wiped_page(void);

/* ---- time (clock.c), chance, processors ---- */

uint64_t smx_platform_monotonic_ns(void);
uint64_t smx_platform_unix_ns(void);
bool smx_platform_random(void *bytes, size_t size);
void smx_platform_boot_id(uint8_t id[16]);
unsigned smx_platform_processors(void);

/* ---- the file's size ---- */

typedef enum smx_grow { SMX_GROW_OK, SMX_GROW_NO_SPACE, SMX_GROW_NO_FILE } smx_grow;

/*
 * Allocates the bytes of the file between from and size, those before being allocated. Never a
 * signal, never a byte changed. errno says why not.
 */
smx_grow smx_platform_allocate(int descriptor, uint64_t from, uint64_t size);
/* The same for a mapped segment, through a descriptor found for the purpose. */
smx_grow smx_platform_grow(struct smx_segment *segment, uint64_t size);

/* ---- locks that say who lives ---- */

typedef struct smx_lock {
	int descriptor; /* -1: none could be had */
	bool posix;	/* the kept descriptor, with a POSIX lock */
} smx_lock;

/*
 * A description of the segment's file for locks alone; where the file cannot be opened again, the
 * fall-back.
 */
smx_lock smx_platform_lock_open(struct smx_segment *segment);
/* For the life lock and for probing too: the segment's byte at `offset`, `length` bytes. */
bool smx_platform_lock_try(smx_lock lock, uint64_t offset);
void smx_platform_lock_release(smx_lock lock, uint64_t offset);
/* 1: held by somebody else; 0: free; -1: the system would not say. */
int smx_platform_lock_held(smx_lock lock, uint64_t offset, uint64_t length);
/*
 * Has a mapping that no child inherits carry the locks of this description, beside the descriptor,
 * which is then to be closed; false: nothing changed.
 */
bool smx_platform_lock_carry(struct smx_segment *segment, smx_lock lock);
void smx_platform_lock_close(smx_lock lock);
/* Gives up the slot's lock. */
void smx_platform_lock_drop(struct smx_segment *segment);

/* ---- fork ---- */

/* Once a process. */
void smx_platform_on_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

/* ---- life of the file: life_linux.c ---- */

/*
 * Finds or makes the segment's file, maps it and claims a slot, as smx_segment_open says. On
 * success *segment is complete but for its place in the process's list.
 */
smx_status smx_life_open(const char *path, const smx_segment_options *options,
			 struct smx_segment **segment, smx_error *error);

#endif
