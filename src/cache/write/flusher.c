/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "cache/objects/object_flush.h"
#include "cache/write/flusher.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define FLUSH_AFTER (10 * NS_PER_SECOND) /* Linux would begin to write it after 30 s */
#define FILES_SOME 128			 /* made since the last flush: time for one */
#define FILES_MOST 256			 /* who makes another one waits */
#define FILE_WAIT (5 * NS_PER_SECOND)
#define TOGETHER 8 /* files, from which on the file system is flushed */
#define PAUSED_FOR (60 * NS_PER_SECOND) /* nothing is kept after a failure */
#define AGAIN_AFTER NS_PER_SECOND
#define TICK_MS 1000
#define LOOK_EVERY (100 * NS_PER_MS)

struct flusher {
	struct write_context *x;
	pthread_t thread;
	atomic_bool written;		   /* something, since the last flush began */
	atomic_int_least64_t paused_until; /* CLOCK_MONOTONIC ns, as below */
	atomic_int_least64_t looked;	   /* at all objects: when */
	atomic_bool failed;		   /* one of them has, and no epoch was begun yet */
	pthread_mutex_t flusher_mtx;	   /* over all below */
	pthread_cond_t work_cond;	   /* there is something to do, or stop */
	pthread_cond_t done_cond;	   /* a flush is over, or stop */
	int64_t due;			   /* CLOCK_MONOTONIC ns; 0: nothing was written */
	unsigned files;			   /* made since the last flush began */
	uint64_t begun, ended;		   /* flushes */
	int error;			   /* of the last that failed */
	bool urgent, stop;
};

static void begin_flushes(struct object **list, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0; i < *count; i++) {
		if (object_is_flushed(list[i])) {
			object_put(list[i]);
			continue;
		}
		object_begin_flush(list[i]);
		list[n++] = list[i];
	}
	*count = n;
}

/* Many at once where that tells as much: a flush of the disk for each takes milliseconds.
 */
static int flush_some(
	struct write_context *x, struct object **list, size_t count, uint64_t sequence)
{
	bool synced = count >= TOGETHER && x->directory->tells;
	int rc = synced ? directory_sync(x->directory) : 0;

	for (size_t i = 0; i < count; i++) {
		int error = object_end_flush(list[i], synced);

		if (error == ERR_UNSUPPORTED)
			continue;
		if (!error && !rc)
			write_queue_flushed(x->queue, list[i], sequence);
		rc = rc ? rc : error;
	}
	return rc;
}

/* What is open was opened with too much trust. */
static void forget_open_objects(struct write_context *x)
{
	struct object **list;
	size_t count;

	/* Without memory, housekeeping closes those that it can tell. */
	(void)open_objects_list(x->open_objects, &list, &count);
	for (size_t i = 0; i < count; i++) {
		atomic_store(&list[i]->gone, true);
		open_objects_remove(x->open_objects, list[i]);
		object_put(list[i]);
	}
	free(list);
}

/* While it cannot be written, it is tried again. */
static void begin_epoch(struct write_context *x)
{
	struct trust_epoch epoch = write_context_epoch(x);
	int rc = trust_epoch_failed(x->metadata, write_context_deadline(x), &epoch);

	if (!rc)
		rc = metadata_sync(x->metadata);
	if (!rc)
		atomic_store(&x->generation, epoch.generation);
	x->epoch_is_owed = rc != 0;
	forget_open_objects(x);
}

static void flusher_note_failure(struct write_context *x, int error)
{
	log_warning(x->log,
		"cache: what was written to %s did not reach the disk: %s: all of the "
		"cache is hashed before it is used again, and nothing new is kept for a "
		"minute",
		x->directory->path, error_text(error));
	x->flush_failed = true;
	begin_epoch(x);
}

int flusher_round(struct write_context *x)
{
	/* In this order: what was marked until now was written before. */
	uint64_t sequence = write_queue_sequence(x->queue);
	struct object **list;
	size_t count;
	int rc = 0;

	if (x->epoch_is_owed)
		begin_epoch(x);
	(void)open_objects_list(x->open_objects, &list, &count);
	begin_flushes(list, &count);
	if (count)
		rc = flush_some(x, list, count, sequence);
	if (rc)
		flusher_note_failure(x, rc);
	for (size_t i = 0; i < count; i++)
		object_put(list[i]);
	free(list);
	return rc;
}

static void run_round(struct flusher *f)
{
	int rc;

	pthread_mutex_lock(&f->flusher_mtx);
	atomic_store(&f->written, false);
	f->due = 0;
	f->files = 0;
	f->urgent = false;
	f->begun++;
	pthread_mutex_unlock(&f->flusher_mtx);
	rc = flusher_round(f->x);
	if (rc) {
		atomic_store(&f->paused_until, clock_monotonic() + PAUSED_FOR);
		atomic_store(&f->failed, false);
	}
	pthread_mutex_lock(&f->flusher_mtx);
	f->ended = f->begun;
	f->error = rc ? rc : f->error;
	if (f->x->epoch_is_owed)
		f->due = clock_monotonic() + AGAIN_AFTER;
	pthread_cond_broadcast(&f->done_cond);
	pthread_mutex_unlock(&f->flusher_mtx);
}

