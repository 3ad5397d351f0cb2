/* SPDX-License-Identifier: MIT */
/*
 * Which revisions and tags a store has: its listing in order, and without what no reader
 * can reach, such as the revision of a publisher that was killed. One thread; blocks on the
 * store. ERR_UNSUPPORTED: a server cannot tell.
 */
#ifndef CAIRN_PUBLISH_STORE_NAMES_H
#define CAIRN_PUBLISH_STORE_NAMES_H

#include "publish/store.h"

#define STORE_REVISIONS_MAX (1u << 22) /* files of revisions/ that are listed */
#define STORE_TAGS_MAX (1u << 16)      /* of tags/ */

/* Numbers, the highest first. */
struct store_revisions {
	uint64_t *numbers;
	size_t count, capacity;
};
/* Those up to the newest, which may lack its file. ERR_LIMIT: there are more. */
int store_revisions_list(
	struct store *s, uint64_t newest, struct store_revisions *out, struct trouble *t);
void store_revisions_release(struct store_revisions *r);

/* Names, in bytewise order. */
struct store_tags {
	char (*names)[TAG_NAME_MAX + 1];
	size_t count, capacity;
};
int store_tags_list(struct store *s, struct store_tags *out, struct trouble *t);
void store_tags_release(struct store_tags *l);

#endif
