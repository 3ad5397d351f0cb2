/* SPDX-License-Identifier: MIT */
/*
 * The blobs of a store directory as files: found, read and written below `store`, the
 * directory's descriptor. A blob is written to a temporary name and renamed; it is durable
 * when the store was synced after (store.h). After a power loss one that never was may be
 * empty: such a one counts as absent. Any thread; no state.
 */
#ifndef CAIRN_PUBLISH_STORED_BLOB_H
#define CAIRN_PUBLISH_STORED_BLOB_H

#include "format/blob.h"

/* The umask decides: a web server has to read them. */
#define STORE_DIRECTORY_MODE 0777
#define STORE_FILE_MODE 0666

/* How a blob lies in the store. */
struct stored {
	uint64_t size; /* of the file */
	bool has_base; /* a delta on `base` */
	struct digest base;
};
/* 0, or ERR_ABSENT: also when the file is empty or does not begin as a blob does. */
int stored_blob_find(int store, const struct digest *name, struct stored *out);
/* The uncompressed bytes, checked, in place of what `content` held. */
int stored_blob_read(int store, struct blob_codec *codec, const struct digest *name,
	struct bytes *content);
/* Writes the stored form. `serial`: another one for each call of this process. */
int stored_blob_write(
	int store, const struct digest *name, struct span stored, unsigned serial);

#endif
