/* SPDX-License-Identifier: MIT */
/*
 * listener.h - from an ADDR:PORT to a socket that listens
 */
#ifndef COLLECTOR_LISTENER_H
#define COLLECTOR_LISTENER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct listener_address {
	char text[300]; /* as given */
	struct sockaddr_storage socket_address;
	socklen_t size;
	bool any; /* ":PORT": every address of the machine, IPv6 where there is one, and IPv4 */
};

/* Long enough for [IPv6%zone]:port. */
#define LISTENER_NAME_MAX 128

/* On failure says in rule[rule_size] which rule the text breaks and returns false. */
bool listener_parse(struct listener_address *address, const char *text, char *rule,
		    size_t rule_size);

/* Whether it is an address of this machine; if not, rule[rule_size] says so. */
/*
 * Whether not both can be listened on: one port of one address, or of all of them. Ports that the
 * system chooses are never one.
 */
bool listener_conflicts(const struct listener_address *address,
			const struct listener_address *other);
bool listener_check(const struct listener_address *address, char *rule, size_t rule_size);

/* name[LISTENER_NAME_MAX] becomes the address that a socket is bound to. */
void listener_describe(int fd, char *name);

/*
 * Binds and listens. name[LISTENER_NAME_MAX] becomes the address that was bound, with the port that
 * the system chose for port 0. Returns the descriptor, or -1 with errno.
 */
int listener_open(const struct listener_address *address, char *name);

#endif
