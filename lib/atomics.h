/* SPDX-License-Identifier: MIT */
/*
 * atomics.h - the only place with memory orders of what processes share
 *
 * Each operation is named for what it is used for. All work on memory shared between processes:
 * lock-free instructions only, never libatomic, whose lock table is private to a process.
 *
 *  publish / read      a store (or compare-and-swap) that makes filled memory visible, and the
 *                      load that pairs with it: release and acquire.
 *  add / count         numbers that stand for themselves: relaxed. Nobody infers other memory
 *                      from them.
 *  pair                16 bytes at once. x86-64: lock cmpxchg16b; aarch64: caspal, or ldxp and
 *                      stlxp where the processor has none (the compiler's __sync form, which
 *                      chooses at run time; its __atomic form would call libatomic).
 *
 * A reader on a read-only mapping has no 16-byte load: the compilers' atomic load is a cmpxchg16b,
 * which faults there, and the vector load was measured to split. smx_pair_read reads word a, word
 * b, word a again. The pairs it is used for change word a with every change of word b (a count that
 * only grows, or a tag), so an unchanged a around b means both are of one moment. It gives up after
 * a bounded number of tries.
 */
#ifndef SMX_ATOMICS_H
#define SMX_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t smx_read_acquire(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline uint64_t smx_read_relaxed(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* One load of a word that a hostile writer may change: what was checked is what is used. */
static inline uint32_t smx_read_u32(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline uint32_t smx_read_u32_acquire(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void smx_publish(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Sets bits of a word. */
static inline void smx_set_bits(uint64_t *word, uint64_t bits)
{
	__atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
}

/* Flags that say something of other words: seen before what is stored after, or after before. */
static inline void smx_set_flags(uint32_t *word, uint32_t flags)
{
	__atomic_fetch_or(word, flags, __ATOMIC_SEQ_CST);
}

static inline void smx_clear_flags(uint32_t *word, uint32_t flags)
{
	__atomic_fetch_and(word, ~flags, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline uint32_t smx_read_flags(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* What was loaded before it is loaded before what is loaded after it. */
static inline void smx_fence_loads(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void smx_store_u32(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void smx_store_relaxed(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* On failure *expected is what stood there, read with acquire: it may be followed. */
static inline bool smx_publish_if(uint64_t *word, uint64_t *expected, uint64_t value)
{
	return __atomic_compare_exchange_n(word, expected, value, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static inline void smx_add(uint64_t *word, uint64_t amount)
{
	__atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

/* Adds one; who reads the new number sees all that was published before. */
static inline void smx_publish_count(uint64_t *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
}

static inline uint64_t smx_fetch_add(uint64_t *word, uint64_t amount)
{
	return __atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}

/* Raises *word to at least value. */
static inline void smx_raise(uint64_t *word, uint64_t value)
{
	uint64_t seen = smx_read_relaxed(word);

	while (seen < value && !smx_publish_if(word, &seen, value))
		;
}

static inline double smx_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline uint64_t smx_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static inline void smx_add_double(double *word, double amount)
{
	uint64_t *bits = (uint64_t *)(void *)word;
	uint64_t seen = smx_read_relaxed(bits);

	while (!__atomic_compare_exchange_n(bits, &seen, smx_bits(smx_double(seen) + amount), true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Two words, in the order in which they lie in memory. */
typedef struct smx_pair {
	uint64_t first;
	uint64_t second;
} smx_pair;

/*
 * Two plain 8-byte loads, which may be of different moments: what smx_pair_swap is then tried with.
 */
static inline smx_pair smx_pair_guess(const void *pair)
{
	const uint64_t *words = pair;
	smx_pair seen = {smx_read_relaxed(&words[0]), smx_read_relaxed(&words[1])};

	return seen;
}

/*
 * Swaps both words if both are as expected, with release and acquire; else *expected is a new guess
 * (an exclusive pair that is not stored may have been loaded at two moments).
 */
static inline bool smx_pair_swap(void *pair, smx_pair *expected, smx_pair desired)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	bool swapped;

	__asm__ volatile("lock cmpxchg16b %[pair]"
			 : [pair] "+m"(*(smx_pair *)pair), "=@ccz"(swapped), "+a"(expected->first),
			   "+d"(expected->second)
			 : "b"(desired.first), "c"(desired.second)
			 : "memory");
	return swapped;
#else
	/* ThreadSanitizer sees this form and not assembly. */
	unsigned __int128 old = ((unsigned __int128)expected->second << 64) | expected->first;
	unsigned __int128 new = ((unsigned __int128)desired.second << 64) | desired.first;
	unsigned __int128 seen = __sync_val_compare_and_swap((unsigned __int128 *)pair, old, new);

	if (seen == old)
		return true;
	expected->first = (uint64_t)seen;
	expected->second = (uint64_t)(seen >> 64);
	return false;
#endif
}

#define SMX_PAIR_TRIES 1000

/* Reads `guard`, `other`, `guard` until the guard stood still. False: it never did. */
static inline bool smx_pair_read(const uint64_t *guard, const uint64_t *other,
				 uint64_t *guard_value, uint64_t *other_value)
{
	for (int i = 0; i < SMX_PAIR_TRIES; i++) {
		uint64_t before = smx_read_acquire(guard);
		uint64_t value = smx_read_acquire(other);

		if (smx_read_relaxed(guard) == before) {
			*guard_value = before;
			*other_value = value;
			return true;
		}
	}
	return false;
}

#endif
