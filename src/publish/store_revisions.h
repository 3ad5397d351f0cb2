/* SPDX-License-Identifier: MIT */
/*
 * Which revisions a store has, whether it can be listed or not: a server is asked for one
 * number after the other, from the newest down. One thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_STORE_REVISIONS_H
#define CAIRN_PUBLISH_STORE_REVISIONS_H

#include "publish/store_names.h"

/* So many in a row that a server does not have are taken for the end. */
#define STORE_REVISIONS_GAP_MAX 64

/* From `newest` down to `oldest`, as store_revisions_list(). *asked: the store could not be
 * listed, so some may be missing. To be released. */
int store_revisions_find(struct store *s, uint64_t newest, uint64_t oldest,
	struct store_revisions *out, bool *asked, struct trouble *t);

#endif
