/* SPDX-License-Identifier: MIT */
/*
 * renderer.c - the threads that render and compress, so that those that talk HTTP never wait
 *
 * Rendering itself is one at a time (scrape.h). There are two threads so that one compresses while
 * the other renders.
 */
#include "renderer.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>

#include "clock.h"
#include "compress.h"
#include "foresight.h"
#include "log.h"
#include "selfmetrics.h"

#define THREADS 2u

struct renderer {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an order, the end of a rendering, or of all */
	struct order *first, **last;
	bool is_rendering; /* one of the threads: the other waits, or compresses */
	bool is_end;
	struct foresight foresight;

	struct scrape *scrape;
	struct hand {
		struct renderer *renderer;
		struct compressor *compressor;
	} hands[THREADS];
	pthread_t threads[THREADS];
	unsigned thread_count;
};

/* ---- one order ---- */

static bool is_late(uint64_t deadline_ns)
{
	return deadline_ns != 0 && clock_ns() >= deadline_ns;
}

static enum body_kind kind_of(const struct order *order)
{
	return order->wish.part == SCRAPE_COLLECTOR ? BODY_OWN : BODY_SEGMENTS;
}

/* Never filled with less than all: a scraper would take it for the whole truth. */
static enum order_outcome render(struct renderer *renderer, const struct order *order,
				 smx_buffer *text)
{
	smx_error error = {0};

	if (!body_has_room(kind_of(order)))
		return ORDER_NO_ROOM;
	switch (scrape_render(renderer->scrape, &order->wish, text, &error)) {
	case SCRAPE_UNKNOWN:
		return ORDER_UNKNOWN;
	case SCRAPE_DOWN:
		return ORDER_DOWN;
	case SCRAPE_DONE:
		if (!text->failed)
			return ORDER_FILLED;
		break;
	case SCRAPE_FAILED:
		break;
	}
	log_event(LOG_LEVEL_ERROR, log_text("msg", "scrape failed"),
		  log_text("reason", text->failed ? "no memory" : error.message));
	return ORDER_FAILED;
}

static enum order_outcome pack(struct order *order, smx_buffer *text, struct compressor *compressor)
{
	const size_t size = text->size;

	order->is_gzip = order->wants_gzip && compress_gzip(compressor, text);
	if (order->is_gzip) {
		atomic_fetch_add(&selfmetrics_counts.gzip_input_bytes, size);
		atomic_fetch_add(&selfmetrics_counts.gzip_output_bytes, text->size);
	}
	order->body = body_create(text, kind_of(order));
	return order->body ? ORDER_FILLED : ORDER_NO_ROOM;
}

/* Whether to begin; if not, the order says why. */
static bool may_begin(struct renderer *renderer, struct order *order, uint64_t start,
		      uint64_t deadline)
{
	bool is_allowed, is_end;

	pthread_mutex_lock(&renderer->lock);
	is_end = renderer->is_end;
	is_allowed = foresight_allows(&renderer->foresight, order, start, deadline);
	pthread_mutex_unlock(&renderer->lock);
	order->outcome = is_end ? ORDER_END : ORDER_LATE;
	return is_allowed && !is_end;
}

static void let_next_begin(struct renderer *renderer)
{
	pthread_mutex_lock(&renderer->lock);
	renderer->is_rendering = false;
	pthread_cond_broadcast(&renderer->changed);
	pthread_mutex_unlock(&renderer->lock);
}

static void learn(struct renderer *renderer, const struct order *order)
{
	atomic_store(&selfmetrics_counts.last_scrape_ns, order->took_ns);
	pthread_mutex_lock(&renderer->lock);
	foresight_learn(&renderer->foresight, order);
	pthread_mutex_unlock(&renderer->lock);
}

static void work_on(struct renderer *renderer, struct order *order, struct compressor *compressor)
{
	const uint64_t start = clock_ns(), deadline = order_deadline_ns(order);
	const bool is_begun = may_begin(renderer, order, start, deadline);
	smx_buffer text = {0};

	if (is_begun)
		order->outcome = render(renderer, order, &text);
	let_next_begin(renderer);
	if (is_begun && order->outcome == ORDER_FILLED) {
		order->outcome = is_late(deadline) ? ORDER_LATE : pack(order, &text, compressor);
		order->took_ns = clock_ns() - start;
		learn(renderer, order);
	}
	smx_buffer_free(&text);
}

