/* SPDX-License-Identifier: MIT */
/*
 * host.c - whether a Host header names a host, and perhaps a port
 */
#include "host.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME_MAX_BYTES 253u
#define LABEL_MAX_BYTES 63u

/* What DNS has, and underscores, which the names of containers and services have. */
static bool is_label(const char *label, size_t size)
{
	return size >= 1 && size <= LABEL_MAX_BYTES && label[0] != '-' && label[size - 1] != '-' &&
	       strspn(label, LETTERS_AND_DIGITS "-_") >= size;
}

/* Behind the last label there may be one more dot. */
static bool is_name(const char *name, size_t size)
{
	const char *end = name + size;

	if (size > NAME_MAX_BYTES)
		return false;
	do {
		size_t label = strcspn(name, ".:");

		if (!is_label(name, label))
			return false;
		name += label;
		if (name < end)
			name++; /* the dot */
	} while (name < end);
	return true;
}

/* With its brackets. */
static bool is_v6(const char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;

	if (size < 4 || size - 2 >= sizeof(address))
		return false;
	memcpy(address, text + 1, size - 2);
	address[size - 2] = '\0';
	return inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool is_port(const char *text)
{
	size_t size = strlen(text);

	return size >= 1 && size <= 5 && strspn(text, "0123456789") == size && atoi(text) >= 1 &&
	       atoi(text) <= 65535;
}

bool host_is_valid(const char *host)
{
	const char *bracket = strchr(host, ']');
	const bool is_bracketed = host[0] == '[' && bracket;
	const size_t size = is_bracketed ? (size_t)(bracket - host) + 1 : strcspn(host, ":");
	const char *behind = host + size;

	return (is_bracketed ? is_v6(host, size) : is_name(host, size)) &&
	       (*behind == '\0' || (*behind == ':' && is_port(behind + 1)));
}
