/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "cache/write/commit.h"
#include "cache/write/housekeeping.h"
#include "cache/write/renewal.h"
#include "cache/write/repair.h"
#include "cache/write/writer.h"
#include "util/thread.h"

struct writer {
	struct write_context *x;
	pthread_t thread;
	struct housekeeping housekeeping; /* the thread's own, as all below */
	struct renewal renewal;
	bool quiet; /* the failure was logged */
};

static void writer_report(struct writer *w, int rc)
{
	char blame[FILE_LOCK_BLAME_SIZE] = "";

	if (rc == ERR_TIMEOUT && !w->quiet)
		metadata_blame(w->x->metadata, blame);
	if (rc && !w->quiet)
		log_warning(w->x->log,
			"cache: cannot write to %s: %s%s: what is read now is not kept",
			w->x->directory->path,
			rc == ERR_TIMEOUT ? "it is held by " : error_text(rc), blame);
	if (rc == ERR_CORRUPT && !w->quiet)
		metadata_damaged(w->x->metadata);
	w->quiet = rc != 0;
}

/* Once more as long as it could not be tried; at the end, only once. */
static void commit_work(struct writer *w, struct batch *b, bool shrink, bool stop)
{
	bool more = false;
	int rc;

	for (;;) {
		rc = commit_batch(w->x, b, shrink, &more);
		writer_report(w, rc);
		if (rc != ERR_TIMEOUT || stop || write_queue_is_stopped(w->x->queue))
			break;
		write_queue_stalled(w->x->queue);
	}
	if (rc == ERR_TIMEOUT)
		commit_forget(w->x, b);
	write_queue_done(w->x->queue, b, rc, more);
}

static void look_after(struct writer *w, bool repair, bool stop)
{
	struct batch nothing = {.goal = 0};
	bool renewed = renewal_run(&w->renewal, w->x);

	if (repair)
		repair_run(w->x);
	/* New books know of no lease of ours. */
	if ((housekeeping_run(&w->housekeeping, w->x) || renewed) && !stop)
		commit_work(w, &nothing, true, stop);
}

static void *writer_thread(void *arg)
{
	struct writer *w = arg;
	struct work work;

	do {
		write_queue_take(w->x->queue, &work);
		if (work.commit)
			commit_work(w, &work.batch, false, work.stop);
		if (work.idle || work.repair || housekeeping_is_due(&w->housekeeping))
			look_after(w, work.repair, work.stop);
	} while (!work.stop || work.commit);
	return NULL;
}

int writer_new(struct write_context *x, struct writer **out)
{
	struct writer *w = calloc(1, sizeof *w);
	int rc;

	if (!w)
		return ERR_NO_MEMORY;
	w->x = x;
	rc = thread_start(&w->thread, "cairn-commit", writer_thread, w);
	if (rc)
		free(w);
	else
		*out = w;
	return rc;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	write_queue_stop(w->x->queue);
	pthread_join(w->thread, NULL);
	free(w);
}
