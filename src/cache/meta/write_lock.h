/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is to write to the metadata: one thread of one process at a time, taken
 * before LMDB's own lock, which knows no deadline. So a process that is stopped while it
 * writes costs the others a bounded wait. Threads of a process queue on a condition;
 * processes share a file (file_lock.h). While it is held, Ctrl-Z waits.
 */
#ifndef CAIRN_CACHE_META_WRITE_LOCK_H
#define CAIRN_CACHE_META_WRITE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct write_lock {
	int fd;
	pthread_mutex_t turn_mtx;
	pthread_cond_t turn_cond; /* it was given back */
	bool taken;		  /* turn_mtx */
	bool locked;		  /* the file too; whose turn it is */
};

void write_lock_init(struct write_lock *l);
/* Before the first take: the file, made when it is not there; later, another one in its
 * place. An errno, or 0. */
int write_lock_open(struct write_lock *l, const char *path);
void write_lock_release(struct write_lock *l);
/* `deadline` is of CLOCK_MONOTONIC, ns. ERR_TIMEOUT. Not recursive. */
int write_lock_take(struct write_lock *l, int64_t deadline);
void write_lock_give(struct write_lock *l);

#endif
