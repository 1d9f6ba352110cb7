/* SPDX-License-Identifier: MIT */
/*
 * gate.c - whether a request is let in: who it says it is from
 */
#include "gate.h"

#include <stdlib.h>

#include "auth.h"
#include "log.h"
#include "selfmetrics.h"

/* A password that nobody knows anything about yet. */
struct check {
	struct errand errand; /* first */
	struct web *web;
	struct auth_claim claim;
	bool is_right;
};

static void run_check(struct errand *errand)
{
	struct check *check = (struct check *)errand;

	check->is_right = auth_verify(check->web->auth, &check->claim);
}

static void drop_check(struct errand *errand)
{
	struct check *check = (struct check *)errand;

	auth_claim_free(&check->claim);
	web_give_back(check->web);
	free(check);
}

/* One line a second: an attack must not become an attack on the log. */
static enum gate conclude(bool is_right, const struct client *client)
{
	static log_pace pace;

	atomic_fetch_add(&selfmetrics_counts.authentications, 1);
	if (is_right)
		return GATE_OPEN;
	atomic_fetch_add(&selfmetrics_counts.authentications_failed, 1);
	if (log_paced(&pace))
		log_event(LOG_LEVEL_WARN, log_text("msg", "request refused"),
			  log_text("reason", "no user, or not with this password"),
			  log_text("client", client->text));
	return GATE_SHUT;
}

static enum gate come_back(struct check *check, const struct client *client)
{
	const bool was_run = check->errand.was_run;
	const bool is_right = check->is_right;

	drop_check(&check->errand);
	return was_run ? conclude(is_right, client) : GATE_BUSY;
}

static enum gate send_check(struct errand **errand, struct errands *errands, struct web *web,
			    struct MHD_Connection *mhd, const struct client *client,
			    struct auth_claim *claim)
{
	struct check *check = calloc(1, sizeof(*check));

	if (!check) {
		auth_claim_free(claim);
		return GATE_BUSY;
	}
	check->errand =
		(struct errand){.run = run_check, .drop = drop_check, .mhd = mhd, .client = client};
	check->claim = *claim;
	check->web = web_share(web);
	*errand = &check->errand;
	if (errands_send(errands, &check->errand))
		return GATE_WAIT;
	*errand = NULL;
	drop_check(&check->errand);
	return GATE_BUSY;
}

enum gate gate_ask(struct errand **errand, struct errands *errands, struct web *web,
		   struct MHD_Connection *mhd, const struct client *client)
{
	struct auth_claim claim;
	enum auth_verdict verdict;

	if (*errand) {
		struct check *check = (struct check *)*errand;

		*errand = NULL;
		return come_back(check, client);
	}
	if (!web->auth)
		return GATE_OPEN;
	claim = auth_claim_read(
		MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION));
	verdict = auth_known(web->auth, &claim);
	if (verdict == AUTH_UNKNOWN)
		return send_check(errand, errands, web, mhd, client, &claim);
	auth_claim_free(&claim);
	return conclude(verdict == AUTH_RIGHT, client);
}
