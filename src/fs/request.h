/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: tried on the thread that received it; when something is missing,
 * parked, and tried again, whole, on a worker thread when that has arrived. A FUSE thread
 * never waits. Hits use no heap. Exactly one of completion and interrupt answers.
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

#include "fs/node.h"
#include "fs/readahead.h"
#include "source/source.h"

#define NAME_MAX_HERE 255 /* bytes of a name in a request */

struct filesystem;
struct request;
struct request_try;

struct request_kind {
	const char *name; /* for the log: "read" */
	/* 0: t->answer is filled; ERR_PENDING: t->attempt has wants; or what went wrong. */
	int (*step)(struct request *r, struct request_try *t);
	/* May be NULL. Runs once, after the first try was answered or parked: asks for what
	 * will be needed. Must not touch r->fuse. */
	void (*after)(struct request *r);
	bool asked_twice; /* when it fails, the kernel may ask again at once: see setbacks.h
			   */
};

/* What the step of a read has seen of its file. */
struct request_file {
	bool seen;
	bool has_neighbours;  /* others may lie in the same object, or in those behind it */
	struct digest object; /* has_neighbours */
	uint64_t size;	      /* bytes */
};

/* The question. Lives on the stack of a FUSE thread until it parks. */
struct request {
	struct filesystem *fs;
	fuse_req_t fuse;
	const struct request_kind *kind;
	struct node node; /* asked about */
	const char *name; /* borrowed; NULL when the question has none */
	uint64_t offset;
	size_t size; /* bytes that the answer may have */
	int whence;
	struct run ahead;	  /* of a listing: ranks whose leaves are to be fetched */
	struct request_file file; /* of a read, from its first try */
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

#endif
