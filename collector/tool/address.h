/* SPDX-License-Identifier: MIT */
/*
 * address.h - where the collector is to listen: read it, and see whether it is free
 */
#ifndef SHMETRICS_TOOL_ADDRESS_H
#define SHMETRICS_TOOL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct address {
	char host[256]; /* without brackets; "": every address of the machine */
	char port[8];
};

/* Reads "HOST:PORT", "[IPV6]:PORT" or ":PORT". False, with the reason in why: it is none of them.
 */
bool address_parse(const char *text, struct address *address, const char **why);

/* "HOST:PORT" again; with host_if_empty where the host is "". */
void address_format(const struct address *address, const char *host_if_empty, char *text,
		    size_t text_size);

/*
 * Whether a server could listen there at this moment: 0, EADDRINUSE or another errno; EADDRNOTAVAIL
 * also for a name that means nothing. Port 0 becomes a free one.
 */
int address_probe(struct address *address);

#endif
