/* SPDX-License-Identifier: MIT */
/*
 * stripe.c - finding out which processor this is
 */
#include "stripe.h"

#include <sched.h>

ptrdiff_t smx_rseq_offset;

#if defined(__GLIBC__) && !defined(SMX_PORTABLE)
/* glibc's, weak: the program may run with an older C library than it was built with. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

__attribute__((constructor)) static void find_rseq(void)
{
	if (&__rseq_size && &__rseq_offset && __rseq_size > 0)
		smx_rseq_offset = __rseq_offset;
}
#endif

uint32_t smx_processor_slow(void)
{
#ifdef __linux__
	int processor = sched_getcpu();

	return processor > 0 ? (uint32_t)processor : 0;
#else
	return 0;
#endif
}
