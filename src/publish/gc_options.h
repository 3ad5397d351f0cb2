/* SPDX-License-Identifier: MIT */
/*
 * What gc.h is asked to do, and what came of it: for its parts, which do not know each
 * other's caller. Plain values.
 */
#ifndef CAIRN_PUBLISH_GC_OPTIONS_H
#define CAIRN_PUBLISH_GC_OPTIONS_H

#include "publish/gc_policy.h"
#include "publish/store.h"
#include "util/log.h"

#define GC_MEMORY_DEFAULT (UINT64_C(256) << 20)
#define GC_MEMORY_MIN (UINT64_C(32) << 20)
#define GC_REVISIONS_MAX (1u << 20)
#define GC_TAGS_MAX (1u << 16)

enum gc_phase { GC_READING, GC_MARKING, GC_SWEEPING };
struct gc_progress {
	enum gc_phase phase;
	unsigned pass;	      /* from 1; more than one where memory is little */
	uint64_t done, total; /* revisions; when sweeping: of 65536 parts of the store */
};

struct gc_options {
	struct store *store;
	struct gc_policy policy;
	/* Tags keep what they are on; else a tag goes with its revision. */
	bool keep_tags;
	/* ns; 0: what is not needed is deleted at once, for who knows that nobody else
	 * publishes. ERR_INVALID where the store cannot be locked. */
	int64_t grace;
	bool dry_run;	 /* changes nothing */
	unsigned jobs;	 /* 0: one */
	uint64_t memory; /* bytes; 0: GC_MEMORY_DEFAULT */
	struct log *log;
	void (*progress)(void *ctx, const struct gc_progress *p); /* or NULL */
	/* Of each revision, the highest number first, before any is removed; or NULL. */
	void (*revision)(void *ctx, const struct gc_revision *r);
	/* Of each tag that goes; or NULL. */
	void (*tag)(void *ctx, const char *name, uint64_t revision);
	void *ctx;
};

struct gc_count {
	uint64_t blobs, bytes; /* as stored */
};
struct gc_result {
	uint64_t kept_revisions, removed_revisions, removed_tags;
	struct gc_count needed;	 /* by a revision that is kept */
	struct gc_count deleted; /* or would be */
	struct gc_count listed;	 /* now: the grace period begins */
	struct gc_count waiting; /* on a list that is not old enough */
	struct gc_count young;	 /* not needed, but as young as the grace period */
	unsigned passes;
	int64_t took_ns;
};

#endif
