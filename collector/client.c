/* SPDX-License-Identifier: MIT */
/*
 * client.c - who a connection is from: for limits and for the log
 */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void set_v4(struct client *client, const void *address, in_port_t port)
{
	char host[INET_ADDRSTRLEN] = "?";

	/* As it would be mapped: a listener of both families sees it so. */
	client->network[10] = client->network[11] = 0xFF;
	memcpy(client->network + 12, address, 4);
	inet_ntop(AF_INET, address, host, sizeof(host));
	snprintf(client->text, sizeof(client->text), "%s:%u", host, ntohs(port));
}

static void set_v6(struct client *client, const struct in6_addr *address, in_port_t port)
{
	char host[INET6_ADDRSTRLEN] = "?";

	memcpy(client->network, address, IN6_IS_ADDR_LINKLOCAL(address) ? 16 : 8);
	inet_ntop(AF_INET6, address, host, sizeof(host));
	snprintf(client->text, sizeof(client->text), "[%s]:%u", host, ntohs(port));
}

void client_set(struct client *client, const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	*client = (struct client){.text = "?"};
	if (!address)
		return;
	if (address->sa_family == AF_INET)
		set_v4(client, &v4->sin_addr, v4->sin_port);
	else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		set_v4(client, v6->sin6_addr.s6_addr + 12, v6->sin6_port);
	else if (address->sa_family == AF_INET6)
		set_v6(client, &v6->sin6_addr, v6->sin6_port);
}

bool client_is_of(const struct client *client, const struct client *other)
{
	return memcmp(client->network, other->network, CLIENT_NETWORK_BYTES) == 0;
}
