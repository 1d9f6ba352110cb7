/* SPDX-License-Identifier: MIT */
/*
 * sockets.h - sockets that listen already, handed over by systemd (sd_listen_fds(3))
 */
#ifndef COLLECTOR_SOCKETS_H
#define COLLECTOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes those that LISTEN_PID and LISTEN_FDS name, and takes the variables out of the environment.
 * Says in rule[rule_size] why there is none, or why one cannot be used.
 */
bool sockets_take(int *fds, size_t max, size_t *count, char *rule, size_t rule_size);

#endif
