/* SPDX-License-Identifier: MIT */
/*
 * A tag of a store: read, put on a revision, taken off. Each is one small file that is
 * replaced as a whole, so whoever is killed leaves the tag as it was or as it is to be. For
 * publishing, rolling back and `cairn tag`. One thread; blocks on the store.
 */
#ifndef CAIRN_PUBLISH_TAGGING_H
#define CAIRN_PUBLISH_TAGGING_H

#include "format/tag.h"
#include "publish/store.h"

/* ERR_INVALID with a sentence: no tag can be called that. */
int tagging_check_name(const char *name, struct trouble *t);
/* *out is to be freed, *text to be released, also after a failure; `seen` may be NULL.
 * ERR_ABSENT with a sentence; ERR_CORRUPT: it is no tag, or another one. */
int tagging_read(struct store *s, const char *name, struct bytes *text, struct tag **out,
	struct store_version *seen, struct trouble *t);

struct tagging {
	struct store *store;
	const char *name;
	const struct manifest *manifest; /* of the revision that it is put on */
	const struct private_key *key;	 /* by which the readers know the store */
};
/* Makes or moves it. Its time is later than that of the one before, so that readers that
 * have seen this one do not take that one again, whatever the clock says. *moved: whether
 * anything was to be done. ERR_CHANGED: somebody else is at it. */
int tagging_put(const struct tagging *o, bool *moved, struct trouble *t);

/* The same for who has a number only (0: the newest), and checks that readers will take it:
 * they want the tag, its revision and the newest one signed by one key. *revision: which it
 * is on now. ERR_UNTRUSTED, ERR_ABSENT with a sentence. */
int tagging_set(struct store *s, const char *name, uint64_t *revision,
	const struct private_key *key, bool *moved, struct trouble *t);
/* ERR_ABSENT with a sentence. Readers that follow the tag say that it is gone. */
int tagging_remove(struct store *s, const char *name, struct trouble *t);

#endif
