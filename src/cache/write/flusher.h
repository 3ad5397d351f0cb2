/* SPDX-License-Identifier: MIT */
/*
 * One thread per open cache, "cairn-flush", that has what this process wrote into objects'
 * files on the disk before long, looks at the result, and has the books note it. A flush
 * that failed begins a new epoch of trust (meta/trust_epoch.h), and nothing new is kept for
 * a while: it would be lost like what was kept before.
 *
 * Any thread calls. Who makes a file waits while too many are not flushed, for a bounded
 * time. flusher_mtx is a leaf.
 */
#ifndef CAIRN_CACHE_WRITE_FLUSHER_H
#define CAIRN_CACHE_WRITE_FLUSHER_H

#include "cache/write/write_context.h"

struct flusher;
/* The context outlives it. ERR_NO_MEMORY, ERR_IO. After any fork. */
int flusher_new(struct write_context *x, struct flusher **out);
/* Ends the thread, and flushes what is left. The writer still runs, to note it. */
void flusher_free(struct flusher *f);

/* After something was read that is not flushed: did a write-back of anything fail that this
 * process has open? Where one did, others may be lost without a word: a loop device takes
 * a write that was cut short for a whole one. */
bool flusher_has_failed(struct flusher *f);
/* Before something is kept: ERR_NO_SPACE while nothing is. */
int flusher_admit(struct flusher *f);
/* Before a file is made. ERR_TIMEOUT: the disk does not keep up. */
int flusher_admit_file(struct flusher *f);
/* An object was written to: it is flushed within ten seconds. */
void flusher_note(struct flusher *f);
/* What was written until now is flushed: 0, or the error of a flush since the cache was
 * opened, by which something that was kept may be lost. Waits for the disk. */
int flusher_sync(struct flusher *f);
/* Somebody waits for it. */
void flusher_urge(struct flusher *f);

/* What the thread does; for tests. 0, or the error of a flush, for which a new epoch was
 * begun. */
int flusher_round(struct write_context *x);

#endif
