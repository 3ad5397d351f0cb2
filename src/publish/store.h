/* SPDX-License-Identifier: MIT */
/*
 * A store directory that is written: its lock, its blobs, revisions, tags and manifest.
 * Nothing that a reader can reach is ever changed but manifest.json and the tags, and
 * those by rename. store_sync() makes the blobs durable once, before a manifest names them.
 *
 * store_open, store_close, the revision and the tag: one thread. Blobs: any thread.
 */
#ifndef CAIRN_PUBLISH_STORE_H
#define CAIRN_PUBLISH_STORE_H

#include <sys/stat.h>

#include "format/manifest.h"
#include "publish/stored_blob.h"
#include "util/error.h"

struct store;
/* Makes the directory when it is missing; takes the lock (ERR_BUSY: another publisher has
 * it) and removes what publishers that were killed left half-written. ERR_INVALID: it
 * holds other things. */
int store_open(const char *path, struct store **out, struct trouble *t);
void store_close(struct store *s);
/* Before store_close(), after a failure: removes what store_open() made, if it was all
 * new and has not got a blob yet. `s` may be NULL. */
void store_discard(struct store *s);
const struct stat *store_stat(const struct store *s);

/* As stored_blob_find() and stored_blob_read(). */
int store_find_blob(struct store *s, const struct digest *name, struct stored *out);
int store_read_blob(struct store *s, struct blob_codec *codec, const struct digest *name,
	struct bytes *content);
/* Writes the stored form. The error's sentence goes to `t`. */
int store_write_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t);
/* Returns when all that was written is durable. */
int store_sync(struct store *s, struct trouble *t);

/* The newest manifest and its text; ERR_ABSENT when nothing was published yet. */
int store_read_manifest(
	struct store *s, struct bytes *text, struct manifest **out, struct trouble *t);
/* revisions/N.json, then manifest.json. */
int store_write_manifest(
	struct store *s, uint64_t revision, struct span text, struct trouble *t);
int store_write_tag(struct store *s, const char *tag, struct span text, struct trouble *t);

#endif
