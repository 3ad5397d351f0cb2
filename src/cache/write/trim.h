/* SPDX-License-Identifier: MIT */
/*
 * Makes the cache fit into limits that were just set. What cannot be kept by throwing
 * things out (a floor that other files on the disk have taken, a quota below what is
 * pinned) throws nothing out. Blocking; the thread that opens the cache.
 */
#ifndef CAIRN_CACHE_WRITE_TRIM_H
#define CAIRN_CACHE_WRITE_TRIM_H

#include "cache/write/write_context.h"

/* To those that were set now; about the others, nothing is done before room is needed. A
 * limit that cannot be kept is a warning in the log. */
int trim_to_limits(struct write_context *x, bool quota, bool floor);

#endif
