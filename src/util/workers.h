/* SPDX-License-Identifier: MIT */
/*
 * A pool of named threads that run jobs first in, first out, per priority. For what decodes
 * and hashes (source/, publish/) beside the thread that asks. Jobs may add jobs. Lock: one
 * mutex over the queues, never held while a job runs.
 *
 * Where some jobs may block for long (on a disk, on another process), the pool can have
 * spare threads for the others: they sleep as long as the ordinary threads get on, and
 * take jobs once one of these has had the same job for SPARE_AFTER_MS. So no more threads
 * run than was asked for, unless they do not run but wait.
 */
#ifndef CAIRN_UTIL_WORKERS_H
#define CAIRN_UTIL_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#define SPARE_AFTER_MS 20

struct workers;

/* The owner embeds a job in its own struct; it may be freed by its own run(). */
struct job {
	void (*run)(struct job *job);
	struct job *next; /* the pool's */
};

/* `count` threads named "<name>-<n>" (name at most 10 bytes), or as many of them as the
 * system has. ERR_NO_MEMORY; ERR_NO_THREADS: not one. */
int workers_new(const char *name, unsigned count, struct workers **out);
/* The same with `spares` threads more, one for each ordinary thread that is held up. */
int workers_new_spared(
	const char *name, unsigned count, unsigned spares, struct workers **out);
/* Runs what is queued, then joins. */
void workers_free(struct workers *w);
/* Never blocks, never fails: the job brings its own memory. `urgent` jobs go first. */
void workers_add(struct workers *w, struct job *job, int urgent);
/* Jobs wait for a thread. */
bool workers_are_behind(struct workers *w);

#endif
