/* SPDX-License-Identifier: MIT */
/*
 * A store, wherever it lies: a directory (store_directory.h), the memory of a test
 * (store_memory.h), a server that is read (store_remote.h). Whoever publishes, lists,
 * prunes, checks or copies knows this interface alone; store_open.h makes one of what a
 * user gave. Small files are known by their path below the store, blobs by their digest.
 * Nothing that a reader can reach is ever changed but manifest.json and the tags, and those
 * as a whole. store_sync() makes all that was put durable, before a manifest names it.
 *
 * Blocking. Opening, closing, small files and listings: one thread at a time; blobs: any
 * thread. Errors have their sentence in `t`, which may be NULL.
 */
#ifndef CAIRN_PUBLISH_STORE_H
#define CAIRN_PUBLISH_STORE_H

#include <sys/stat.h>

#include "format/blob.h"
#include "format/manifest.h"
#include "publish/store_listing.h"
#include "util/error.h"

/* The path of a small file: "revisions/" or "tags/", a name, ".json" and a NUL fit. */
#define STORE_PATH_MAX 160
#define STORE_VERSION_MAX 256
/* As many bytes of a blob tell what it is: a delta's head, a frame's and a block's. */
#define STORE_HEAD_SIZE 128

/* Which state of a small file was seen: only to be given back to the same store. */
struct store_version {
	char text[STORE_VERSION_MAX]; /* "": there was none */
};

/* How a blob lies in the store. */
struct stored {
	uint64_t size;	  /* bytes of the file */
	uint64_t content; /* bytes of what it holds, as its head says */
	int64_t mtime;	  /* ns since 1970 by the store's clock; 0: it does not tell */
	bool has_base;	  /* a delta on `base` */
	struct digest base;
};

struct store;
/* What a kind of store can do. NULL where one cannot write or is not asked. */
struct store_methods {
	void (*close)(struct store *s);
	/* Appends a whole file, ERR_LIMIT beyond `max`. *asked: a bit for each place that
	 * is not to be asked (again), to which that of the answer is added; ERR_ABSENT when
	 * none is left. */
	int (*read)(struct store *s, const char *path, size_t max, uint64_t *asked,
		struct bytes *out, struct store_version *version, struct trouble *t);
	int (*find_blob)(struct store *s, const struct digest *name, struct stored *out,
		struct trouble *t);
	int (*put_blob)(struct store *s, const struct digest *name, struct span stored,
		struct trouble *t);
	/* Replaces a small file, durably; `seen` as for store_write_manifest(). */
	int (*put)(struct store *s, const char *path, struct span text,
		const struct store_version *seen, struct trouble *t);
	int (*remove)(struct store *s, const char *path, struct trouble *t);
	int (*list)(struct store *s, const char *prefix, struct store_listing **out,
		struct trouble *t);
	int (*sync)(struct store *s, struct trouble *t);
	int (*unsynced_since)(struct store *s, int64_t *out);
	int (*settle)(struct store *s, struct trouble *t);
	int (*check_readable)(struct store *s, struct trouble *t);
	void (*discard)(struct store *s);
};
/* What all kinds begin with. */
struct store {
	const struct store_methods *methods;
	char *name; /* as the user gave it, for sentences; owned */
	/* A directory's; NULL: it is none. To see whether others lie in it. */
	const struct stat *st;
	/* Nobody else writes to it as long as it is open: it is locked. */
	bool alone;
};

/* `s` may be NULL. */
void store_close(struct store *s);
const char *store_name(const struct store *s);
/* Can it be written to? */
bool store_is_writable(const struct store *s);

/* 0, ERR_ABSENT (without a sentence), or ERR_CORRUPT: what is there cannot be a whole blob,
 * for it is empty, cut, longer, or does not begin as one does (of a server's, as far as its
 * size and its first bytes tell). What its blocks hold is not looked at. */
