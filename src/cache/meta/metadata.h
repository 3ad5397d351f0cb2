/* SPDX-License-Identifier: MIT */
/*
 * The LMDB environment in `meta/`: read transactions from a pool, and write transactions
 * that grow the map when it is full. What is in its tables is table.h's and records.h's.
 * When LMDB cannot be used any more, for damage or for a failed write, everything here says
 * so at once (guard.h), until the environment is opened again. Any thread.
 *
 * Locks, in this order: write_lock (write_lock.h), LMDB's own of writers, which knows no
 * deadline: so write transactions run on a thread, "cairn-books", and whoever wants one
 * waits for its begin until his deadline only; pool_mtx (read_pool.h).
 */
#ifndef CAIRN_CACHE_META_METADATA_H
#define CAIRN_CACHE_META_METADATA_H

#include <lmdb.h>
#include <stdint.h>

#include "cache/meta/environment.h"
#include "util/error.h"
#include "util/file_lock.h"
#include "util/log.h"

struct metadata;
/* `path` is a directory that is there. `map` is the size of the map at first, in bytes; 0:
 * one that seldom has to grow. ERR_CORRUPT: LMDB cannot use what lies in it; ERR_TIMEOUT:
 * others kept us waiting until `deadline` (CLOCK_MONOTONIC, ns). */
int metadata_open(const char *path, size_t map, int64_t deadline, struct log *log,
	struct metadata **out, struct trouble *t);
/* Who is in the way of a call that ended with ERR_TIMEOUT, see file_lock.h. Returns `text`.
 */
const char *metadata_blame(struct metadata *m, char text[FILE_LOCK_BLAME_SIZE]);
/* No transaction is open any more. When LMDB still waits for a stopped process, what it
 * works on is not given back. */
void metadata_close(struct metadata *m);

/* What LMDB can no longer be asked for. Nothing is read or written then, at once
 * (ERR_CORRUPT), until metadata_reopen(). */
enum metadata_state {
	METADATA_SOUND,
	METADATA_LOST, /* the file is in order: a write failed where LMDB cannot go back */
	METADATA_DAMAGED, /* the file is damaged; the next opener is told so by a mark */
};
enum metadata_state metadata_state(struct metadata *m);
/* The same, and another process may have found it so: a system call. */
enum metadata_state metadata_look(struct metadata *m);
/* Ends with the environment, unless somebody of this process is in it for too long
 * (ERR_BUSY): then nothing has changed. */
int metadata_shut(struct metadata *m);
/* After metadata_shut(): the environment that lies at the path now. Errors as
 * metadata_open(); it is shut still, then. */
int metadata_reopen(struct metadata *m, int64_t deadline, struct trouble *t);

/* A read transaction; what is got from it is valid until it is given back. ERR_BUSY,
 * ERR_TIMEOUT: none could be had within two seconds, see read_pool.h. */
int metadata_read(struct metadata *m, MDB_txn **out);
/* The same for a short look by a thread that may have one open: does not give way to a
 * map that wants to grow. ERR_BUSY when another process made it larger just now. */
int metadata_read_within(struct metadata *m, MDB_txn **out);
void metadata_read_end(struct metadata *m, MDB_txn *txn);
/* For the other files of this room, who make it the step from values to values that their
 * headers promise. Runs `apply` in a write transaction, on the
 * thread that writes, and commits. It may
 * run several times (the map had to grow), so what it changes besides must bear that. Its
 * error aborts and is passed on. ERR_TIMEOUT: others wrote until `deadline`
 * (CLOCK_MONOTONIC, ns). */
typedef int (*metadata_fn)(MDB_txn *txn, void *arg);
int metadata_write(struct metadata *m, int64_t deadline, metadata_fn apply, void *arg);
/* The same for who holds the lock already. */
int metadata_write_locked(struct metadata *m, metadata_fn apply, void *arg);
/* Nobody else writes, in this process or another, until it is unlocked: for who measures
 * something that must still be so when it is written. ERR_TIMEOUT. Not recursive. */
int metadata_lock(struct metadata *m, int64_t deadline);
void metadata_unlock(struct metadata *m);
/* All commits so far reach the disk. */
int metadata_sync(struct metadata *m);
/* Frees the slots of readers that died. */
void metadata_check_readers(struct metadata *m);

MDB_dbi metadata_table(struct metadata *m, enum table table);
/* For those who call LMDB themselves (table.c): through its guard, and its code as one of
 * ours. */
int metadata_call(struct metadata *m, guard_fn call, void *arg);
/* What was found in the file cannot be. Returns ERR_CORRUPT. */
int metadata_damaged(struct metadata *m);

/* Bytes of the file that LMDB uses, free ones (free_pages.h) among them. */
uint64_t metadata_bytes(struct metadata *m);
/* The file, lent as long as nobody sets it aside or closes it, and the number of the last
 * transaction in it. ERR_IO. */
int metadata_file(struct metadata *m, int *fd, uint64_t *transaction);

#endif
