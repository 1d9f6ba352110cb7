/* SPDX-License-Identifier: MIT */
/*
 * auth.c - users and their passwords: HTTP basic authentication against bcrypt hashes
 */
#include "auth.h"

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGEST_BYTES 32
#define WRONG_MAX 64 /* passwords remembered as wrong */
/* $2b$10$, 22 characters of salt, 31 of hash */
#define HASH_SIZE 60
#define HASH_ALPHABET "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* Each step doubles the time; 10 takes some 50 ms, 16 three seconds for everybody who asks. */
#define COST_MIN 4
#define COST_MAX 15

struct digest {
	unsigned char bytes[DIGEST_BYTES];
};

struct user {
	struct digest name;
	struct digest right; /* of the password that was seen to be right */
	bool has_right;
	char hash[HASH_SIZE + 1];
};

struct auth {
	unsigned char key[DIGEST_BYTES];
	pthread_mutex_t lock; /* for what is kept of passwords */
	struct digest wrong[WRONG_MAX];
	size_t wrong_next; /* of all, so the place is modulo WRONG_MAX */
	size_t user_count;
	struct user users[];
};

static bool equal(const struct digest *one, const struct digest *other)
{
	return gnutls_memcmp(one->bytes, other->bytes, DIGEST_BYTES) == 0;
}

/* Of a text under the key, and under another digest if there is one. False: GnuTLS has failed. */
static bool digest_of(const struct auth *auth, const struct digest *before, const char *text,
		      struct digest *digest)
{
	gnutls_hmac_hd_t state;
	int code;

	code = gnutls_hmac_init(&state, GNUTLS_MAC_SHA256, auth->key, sizeof(auth->key));
	if (code != 0)
		return false;
	if (before)
		code = gnutls_hmac(state, before->bytes, DIGEST_BYTES);
	if (code == 0)
		code = gnutls_hmac(state, text, strlen(text));
	gnutls_hmac_deinit(state, digest->bytes);
	return code == 0;
}

/* ---- the users ---- */

static bool check_hash(const struct web_text *name, const struct web_text *hash, const char *path,
		       struct web_fault *fault)
{
	const char *text = hash->text;
	int cost;

	if (strlen(text) != HASH_SIZE || text[0] != '$' || text[1] != '2' ||
	    !memchr("aby", text[2], 3) || text[3] != '$' || text[6] != '$' ||
	    strspn(text + 4, "0123456789") != 2 || strspn(text + 7, HASH_ALPHABET) != HASH_SIZE - 7)
		return web_fault(fault, path, hash->line,
				 "basic_auth_users: the password of \"%s\" must be a bcrypt hash, "
				 "as made by: htpasswd -nBC 10 \"\"",
				 name->text);
	cost = atoi(text + 4);
	if (cost < COST_MIN || cost > COST_MAX)
		return web_fault(fault, path, hash->line,
				 "basic_auth_users: the bcrypt cost of \"%s\" must be from %d to "
				 "%d",
				 name->text, COST_MIN, COST_MAX);
	return true;
}

static bool check_name(const struct web_text *name, const char *path, struct web_fault *fault)
{
	if (!*name->text || strchr(name->text, ':'))
		return web_fault(fault, path, name->line,
				 "basic_auth_users: \"%s\" must not be empty nor have a colon",
				 name->text);
	for (const char *at = name->text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			return web_fault(fault, path, name->line,
					 "basic_auth_users: a name has a control character");
	return true;
}

struct auth *auth_create(const struct web_pairs *users, const char *path, struct web_fault *fault)
{
	struct auth *auth = calloc(1, sizeof(*auth) + users->count * sizeof(auth->users[0]));

	if (!auth || gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key)) != 0) {
		web_fault(fault, path, users->line, "no memory or no random numbers");
		free(auth);
		return NULL;
	}
	pthread_mutex_init(&auth->lock, NULL);
	for (size_t i = 0; i < users->count; i++) {
		struct user *user = &auth->users[i];

		if (!check_name(&users->names[i], path, fault) ||
		    !check_hash(&users->names[i], &users->values[i], path, fault))
			goto fail;
		if (!digest_of(auth, NULL, users->names[i].text, &user->name)) {
			web_fault(fault, path, users->line, "GnuTLS cannot make a digest");
			goto fail;
		}
		memcpy(user->hash, users->values[i].text, HASH_SIZE + 1);
		auth->user_count++;
	}
	return auth;
