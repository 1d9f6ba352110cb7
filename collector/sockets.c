/* SPDX-License-Identifier: MIT */
/*
 * sockets.c - sockets that listen already, handed over by systemd (sd_listen_fds(3))
 */
#include "sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3

/* A decimal number of at most nine digits; -1 if it is none. */
static long number_of(const char *text)
{
	size_t size = text ? strlen(text) : 0;

	return size >= 1 && size <= 9 && strspn(text, "0123456789") == size ? atol(text) : -1;
}

static bool option_is(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static bool is_inet(int fd)
{
	return option_is(fd, SO_DOMAIN, AF_INET) || option_is(fd, SO_DOMAIN, AF_INET6);
}

static bool take(int fd, char *rule, size_t rule_size)
{
	int flags = fcntl(fd, F_GETFL);

	if (!option_is(fd, SO_TYPE, SOCK_STREAM) || !option_is(fd, SO_ACCEPTCONN, 1) ||
	    !is_inet(fd)) {
		snprintf(rule, rule_size,
			 "descriptor %d is no TCP socket that listens: ListenStream=ADDR:PORT and "
			 "Accept=no are needed",
			 fd);
		return false;
	}
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		snprintf(rule, rule_size, "descriptor %d cannot be set up", fd);
		return false;
	}
	return true;
}

bool sockets_take(int *fds, size_t max, size_t *count, char *rule, size_t rule_size)
{
	const long pid = number_of(getenv("LISTEN_PID"));
	const long given = number_of(getenv("LISTEN_FDS"));

	*count = 0;
	if (pid != getpid() || given < 1) {
		snprintf(rule, rule_size,
			 "no socket was handed over: LISTEN_PID is not this process, or LISTEN_FDS "
			 "is not positive");
		return false;
	}
	if ((size_t)given > max) {
		snprintf(rule, rule_size, "more than %zu sockets were handed over", max);
		return false;
	}
	for (long i = 0; i < given; i++) {
		fds[i] = FIRST_FD + (int)i;
		if (!take(fds[i], rule, rule_size))
			return false;
	}
	*count = (size_t)given;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return true;
}
