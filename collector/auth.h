/* SPDX-License-Identifier: MIT */
/*
 * auth.h - users and their passwords: HTTP basic authentication against bcrypt hashes
 *
 *  U1  A check by bcrypt takes tens of milliseconds: auth_known answers at once where the answer is
 *      known, and only auth_verify takes its time, in a thread where nobody waits for another.
 *  U2  What is kept of a password is a digest under a key that is made for each loading of the
 *      configuration and never leaves the process; a new configuration knows nothing.
 *  U3  Of each user one right password is kept, of wrong ones the last few: whoever sends many
 *      wrong ones cannot push out the right one.
 *  U4  Neither which users there are nor how much of a password is right shows in the time taken:
 *      an unknown user's password is checked against a known user's hash, always the same one, and
 *      comparisons look at everything.
 */
#ifndef COLLECTOR_AUTH_H
#define COLLECTOR_AUTH_H

#include "web_settings.h"

struct auth;

/* What a client says who it is; auth_claim_free wipes it. */
struct auth_claim {
	char *user; /* NULL: none, or nothing that could be right */
	char *password;
};

enum auth_verdict { AUTH_UNKNOWN, AUTH_RIGHT, AUTH_WRONG };

/* NULL: says in *fault which rule of basic_auth_users is broken. */
struct auth *auth_create(const struct web_pairs *users, const char *path, struct web_fault *fault);
void auth_free(struct auth *auth);

/* header: of the field Authorization, NULL if there is none. */
struct auth_claim auth_claim_read(const char *header);
void auth_claim_free(struct auth_claim *claim);

/* Any thread. */
enum auth_verdict auth_known(struct auth *auth, const struct auth_claim *claim);
bool auth_verify(struct auth *auth, const struct auth_claim *claim);

#endif