/* Has one that is not flushed failed? Waits for nothing, and costs a system call for each.
 */
static void look_at_all(struct flusher *f)
{
	struct object **list;
	size_t count;

	atomic_store(&f->looked, clock_monotonic());
	(void)open_objects_list(f->x->open_objects, &list, &count);
	for (size_t i = 0; i < count; i++) {
		if (!object_is_flushed(list[i]) && object_has_failed(list[i]) &&
			atomic_load(&list[i]->failed))
			atomic_store(&f->failed, true);
		object_put(list[i]);
	}
	free(list);
	if (atomic_load(&f->failed))
		flusher_urge(f);
}

/* flusher_mtx is held. */
static bool flusher_is_due(const struct flusher *f)
{
	return f->urgent || f->files >= FILES_SOME ||
	       (f->due && clock_monotonic() >= f->due);
}

/* Waits while there is nothing to look at, and else for a second. */
static void await_work(struct flusher *f, bool *due, bool *stop)
{
	pthread_mutex_lock(&f->flusher_mtx);
	while (!f->stop && !f->due && !flusher_is_due(f))
		pthread_cond_wait(&f->work_cond, &f->flusher_mtx);
	if (!f->stop && !flusher_is_due(f))
		timed_wait(&f->work_cond, &f->flusher_mtx, TICK_MS);
	*due = flusher_is_due(f);
	*stop = f->stop;
	pthread_mutex_unlock(&f->flusher_mtx);
}

static void *flusher_thread(void *arg)
{
	struct flusher *f = arg;
	bool due, stop;

	for (;;) {
		await_work(f, &due, &stop);
		if (stop)
			return NULL;
		if (due)
			run_round(f);
		else
			look_at_all(f);
	}
}

static void flusher_release(struct flusher *f)
{
	pthread_cond_destroy(&f->done_cond);
	pthread_cond_destroy(&f->work_cond);
	pthread_mutex_destroy(&f->flusher_mtx);
	free(f);
}

int flusher_new(struct write_context *x, struct flusher **out)
{
	struct flusher *f = calloc(1, sizeof *f);
	int rc;

	if (!f)
		return ERR_NO_MEMORY;
	f->x = x;
	pthread_mutex_init(&f->flusher_mtx, NULL);
	timed_wait_init(&f->work_cond);
	timed_wait_init(&f->done_cond);
	rc = thread_start(&f->thread, "cairn-flush", flusher_thread, f);
	if (rc)
		flusher_release(f);
	else
		*out = f;
	return rc;
}

void flusher_free(struct flusher *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->flusher_mtx);
	f->stop = true;
	pthread_cond_broadcast(&f->work_cond);
	pthread_cond_broadcast(&f->done_cond);
	pthread_mutex_unlock(&f->flusher_mtx);
	pthread_join(f->thread, NULL);
	(void)flusher_round(f->x);
	flusher_release(f);
}

bool flusher_has_failed(struct flusher *f)
{
	int64_t now = clock_monotonic(), looked = atomic_load(&f->looked);

	if (now - looked >= LOOK_EVERY &&
		atomic_compare_exchange_strong(&f->looked, &looked, now))
		look_at_all(f);
	return atomic_load(&f->failed);
}

int flusher_admit(struct flusher *f)
{
	return clock_monotonic() < atomic_load(&f->paused_until) ? ERR_NO_SPACE : 0;
}

int flusher_admit_file(struct flusher *f)
{
	int64_t deadline = clock_monotonic() + FILE_WAIT;
	int rc = 0;

	pthread_mutex_lock(&f->flusher_mtx);
	while (!rc && f->files >= FILES_MOST && !f->stop) {
		timed_wait(&f->done_cond, &f->flusher_mtx, TICK_MS);
		if (clock_monotonic() >= deadline)
			rc = ERR_TIMEOUT;
	}
	if (!rc && ++f->files >= FILES_SOME)
		pthread_cond_signal(&f->work_cond);
	pthread_mutex_unlock(&f->flusher_mtx);
	return rc;
}

void flusher_note(struct flusher *f)
{
	if (atomic_load_explicit(&f->written, memory_order_relaxed) ||
		atomic_exchange(&f->written, true))
		return;
	pthread_mutex_lock(&f->flusher_mtx);
	f->due = clock_monotonic() + FLUSH_AFTER;
	pthread_cond_signal(&f->work_cond);
	pthread_mutex_unlock(&f->flusher_mtx);
}

int flusher_sync(struct flusher *f)
{
	uint64_t wanted;
	int rc;

	pthread_mutex_lock(&f->flusher_mtx);
	wanted = f->begun + 1;
	f->urgent = true;
	pthread_cond_signal(&f->work_cond);
	while (f->ended < wanted && !f->stop)
		timed_wait(&f->done_cond, &f->flusher_mtx, TICK_MS);
	rc = f->error;
	pthread_mutex_unlock(&f->flusher_mtx);
	return rc;
}

void flusher_urge(struct flusher *f)
{
	pthread_mutex_lock(&f->flusher_mtx);
	f->urgent = true;
	pthread_cond_signal(&f->work_cond);
	pthread_mutex_unlock(&f->flusher_mtx);
}
