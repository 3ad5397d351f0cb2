/* SPDX-License-Identifier: MIT */
/*
 * The tag: a small signed JSON document that gives a revision a name. As strict as the
 * manifest (format/manifest.h), with the same codes. Members: format, tag, name, revision,
 * manifest (digest of revisions/N.json's bytes), created, signatures. Pure; any thread.
 */
#ifndef CAIRN_FORMAT_TAG_H
#define CAIRN_FORMAT_TAG_H

#include "format/document.h"

#define TAG_NAME_MAX 128 /* [A-Za-z0-9._-], not beginning with '.' or '-' */

/* Owns its name. */
struct tag {
	char tag[TAG_NAME_MAX + 1];
	char *name; /* of the dataset */
	uint64_t revision;
	struct digest manifest;
	int64_t created; /* seconds since 1970 */
};
int tag_name_check(const char *name); /* 0 or ERR_INVALID */
/* *out: heap, the caller frees it with tag_free(). */
int tag_decode(struct span text, struct tag **out, struct trouble *t);
void tag_free(struct tag *tag);
/* As manifest_encode(). */
int tag_encode(const struct tag *tag, const struct private_key *const *keys,
	size_t key_count, struct bytes *text);
/* As manifest_verify(). */
int tag_verify(struct span text, const struct public_key *key);

#endif
