/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room work on: the parts of an open cache that writing touches.
 * Everything is borrowed and outlives the writer.
 */
#ifndef CAIRN_CACHE_WRITE_WRITE_CONTEXT_H
#define CAIRN_CACHE_WRITE_WRITE_CONTEXT_H

#include <stdatomic.h>

#include "cache/meta/records.h"
#include "cache/meta/verified_pages.h"
#include "cache/objects/open_objects.h"
#include "cache/write/write_queue.h"
#include "util/clock.h"
#include "util/log.h"

/* How long this process waits for another one that writes to the books. */
#define WRITE_WAIT (5 * NS_PER_SECOND)

struct write_context {
	struct log *log;
	struct directory *directory;
	struct metadata *metadata;
	struct verified_pages *verified;
	struct open_objects *open_objects;
	struct write_queue *queue;
	uint64_t boot;			  /* of the machine, see trust_epoch.h */
	atomic_uint_least64_t generation; /* that this process marks under */
	atomic_int_least64_t end_by;	  /* see write_context_end() */

	atomic_bool frees_at_once; /* the file system was seen to free a removed file */
	atomic_int_least64_t stuck_told; /* CLOCK_MONOTONIC ns: one line a minute */

	/* The writer's thread's: what was tried in vain is not tried again at once. */
	struct vain {
		int64_t reach_until; /* CLOCK_MONOTONIC ns: no more than `reach` can go */
		uint64_t reach;	     /* bytes of disk */
		int64_t press_after; /* CLOCK_MONOTONIC ns: making room helped nothing */
	} vain;

	/* Quota and floor as the books had them last, for new books; the writer's own. */
	struct limits_record limits;
	bool has_limits;
	/* Of files that this process made, other books knew, which are gone; so, too. */
	bool has_strays;

	/* The flusher's: */
	bool flush_failed;  /* ever */
	bool epoch_is_owed; /* and nobody else knows yet */
};

static inline struct trust_epoch write_context_epoch(struct write_context *x)
{
	return (struct trust_epoch){x->boot, atomic_load(&x->generation)};
}

static inline int64_t write_context_deadline(struct write_context *x)
{
	int64_t end = atomic_load(&x->end_by);

	return end ? end : clock_monotonic() + WRITE_WAIT;
}

/* From now on all waits together take no longer than one: the process wants to end. */
static inline void write_context_end(struct write_context *x)
{
	atomic_store(&x->end_by, clock_monotonic() + WRITE_WAIT);
}

/* Bytes that the file system has left; 0 when it does not say. */
uint64_t write_context_disk_free(struct write_context *x);
/* A transaction in this process's name. What the disk has left is measured while nobody
 * else can write. Errors as transaction_commit(); ERR_TIMEOUT: others write for too long.
 */
int write_context_commit(struct write_context *x, struct changes *c, struct outcome *out);

#endif
