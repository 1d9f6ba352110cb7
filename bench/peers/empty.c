/* SPDX-License-Identifier: MIT */
/*
 * empty.c - the floor: a function that takes a handle and does nothing, in a shared library of its
 * own
 */
#include "empty.h"

void peer_empty(peer_handle handle)
{
	(void)handle;
}
