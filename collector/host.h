/* SPDX-License-Identifier: MIT */
/*
 * host.h - whether a Host header names a host, and perhaps a port (RFC 9112, 3.2)
 */
#ifndef COLLECTOR_HOST_H
#define COLLECTOR_HOST_H

#include <stdbool.h>

/* A name, an IPv4 address, or an IPv6 address in brackets; then nothing, or a colon and a port. */
bool host_is_valid(const char *host);

#endif
