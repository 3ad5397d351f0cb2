/* SPDX-License-Identifier: MIT */
/*
 * Which key speaks for which store: the file `known_keys` in the configuration
 * directory, one line "URL PUBKEY" each, the way ssh keeps known_hosts. Blocking file
 * I/O; callers are at start-up. Written by atomic replacement under a lock.
 */
#ifndef CAIRN_CACHE_TRUST_H
#define CAIRN_CACHE_TRUST_H

#include <stdbool.h>

#include "format/signature.h"

/* ERR_ABSENT when the URL is not known. `file` NULL: the user's. */
int trust_lookup(const char *file, const char *url, struct public_key *out, struct trouble *t);
int trust_add(const char *file, const char *url, const struct public_key *key, struct trouble *t);

#endif
