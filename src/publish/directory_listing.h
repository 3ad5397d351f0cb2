/* SPDX-License-Identifier: MIT */
/*
 * The listing of a store directory: one directory of it open at a time. One thread.
 */
#ifndef CAIRN_PUBLISH_DIRECTORY_LISTING_H
#define CAIRN_PUBLISH_DIRECTORY_LISTING_H

#include "publish/store_listing.h"

/* `prefix` as for store_list(). `store`: the directory's descriptor, `name`: what it is
 * called; both borrowed until it is closed. */
int directory_listing_open(int store, const char *name, const char *prefix,
	struct store_listing **out, struct trouble *t);

#endif
