/* SPDX-License-Identifier: MIT */
/*
 * The LMDB environment in `meta/`: tables, read transactions from a pool, write
 * transactions that grow the map when it is full, and values that carry a checksum, so
 * that rot is noticed before it is believed. Knows nothing of what the values mean
 * (records.h). Any thread. Called by the other files of this room.
 *
 * Locks, in this order: write_mtx (one writer of this process at a time, held over the
 * commit, as LMDB holds its own), pool_mtx (the pool; growing waits on pool_cond until
 * no transaction of this process is open).
 */
#ifndef CAIRN_CACHE_META_METADATA_H
#define CAIRN_CACHE_META_METADATA_H

#include <lmdb.h>
#include <stdint.h>

#include "util/bytes.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/log.h"

enum table {
	TABLE_SETTINGS, /* name -> a record each, see records.h */
	TABLE_PAGES,	/* digest -> kind, packed page or recipe */
	TABLE_OBJECTS,	/* digest -> object record with its presence bitmap */
	TABLE_CHUNKS, /* instance, ordinal -> where the chunk lies in it, and its digest */
	TABLE_PLACES, /* chunk digest -> a place where it lies */
	TABLE_USE,    /* last use, object digest -> nothing: the order of eviction */
	TABLE_PURGE,  /* instance -> nothing: its rows in chunks and places are to go */
	TABLE_LEASES, /* user of the cache -> bytes it may still write */
	TABLE_DATASETS, /* dataset id -> state */
	TABLE_URLS,	/* digest of a URL -> dataset id */
	TABLE_PINS,	/* pin name, NUL, object digest -> nothing */
	TABLE_PINNED,	/* object digest -> number of pins */
	TABLE_COUNT
};

#define METADATA_CHECK_SIZE 8 /* bytes of checksum before each value */

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
/* Runs `apply` in a write transaction on this thread and commits. It may run several
 * times (the map had to grow), so what it changes besides must bear that. Its error
 * aborts and is passed on. */
typedef int (*metadata_fn)(MDB_txn *txn, void *arg);
int metadata_write(struct metadata *m, metadata_fn apply, void *arg);
/* All commits so far reach the disk. */
int metadata_sync(struct metadata *m);
/* Frees the slots of readers that died. */
void metadata_check_readers(struct metadata *m);

MDB_dbi metadata_table(struct metadata *m, enum table table);
/* For those who call LMDB themselves (cursors): its code as one of ours. */
int metadata_error(struct metadata *m, int rc);

/* The value behind its checksum, borrowed from the transaction. ERR_ABSENT, ERR_CORRUPT. */
int metadata_get(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span *value);
/* The same without looking at the checksum; metadata_check() looks. */
int metadata_get_unchecked(struct metadata *m, MDB_txn *txn, enum table table,
	struct span key, struct span *value);
/* `value` as metadata_get_unchecked or a cursor (less METADATA_CHECK_SIZE) gave it. */
int metadata_check(struct span value);
/* What a cursor gave: behind the checksum, checked. */
int metadata_value(const MDB_val *raw, struct span *value);
/* head and then body, either may be empty, stored under one checksum. */
int metadata_put(struct metadata *m, MDB_txn *txn, enum table table, struct span key,
	struct span head, struct span body);
/* A key without a value. */
int metadata_put_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
bool metadata_has_key(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
/* Absent is fine. */
int metadata_delete(struct metadata *m, MDB_txn *txn, enum table table, struct span key);
uint64_t metadata_count(struct metadata *m, MDB_txn *txn, enum table table);
/* Bytes of the table's leaf and overflow pages. */
uint64_t metadata_table_bytes(struct metadata *m, MDB_txn *txn, enum table table);

/* Steps through a table in key order in one transaction. Zero-initialise. */
struct metadata_cursor {
	MDB_cursor *cursor;
	bool started;
};
/* The next (first: at or after `from`, which may be empty) row, raw value. ERR_ABSENT at
 * the end. */
int metadata_next(struct metadata *m, MDB_txn *txn, enum table table, struct span from,
	struct metadata_cursor *c, struct span *key, MDB_val *raw);
void metadata_cursor_close(struct metadata_cursor *c);

/* Bytes of the file that LMDB uses, and how many of them are free for reuse. */
uint64_t metadata_bytes(struct metadata *m);
uint64_t metadata_free_bytes(struct metadata *m);

static inline struct span span_of_digest(const struct digest *d)
{
	return (struct span){d->bytes, DIGEST_SIZE};
}

#endif
