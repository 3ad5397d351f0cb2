/* SPDX-License-Identifier: MIT */
/*
 * The pages whose checksum and layout this process has looked at lately, by digest: a
 * lookup should not cost a checksum, and one look should not be believed for ever, for
 * memory and disk of a machine that stays up rot too. A set that forgets at random when it
 * is full. Lock-free, no system call; any thread.
 */
#ifndef CAIRN_CACHE_META_VERIFIED_PAGES_H
#define CAIRN_CACHE_META_VERIFIED_PAGES_H

#include <stdbool.h>

#include "util/digest.h"

/* Seconds that a look is good for, give or take one. A page of 40 KB costs 6 microseconds
 * to look at: one that is in use all the time, 3 millionths of a processor. */
#define VERIFIED_PAGES_TERM 2

struct verified_pages;
struct verified_pages *verified_pages_new(void); /* 512 KiB; NULL without memory */
void verified_pages_free(struct verified_pages *v);
/* Another term, at most some hours; 0: each use is a look. For tests. */
void verified_pages_set_term(struct verified_pages *v, unsigned seconds);

/* Was it looked at at all, as far as is remembered? */
bool verified_pages_knows(struct verified_pages *v, const struct digest *digest);
bool verified_pages_has(struct verified_pages *v, const struct digest *digest);
void verified_pages_add(struct verified_pages *v, const struct digest *digest);
void verified_pages_drop(struct verified_pages *v, const struct digest *digest);

#endif
