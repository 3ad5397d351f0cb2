/* SPDX-License-Identifier: MIT */
/*
 * The base URLs a store is known by, best first by measured health. After a failure a
 * mirror is backed off from, for a while that doubles with each further failure, with
 * jitter; for longer after a wrong byte. Where that holds for all, the one whose time is up
 * soonest is used.
 * Own lock; any thread; no I/O.
 */
#ifndef CAIRN_NET_MIRRORS_H
#define CAIRN_NET_MIRRORS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

#define MIRRORS_MAX 64 /* the user's URL and others: one bit each in a set */
#define URL_SIZE_MAX 4096

struct mirrors;

/* `url` is the store's base as the user gave it: https://, http:// or file://, with or
 * without a trailing '/'; no user name or password in it, no '?' or '#'. ERR_INVALID with
 * a sentence. */
int mirrors_new(const char *url, struct mirrors **out, struct trouble *t);
void mirrors_free(struct mirrors *m);
/* Another base URL (from the manifest); known ones are ignored. It may be http:// or
 * file:// only where the user's URL is. ERR_INVALID, ERR_DENIED, ERR_LIMIT. */
int mirrors_add(struct mirrors *m, const char *url);
unsigned mirrors_count(struct mirrors *m);
/* The base URL number `index`, without a trailing '/'; borrowed as long as m lives. */
const char *mirrors_url(struct mirrors *m, unsigned index);
/* "https://host:port", in lower case: what connections and credentials belong to.
 * Borrowed likewise. */
const char *mirrors_origin(struct mirrors *m, unsigned index);
/* Whether the user's credentials may go there: its origin is that of the user's URL. */
bool mirrors_is_home(struct mirrors *m, unsigned index);

/* The mirror to ask now, best health first, skipping those in the bit set `avoid`;
 * all avoided: -1. *wait_ns: how long it should be left alone first (0: go). Only
 * MIRROR_UNREACHABLE makes waiting; the other faults put a mirror behind its peers. */
int mirrors_choose(struct mirrors *m, uint64_t avoid, int64_t now, int64_t *wait_ns);
/* It answered, after `took_ns`, with `bytes` of use (0: says nothing about its speed). */
void mirrors_succeeded(struct mirrors *m, unsigned index, int64_t took_ns, uint64_t bytes);
/* Failures that come while it is backed off from count as one: many tries fail at once. */
enum mirror_fault { MIRROR_UNREACHABLE, MIRROR_SLOW, MIRROR_WRONG_BYTES };
void mirrors_failed(
	struct mirrors *m, unsigned index, enum mirror_fault fault, int64_t now);

#endif
