/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/blob_frame.h"
#include "format/profile.h"
#include "publish/blob_copy.h"
#include "publish/check_run.h"
#include "util/array.h"

#define CHECK_MEMORY ((uint64_t)128 << 20)
#define CHECK_PARTS_MAX 256 /* passes: by a digest's first byte */
#define CHECK_WALKERS_MAX 16

/* The walk over all revisions. Of what is met, one part of the digests is kept at a time.
 */
struct check_walk {
	struct check_run *c;
	struct blob_pool *pool;
	struct seen_digests *pages;
	pthread_t owner;
	uint64_t seed; /* which chunks are decoded */
	unsigned part, parts;
	bool looks;		/* at what is met; false: to know what is referred to */
	struct digest profile;	/* the last one that was looked at */
	struct digest_set met;	/* check_mtx, as all below */
	struct digest_set told; /* what was found rotten */
	bool is_full, again;
	bool has_gaps; /* what is below something rotten is not known */
};

static unsigned part_of(const struct check_walk *w, const struct digest *d)
{
	return d->bytes[0] * w->parts / 256;
}

static bool is_local(const struct check_run *c)
{
	return c->o->store->methods->list != NULL;
}

/* What stops the check, rather than being found. */
static bool is_end(int rc)
{
	return rc == ERR_NO_MEMORY || rc == ERR_UNREACHABLE || rc == ERR_TIMEOUT ||
	       rc == ERR_INTERRUPTED || rc == ERR_NO_FILES || rc == ERR_NO_THREADS ||
	       rc == ERR_NO_SPACE;
}

static enum check_about about_of(enum blob_kind kind)
{
	return kind == BLOB_PAGE     ? CHECK_PAGE
	       : kind == BLOB_RECIPE ? CHECK_RECIPE
				     : CHECK_CHUNK;
}

/* Bytes from a mirror, if they are right. */
static bool check_mend(
	struct check_run *c, struct blob_scratch *x, const struct reached *blob)
{
	struct stored stored;
	uint64_t bytes;

	return c->o->repair && c->from &&
	       store_read_blob(c->from, x->codec, &blob->digest, &x->content, NULL) == 0 &&
	       (!blob->size || x->content.size == blob->size) &&
	       blob_put_plain(c->o->store, x, &blob->digest, &bytes, NULL) == 0 &&
	       blob_look(c->o->store, x, blob, true, &stored, NULL) == 0;
}

static int keep_rotten(struct check_run *c, const struct reached *blob)
{
	int rc = 0;

	pthread_mutex_lock(&c->check_mtx);
	if (c->rotten_count < CHECK_ROTTEN_MAX)
		rc = array_grow(&c->rotten, &c->rotten_capacity, c->rotten_count,
			sizeof *c->rotten);
	if (!rc && c->rotten_count < CHECK_ROTTEN_MAX)
		c->rotten[c->rotten_count++] = (struct rotten_blob){
			blob->digest, about_of(blob->kind)};
	pthread_mutex_unlock(&c->check_mtx);
	return rc;
}

/* Is it told for the first time? */
static bool is_news(struct check_walk *w, const struct digest *d)
{
	bool news;

	pthread_mutex_lock(&w->c->check_mtx);
	news = digest_set_add(&w->told, d) != ERR_EXISTS;
	pthread_mutex_unlock(&w->c->check_mtx);
	return news;
}

/* Any thread. */
static int note_rotten(struct check_walk *w, struct blob_scratch *x,
	const struct reached *blob, int why_code, const struct trouble *why, bool *mended)
{
	struct check_run *c = w->c;
	char path[BLOB_PATH_SIZE];
	struct trouble t = *why;

	*mended = false;
	if (!is_news(w, &blob->digest))
		return 0;
	blob_path(&blob->digest, path);
	if (t.text[0] == '\0')
		trouble_set(&t, why_code, "%s in %s is %s", path, store_name(c->o->store),
			why_code == ERR_ABSENT ? "not there" : "damaged");
	t.code = why_code;
	*mended = check_mend(c, x, blob);
	check_say_file(c, about_of(blob->kind), path, 0, *mended, &t);
	return *mended ? 0 : keep_rotten(c, blob);
}

static void count_blob(struct check_walk *w, const struct stored *stored, bool read)
{
	struct check_run *c = w->c;

	pthread_mutex_lock(&c->check_mtx);
	c->counts->blobs++;
	c->counts->bytes += stored->size;
	c->counts->read += read;
	if (stored->has_base && digest_set_add(&c->bases, &stored->base) == ERR_LIMIT)
		c->bases_left_out = true;
	pthread_mutex_unlock(&c->check_mtx);
}

