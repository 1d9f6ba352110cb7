/* SPDX-License-Identifier: MIT */
/*
 * test_no_memory.c - rendering with every allocation failing once: said, and whole the next time
 */
#include "exposed.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const smx_exposition_type text_004 = {.format = SMX_FORMAT_TEXT_004};

/* ---- allocations that fail ---- */

static long allocations_left = -1; /* -1: no end to them */

static bool allocation_fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(memory, size);
}

/* ---- what is rendered ---- */

TestSuite(no_memory, .init = exposed_set_up, .fini = exposed_tear_down);

static void fill_with_names_to_escape(void)
{
	static const smx_label given[] = {{{"a.b", 3}, {"1", 1}}};
	struct fake_family *states = fake_family_add(two, SMX_STATE_SET, "s.t", "x y");
	struct fake_series *info = fake_series_add(fake_family_add(one, SMX_INFO, "i.j", "x"), "z");

	fake_family_states(states, "open,shut");
	fake_series_add(states, "z");
	fake_series_add(exposed_histogram(one, "h.i", "a.b"), "x");
	info->info = given;
	info->info_count = 1;
}

static void fill_for_failures(void)
{
	struct fake_family *all = exposed_gauge(two, "g", "x", SMX_GAUGE_LIVE_ALL);
	struct fake_family *states = fake_family_add(two, SMX_STATE_SET, "s", "x");

	exposed_add_numbered(fake_family_add(one, SMX_COUNTER, "c", "x"), 40);
	fake_series_add(exposed_histogram(one, "h", "a"), "x");
	fake_series_add(exposed_histogram(two, "h", "a"), "x");
	exposed_histogram(two, "c_total", "");
	fake_family_states(states, "open,shut");
	fake_series_add(states, "z");
	fake_series_add(fake_family_add(one, SMX_INFO, "i", "x"), "z");
	fill_with_names_to_escape();
	for (uint32_t i = 0; i < 5; i++)
		fake_gauge_set(fake_series_add(all, "y"), fake_writer_add(two, i, 1, 7), i, 0);
}

/* What is served of everything, in a buffer of the caller. */
static void render_as(smx_exposition_type type, smx_buffer *buffer)
{
	buffer->size = 0;
	cr_assert(smx_exposition_render(exposition, type, NULL, 0, buffer, NULL) == SMX_OK);
}

/* With the nth allocation failing, from a start where nothing is kept; then whole again. */
static smx_status render_with_failure(smx_exposition_type type, long n, smx_buffer *buffer,
				      smx_error *error)
{
	smx_status status;

	smx_exposition_remove(exposition, one);
	smx_exposition_remove(exposition, two);
	smx_buffer_free(buffer);
	smx_buffer_append(buffer, "before", 6);
	allocations_left = n;
	status = smx_exposition_add(exposition, one, error);
	if (status == SMX_OK)
		status = smx_exposition_add(exposition, two, error);
	if (status == SMX_OK)
		status = smx_exposition_render(exposition, type, NULL, 0, buffer, error);
	allocations_left = -1;
	return status;
}

/* The nth allocation fails, for each n until none is left to fail; each render after it must be
 * whole. */
static void expect_survival(smx_exposition_type type)
{
	smx_buffer buffer = {0}, expected = {0}, after = {0};
	size_t failures = 0;

	render_as(type, &expected);
	cr_assert(expected.size > 1000);
	for (long n = 0;; n++) {
		smx_error error = {0};
		smx_status status = render_with_failure(type, n, &buffer, &error);

		if (status == SMX_OK)
			break;
		failures++;
		cr_assert(status == SMX_ERR_NO_MEMORY && error.status == status &&
			  error.message[0] != '\0');
		cr_assert(buffer.size == 6 && !buffer.failed &&
			  memcmp(buffer.data, "before", 6) == 0);
		cr_assert(smx_exposition_add(exposition, one, NULL) == SMX_OK);
		cr_assert(smx_exposition_add(exposition, two, NULL) == SMX_OK);
		render_as(type, &after);
		cr_assert(after.size == expected.size &&
				  memcmp(after.data, expected.data, after.size) == 0,
			  "after failure %ld", n);
	}
	cr_expect(failures > 50, "only %zu allocations failed", failures);
	smx_buffer_free(&expected);
	smx_buffer_free(&after);
	smx_buffer_free(&buffer);
}

Test(no_memory, survives_every_allocation_that_fails)
{
	fill_for_failures();
	expect_survival(text_004);
	expect_survival((smx_exposition_type){.format = SMX_FORMAT_PROTOBUF});
	expect_survival((smx_exposition_type){SMX_FORMAT_TEXT_100, SMX_ESCAPING_ALLOW_UTF8});
}
