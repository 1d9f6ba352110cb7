/* SPDX-License-Identifier: MIT */
/*
 * client.h - who a connection is from: for limits and for the log
 */
#ifndef COLLECTOR_CLIENT_H
#define COLLECTOR_CLIENT_H

#include <stdbool.h>
#include <sys/socket.h>

#define CLIENT_NETWORK_BYTES 16

struct client {
	/*
	 * What counts as one: an IPv4 address; of IPv6 a network of 64 bits, for whoever has one
	 * address there has all of them. Link-local ones are by themselves.
	 */
	unsigned char network[CLIENT_NETWORK_BYTES];
	char text[64]; /* 192.0.2.1:50000 or [2001:db8::1]:50000 */
};

/* address: NULL if it is not known. */
void client_set(struct client *client, const struct sockaddr *address);
bool client_is_of(const struct client *client, const struct client *other);

#endif
