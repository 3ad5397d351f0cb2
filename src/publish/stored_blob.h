/* SPDX-License-Identifier: MIT */
/*
 * The blobs of a store directory as files: found and written below `store`, the directory's
 * descriptor. A blob is written to a temporary name and renamed; it is durable when the
 * store was synced after (store.h). Any thread; no state.
 */
#ifndef CAIRN_PUBLISH_STORED_BLOB_H
#define CAIRN_PUBLISH_STORED_BLOB_H

#include "publish/store.h"

/* The umask decides: a web server has to read them. */
#define STORE_DIRECTORY_MODE 0777
#define STORE_FILE_MODE 0666

/* As store_find_blob(). After a power loss one that never was durable may be empty, cut, or
 * something else. */
int stored_blob_find(int store, const struct digest *name, struct stored *out);
/* Writes the stored form. `serial`: another one for each call of this process. It is dated
 * `since` (ns since 1970) at least, whatever becomes of the clock. */
int stored_blob_write(int store, const struct digest *name, struct span stored,
	unsigned serial, int64_t since);

#endif
