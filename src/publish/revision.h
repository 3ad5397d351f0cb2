/* SPDX-License-Identifier: MIT */
/*
 * The revision that is published: what the store held before it, the name that the dataset
 * has, and the manifest and the tags, which are written last, when all that they name is in
 * the store and durable. For publish.c, on the tool's thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_REVISION_H
#define CAIRN_PUBLISH_REVISION_H

#include "publish/store.h"

/* As in struct publish_options; all borrowed. */
struct revision_options {
	const char *store;  /* its path, for sentences */
	const char *source; /* absolute: gives the name when nothing else does */
	const char *name;
	const char *message;
	const char *const *tags;
	size_t tag_count;
	const char *const *mirrors; /* NULL: those of the last revision stay */
	size_t mirror_count;
	int64_t expires;	       /* seconds since 1970; 0: never */
	bool has_created;	       /* else it is now */
	int64_t created;	       /* seconds since 1970 */
	const struct private_key *key; /* NULL: nothing is going to be written */
	bool new_key;
};

struct revision {
	struct revision_options o;
	struct store *store; /* borrowed */
	struct bytes previous_text;
	struct manifest *previous; /* NULL: this is the first */
	struct store_version seen; /* of manifest.json */
	char *name;
};

/* ERR_INVALID or ERR_LIMIT: a tag, a mirror or the message cannot be used. */
int revision_check_options(const struct revision_options *o, struct trouble *t);
/* Reads what is in the store, checks that the key may follow it and finds the name. To be
 * released also after a failure. */
int revision_init(struct revision *r, const struct revision_options *o, struct store *store,
	struct trouble *t);
void revision_release(struct revision *r);

/* What the manifest is to say of the content. */
struct revision_content {
	struct digest root;
	struct first_pages first;
	struct totals totals;
	struct digest profile; /* a blob; of size 0: there is none */
	uint64_t profile_size;
	bool delta;	   /* some blob is one */
	bool extent_lists; /* some file's runs stand in a list */
};
/* That of a revision whose blobs are there already. */
struct revision_content revision_content_of(const struct manifest *m);
struct revision_result {
	uint64_t number;
	bool unchanged; /* the same content as before: that revision stands */
};
/* Would it be the same as the last one? Then that stands. */
bool revision_is_unchanged(
	const struct revision *r, const struct revision_content *content);
/* Writes manifest (unless unchanged) and tags. */
int revision_write(struct revision *r, const struct revision_content *content,
	struct revision_result *out, struct trouble *t);

#endif
