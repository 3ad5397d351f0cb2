/* SPDX-License-Identifier: MIT */
/*
 * The LMDB environment in `meta/`: read transactions from a pool, and write transactions
 * that grow the map when it is full. What is in its tables is table.h's and records.h's.
 * Any thread.
 *
 * Locks, in this order: write_lock (write_lock.h), write_mtx (a write transaction or a new
 * size of the map; held over the commit, as LMDB holds its own), pool_mtx (the pool;
 * growing waits on pool_cond until no transaction of this process is open).
 */
#ifndef CAIRN_CACHE_META_METADATA_H
#define CAIRN_CACHE_META_METADATA_H

#include <lmdb.h>
#include <stdint.h>

#include "util/error.h"
#include "util/log.h"

enum table {
	TABLE_SETTINGS, /* name -> a record each, see records.h */
	TABLE_PAGES,	/* digest -> kind, packed page or recipe */
	TABLE_OBJECTS,	/* digest -> object record with its presence bitmap */
	TABLE_CHUNKS,  /* instance, ordinal -> where the chunk lies in it, and its digest */
	TABLE_PLACES,  /* chunk digest -> a place where it lies */
	TABLE_USE,     /* last use, object digest -> nothing: the order of eviction */
	TABLE_PURGE,   /* instance -> nothing: its rows in chunks and places are to go */
	TABLE_VICTIMS, /* instance -> an evicted object's file, see victims.h */
	TABLE_LEASES,  /* user of the cache -> bytes it may still write */
	TABLE_DATASETS, /* dataset id -> state */
	TABLE_URLS,	/* digest of a URL -> dataset id */
	TABLE_PINS,	/* pin name, NUL, object digest -> nothing */
	TABLE_PINNED,	/* object digest -> number of pins */
	TABLE_COUNT
};

struct metadata;
/* `path` is a directory that is there. `map` is the size of the map at first, in bytes; 0:
 * one that seldom has to grow. ERR_CORRUPT: LMDB cannot use what lies in it. */
int metadata_open(const char *path, size_t map, struct log *log, struct metadata **out,
	struct trouble *t);
/* No transaction is open any more. */
void metadata_close(struct metadata *m);

/* A read transaction; what is got from it is valid until it is given back. */
int metadata_read(struct metadata *m, MDB_txn **out);
/* The same for a short look by a thread that may have one open: does not give way to a
 * map that wants to grow. ERR_BUSY when another process made it larger just now. */
int metadata_read_within(struct metadata *m, MDB_txn **out);
void metadata_read_end(struct metadata *m, MDB_txn *txn);
/* For the other files of this room, who make it the step from values to values that their
 * headers promise. Runs `apply` in a write transaction on this thread and commits. It may
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
/* For those who call LMDB themselves (cursors): its code as one of ours. */
int metadata_error(struct metadata *m, int rc);

/* Bytes of the file that LMDB uses, and how many of them are free for reuse. */
uint64_t metadata_bytes(struct metadata *m);
uint64_t metadata_free_bytes(struct metadata *m);

#endif
