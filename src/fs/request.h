/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: tried on the thread that received it; when something is missing,
 * parked, and tried again, whole, on a worker thread when that has arrived. A FUSE thread
 * never waits. Hits use no heap. Exactly one of completion and interrupt answers.
 *
 * A step runs in a `struct trial` over the tree and the cache and leaves its answer
 * there; what it holds of other people's memory ends with the trial, so an answer is a
 * copy. The reply goes out after the attempt has ended, under no lock.
 *
 * Locks: the list's (struct requests), then a parked request's own. libfuse calls the
 * interrupt handler with its lock of that request held, so that none of ours is held
 * when fuse_req_interrupt_func or fuse_reply_* is called.
 */
#ifndef CAIRN_FS_REQUEST_H
#define CAIRN_FS_REQUEST_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/source.h"
#include "fs/readahead.h"
#include "tree/tree.h"

#define HINTS_MAX 32	  /* blobs a request asks for beyond its own need */
#define HELD_MAX 32	  /* leaves whose names one reply may hand out */
#define SMALL_REPLY 8192  /* bytes: fits on the stack; above, a pooled buffer */
#define NAME_MAX_HERE 255 /* bytes of a name in a request */

struct filesystem;
struct request;
struct trial;

struct request_kind {
	const char *name; /* for the log: "read" */
	/* 0: t->answer is filled; ERR_PENDING: t->attempt has wants; or what went wrong. */
	int (*step)(struct request *r, struct trial *t);
	/* May be NULL. Runs once, after the first try was answered or parked: asks for what
	 * will be needed. Must not touch r->fuse or r->handle. */
	void (*after)(struct request *r);
};

/* The question. Lives on the stack of a FUSE thread until it parks. */
struct request {
	struct filesystem *fs;
	fuse_req_t fuse;
	const struct request_kind *kind;
	/* The node asked about: the root, or a row of a leaf. */
	bool root;
	uint32_t row;
	struct digest leaf;
	const char *name; /* borrowed; NULL when the question has none */
	uint64_t offset;
	size_t size; /* bytes that the answer may have */
	int whence;
	void *handle;	  /* of the open directory */
	struct run ahead; /* what to fetch beyond: bytes of the file, ranks of the tree */
};

enum answer_kind {
	ANSWER_ERRNO,  /* errnum; a proper answer, not a failure: ENODATA, ENXIO */
	ANSWER_ENTRY,  /* entry */
	ANSWER_ATTR,   /* entry.attr */
	ANSWER_BYTES,  /* size bytes of the trial's buffer */
	ANSWER_SIZE,   /* size, of an extended attribute */
	ANSWER_OFFSET, /* offset */
};

struct answer {
	enum answer_kind kind;
	int errnum;
	size_t size;
	uint64_t offset;
	struct fuse_entry_param entry;
};

/* Lookups handed out with a reply; taken back when it does not reach the kernel. */
struct held {
	uint64_t node;
	uint64_t lookups;
};

struct trial {
	struct attempt attempt;
	struct page_source pages; /* of the attempt */
	struct answer answer;
	uint8_t *buffer; /* r->size bytes, at most BUFFER_SIZE */
	struct held held[HELD_MAX];
	unsigned held_count;
	struct want hints[HINTS_MAX];
	unsigned hint_count;
	uint8_t small[SMALL_REPLY];
};

/* The parked ones. */
struct requests {
	pthread_mutex_t lock; /* first, count, and the links of the list */
	pthread_cond_t gone;
	struct parked *first;
	unsigned count;
};
void requests_init(struct requests *q);
/* Answers all that is parked with EINTR and waits until nothing of them is left. No FUSE
 * thread may be running. */
void requests_end(struct requests *q);
void requests_release(struct requests *q);

/* Answers r->fuse, now or later; r may go out of scope when this returns. */
void request_start(struct request *r);
/* What the attempt wants becomes hints, and is no longer wanted. */
void trial_hint_wants(struct trial *t);
/* Notes a lookup of `row` of `leaf` in the answer and gives its node id. ERR_LIMIT: no
 * more leaves fit into this reply. */
int trial_hold(struct request *r, struct trial *t, const struct digest *leaf, uint32_t row,
	struct fuse_entry_param *entry);

#endif
