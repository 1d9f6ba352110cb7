/* SPDX-License-Identifier: MIT */
/*
 * listener.c - from an ADDR:PORT to a socket that listens
 */
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Scrapers come in bursts, all at the same second. */
#define BACKLOG 1024

static bool is_port(const char *text)
{
	size_t size = strlen(text);

	return size >= 1 && size <= 5 && strspn(text, "0123456789") == size && atoi(text) <= 65535;
}

/* Splits "HOST:PORT" or "[HOST]:PORT"; host becomes "" for ":PORT". */
static const char *split(const char *text, char *host, size_t host_size)
{
	const char *colon = strrchr(text, ':');
	const char *start = text;
	size_t size;

	if (!colon)
		return NULL;
	size = (size_t)(colon - text);
	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		start++;
		size -= 2;
		if (size == 0)
			return NULL;
	} else if (memchr(text, ':', size) || memchr(text, '[', size) || memchr(text, ']', size)) {
		return NULL;
	}
	if (size >= host_size)
		return NULL;
	memcpy(host, start, size);
	host[size] = '\0';
	return colon + 1;
}

bool listener_parse(struct listener_address *address, const char *text, char *rule,
		    size_t rule_size)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	char host[256];
	const char *port;
	int code;

	*address = (struct listener_address){0};
	port = split(text, host, sizeof(host));
	if (!port || strlen(text) >= sizeof(address->text)) {
		snprintf(rule, rule_size,
			 "must be ADDR:PORT, such as 127.0.0.1:9798, [::1]:9798 or :9798");
		return false;
	}
	if (!is_port(port)) {
		snprintf(rule, rule_size, "the port must be a number from 0 to 65535");
		return false;
	}
	memcpy(address->text, text, strlen(text) + 1);
	address->any = host[0] == '\0';
	if (address->any)
		hints.ai_family = AF_INET6;
	code = getaddrinfo(address->any ? "::" : host, port, &hints, &found);
	if (code != 0) {
		snprintf(rule, rule_size, "the address must be one of this machine: %s",
			 gai_strerror(code));
		return false;
	}
	memcpy(&address->socket_address, found->ai_addr, found->ai_addrlen);
	address->size = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

static int bind_and_listen(const struct sockaddr *socket_address, socklen_t size, bool dual_stack)
{
	const int on = 1;
	const int v6_only = !dual_stack;
	int fd = socket(socket_address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	/* A restart need not wait for the connections of the process before to leave TIME_WAIT. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		goto fail;
	if (socket_address->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) != 0)
		goto fail;
	if (bind(fd, socket_address, size) != 0 || listen(fd, BACKLOG) != 0)
		goto fail;
	return fd;
fail:;
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

void listener_describe(int fd, char *name)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	char host[LISTENER_NAME_MAX - 16];
	char port[8];

	snprintf(name, LISTENER_NAME_MAX, "?");
	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0 ||
	    getnameinfo((struct sockaddr *)&bound, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(name, LISTENER_NAME_MAX, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
}

int listener_open(const struct listener_address *address, char *name)
{
	int fd = bind_and_listen((const struct sockaddr *)&address->socket_address, address->size,
				 address->any);

	if (fd < 0 && address->any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		const struct sockaddr_in6 *v6 =
			(const struct sockaddr_in6 *)&address->socket_address;
		struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = v6->sin6_port};

		fd = bind_and_listen((const struct sockaddr *)&v4, sizeof(v4), false);
	}
	if (fd >= 0)
		listener_describe(fd, name);
	return fd;
}

static in_port_t port_of(const struct listener_address *address)
{
	const void *socket_address = &address->socket_address;

	return address->socket_address.ss_family == AF_INET6
		       ? ((const struct sockaddr_in6 *)socket_address)->sin6_port
		       : ((const struct sockaddr_in *)socket_address)->sin_port;
}

static bool is_wildcard(const struct listener_address *address)
{
	const void *socket_address = &address->socket_address;

	return address->socket_address.ss_family == AF_INET6
		       ? IN6_IS_ADDR_UNSPECIFIED(
				 &((const struct sockaddr_in6 *)socket_address)->sin6_addr)
		       : ((const struct sockaddr_in *)socket_address)->sin_addr.s_addr ==
				 INADDR_ANY;
}

bool listener_conflicts(const struct listener_address *address,
			const struct listener_address *other)
{
	if (port_of(address) == 0 || port_of(address) != port_of(other))
		return false;
	if (address->any || other->any)
		return true;
	if (address->socket_address.ss_family != other->socket_address.ss_family)
		return false;
	return is_wildcard(address) || is_wildcard(other) ||
	       memcmp(&address->socket_address, &other->socket_address, address->size) == 0;
}

bool listener_check(const struct listener_address *address, char *rule, size_t rule_size)
{
	struct listener_address any_port = *address;
	char name[LISTENER_NAME_MAX];
	int fd;

	/* Another program, or this one already running, may have the port. */
	if (any_port.socket_address.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&any_port.socket_address)->sin6_port = 0;
	else
		((struct sockaddr_in *)&any_port.socket_address)->sin_port = 0;
	fd = listener_open(&any_port, name);
	if (fd < 0) {
		snprintf(rule, rule_size, "cannot be listened on: %s", strerror(errno));
		return false;
	}
	close(fd);
	return true;
}
