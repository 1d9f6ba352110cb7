/* SPDX-License-Identifier: MIT */
/*
 * address.c - where the collector is to listen: read it, and see whether it is free
 */
#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool address_parse(const char *text, struct address *address, const char **why)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_size;
	unsigned long port = 0;

	*why = "it has no ':PORT'";
	if (!colon)
		return false;
	*why = "the port is no number from 0 to 65535";
	if (!colon[1] || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	port = strtoul(colon + 1, NULL, 10);
	if (port > 65535)
		return false;
	host_size = (size_t)(colon - text);
	if (host_size >= 2 && host[0] == '[' && host[host_size - 1] == ']') {
		host++;
		host_size -= 2;
	} else if (memchr(host, ':', host_size)) {
		*why = "an IPv6 address goes into brackets, as in [::1]:9798";
		return false;
	}
	*why = "the host is too long";
	if (host_size >= sizeof(address->host))
		return false;
	memcpy(address->host, host, host_size);
	address->host[host_size] = '\0';
	snprintf(address->port, sizeof(address->port), "%lu", port);
	return true;
}

void address_format(const struct address *address, const char *host_if_empty, char *text,
		    size_t text_size)
{
	const char *host = address->host[0] ? address->host : host_if_empty;
	bool brackets = strchr(host, ':') != NULL;

	snprintf(text, text_size, "%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "",
		 address->port);
}

/* Puts the port that the system chose into address->port. */
static int take_port(int fd, struct address *address)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	unsigned port;

	if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0)
		return errno;
	port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						 : ((struct sockaddr_in *)&bound)->sin_port);
	snprintf(address->port, sizeof(address->port), "%u", port);
	return 0;
}

int address_probe(struct address *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	int result = EADDRNOTAVAIL;
	int on = 1;
	int fd;

	/* An empty host is every address; the collector tries IPv6 first, but a plain IPv4 one is
	 * enough. */
	if (!address->host[0])
		hints.ai_family = AF_INET;
	if (getaddrinfo(address->host[0] ? address->host : NULL, address->port, &hints, &found) !=
	    0)
		return EADDRNOTAVAIL;
	fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
	if (fd < 0) {
		result = errno;
		goto out;
	}
	/* A connection that was closed a moment ago does not keep a server from listening again. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* To bind is not enough: two sockets with SO_REUSEADDR may be bound to one port, one may
	 * listen. */
	if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, 1) < 0)
		result = errno;
	else
		result = strcmp(address->port, "0") == 0 ? take_port(fd, address) : 0;
	close(fd);
out:
	freeaddrinfo(found);
	return result;
}
