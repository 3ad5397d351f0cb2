/* SPDX-License-Identifier: MIT */
/*
 * The pages whose checksum and layout this process has looked at, by digest: a lookup
 * should not cost a checksum. A set that forgets at random when it is full. Lock-free;
 * any thread.
 */
#ifndef CAIRN_CACHE_META_VERIFIED_PAGES_H
#define CAIRN_CACHE_META_VERIFIED_PAGES_H

#include <stdbool.h>

#include "util/digest.h"

struct verified_pages;
struct verified_pages *verified_pages_new(void); /* 512 KiB; NULL without memory */
void verified_pages_free(struct verified_pages *v);

bool verified_pages_has(struct verified_pages *v, const struct digest *digest);
void verified_pages_add(struct verified_pages *v, const struct digest *digest);
void verified_pages_drop(struct verified_pages *v, const struct digest *digest);

#endif
