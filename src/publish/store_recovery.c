/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "publish/store_recovery.h"
#include "util/clock.h"
#include "util/workers.h"

/* Time stamps of some file systems are that coarse. */
#define RECOVERY_MARGIN (2 * NS_PER_SECOND)
#define BATCH 256 /* blobs that are named at a time */

/* One thread's turn: it takes blobs of the batch until none is left. */
struct recovery_job {
	struct job job;
	struct recovery *recovery;
};

struct recovery {
	struct store_recovery *r;
	struct digest names[BATCH];

	pthread_mutex_t recovery_mtx; /* all below */
	pthread_cond_t recovery_cond; /* a job is done */
	size_t count, next;
	unsigned running;
	uint64_t removed;
	int failure;
	struct trouble trouble;
};

/* The next blob of the batch; false: there is none, or one has failed. */
static bool recovery_take(struct recovery *y, struct digest *out)
{
	bool found;

	pthread_mutex_lock(&y->recovery_mtx);
	found = y->next < y->count && !y->failure;
	if (found)
		*out = y->names[y->next++];
	pthread_mutex_unlock(&y->recovery_mtx);
	return found;
}

static void recovery_note(
	struct recovery *y, int rc, uint64_t removed, const struct trouble *t)
{
	pthread_mutex_lock(&y->recovery_mtx);
	y->removed += removed;
	if (rc && !y->failure) {
		y->failure = rc;
		y->trouble = *t;
	}
	pthread_mutex_unlock(&y->recovery_mtx);
}

/* Is what reading a blob gave a matter of the blob? It may be a delta without its base. */
static bool recovery_is_damage(struct store *store, const struct digest *name, int rc)
{
	struct stored stored;

	if (rc == ERR_ABSENT)
		return store_find_blob(store, name, &stored, NULL) != ERR_ABSENT;
	return rc == ERR_CORRUPT || rc == ERR_LIMIT;
}

/* One that cannot be used is as good as absent, and whoever needs it puts it again. */
static void recovery_look(struct recovery *y, struct blob_codec *codec,
	const struct digest *name, struct bytes *content)
{
	struct store *store = y->r->store;
	struct trouble t = {0};
	int rc = store_read_blob(store, codec, name, content, &t);
	uint64_t removed = 0;

	if (rc && recovery_is_damage(store, name, rc)) {
		rc = store_remove_blob(store, name, &t);
		removed = !rc;
	}
	if (rc == ERR_ABSENT) /* somebody else was faster */
		rc = 0;
	recovery_note(y, rc, removed, &t);
}

static void recovery_run(struct job *job)
{
	struct recovery_job *j =
		(struct recovery_job *)((char *)job - offsetof(struct recovery_job, job));
	struct recovery *y = j->recovery;
	struct blob_codec *codec = blob_codec_new();
	const struct trouble none = {.code = ERR_NO_MEMORY};
	struct bytes content = {0};
	struct digest name;

	if (!codec)
		recovery_note(y, ERR_NO_MEMORY, 0, &none);
	while (codec && recovery_take(y, &name))
		recovery_look(y, codec, &name, &content);
	bytes_release(&content);
	blob_codec_free(codec);
	pthread_mutex_lock(&y->recovery_mtx);
	y->running--;
	pthread_cond_broadcast(&y->recovery_cond);
	pthread_mutex_unlock(&y->recovery_mtx);
}

/* All of the batch; then it is empty. */
static int recovery_run_batch(
	struct recovery *y, struct workers *workers, struct recovery_job *jobs)
{
	int rc;

	y->next = 0;
	y->running = y->r->jobs;
	for (unsigned i = 0; i < y->r->jobs; i++) {
		jobs[i] = (struct recovery_job){.job.run = recovery_run, .recovery = y};
		workers_add(workers, &jobs[i].job, 0);
	}
	pthread_mutex_lock(&y->recovery_mtx);
	while (y->running)
		pthread_cond_wait(&y->recovery_cond, &y->recovery_mtx);
	y->r->looked_at += y->count;
	y->r->removed = y->removed;
	y->count = 0;
	rc = y->failure;
	pthread_mutex_unlock(&y->recovery_mtx);
	if (y->r->progress)
		y->r->progress(y->r->ctx);
	return rc;
}

static int recover_young(struct recovery *y, struct workers *workers,
	struct recovery_job *jobs, int64_t since, struct trouble *t)
{
	struct store_listing *listing;
	struct store_item item;
	int rc = store_list(y->r->store, "blobs/", &listing, t), failure;

	if (rc)
		return rc;
	while (!(rc = store_listing_next(listing, &item, t))) {
		if (item.mtime < since ||
			!store_path_is_blob(item.path, &y->names[y->count]))
			continue;
		if (++y->count == BATCH && (rc = recovery_run_batch(y, workers, jobs)))
			break;
	}
	store_listing_close(listing);
	failure = y->count && rc == ERR_ABSENT ? recovery_run_batch(y, workers, jobs)
					       : y->failure;
	if (failure && t)
		*t = y->trouble;
	return failure ? failure : rc == ERR_ABSENT ? 0 : rc;
}

static int recover_since(struct store_recovery *r, int64_t since, struct trouble *t)
{
	struct recovery *y = calloc(1, sizeof *y);
	struct recovery_job *jobs = calloc(r->jobs, sizeof *jobs);
	struct workers *workers = NULL;
	int rc = y && jobs ? workers_new("recover", r->jobs, &workers) : ERR_NO_MEMORY;

	if (!rc) {
		y->r = r;
		pthread_mutex_init(&y->recovery_mtx, NULL);
		pthread_cond_init(&y->recovery_cond, NULL);
		rc = recover_young(y, workers, jobs, since, t);
		workers_free(workers);
		pthread_cond_destroy(&y->recovery_cond);
		pthread_mutex_destroy(&y->recovery_mtx);
	}
	free(jobs);
	free(y);
	return rc;
}

int store_recover(struct store_recovery *r, struct trouble *t)
{
	int64_t since;
	int rc = store_unsynced_since(r->store, &since);

	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	r->looked_at = r->removed = 0;
	r->jobs = r->jobs ? r->jobs : 1;
	rc = recover_since(r, since > RECOVERY_MARGIN ? since - RECOVERY_MARGIN : 0, t);
	if (!rc)
		rc = store_sync(r->store, t);
	return rc ? rc : store_settle(r->store, t);
}
