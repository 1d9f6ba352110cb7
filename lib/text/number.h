/* SPDX-License-Identifier: MIT */
/*
 * number.h - numbers as text, the same in every locale
 *
 * Each function writes at `out`, where SMX_NUMBER_ROOM bytes must be free, and returns the end of
 * what it wrote; there is no terminating NUL.
 */
#ifndef SMX_TEXT_NUMBER_H
#define SMX_TEXT_NUMBER_H

#include <stdint.h>

#define SMX_NUMBER_ROOM 32

char *smx_number_u64(char *out, uint64_t value);

/*
 * The shortest decimal that reads back as `value`: "0.1", "12", "1e-07", "1.5e+16", "+Inf", "-Inf",
 * "NaN". Whole numbers have no ".0"; the exponents begin where Python's do, below 1e-4 and from
 * 1e16.
 */
char *smx_number_double(char *out, double value);

/*
 * The same as the value of a label `le`, which is compared as a string and so has one canonical
 * form: "0.1", "1.0", "1e+06". It is what Prometheus 3 turns every le into, and what
 * prometheus_client writes (but for bounds from 1e10 to 1e16, where that writes "1e+010").
 */
char *smx_number_bound(char *out, double value);

#endif