fail:
	auth_free(auth);
	return NULL;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	pthread_mutex_destroy(&auth->lock);
	explicit_bzero(auth, sizeof(*auth) + auth->user_count * sizeof(auth->users[0]));
	free(auth);
}

/* ---- what a client says ---- */

static bool split_claim(struct auth_claim *claim, const gnutls_datum_t *decoded)
{
	const char *text = (const char *)decoded->data;
	const char *colon = memchr(text, ':', decoded->size);

	/* A password that bcrypt would see half of is none. */
	if (!colon || memchr(text, '\0', decoded->size))
		return false;
	claim->user = strndup(text, (size_t)(colon - text));
	claim->password = strndup(colon + 1, decoded->size - (size_t)(colon + 1 - text));
	return claim->user && claim->password;
}

struct auth_claim auth_claim_read(const char *header)
{
	struct auth_claim claim = {NULL, NULL};
	gnutls_datum_t encoded, decoded;

	if (!header || strncasecmp(header, "Basic ", 6) != 0)
		return claim;
	header += 6;
	header += strspn(header, " ");
	encoded.data = (unsigned char *)(uintptr_t)header;
	encoded.size = (unsigned)strlen(header);
	if (encoded.size == 0 || gnutls_base64_decode2(&encoded, &decoded) != 0)
		return claim;
	if (!split_claim(&claim, &decoded))
		auth_claim_free(&claim);
	explicit_bzero(decoded.data, decoded.size);
	gnutls_free(decoded.data);
	return claim;
}

void auth_claim_free(struct auth_claim *claim)
{
	if (claim->password)
		explicit_bzero(claim->password, strlen(claim->password));
	free(claim->user);
	free(claim->password);
	claim->user = NULL;
	claim->password = NULL;
}

/* ---- whether it is right ---- */

/* The digests of a claim, and the user it is about. */
struct question {
	struct digest name;
	struct digest whole;
	struct user *user; /* of an unknown name: whose hash stands in */
	bool is_known;
};

static bool ask(struct auth *auth, const struct auth_claim *claim, struct question *question)
{
	size_t stand_in;

	if (!digest_of(auth, NULL, claim->user, &question->name) ||
	    !digest_of(auth, &question->name, claim->password, &question->whole))
		return false;
	memcpy(&stand_in, question->name.bytes, sizeof(stand_in));
	question->user = &auth->users[stand_in % auth->user_count];
	question->is_known = false;
	for (size_t i = 0; i < auth->user_count; i++) {
		const bool same = equal(&auth->users[i].name, &question->name);

		question->user = same ? &auth->users[i] : question->user;
		question->is_known = question->is_known || same;
	}
	return true;
}

enum auth_verdict auth_known(struct auth *auth, const struct auth_claim *claim)
{
	struct question question;
	bool right, wrong = false;

	if (!claim->user)
		return AUTH_WRONG;
	if (!ask(auth, claim, &question))
		return AUTH_UNKNOWN;
	pthread_mutex_lock(&auth->lock);
	right = question.is_known && question.user->has_right &&
		equal(&question.user->right, &question.whole);
	for (size_t i = 0; i < WRONG_MAX && i < auth->wrong_next; i++)
		wrong = equal(&auth->wrong[i], &question.whole) || wrong;
	pthread_mutex_unlock(&auth->lock);
	return right ? AUTH_RIGHT : wrong ? AUTH_WRONG : AUTH_UNKNOWN;
}

/* What bcrypt says; unknown: there is no memory to ask it. */
static enum auth_verdict compare(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made;
	bool same;

	if (!data)
		return AUTH_UNKNOWN;
	made = crypt_r(password, hash, data);
	same = made && strlen(made) == HASH_SIZE && gnutls_memcmp(made, hash, HASH_SIZE) == 0;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same ? AUTH_RIGHT : AUTH_WRONG;
}

bool auth_verify(struct auth *auth, const struct auth_claim *claim)
{
	enum auth_verdict verdict;
	struct question question;
	bool right;

	if (!claim->user || !ask(auth, claim, &question))
		return false;
	verdict = compare(claim->password, question.user->hash);
	right = verdict == AUTH_RIGHT && question.is_known;
	pthread_mutex_lock(&auth->lock);
	if (right) {
		question.user->right = question.whole;
		question.user->has_right = true;
	} else if (verdict != AUTH_UNKNOWN) {
		auth->wrong[auth->wrong_next++ % WRONG_MAX] = question.whole;
	}
	pthread_mutex_unlock(&auth->lock);
	return right;
}
