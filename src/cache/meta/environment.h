/* SPDX-License-Identifier: MIT */
/*
 * LMDB's environment in `meta/`: opened, its tables too, and closed. Every call is made
 * through its guard. Who may use it when is metadata.h's.
 */
#ifndef CAIRN_CACHE_META_ENVIRONMENT_H
#define CAIRN_CACHE_META_ENVIRONMENT_H

#include <lmdb.h>
#include <stdint.h>

#include "cache/meta/guard.h"

enum table {
	TABLE_SETTINGS, /* name -> a record each, see records.h */
	TABLE_PAGES,	/* digest -> kind, packed page, recipe or list of extents */
	TABLE_OBJECTS,	/* object id -> object record with its presence bitmap */
	TABLE_CHUNKS,  /* instance, ordinal -> where the chunk lies in it, and its digest */
	TABLE_PLACES,  /* chunk digest -> a place where it lies */
	TABLE_USE,     /* last use, object id -> nothing: the order of eviction */
	TABLE_PURGE,   /* instance -> nothing: its rows in chunks and places are to go */
	TABLE_VICTIMS, /* instance -> an evicted object's file, see victims.h */
	TABLE_UNFLUSHED, /* instance, user -> marks not on the disk yet, see unflushed.h */
	TABLE_LEASES,	 /* user of the cache -> bytes it may still write */
	TABLE_DATASETS,	 /* dataset id -> state */
	TABLE_URLS,	 /* digest of a URL -> dataset id */
	TABLE_PINS,	 /* pin name, NUL, object id -> nothing */
	TABLE_PINNED,	 /* object id -> number of pins */
	TABLE_COUNT
};

struct environment {
	MDB_env *env; /* NULL: closed */
	struct guard *guard;
	MDB_dbi tables[TABLE_COUNT];
};

/* As much of `wanted` bytes as a map may take: a part of what the process may address. */
size_t environment_map_limit(size_t wanted);
/* `path` is a directory that is there, `map` the size of the map in bytes; less when there
 * is no room for it in memory. An error of LMDB, or an errno; to be closed in either case.
 * EBUSY: LMDB knows who reads by the number of the process alone, and one of this number
 * has it open, in another container. */
int environment_open(struct environment *e, const char *path, size_t map);
/* No transaction is open any more. One that its guard abandoned stays as it is. */
void environment_close(struct environment *e);

/* Is nothing of the following to be done? Then the tables are open. */
bool environment_is_prepared(struct environment *e);
/* In the first write transaction: the file is made as long as it says, the tables are
 * opened. An error of LMDB, or an errno. */
int environment_prepare(struct environment *e, MDB_txn *txn);
/* Another size of the map; nobody reads or writes meanwhile. ENOMEM: it is as before;
 * MDB_PANIC: it can only be closed. Where it is now, the guard does not know yet. */
int environment_resize(struct environment *e, size_t size);
/* Tells the guard where the map is, once there are tables. `txn` reads. */
void environment_find_map(struct environment *e, MDB_txn *txn);

/* Bytes up to the last page in use; 0 when it cannot be read. */
uint64_t environment_bytes(struct environment *e);
/* Its file, lent, and the number of the last transaction in it. False: not to be had. */
bool environment_file(struct environment *e, int *fd, uint64_t *transaction);
size_t environment_map_size(struct environment *e);
unsigned environment_page_size(struct environment *e);

#endif
