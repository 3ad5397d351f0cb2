/* SPDX-License-Identifier: MIT */
/*
 * What a store holds, a file after the other, in bounded memory: store_list() begins one.
 * Each kind of store brings its own. What no store has, temporary files say, is left out.
 * One thread.
 */
#ifndef CAIRN_PUBLISH_STORE_LISTING_H
#define CAIRN_PUBLISH_STORE_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/tag.h"
#include "util/digest.h"
#include "util/error.h"

#define TOMBSTONES_NAME_MAX 100 /* bytes, without tombstones/ and .txt */

struct store_item {
	const char *path; /* below the store; borrowed until the next one */
	uint64_t size;	  /* bytes, as stored */
	int64_t mtime;	  /* ns since 1970 by the store's clock */
};

/* What all kinds begin with. */
struct store_listing {
	int (*next)(struct store_listing *l, struct store_item *out, struct trouble *t);
	void (*close)(struct store_listing *l);
};

/* ERR_ABSENT: at the end. */
int store_listing_next(struct store_listing *l, struct store_item *out, struct trouble *t);
void store_listing_close(struct store_listing *l); /* may be NULL */

/* What a path names; false: something else. */
bool store_path_is_blob(const char *path, struct digest *out);
bool store_path_is_revision(const char *path, uint64_t *out);
bool store_path_is_tag(const char *path, char out[TAG_NAME_MAX + 1]);
bool store_path_is_tombstones(const char *path);

#endif
