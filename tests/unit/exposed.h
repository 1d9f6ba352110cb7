/* SPDX-License-Identifier: MIT */
/*
 * exposed.h - an exposition of two made-up readers: what the tests of rendering start from
 *
 * TestSuite(x, .init = exposed_set_up, .fini = exposed_tear_down)
 */
#ifndef SMX_EXPOSED_H
#define SMX_EXPOSED_H

#include "fake_reader.h"
#include "shmetrics/exposition.h"

extern smx_exposition *exposition;
extern smx_reader *one, *two;
extern smx_buffer buffer; /* what was rendered last */

void exposed_set_up(void);
void exposed_tear_down(void);

/* The families of these names, none: all, into the buffer; the text lives until the next call. */
const char *exposed_render(smx_exposition_type type, const smx_text *names, size_t name_count);
/* The whole exposition, with its end. */
const char *exposed_render_all(smx_exposition_type type);

struct fake_family *exposed_gauge(smx_reader *reader, const char *name, const char *labels,
				  smx_gauge_mode mode);
/* With the bounds 0.1, 1 and 10. */
struct fake_family *exposed_histogram(smx_reader *reader, const char *name, const char *labels);
/* Series of the label's values "0", "1", ..., each counter at its number. */
void exposed_add_numbered(struct fake_family *family, int series_count);

#endif