static bool is_chosen(const struct check_walk *w, const struct digest *d)
{
	uint64_t hash = (digest_prefix(d) ^ w->seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (hash >> 32) % 100 < w->c->o->percent;
}

static int check_reached_chunk(
	void *ctx, struct blob_scratch *x, const struct reached *blob, struct trouble *t)
{
	struct check_walk *w = ctx;
	bool read = is_chosen(w, &blob->digest), mended;
	struct stored stored = {0};
	int rc = blob_look(w->c->o->store, x, blob, read, &stored, t);

	if (is_end(rc))
		return rc;
	count_blob(w, &stored, read);
	if (!rc)
		return 0;
	rc = note_rotten(w, x, blob, rc, t, &mended);
	pthread_mutex_lock(&w->c->check_mtx);
	w->has_gaps |= !mended && stored.size == 0; /* it may have a base */
	pthread_mutex_unlock(&w->c->check_mtx);
	return rc;
}

/* Its bytes are read by the walk. */
static void count_page(struct check_walk *w, const struct reached *blob)
{
	struct stored stored = {0};

	if (is_local(w->c))
		(void)store_find_blob(w->c->o->store, &blob->digest, &stored, NULL);
	count_blob(w, &stored, true);
}

static int check_each(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct check_walk *w = ctx;
	int rc;

	if (pthread_equal(pthread_self(), w->owner))
		check_report(w->c);
	if (part_of(w, &blob->digest) != w->part)
		return 0;
	pthread_mutex_lock(&w->c->check_mtx);
	rc = digest_set_add(&w->met, &blob->digest);
	w->is_full |= rc == ERR_LIMIT;
	pthread_mutex_unlock(&w->c->check_mtx);
	if (rc == ERR_EXISTS || !w->looks)
		return 0;
	if (rc && rc != ERR_LIMIT)
		return rc;
	if (blob->kind != BLOB_CHUNK) {
		count_page(w, blob);
		return 0;
	}
	return blob_pool_add(w->pool, blob, t);
}

static int check_damaged(
	void *ctx, const struct reached *blob, int rc, const struct trouble *why)
{
	struct check_walk *w = ctx;
	struct blob_scratch x;
	bool mended = false;
	int failed = blob_scratch_init(&x);

	if (!failed && w->looks && part_of(w, &blob->digest) == w->part)
		failed = note_rotten(w, &x, blob, rc, why, &mended);
	blob_scratch_release(&x);
	pthread_mutex_lock(&w->c->check_mtx);
	w->again |= mended;
	w->has_gaps |= !mended;
	pthread_mutex_unlock(&w->c->check_mtx);
	return failed;
}

/* Its bytes are looked at as any chunk's; is it one? Another copy would be none either. */
static void check_profile(struct check_walk *w, const struct manifest *m)
{
	struct profile *profile = NULL;
	char path[BLOB_PATH_SIZE];
	struct trouble why = {0};
	struct blob_scratch x;
	int rc = 0;

	if (m->profile_size == 0 || !w->looks || w->part != 0 ||
		digest_equal(&m->profile, &w->profile) || blob_scratch_init(&x))
		return;
	w->profile = m->profile;
	if (store_read_blob(w->c->o->store, x.codec, &m->profile, &x.content, NULL) == 0)
		rc = profile_decode(span_of_bytes(&x.content), &profile, &why);
	blob_path(&m->profile, path);
	if (rc == ERR_CORRUPT || rc == ERR_LIMIT)
		check_say_file(w->c, CHECK_CHUNK, path, m->revision, false, &why);
	profile_free(profile);
	blob_scratch_release(&x);
}

/* Once more when a page was mended: what is below it was not seen. */
static int walk_revision(struct check_walk *w, const struct manifest *m, struct trouble *t)
{
	const struct reachable_options o = {
		.store = w->c->o->store,
		.jobs = w->c->o->jobs < CHECK_WALKERS_MAX ? w->c->o->jobs
							  : CHECK_WALKERS_MAX,
		.seen = w->pages,
		.each = check_each,
		.damaged = check_damaged,
		.ctx = w,
	};
	int rc;

	do {
		w->again = false;
		rc = reachable_walk(&o, m, t);
		if (w->again)
			seen_digests_clear(w->pages);
	} while (!rc && w->again);
	return rc;
}

int check_load(
	struct check_run *c, uint64_t number, struct manifest **out, struct trouble *t)
{
	struct bytes text = {0};
	int rc;

	if (c->newest && c->newest->revision == number)
		return manifest_decode(span_of_bytes(&c->newest_text), out, t);
	rc = store_read_revision(c->o->store, number, &text, out, t);
	bytes_release(&text);
	return rc;
}

static int walk_part(struct check_walk *w, struct trouble *t)
{
	int rc = 0, waited;

	digest_set_release(&w->met);
	seen_digests_clear(w->pages);
	for (size_t i = 0; !rc && i < w->c->all.count; i++) {
		struct manifest *m = NULL;

		rc = check_load(w->c, w->c->all.numbers[i], &m, t);
		if (!rc)
			rc = walk_revision(w, m, t);
		if (!rc)
			check_profile(w, m);
		manifest_free(m);
	}
	waited = blob_pool_wait(w->pool, rc ? NULL : t);
	return rc ? rc : waited;
}

static bool is_referenced(struct check_walk *w, const struct digest *d)
{
	bool found;

	pthread_mutex_lock(&w->c->check_mtx);
	found = digest_set_has(&w->met, d) || digest_set_has(&w->c->bases, d);
	pthread_mutex_unlock(&w->c->check_mtx);
	return found;
}

static int list_unreferenced(struct check_walk *w, const char *prefix, struct trouble *t)
{
	struct store_listing *l;
	struct store_item item;
	struct digest d;
	int rc = store_list(w->c->o->store, prefix, &l, t);

	if (rc)
		return rc;
	while (!(rc = store_listing_next(l, &item, t))) {
		struct check_finding f = {.about = CHECK_UNREFERENCED,
			.path = item.path,
			.size = item.size,
			.text = "no revision refers to it"};

		if (store_path_is_blob(item.path, &d) && !is_referenced(w, &d))
			check_say(w->c, &f);
	}
	store_listing_close(l);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int list_part(struct check_walk *w, struct trouble *t)
{
	char prefix[16];
	int rc = 0;

	for (unsigned byte = 0; !rc && byte < 256; byte++) {
		const struct digest d = {{(uint8_t)byte}};

		if (part_of(w, &d) != w->part)
			continue;
		snprintf(prefix, sizeof prefix, "blobs/%02x", byte);
		rc = list_unreferenced(w, prefix, t);
	}
	return rc;
}

/* May what was not met be called unreferenced? */
static bool knows_all(const struct check_walk *w)
{
	return is_local(w->c) && !w->is_full && !w->has_gaps && !w->c->bases_left_out &&
	       w->c->newest && w->c->counts->revisions == w->c->all.count;
}

static int walk_all(struct check_walk *w, struct trouble *t)
{
	int rc = 0;

	w->looks = true;
	for (w->part = 0; !rc && w->part < w->parts; w->part++)
		rc = walk_part(w, t);
	/* What deltas are based on is known when all parts were looked at. */
	w->looks = false;
	for (w->part = 0; !rc && w->part < w->parts && knows_all(w); w->part++) {
		if (w->parts > 1)
			rc = walk_part(w, t);
		if (!rc)
			rc = list_part(w, t);
	}
	w->c->counts->listed = !rc && knows_all(w);
	return rc;
}

/* As many parts as make each of them fit. */
static int choose_parts(struct check_walk *w, struct trouble *t)
{
	uint64_t blobs = 0, fit = w->met.memory / 64;
	struct store_listing *l;
	struct store_item item;
	int rc;

	w->parts = 1;
	if (!is_local(w->c))
		return 0;
	rc = store_list(w->c->o->store, "blobs/", &l, t);
	if (rc)
		return rc;
	while (!(rc = store_listing_next(l, &item, t)))
		blobs++;
	store_listing_close(l);
	while (w->parts < CHECK_PARTS_MAX && blobs / w->parts > fit)
		w->parts *= 2;
	return rc == ERR_ABSENT ? 0 : rc;
}

int check_blobs(struct check_run *c, struct trouble *t)
{
	uint64_t memory = c->o->memory ? c->o->memory : CHECK_MEMORY;
	struct check_walk w = {.c = c, .owner = pthread_self(), .met.memory = memory / 2};
	int rc = getentropy(&w.seed, sizeof w.seed) ? ERR_IO : 0;

	w.pages = seen_digests_new(memory / 4);
	if (!rc && !w.pages)
		rc = ERR_NO_MEMORY;
	if (!rc)
		rc = choose_parts(&w, t);
	if (!rc)
		rc = blob_pool_new("cairn-check", c->o->jobs ? c->o->jobs : 1,
			check_reached_chunk, &w, &w.pool);
	if (!rc)
		rc = walk_all(&w, t);
	blob_pool_free(w.pool);
	seen_digests_free(w.pages);
	digest_set_release(&w.met);
	digest_set_release(&w.told);
	return rc;
}
