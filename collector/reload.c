/* SPDX-License-Identifier: MIT */
/*
 * reload.c - reads the web configuration anew and looks for segments anew, without a restart
 */
#include "reload.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "selfmetrics.h"

/* How often the files are looked at, and how long they must have stood still. */
#define LOOK_SECONDS 1

static struct {
	pthread_mutex_t lock; /* one reload at a time; for all of this */
	pthread_cond_t stopped;
	pthread_t thread;
	bool is_watching;
	bool stop;
	const char *path;
	struct discovery *discovery;
	struct web_sources tried; /* what the last attempt was made of */
	struct web_stamp seen[WEB_FILES_MAX];
} reload = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(bool ok)
{
	atomic_store(&selfmetrics_counts.config_is_bad, !ok);
	if (ok)
		atomic_store(&selfmetrics_counts.config_loaded_at, (unsigned long long)time(NULL));
}

/* With the lock. */
static bool load_again(const char *by, struct web_fault *fault)
{
	struct web *web = web_load(reload.path, &reload.tried, fault);
	const bool ok = web && web_replace(web, reload.path, fault);

	memcpy(reload.seen, reload.tried.stamps, sizeof(reload.seen));
	note(ok);
	if (ok)
		log_event(LOG_LEVEL_INFO, log_text("msg", "configuration read anew"),
			  log_text("file", reload.path), log_text("by", by));
	else
		log_event(LOG_LEVEL_ERROR,
			  log_text("msg", "bad configuration: the one before stays in force"),
			  log_text("reason", fault->text), log_text("by", by));
	return ok;
}

bool reload_now(const char *by, struct web_fault *fault)
{
	bool ok = true;

	pthread_mutex_lock(&reload.lock);
	if (reload.path)
		ok = load_again(by, fault);
	else
		note(true);
	log_event(LOG_LEVEL_INFO, log_text("msg", "rescanning"), log_text("by", by));
	discovery_rescan(reload.discovery);
	pthread_mutex_unlock(&reload.lock);
	return ok;
}

/* Whether something is no more what was read last, and is as it was at the last look. */
static bool has_changed_and_settled(void)
{
	bool has_changed = false, has_settled = true;

	for (size_t i = 0; i < reload.tried.count; i++) {
		const struct web_stamp now = web_stamp_of(reload.tried.paths[i]);

		has_changed = has_changed || !web_stamp_equal(&now, &reload.tried.stamps[i]);
		has_settled = has_settled && web_stamp_equal(&now, &reload.seen[i]);
		reload.seen[i] = now;
	}
	return has_changed && has_settled;
}

static void *watch(void *argument)
{
	struct web_fault fault;

	(void)argument;
	pthread_mutex_lock(&reload.lock);
	while (!reload.stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_SECONDS;
		pthread_cond_timedwait(&reload.stopped, &reload.lock, &until);
		if (!reload.stop && has_changed_and_settled())
			load_again("a change of its files", &fault);
	}
	pthread_mutex_unlock(&reload.lock);
	return NULL;
}

bool reload_start(const char *path, const struct web_sources *sources, struct discovery *discovery)
{
	pthread_condattr_t attributes;

	reload.path = path;
	reload.tried = *sources;
	memcpy(reload.seen, sources->stamps, sizeof(reload.seen));
	reload.discovery = discovery;
	note(true);
	if (!path)
		return true;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reload.stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	reload.is_watching = pthread_create(&reload.thread, NULL, watch, NULL) == 0;
	return reload.is_watching;
}

void reload_stop(void)
{
	if (!reload.is_watching)
		return;
	pthread_mutex_lock(&reload.lock);
	reload.stop = true;
	pthread_cond_broadcast(&reload.stopped);
	pthread_mutex_unlock(&reload.lock);
	pthread_join(reload.thread, NULL);
	reload.is_watching = false;
}
