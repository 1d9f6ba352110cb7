/* SPDX-License-Identifier: MIT */
/*
 * errand.c - what takes too long for a thread that answers requests, done by a thread of its own
 */
#include "errand.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

/* Some three seconds of bcrypt at cost 10: longer than a scraper would wait. */
#define WAITING_MAX 64

struct errands {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct errand
		*first; /* in the order of their rounds, of one round in that of their coming */
	unsigned waiting;
	uint64_t round; /* of the last one taken */
	bool stop;
};

/* With the lock. */
static struct errand *take_first(struct errands *errands)
{
	struct errand *errand = errands->first;

	errands->first = errand->next;
	errands->waiting--;
	errands->round = errand->round;
	return errand;
}

/* Whether the client has closed its side: nobody waits for what would be done. */
static bool has_left(const struct errand *errand)
{
	struct pollfd poll_one = {.fd = errand->descriptor, .events = POLLRDHUP};

	return poll(&poll_one, 1, 0) == 1 &&
	       (poll_one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void *run(void *argument)
{
	struct errands *errands = argument;

	pthread_mutex_lock(&errands->lock);
	while (!errands->stop || errands->first) {
		struct errand *errand;
		bool stop;

		if (!errands->first) {
			pthread_cond_wait(&errands->changed, &errands->lock);
			continue;
		}
		errand = take_first(errands);
		stop = errands->stop;
		pthread_mutex_unlock(&errands->lock);
		errand->was_run = !stop && !has_left(errand);
		if (errand->was_run)
			errand->run(errand);
		MHD_resume_connection(errand->mhd);
		pthread_mutex_lock(&errands->lock);
	}
	pthread_mutex_unlock(&errands->lock);
	return NULL;
}

struct errands *errands_start(void)
{
	struct errands *errands = calloc(1, sizeof(*errands));

	if (!errands)
		return NULL;
	pthread_mutex_init(&errands->lock, NULL);
	pthread_cond_init(&errands->changed, NULL);
	if (pthread_create(&errands->thread, NULL, run, errands) == 0)
		return errands;
	errands_free(errands);
	return NULL;
}

/*
 * With the lock. Fair queueing: a client's errands are a round apart, the first of them in the
 * round that is on.
 */
static uint64_t round_of(const struct errands *errands, const struct errand *errand)
{
	uint64_t round = errands->round;

	for (const struct errand *other = errands->first; other; other = other->next)
		if (client_is_of(other->client, errand->client) && other->round >= round)
			round = other->round + 1;
	return round;
}

/* With the lock. */
static void insert(struct errands *errands, struct errand *errand)
{
	struct errand **link = &errands->first;

	while (*link && (*link)->round <= errand->round)
		link = &(*link)->next;
	errand->next = *link;
	*link = errand;
	errands->waiting++;
}

/* With the lock. The last one gives way to a client that has fewer; false: nobody has more. */
static bool make_place(struct errands *errands, const struct errand *errand)
{
	struct errand **link = &errands->first;
	struct errand *last;

	if (errands->waiting < WAITING_MAX)
		return true;
	while ((*link)->next)
		link = &(*link)->next;
	last = *link;
	if (last->round <= errand->round)
		return false;
	*link = NULL;
	errands->waiting--;
	last->was_run = false;
	MHD_resume_connection(last->mhd);
	return true;
}

bool errands_send(struct errands *errands, struct errand *errand)
{
	bool taken;

	errand->descriptor =
		MHD_get_connection_info(errand->mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	pthread_mutex_lock(&errands->lock);
	errand->round = round_of(errands, errand);
	taken = !errands->stop && make_place(errands, errand);
	if (taken) {
		/* First it stands still, then somebody may wake it. */
		MHD_suspend_connection(errand->mhd);
		insert(errands, errand);
		pthread_cond_signal(&errands->changed);
	}
	pthread_mutex_unlock(&errands->lock);
	return taken;
}

void errands_stop(struct errands *errands)
{
	pthread_mutex_lock(&errands->lock);
	errands->stop = true;
	pthread_cond_signal(&errands->changed);
	pthread_mutex_unlock(&errands->lock);
	pthread_join(errands->thread, NULL);
}

void errands_free(struct errands *errands)
{
	pthread_cond_destroy(&errands->changed);
	pthread_mutex_destroy(&errands->lock);
	free(errands);
}
