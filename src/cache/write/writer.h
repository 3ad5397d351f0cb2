/* SPDX-License-Identifier: MIT */
/*
 * One thread per open cache that writes to the metadata all that workers and readers
 * hand it, many things in one transaction. A page that waits for its commit is found
 * here. What cannot be committed is dropped: pages then stay uncached, marks are
 * forgotten together with the object's handle. The thread also does the housekeeping:
 * handles of what others threw out, leases of the dead, leftovers.
 *
 * All functions but new and free from any thread; only committer_put_page and
 * committer_pin may block (while too much is pending), and committer_flush does.
 */
#ifndef CAIRN_CACHE_WRITE_WRITER_H
#define CAIRN_CACHE_WRITE_WRITER_H

#include "cache/insert.h"

struct object;
struct committer;
int committer_new(struct cache *c, struct committer **out);
/* Commits what is pending, then ends the thread. */
void committer_free(struct committer *k);

/* The chunk's bytes are in the object's file; settles what was reserved for them. */
int committer_mark(struct committer *k, struct object *o, const struct want *chunk);
/* The chunk's bytes are rotten. */
void committer_drop(struct committer *k, struct object *o, const struct want *chunk);
/* The whole object is to go, if it is that instance. `o` may be NULL. */
void committer_lose(struct committer *k, struct object *o, const struct digest *digest,
	uint64_t instance);
void committer_use(struct committer *k, struct object *o, int64_t seconds);
/* Every chunk present was hashed in this generation. */
void committer_trust(struct committer *k, struct object *o);
int committer_pin(struct committer *k, const char *pin, const struct digest *object);

/* Shares the reference. */
int committer_put_page(struct committer *k, struct blob_buffer *page);
void committer_drop_page(struct committer *k, const struct digest *digest);
/* A page that waits, with a reference for the caller; NULL. */
struct blob_buffer *committer_find_page(struct committer *k, const struct digest *digest);

/* Somebody waits for the next round. */
void committer_urge(struct committer *k);
/* Totals are to be counted again, and files without a record removed. */
void committer_ask_repair(struct committer *k);
/* All that was handed over before is committed: 0, or the error of a round since. */
int committer_flush(struct committer *k);

#endif
