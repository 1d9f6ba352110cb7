/* SPDX-License-Identifier: MIT */
/*
 * exposed.c - an exposition of two made-up readers: what the tests of rendering start from
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <stdio.h>

smx_exposition *exposition;
smx_reader *one, *two;
smx_buffer buffer;

void exposed_set_up(void)
{
	cr_assert(smx_exposition_create(&exposition, NULL) == SMX_OK);
	one = fake_reader_create();
	two = fake_reader_create();
	cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
	cr_assert(smx_exposition_add(exposition, two, NULL) == SMX_OK);
}

void exposed_tear_down(void)
{
	smx_exposition_destroy(exposition);
	fake_reader_free(one);
	fake_reader_free(two);
	smx_buffer_free(&buffer);
}

const char *exposed_render(smx_exposition_type type, const smx_text *names, size_t name_count)
{
	buffer.size = 0;
	cr_assert(smx_exposition_render(exposition, type, names, name_count, &buffer, NULL) ==
		  SMX_OK);
	smx_buffer_append(&buffer, "", 1);
	return buffer.data;
}

const char *exposed_render_all(smx_exposition_type type)
{
	exposed_render(type, NULL, 0);
	buffer.size--; /* the NUL */
	smx_emit_end(&buffer, type);
	smx_buffer_append(&buffer, "", 1);
	return buffer.data;
}

struct fake_family *exposed_gauge(smx_reader *reader, const char *name, const char *labels,
				  smx_gauge_mode mode)
{
	struct fake_family *family = fake_family_add(reader, SMX_GAUGE, name, labels);

	family->view.mode = mode;
	return family;
}

struct fake_family *exposed_histogram(smx_reader *reader, const char *name, const char *labels)
{
	static const double bounds[] = {0.1, 1, 10};
	struct fake_family *family = fake_family_add(reader, SMX_HISTOGRAM, name, labels);

	fake_family_bounds(family, bounds, 3);
	return family;
}

void exposed_add_numbered(struct fake_family *family, int series_count)
{
	static char values[50000][8];

	cr_assert(series_count <= 50000);
	for (int i = 0; i < series_count; i++) {
		int size = snprintf(values[i], sizeof(values[i]), "%d", i);
		const smx_text value = {values[i], (size_t)size};

		fake_series_add_texts(family, &value)->counter.whole = (uint64_t)i;
	}
}
