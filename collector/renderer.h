/* SPDX-License-Identifier: MIT */
/*
 * renderer.h - the threads that render and compress, so that those that talk HTTP never wait
 *
 * A listener's one thread hands a scrape over and suspends its connection; a renderer's thread
 * makes the answer and resumes it. So probes and pages are answered while a large scrape renders.
 *
 *  Q1  What a scraper gets was begun after its request had come: an order takes no more tickets
 *      once it is begun.
 *  Q2  Orders that ask for the same wait as one. However many scrapers come at once, at most two
 *      renderings of a kind are to be made: the one that is on its way, and one for all the others.
 *  Q3  A connection is suspended before any thread can resume it, and each is resumed exactly once,
 *      at the end too: libmicrohttpd must not be stopped with one suspended.
 *  Q4  An order is not begun when nobody can have it in time, nor when its bytes would have no
 *      room; it is given up as soon as the last who waits for it is too late.
 */
#ifndef COLLECTOR_RENDERER_H
#define COLLECTOR_RENDERER_H

#include "order.h"
#include "scrape.h"

struct renderer;

/* NULL: no memory or no thread. */
struct renderer *renderer_start(struct scrape *scrape);
/* Resumes what waits, and takes nothing more: before the HTTP threads are stopped. */
void renderer_end(struct renderer *renderer);
/* After renderer_end, and when no ticket is left. */
void renderer_destroy(struct renderer *renderer);

/*
 * Suspends the ticket's connection until the order is done; ticket->order is then the one that was
 * waited for, be it this one or an equal one before it. Takes over the order. False: it is the end,
 * nothing is suspended.
 */
bool renderer_submit(struct renderer *renderer, struct order *order, struct ticket *ticket);
/* The ticket has what it waited for. */
void renderer_settle(struct renderer *renderer, struct ticket *ticket);

#endif
