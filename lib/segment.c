/* SPDX-License-Identifier: MIT */
/*
 * segment.c - opening and closing, and the list of this process's segments
 *
 * The list, and all that only set-up does, is under one lock. It lives on a page that fork wipes: a
 * child that no fork handler saw finds it free, even if another thread of the parent held it.
 */
#include "segment.h"

#include "create.h"
#include "error.h"
#include "names.h"
#include "platform.h"
#include "slot.h"

#include <pthread.h>
#include <stdlib.h>

static struct smx_segment *segments;
static pthread_mutex_t *process_mutex;
static pthread_mutex_t fallback_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

void smx_process_lock(void)
{
	pthread_mutex_lock(process_mutex);
}

void smx_process_unlock(void)
{
	pthread_mutex_unlock(process_mutex);
}

static void after_fork_in_child(void)
{
	/* Wiped or not: this thread holds it, and there is no other. */
	memcpy(process_mutex, &(pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER, sizeof *process_mutex);
	for (struct smx_segment *segment = segments; segment; segment = segment->next)
		smx_slot_after_fork(segment);
}

static void start_process(void)
{
	void *page = smx_platform_wiped_page();

	/* All zero is PTHREAD_MUTEX_INITIALIZER with glibc and musl. */
	process_mutex = page ? page : &fallback_mutex;
	smx_platform_on_fork(smx_process_lock, smx_process_unlock, after_fork_in_child);
}

static void add_to_list(struct smx_segment *segment)
{
	segment->open_count = 1;
	segment->next = segments;
	segments = segment;
}

static struct smx_segment *find_open(const char *path)
{
	for (struct smx_segment *segment = segments; segment; segment = segment->next)
		if (!segment->private && strcmp(segment->path, path) == 0)
			return segment;
	return NULL;
}

smx_status smx_segment_open_private(const smx_segment_options *options, smx_segment **segment,
				    smx_error *error)
{
	struct smx_create_plan plan;
	smx_status status;

	if (!segment)
		return smx_fail(error, SMX_ERR_INVALID, 0, "segment: must not be NULL");
	*segment = NULL;
	status = smx_create_plan(options, &plan, error);
	if (status != SMX_OK)
		return status;
	pthread_once(&process_once, start_process);
	*segment = smx_platform_reserve(plan.size_max, false);
	if (!*segment)
		return smx_fail(error, SMX_ERR_NO_MEMORY, 0,
				"a private segment: no address space for %llu bytes",
				(unsigned long long)plan.size_max);
	plan.slot_max = 1;
	smx_create_fill((*segment)->header, &plan);
	(*segment)->header->flags = SMX_LAYOUT_FLAG_PRIVATE;
	smx_process_lock();
	smx_slot_claim(*segment, NULL);
	add_to_list(*segment);
	smx_process_unlock();
	return SMX_OK;
}

smx_status smx_segment_open(const char *name, const smx_segment_options *options,
			    smx_segment **segment, smx_error *error)
{
	char path[SMX_PATH_MAX];
	struct smx_segment *found;
	smx_status status;

	if (!segment)
		return smx_fail(error, SMX_ERR_INVALID, 0, "segment: must not be NULL");
	*segment = NULL;
	if (!name)
		name = getenv("SHMETRICS_SEGMENT");
	if (!name || !*name)
		return smx_segment_open_private(options, segment, error);
	status = smx_segment_resolve(name, NULL, path, sizeof path, error);
	if (status != SMX_OK)
		return status;
	pthread_once(&process_once, start_process);
	smx_process_lock();
	found = find_open(path);
	if (found) {
		found->open_count++;
		smx_slot_claim(found, NULL); /* a child that no fork handler saw has none */
	} else {
		status = smx_life_open(path, options, &found, error);
		if (status == SMX_OK)
			add_to_list(found);
	}
	smx_process_unlock();
	if (status == SMX_OK)
		*segment = found;
	return status;
}

void smx_segment_close(smx_segment *segment)
{
	struct smx_segment **link = &segments;

	if (!segment)
		return;
	smx_process_lock();
	if (--segment->open_count == 0) {
		while (*link && *link != segment)
			link = &(*link)->next;
		if (*link)
			*link = segment->next;
		smx_slot_release(segment);
		smx_platform_release(segment);
	}
	smx_process_unlock();
}

const char *smx_segment_path(const smx_segment *segment)
{
	return segment ? segment->path : "";
}

bool smx_segment_claim(smx_segment *segment, smx_error *error)
{
	bool held;

	if (!segment) {
		smx_fail(error, SMX_ERR_INVALID, 0, "segment: must not be NULL");
		return false;
	}
	smx_process_lock();
	held = smx_slot_claim(segment, error);
	smx_process_unlock();
	return held;
}
