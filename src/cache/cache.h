/* SPDX-License-Identifier: MIT */
/*
 * The local cache: one directory, `meta/` (LMDB) and `objects/` (files), shared by any
 * number of mounts and tools. This header opens it and holds its settings; attempt.h
 * reads from it, source.h fills it, inspect.h looks at it, dataset.h says of which
 * dataset. Below it: its rooms, tree, format, util.
 *
 * The directory is 0700, owned by its user, opened once; everything below it with
 * openat and O_NOFOLLOW. All functions may be called from any thread.
 */
#ifndef CAIRN_CACHE_CACHE_H
#define CAIRN_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/log.h"

#define CACHE_FLOOR_DEFAULT (UINT64_C(1) << 30) /* bytes of the disk left free */

/* When a chunk of the cache is hashed before it is used. */
enum cache_verify_when {
	CACHE_VERIFY_AUTO,  /* OPEN, but on a local disk EPOCH */
	CACHE_VERIFY_OPEN,  /* at its first use by each process that opens the cache */
	CACHE_VERIFY_EPOCH, /* when the machine may have lost it (meta/trust_epoch.h) */
};

struct cache_options {
	const char *directory; /* made when missing */
	struct log *log;
	/* They become the cache's settings, for all who use it; else those stay. What is
	 * over them goes at once, if that is enough to keep them: otherwise nothing does,
	 * nothing new is kept, and a warning says so. */
	bool set_quota, set_floor;
	uint64_t quota; /* bytes on disk; 0: only the floor bounds it */
	uint64_t floor; /* bytes of free disk never to go below */
	enum cache_verify_when verify;
	int64_t wait_ns; /* for others who are in the way; 0, or at most: 30 seconds */
};

struct cache;
/* Once per process and directory: LMDB's locks do not tell one opener of a process from
 * another. What a killed user left behind is put right in the background.
 * ERR_DENIED (not ours, wrong mode), ERR_UNSUPPORTED (newer layout), ERR_NO_SPACE, ... with
 * a sentence. Starts the writer's thread: open after any fork. A damaged LMDB
 * environment is moved aside and begun anew, with a warning. */
int cache_open(const struct cache_options *options, struct cache **out, struct trouble *t);
/* Writes what is pending, flushes all that this process wrote, marks a clean stop when it
 * is the last user. */
void cache_close(struct cache *c);
/* Does it lie on a file system that lies on another one (overlayfs)? */
bool cache_is_stacked(const struct cache *c);
/* Waits until all that was put is committed: 0, or why something was not. */
int cache_flush(struct cache *c);
/* The same, and all of it is on the disk: an error, too, when that failed at any time since
 * the cache was opened: what was kept then may be lost. */
int cache_sync(struct cache *c);
/* A number that grows when something that was put is not kept after all (what is not
 * committed yet is not in it), and when anything is thrown out, by whomever. */
uint64_t cache_losses(struct cache *c);

#endif
