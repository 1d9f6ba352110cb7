/* SPDX-License-Identifier: MIT */
/*
 * hidden.c - which families of a segment are not served with the others, by name and with the
 * reason
 */
#include "hidden.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "segment.h"
#include "text.h"

/* Lines a renewal: what a segment holds must not become an attack on the log. */
#define LOGGED_MAX 20

struct draft {
	struct hidden_list *list;
	struct hidden_counts *counts;
};

static void take(void *argument, smx_text name, smx_hiding reason)
{
	struct draft *draft = argument;
	struct hidden_list *list = draft->list;

	draft->counts->by_reason[reason]++;
	list->count++;
	if (list->named == HIDDEN_NAMED_MAX)
		return;
	list->families[list->named].name = strndup(name.data, name.size);
	list->families[list->named].reason = reason;
	if (list->families[list->named].name)
		list->named++;
}

static bool has(const struct hidden_list *list, const struct hidden_family *family)
{
	for (size_t i = 0; i < list->named; i++)
		if (list->families[i].reason == family->reason &&
		    strcmp(list->families[i].name, family->name) == 0)
			return true;
	return false;
}

static void log_new(const struct segment *segment, const struct hidden_list *list,
		    const struct hidden_list *before)
{
	int64_t more = (int64_t)(list->count - list->named);
	unsigned logged = 0;

	if (list->count <= before->count)
		more = 0;
	for (size_t i = 0; i < list->named; i++) {
		if (has(before, &list->families[i]))
			continue;
		if (logged == LOGGED_MAX) {
			more++;
			continue;
		}
		logged++;
		log_event(LOG_LEVEL_WARN, log_text("msg", "family hidden"),
			  log_text("segment", segment->name), log_text("path", segment->path),
			  log_text("family", list->families[i].name),
			  log_text("reason", smx_hiding_name(list->families[i].reason)));
	}
	if (more)
		log_event(LOG_LEVEL_WARN, log_text("msg", "more families hidden"),
			  log_text("segment", segment->name), log_text("path", segment->path),
			  log_number("families", more));
}

void hidden_renew(struct segment *segment, const smx_exposition *exposition, unsigned escapings,
		  struct hidden_counts *counts)
{
	struct hidden_list list = {.count = 0}, before;
	struct draft draft = {&list, counts};

	smx_exposition_hidden(exposition, segment->reader, escapings, take, &draft);
	if (list.count == 0 && segment->hidden.count == 0)
		return;
	log_new(segment, &list, &segment->hidden);
	pthread_mutex_lock(&segment->status_lock);
	before = segment->hidden;
	segment->hidden = list;
	pthread_mutex_unlock(&segment->status_lock);
	hidden_free(&before);
}

void hidden_free(struct hidden_list *list)
{
	for (size_t i = 0; i < list->named; i++)
		free(list->families[i].name);
	list->named = 0;
}

void hidden_append(struct segment *segment, smx_buffer *body)
{
	text_append(body, "[");
	pthread_mutex_lock(&segment->status_lock);
	for (size_t i = 0; i < segment->hidden.named; i++) {
		const struct hidden_family *family = &segment->hidden.families[i];

		text_append(body, i ? ",{\"family\":" : "{\"family\":");
		text_json(body, family->name);
		text_append(body, ",\"reason\":");
		text_json(body, smx_hiding_name(family->reason));
		text_append(body, "}");
	}
	pthread_mutex_unlock(&segment->status_lock);
	text_append(body, "]");
}
