/* SPDX-License-Identifier: MIT */
/* A parked request, told to who asks: a value, made by request_run_look(). */
#ifndef CAIRN_FS_PARKED_LOOK_H
#define CAIRN_FS_PARKED_LOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/entry_stat.h"
#include "source/blob_wait.h"

#define PARKED_BLOBS_MAX 4 /* blobs of each that are told of */

struct parked_look {
	pid_t thread; /* that asks, as the kernel of the mount sees it; 0: unknown there */
	uid_t uid;
	const char *operation; /* "read" */
	struct path path;      /* as far as it is known here */
	bool is_read;
	uint64_t offset, size;	 /* bytes, of a read */
	int64_t since, deadline; /* CLOCK_MONOTONIC ns; deadline 0: it waits for no blob */
	bool for_manifest;	 /* it waits for a manifest or a tag (dot_cairn.h) */
	unsigned blob_count;	 /* that it waits for */
	struct blob_wait blobs[PARKED_BLOBS_MAX]; /* the first of them */
};

/* The look is borrowed. Non-zero stops. */
typedef int (*parked_look_fn)(void *ctx, const struct parked_look *look);

#endif
