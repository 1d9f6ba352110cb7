/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.c - POST or PUT /-/reload
 */
#include "lifecycle.h"

#include <stdlib.h>

#include "reload.h"
#include "text.h"

struct request_to_reload {
	struct errand errand; /* first */
	bool ok;
	struct web_fault fault;
};

static void run_reload(struct errand *errand)
{
	struct request_to_reload *request = (struct request_to_reload *)errand;

	request->ok = reload_now("POST /-/reload", &request->fault);
}

static void drop_reload(struct errand *errand)
{
	free(errand);
}

static bool say(struct answer *answer, unsigned status, const char *text, const char *detail)
{
	answer->status = status;
	answer->content_type = ANSWER_TEXT;
	text_append(&answer->body, text);
	text_append(&answer->body, detail);
	text_append(&answer->body, "\n");
	return true;
}

bool lifecycle_answer(struct errand **errand, struct errands *errands, struct MHD_Connection *mhd,
		      const struct client *client, struct answer *answer)
{
	struct request_to_reload *request = (struct request_to_reload *)*errand;

	if (!request) {
		request = calloc(1, sizeof(*request));
		if (!request)
			return say(answer, 503, "no memory", "");
		request->errand = (struct errand){
			.run = run_reload, .drop = drop_reload, .mhd = mhd, .client = client};
		if (errands_send(errands, &request->errand)) {
			*errand = &request->errand;
			return false;
		}
		free(request);
		return say(answer, 503, "too many wait for something already", "");
	}
	*errand = NULL;
	if (!request->errand.was_run)
		say(answer, 503, "the collector is stopping, or too many wait for something", "");
	else if (request->ok)
		say(answer, 200, "reloaded", "");
	else
		say(answer, 500, "not reloaded, all is as before: ", request->fault.text);
	free(request);
	return true;
}
