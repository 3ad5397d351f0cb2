/* SPDX-License-Identifier: MIT */
/* The pages that an attempt on the cache can reach, as a page source for tree.h. What is
 * missing becomes the attempt's wants. The source lives as long as the attempt. */
#ifndef CAIRN_CACHE_ATTEMPT_PAGES_H
#define CAIRN_CACHE_ATTEMPT_PAGES_H

#include "cache/attempt.h"
#include "tree/tree.h"

struct page_source attempt_pages(struct attempt *a);

#endif
