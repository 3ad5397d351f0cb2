/* SPDX-License-Identifier: MIT */
/*
 * Where finished pages go: the publication's workers compress them and put them into the
 * store. What waits is bounded: beyond that, the thread that makes the pages puts them
 * itself. Used by the tool's thread alone.
 */
#ifndef CAIRN_PUBLISH_PAGE_SINK_H
#define CAIRN_PUBLISH_PAGE_SINK_H

#include "publish/publication.h"

struct page_sink {
	struct publication *publication; /* borrowed */
	struct trouble trouble;		 /* of a page that this thread wrote */
};

/* A page_emit_fn; `ctx` is the sink. A worker's failure is the publication's; join the
 * workers before the store is synced. */
int page_sink_emit(void *ctx, const struct digest *name, struct span text);

#endif
