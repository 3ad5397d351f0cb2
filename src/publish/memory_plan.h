/* SPDX-License-Identifier: MIT */
/*
 * How a publish divides its memory: between jobs, chunk buffers, entries in line, hard
 * links. A function of its arguments, for publish.c.
 */
#ifndef CAIRN_PUBLISH_MEMORY_PLAN_H
#define CAIRN_PUBLISH_MEMORY_PLAN_H

#include <stdint.h>

struct memory_plan {
	unsigned jobs;	    /* at least 1; each takes a scratch */
	unsigned buffers;   /* of CHUNK_SIZE_MAX bytes, at least two a job */
	uint64_t items;	    /* bytes of entries that wait for their page */
	uint64_t hardlinks; /* bytes of what is known of hard links */
};

/* `jobs` (at least 1) are wished for; fewer where `memory`, in bytes, is too little for
 * them. `memory` 0: 256 MiB, or what that many jobs need, and at most half of `limit`,
 * which is what the system leaves us. */
struct memory_plan memory_plan_of(unsigned jobs, uint64_t memory, uint64_t limit);

#endif