int store_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t);
/* The uncompressed bytes, compared with the name, in place of what `content` held. A
 * server's that are wrong are asked of its mirrors. ERR_CORRUPT, ERR_ABSENT (it or its
 * base). */
int store_read_blob(struct store *s, struct blob_codec *codec, const struct digest *name,
	struct bytes *content, struct trouble *t);
/* The same, and the stored form that gave them, in place of what `stored` held. */
int store_read_blob_stored(struct store *s, struct blob_codec *codec,
	const struct digest *name, struct bytes *stored, struct bytes *content,
	struct trouble *t);
/* The stored form, appended to `out`, not looked into. */
int store_read_stored(
	struct store *s, const struct digest *name, struct bytes *out, struct trouble *t);
/* Puts the stored form, also in place of one that is there. */
int store_write_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t);
/* ERR_ABSENT: it was not there. */
int store_remove_blob(struct store *s, const struct digest *name, struct trouble *t);
/* Returns when all that was written and removed is durable. */
int store_sync(struct store *s, struct trouble *t);
/* Blobs as young as this may never have become durable, since whoever wrote them was cut
 * off: ns since 1970 by the store's clock, a little before the first of them. ERR_ABSENT:
 * there are none. See store_recovery.h. */
int store_unsynced_since(struct store *s, int64_t *out);
/* After store_sync(): all blobs are good, for those that were there before were looked at.
 */
int store_settle(struct store *s, struct trouble *t);
/* Could a web server of another user serve it? ERR_DENIED with a sentence that says what to
 * do. */
int store_check_readable(struct store *s, struct trouble *t);
/* Before store_close(), after a failure: removes what opening it made, if it was all new
 * and has not got a blob yet. `s` may be NULL. */
void store_discard(struct store *s);

/* The newest manifest and its text, appended; ERR_ABSENT when nothing was published yet.
 * `seen` may be NULL. The signature is the caller's to verify. */
int store_read_manifest(struct store *s, struct bytes *text, struct manifest **out,
	struct store_version *seen, struct trouble *t);
/* That of revisions/N.json: ERR_CORRUPT when it says that it is another one. */
int store_read_revision(struct store *s, uint64_t revision, struct bytes *text,
	struct manifest **out, struct trouble *t);
/* revisions/N.json, then manifest.json, both durable. `seen`: what store_read_manifest()
 * gave; ERR_CHANGED when somebody else has replaced that since. NULL: whatever is there. */
int store_write_manifest(struct store *s, uint64_t revision, struct span text,
	const struct store_version *seen, struct trouble *t);
/* revisions/N.json alone, durable. */
int store_write_revision(
	struct store *s, uint64_t revision, struct span text, struct trouble *t);
/* revisions/N.json; one that the manifest follows from must stay. */
int store_remove_revision(struct store *s, uint64_t revision, struct trouble *t);

/* The text of tags/NAME.json, for tag_decode(); appended. ERR_INVALID: no such name can be.
 */
int store_read_tag(struct store *s, const char *tag, struct bytes *text,
	struct store_version *seen, struct trouble *t);
/* `seen` as above; a version of "" has it made, unless it is there. */
int store_write_tag(struct store *s, const char *tag, struct span text,
	const struct store_version *seen, struct trouble *t);
int store_remove_tag(struct store *s, const char *tag, struct trouble *t);

/* A list of tombstones/ (tombstones.h), by the path that a listing gives. */
int store_read_tombstones(
	struct store *s, const char *path, struct bytes *text, struct trouble *t);
int store_write_tombstones(
	struct store *s, const char *path, struct span text, struct trouble *t);
int store_remove_tombstones(struct store *s, const char *path, struct trouble *t);

/* What is there now: all "blobs/", those whose digest begins so ("blobs/ab"), "revisions/",
 * "tags/" or "tombstones/", in any order, but blobs by their first byte, rising. What comes
 * or goes meanwhile may be told or not. ERR_UNSUPPORTED: a server cannot tell. */
int store_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t);

#endif