/*
 * A ticket may be gone as soon as its connection is resumed, and the order with the last one.
 */
static void resume_all(struct ticket *ticket)
{
	while (ticket) {
		struct ticket *next = ticket->next;

		MHD_resume_connection(ticket->mhd);
		ticket = next;
	}
}

/* ---- the threads ---- */

/*
 * The next order, which takes no more tickets, once nobody renders; NULL at the end, when none is
 * left.
 */
static struct order *next_order(struct renderer *renderer)
{
	struct order *order;

	pthread_mutex_lock(&renderer->lock);
	while (renderer->first ? renderer->is_rendering : !renderer->is_end)
		pthread_cond_wait(&renderer->changed, &renderer->lock);
	order = renderer->first;
	if (order) {
		renderer->is_rendering = true;
		renderer->first = order->next;
		if (!renderer->first)
			renderer->last = &renderer->first;
	}
	pthread_mutex_unlock(&renderer->lock);
	return order;
}

static void *run(void *argument)
{
	struct hand *hand = argument;
	struct order *order;

	pthread_setname_np(pthread_self(), "renderer");
	while ((order = next_order(hand->renderer))) {
		work_on(hand->renderer, order, hand->compressor);
		resume_all(order->tickets);
	}
	return NULL;
}

static bool start_threads(struct renderer *renderer)
{
	for (; renderer->thread_count < THREADS; renderer->thread_count++) {
		struct hand *hand = &renderer->hands[renderer->thread_count];

		hand->renderer = renderer;
		hand->compressor = compressor_create();
		if (!hand->compressor)
			return false;
		if (pthread_create(&renderer->threads[renderer->thread_count], NULL, run, hand) !=
		    0) {
			compressor_destroy(hand->compressor);
			return false;
		}
	}
	return true;
}

struct renderer *renderer_start(struct scrape *scrape)
{
	struct renderer *renderer = calloc(1, sizeof(*renderer));

	if (!renderer)
		return NULL;
	renderer->last = &renderer->first;
	renderer->scrape = scrape;
	pthread_mutex_init(&renderer->lock, NULL);
	pthread_cond_init(&renderer->changed, NULL);
	if (start_threads(renderer))
		return renderer;
	renderer_end(renderer);
	renderer_destroy(renderer);
	return NULL;
}

void renderer_end(struct renderer *renderer)
{
	pthread_mutex_lock(&renderer->lock);
	renderer->is_end = true;
	pthread_cond_broadcast(&renderer->changed);
	pthread_mutex_unlock(&renderer->lock);
	for (; renderer->thread_count > 0; renderer->thread_count--) {
		pthread_join(renderer->threads[renderer->thread_count - 1], NULL);
		compressor_destroy(renderer->hands[renderer->thread_count - 1].compressor);
	}
}

void renderer_destroy(struct renderer *renderer)
{
	pthread_cond_destroy(&renderer->changed);
	pthread_mutex_destroy(&renderer->lock);
	free(renderer);
}

/* ---- for the HTTP threads ---- */

/* With the lock. The order that is to be waited for: an equal one that is there, or this one. */
static struct order *enter(struct renderer *renderer, struct order *order)
{
	for (struct order *other = renderer->first; other; other = other->next) {
		if (order_equals(other, order)) {
			order_destroy(order);
			atomic_fetch_add(&selfmetrics_counts.scrapes_shared, 1);
			return other;
		}
	}
	*renderer->last = order;
	renderer->last = &order->next;
	pthread_cond_signal(&renderer->changed);
	return order;
}

bool renderer_submit(struct renderer *renderer, struct order *order, struct ticket *ticket)
{
	pthread_mutex_lock(&renderer->lock);
	if (renderer->is_end) {
		pthread_mutex_unlock(&renderer->lock);
		order_destroy(order);
		return false;
	}
	order = enter(renderer, order);
	ticket->order = order;
	ticket->next = order->tickets;
	order->tickets = ticket;
	order->ticket_count++;
	MHD_suspend_connection(ticket->mhd);
	pthread_mutex_unlock(&renderer->lock);
	return true;
}

void renderer_settle(struct renderer *renderer, struct ticket *ticket)
{
	struct order *order = ticket->order;
	bool is_last;

	pthread_mutex_lock(&renderer->lock);
	is_last = --order->ticket_count == 0;
	pthread_mutex_unlock(&renderer->lock);
	ticket->order = NULL;
	if (is_last)
		order_destroy(order);
}
