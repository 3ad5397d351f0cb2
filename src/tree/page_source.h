/* SPDX-License-Identifier: MIT */
/*
 * Where the pages of a tree come from: an attempt on the cache, a store being published,
 * memory. Filled in by whoever holds pages, called by tree/ only, in the thread that called
 * tree/.
 */
#ifndef CAIRN_TREE_PAGE_SOURCE_H
#define CAIRN_TREE_PAGE_SOURCE_H

#include "format/page.h"

struct page_source {
	/* The page of that digest, borrowed as long as the source's owner says. */
	int (*page)(void *ctx, const struct digest *digest, struct page *out);
	/* May be NULL: this page will be wanted soon. True: it is here already. */
	bool (*hint)(void *ctx, const struct digest *digest);
	void *ctx;
};

#endif
