/* SPDX-License-Identifier: MIT */
/*
 * LMDB's read transactions, kept for reuse, and the size of its map, which may change only
 * while no transaction of this process is open. Any thread; pool_mtx is a leaf.
 *
 * A new transaction needs a slot in the table that all processes share, and LMDB's lock of
 * that table has no deadline: so new ones are begun on a thread, "cairn-slots", which may
 * have to wait for a stopped process, and whoever wants one waits for two seconds at most.
 *
 * What is returned is LMDB's code, or one of ours: ERR_CORRUPT, ERR_IO when the environment
 * is damaged, or lost or shut.
 */
#ifndef CAIRN_CACHE_META_READ_POOL_H
#define CAIRN_CACHE_META_READ_POOL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/meta/environment.h"
#include "util/bounded_call.h"

#define READ_POOL_IDLE_MAX 64

struct read_pool {
	struct environment *environment; /* borrowed, as the next */
	struct bounded_call *slots;
	atomic_bool lost; /* a write failed where LMDB cannot go back */
	pthread_mutex_t pool_mtx;
	pthread_cond_t pool_cond;	   /* nobody is active, or growing is over */
	MDB_txn *idle[READ_POOL_IDLE_MAX]; /* pool_mtx, as all below */
	unsigned idle_count;
	unsigned active; /* read transactions, and whoever else is within */
	bool writing;	 /* a write transaction is open, or is being waited for */
	bool growing;
	bool shut; /* nobody may come */
};

/* Shut. The owner of `slots` is this pool. */
void read_pool_init(
	struct read_pool *p, struct environment *environment, struct bounded_call *slots);
/* For who has opened it: tells the guard where the map is. It is shut still. May wait for a
 * slot; keeps its transaction. */
void read_pool_find_map(struct read_pool *p);
/* After read_pool_shut(). */
void read_pool_release(struct read_pool *p);
/* The environment is open now. */
void read_pool_admit(struct read_pool *p);
/* Closes it. ERR_BUSY: somebody was within all the time until `deadline` (CLOCK_MONOTONIC,
 * ns), and nothing has changed. */
int read_pool_shut(struct read_pool *p, int64_t deadline);

/* ERR_BUSY, the map has another size and could not be followed (`within`: not while others
 * are open); ERR_TIMEOUT, no slot could be had. */
int read_pool_begin(struct read_pool *p, bool within, MDB_txn **out);
void read_pool_end(struct read_pool *p, MDB_txn *txn);
/* Between these two the environment stays open, and the map as it is. */
int read_pool_enter(struct read_pool *p);
void read_pool_leave(struct read_pool *p);
/* The same for a write transaction; or for who opens it (`opening`: as long as it is shut).
 */
int read_pool_begin_writing(struct read_pool *p, bool opening);
void read_pool_end_writing(struct read_pool *p);

/* Another size for the map. ERR_BUSY: transactions were open all the time until then. */
int read_pool_resize(struct read_pool *p, size_t size, int64_t deadline);
/* Another process made the file larger than our map. */
int read_pool_follow(struct read_pool *p, int64_t deadline);
/* Frees the slots of readers that died, and counts them. */
unsigned read_pool_check_readers(struct read_pool *p);

#endif
