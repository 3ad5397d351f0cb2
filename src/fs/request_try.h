/* SPDX-License-Identifier: MIT */
/*
 * One try of a request: a step runs over the tree and the cache and leaves its answer here.
 * What it holds of other people's memory ends with the attempt, so an answer is a copy; it
 * goes out afterwards, under no lock. Lives on the stack of the thread that tries.
 */
#ifndef CAIRN_FS_REQUEST_TRY_H
#define CAIRN_FS_REQUEST_TRY_H

#include "cache/attempt.h"
#include "fs/answer.h"
#include "fs/hints.h"
#include "fs/request.h"
#include "fs/view.h"
#include "tree/tree.h"

#define HELD_MAX 32	 /* leaves whose names one reply may hand out */
#define SMALL_REPLY 8192 /* bytes: fits on the stack; above, a pooled buffer */

/* Lookups handed out with a reply; taken back when it does not reach the kernel. */
struct held {
	uint64_t node;
	uint64_t lookups;
};

struct request_try {
	const struct view *view; /* NULL: within none */
	unsigned side;		 /* of fs->views */
	bool overtaken;		 /* another view has its turn */
	struct attempt attempt;
	struct page_source pages; /* of the attempt */
	struct answer answer;
	uint8_t *buffer; /* r->size bytes, at most BUFFER_SIZE */
	struct held held[HELD_MAX];
	unsigned held_count;
	struct hints hints;
	uint8_t small[SMALL_REPLY];
};

void request_try_init(struct request_try *t);
/* Gives back the buffer; the try can be run again. */
void request_try_release(struct request_try *t, struct filesystem *fs);
/* Runs the request's step, whole. `buffers` may be NULL. 0: t->answer is to be sent;
 * ERR_PENDING: t->attempt has wants; or what went wrong. */
int request_try_run(
	struct request *r, struct request_try *t, const struct blob_buffers *buffers);
/* Replies with the step's answer (error 0) or the error, which is logged with `trouble`
 * (may be NULL). The request is over; hints are not sent yet. */
void request_try_answer(
	struct request *r, struct request_try *t, int error, const struct trouble *trouble);

/* For steps. */

/* The entry of the node asked about; borrows from the attempt. */
int request_try_entry(struct request *r, struct request_try *t, struct entry *e);
/* An answer's entry but for its node id, in the revision of the node asked about. */
void request_try_param(
	const struct request *r, const struct entry *e, struct fuse_entry_param *out);
/* What the attempt wants becomes hints, and is no longer wanted. */
void request_try_hint_wants(struct request_try *t);
/* Notes a lookup of `row` of `leaf` in the answer and gives its node id. ERR_LIMIT: no
 * more leaves fit into this reply. */
int request_try_hold(struct request *r, struct request_try *t, const struct digest *leaf,
	uint32_t row, struct fuse_entry_param *entry);

#endif
