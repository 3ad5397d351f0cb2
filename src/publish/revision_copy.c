/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "publish/revision_copy.h"

#include <pthread.h>
#include <stdlib.h>

#include "publish/blob_copy.h"
#include "util/clock.h"

#define SEEN_MEMORY ((uint64_t)64 << 20)
#define REPORT_EVERY (200 * NS_PER_MS)
#define WALKERS_MAX 16 /* pages at a time */

struct revision_copy {
	const struct store_copy_options *o;
	struct blob_pool *pool;
	struct seen_digests *pages, *chunks; /* copied, or about to be */
	pthread_t owner;
	int64_t reported; /* CLOCK_MONOTONIC ns; the owner's */

	pthread_mutex_t revision_copy_mtx; /* all below; held while `say` is told */
	struct store_copy_counts *counts;  /* while blobs are under way */
	uint64_t lacking;
};

static void note_copied(struct revision_copy *r, const struct blob_copied *copied, int rc,
	const struct trouble *t)
{
	pthread_mutex_lock(&r->revision_copy_mtx);
	r->counts->looked_at++;
	r->counts->blobs += copied->blobs;
	r->counts->bytes += copied->bytes;
	if (rc && copied->lacking) {
		r->lacking++;
		r->counts->lacking++;
		if (r->o->say)
			r->o->say(r->o->ctx, t);
	}
	pthread_mutex_unlock(&r->revision_copy_mtx);
}

/* What the source lacks is told, and no failure. */
static int copy_reached(struct revision_copy *r, struct blob_scratch *x,
	const struct reached *blob, bool *lacking, struct trouble *t)
{
	struct blob_copy how = {.from = r->o->from,
		.to = r->o->to,
		.read_all = r->o->read_all || blob->kind != BLOB_CHUNK};
	struct blob_copied copied;
	int rc = blob_copy(&how, x, blob, &copied, t);

	note_copied(r, &copied, rc, t);
	*lacking = rc && copied.lacking;
	return *lacking ? 0 : rc;
}

static int copy_chunk(
	void *ctx, struct blob_scratch *x, const struct reached *blob, struct trouble *t)
{
	bool lacking;

	return copy_reached(ctx, x, blob, &lacking, t);
}

/* Pages and recipes are read in the destination next, so they have to be right there. */
static int copy_reached_page(
	struct revision_copy *r, const struct reached *blob, struct trouble *t)
{
	struct blob_scratch x;
	bool lacking = false;
	int rc = blob_scratch_init(&x);

	if (!rc)
		rc = copy_reached(r, &x, blob, &lacking, t);
	blob_scratch_release(&x);
	return !rc && lacking ? REACHABLE_LEAVE_OUT : rc;
}

static void report_copy(struct revision_copy *r)
{
	struct store_copy_counts counts;
	int64_t now = clock_monotonic();

	if (!r->o->progress || !pthread_equal(pthread_self(), r->owner) ||
		now - r->reported < REPORT_EVERY)
		return;
	r->reported = now;
	pthread_mutex_lock(&r->revision_copy_mtx);
	counts = *r->counts;
	pthread_mutex_unlock(&r->revision_copy_mtx);
	r->o->progress(r->o->ctx, &counts);
}

static int copy_each(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct revision_copy *r = ctx;

	report_copy(r);
	if (blob->kind != BLOB_CHUNK)
		return copy_reached_page(r, blob, t);
	return seen_digests_meet(r->chunks, &blob->digest)
		       ? 0
		       : blob_pool_add(r->pool, blob, t);
}

/* A page that hashes to its name, and is none: the revision lies. */
static int copy_damaged(
	void *ctx, const struct reached *blob, int rc, const struct trouble *why)
{
	const struct blob_copied lacking = {.lacking = true};

	(void)blob;
	note_copied(ctx, &lacking, rc, why);
	return 0;
}

int revision_copy_run(struct revision_copy *r, const struct manifest *m, uint64_t *lacking,
	struct trouble *t)
{
	const struct reachable_options walk = {
		.store = r->o->to,
		.jobs = r->o->jobs < WALKERS_MAX ? r->o->jobs : WALKERS_MAX,
		.seen = r->pages,
		.each = copy_each,
		.damaged = copy_damaged,
		.ctx = r,
	};
	struct trouble why = {0};
	int rc, waited;

	r->lacking = 0;
	r->owner = pthread_self();
	rc = reachable_walk(&walk, m, &why);
	waited = blob_pool_wait(r->pool, rc ? NULL : &why);
	rc = rc ? rc : waited;
	/* What shares a page with this revision lacks the same. */
	if (rc || r->lacking) {
		seen_digests_clear(r->pages);
		seen_digests_clear(r->chunks);
	}
	*lacking = r->lacking;
	if (rc && t)
		*t = why;
	return rc;
}

static int revision_copy_init(struct revision_copy *r)
{
	uint64_t memory = r->o->memory ? r->o->memory : SEEN_MEMORY;

	r->pages = seen_digests_new(memory / 4);
	r->chunks = seen_digests_new(memory / 2);
	if (!r->pages || !r->chunks)
		return ERR_NO_MEMORY;
	return blob_pool_new(
		"cairn-copy", r->o->jobs ? r->o->jobs : 1, copy_chunk, r, &r->pool);
}

int revision_copy_new(const struct store_copy_options *options,
	struct store_copy_counts *counts, struct revision_copy **out)
{
	struct revision_copy *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return ERR_NO_MEMORY;
	r->o = options;
	r->counts = counts;
	pthread_mutex_init(&r->revision_copy_mtx, NULL);
	rc = revision_copy_init(r);
	if (rc)
		revision_copy_free(r);
	else
		*out = r;
	return rc;
}

void revision_copy_free(struct revision_copy *r)
{
	if (!r)
		return;
	blob_pool_free(r->pool);
	seen_digests_free(r->pages);
	seen_digests_free(r->chunks);
	pthread_mutex_destroy(&r->revision_copy_mtx);
	free(r);
}
