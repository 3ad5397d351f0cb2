/* SPDX-License-Identifier: MIT */
/*
 * For the tests of gc: a store in memory that is killed at a given operation, whose clock
 * is the test's, and which nobody locks; a small publisher, which goes the way of
 * publish(); a reader that decodes all of a revision. Any thread. Every failure is the
 * test's.
 */
#ifndef CAIRN_TESTS_GC_FIXTURE_H
#define CAIRN_TESTS_GC_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/page_builder.h"
#include "publish/blobs.h"
#include "publish/gc.h"
#include "publish/reachable.h"
#include "publish/store_memory.h"
#include "unit/trees.h"

#define CONTENTS 24	  /* each second one is an edit of the one before */
#define CONTENT_SIZE 4000 /* bytes */

struct gc_fixture {
	struct store base; /* first: what the tests hand out */
	struct store *memory;
	atomic_llong now;  /* ns; each write is a little later */
	atomic_long left;  /* operations; at 0 it is killed */
	atomic_long count; /* operations */
	struct private_key *key;
	uint8_t *contents[CONTENTS];
	struct digest names[CONTENTS];
	/* Held shared from a publisher's last look to its manifest, alone by who lets the
	 * grace period pass: it is longer than that. */
	pthread_rwlock_t grace_lock;
};

struct gc_fixture_listing {
	struct store_listing base; /* first */
	struct gc_fixture *fixture;
	struct store_listing *inner;
};

static inline struct gc_fixture *fixture_of(struct store *s)
{
	return (struct gc_fixture *)s;
}

static inline int fixture_step(struct gc_fixture *f, struct trouble *t)
{
	atomic_fetch_add(&f->count, 1);
	if (atomic_fetch_sub(&f->left, 1) > 0)
		return 0;
	return trouble_set(t, ERR_IO, "killed");
}

static inline void fixture_close(struct store *s)
{
	(void)s;
}

static inline int fixture_read(struct store *s, const char *path, size_t max,
	uint64_t *asked, struct bytes *out, struct store_version *version,
	struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	int rc = fixture_step(f, t);

	return rc ? rc
		  : f->memory->methods->read(f->memory, path, max, asked, out, version, t);
}

static inline int fixture_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	int rc = fixture_step(f, t);

	return rc ? rc : f->memory->methods->find_blob(f->memory, name, out, t);
}

static inline int64_t fixture_time(struct gc_fixture *f)
{
	return atomic_fetch_add(&f->now, 1);
}

static inline int fixture_put_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	char path[BLOB_PATH_SIZE];
	int rc = fixture_step(f, t);

	blob_path(name, path);
	return rc ? rc : store_memory_plant(f->memory, path, stored, fixture_time(f));
}

static inline int fixture_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	int rc = fixture_step(f, t);

	if (!rc && seen)
		return f->memory->methods->put(f->memory, path, text, seen, t);
	return rc ? rc : store_memory_plant(f->memory, path, text, fixture_time(f));
}

static inline int fixture_remove(struct store *s, const char *path, struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	int rc = fixture_step(f, t);

	return rc ? rc : f->memory->methods->remove(f->memory, path, t);
}

static inline int fixture_sync(struct store *s, struct trouble *t)
{
	return fixture_step(fixture_of(s), t);
}

static inline int fixture_listing_next(
	struct store_listing *l, struct store_item *out, struct trouble *t)
{
	struct gc_fixture_listing *own = (struct gc_fixture_listing *)l;
	int rc = fixture_step(own->fixture, t);

	return rc ? rc : store_listing_next(own->inner, out, t);
}

static inline void fixture_listing_close(struct store_listing *l)
{
	store_listing_close(((struct gc_fixture_listing *)l)->inner);
	free(l);
}

static inline int fixture_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	struct gc_fixture *f = fixture_of(s);
	struct gc_fixture_listing *l = calloc(1, sizeof *l);
	int rc = fixture_step(f, t);

	assert_non_null(l);
	l->base = (struct store_listing){fixture_listing_next, fixture_listing_close};
	l->fixture = f;
	if (!rc)
		rc = store_list(f->memory, prefix, &l->inner, t);
	if (rc)
		free(l);
	else
		*out = &l->base;
	return rc;
}

static const struct store_methods fixture_methods = {
	.close = fixture_close,
	.read = fixture_read,
	.find_blob = fixture_find_blob,
	.put_blob = fixture_put_blob,
	.put = fixture_put,
	.remove = fixture_remove,
	.list = fixture_list,
	.sync = fixture_sync,
};

static inline void fixture_empty(struct gc_fixture *f)
{
	store_close(f->memory);
	f->memory = store_memory_new();
	assert_non_null(f->memory);
	f->base.alone = false;
	atomic_store(&f->left, LONG_MAX);
}

static inline void fixture_init(struct gc_fixture *f)
{
	*f = (struct gc_fixture){
		.base = {.methods = &fixture_methods, .name = (char *)"the store"}};
	assert_int_equal(private_key_generate(&f->key), 0);
	atomic_store(&f->now, INT64_C(1000000000000000000));
	pthread_rwlock_init(&f->grace_lock, NULL);
	for (unsigned i = 0; i < CONTENTS; i++) {
		f->contents[i] = trees_noise(i / 2, CONTENT_SIZE);
		if (i % 2)
			memcpy(f->contents[i] + 2000, "an edit", 7);
		f->names[i] = digest_of(f->contents[i], CONTENT_SIZE);
	}
	fixture_empty(f);
}

static inline void fixture_release(struct gc_fixture *f)
{
	store_close(f->memory);
	private_key_free(f->key);
	pthread_rwlock_destroy(&f->grace_lock);
	for (unsigned i = 0; i < CONTENTS; i++)
		free(f->contents[i]);
}

/* The test's publisher. */
struct fixture_publish {
	struct gc_fixture *f;
	struct blobs *blobs;
	struct scratch *x;
	struct digest base; /* hinted at */
};

static inline int fixture_hint(void *ctx, struct scratch *x, struct digest *out)
{
	(void)x;
	*out = ((struct fixture_publish *)ctx)->base;
	return 0;
}

static inline int fixture_emit(void *ctx, const struct digest *name, struct span text)
{
	struct fixture_publish *p = ctx;

	return blobs_put(p->blobs, p->x, name, text, NULL, NULL);
}

/* What an index says was there is adopted without a look at its bytes. */
static inline int fixture_put_content(struct fixture_publish *p, unsigned i)
{
	const struct base_hint hint = {fixture_hint, p};

	if (i % 3 == 0 && !blobs_adopt(p->blobs, p->x, &p->f->names[i], CONTENT_SIZE))
		return 0;
	p->base = p->f->names[i & ~1u];
	return blobs_put(p->blobs, p->x, &p->f->names[i],
		span_of(p->f->contents[i], CONTENT_SIZE), i % 2 ? &hint : NULL, NULL);
}

static inline int fixture_put_tree(
	struct fixture_publish *p, unsigned set, struct digest *root)
{
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	struct page_builder *b;
	uint64_t entries, bytes;
	char name[16];
	int rc = page_builder_new(fixture_emit, p, &b);

	assert_int_equal(rc, 0);
	rc = page_builder_add(b, &e, NULL);
	for (unsigned i = 0; i < CONTENTS && !rc; i++) {
		if (!(set & 1u << i))
			continue;
		snprintf(name, sizeof name, "f%02u", i);
		e = (struct entry){.type = ENTRY_FILE, .mode = 0644, .links = 1};
		e.name = span_of_string(name);
		e.size = CONTENT_SIZE;
		e.has_content = true;
		e.object = (struct object_ref){
			.digest = p->f->names[i], .size = CONTENT_SIZE};
		e.content = e.object.digest;
		rc = page_builder_add(b, &e, NULL);
	}
	if (!rc)
		rc = page_builder_finish(b, root, &entries, &bytes, NULL);
	page_builder_free(b);
	return rc;
}

static inline int fixture_write(struct fixture_publish *p, const struct digest *root,
	uint64_t number, const struct store_version *seen, struct trouble *t)
{
	const struct private_key *key = p->f->key;
	struct manifest m = {.name = (char *)"data",
		.revision = number,
		.created = 1700000000 + (int64_t)number * 3600,
		.message = (char *)"",
		.root = *root,
		.delta = blobs_totals(p->blobs).delta};
	struct bytes text = {0};
	int rc = manifest_encode(&m, &key, 1, &text);

	assert_int_equal(rc, 0);
	rc = store_write_manifest(&p->f->base, number, span_of_bytes(&text), seen, t);
	bytes_release(&text);
	return rc;
}

/* Files of those contents whose bits are set, as a new revision. */
static inline int fixture_publish(
	struct gc_fixture *f, unsigned set, uint64_t *number, struct trouble *t)
{
	struct fixture_publish p = {.f = f};
	struct scratches *scratches = scratches_new(&f->base, NULL);
	struct store_version seen = {""};
	struct bytes text = {0};
	struct manifest *m = NULL;
	struct digest root;
	int rc = store_read_manifest(&f->base, &text, &m, &seen, t);

	*number = rc ? 1 : m->revision + 1;
	manifest_free(m);
	p.blobs = blobs_new(&f->base, 1, 2, false);
	p.x = scratch_take(scratches);
	rc = rc && rc != ERR_ABSENT ? rc : blobs_heed_lists(p.blobs, t);
	for (unsigned i = 0; i < CONTENTS && !rc; i++)
		if (set & 1u << i)
			rc = fixture_put_content(&p, i);
	if (!rc)
		rc = fixture_put_tree(&p, set, &root);
	pthread_rwlock_rdlock(&f->grace_lock);
	if (!rc)
		rc = blobs_secure(p.blobs, t);
	if (!rc)
		rc = fixture_write(&p, &root, *number, &seen, t);
	pthread_rwlock_unlock(&f->grace_lock);
	scratch_give(scratches, p.x);
	blobs_free(p.blobs);
	scratches_free(scratches);
	bytes_release(&text);
	return rc;
}

struct fixture_reading {
	struct store *store;
	struct blob_codec *codec;
	struct bytes content;
};

static inline int fixture_read_chunk(
	void *ctx, const struct reached *blob, struct trouble *t)
{
	struct fixture_reading *r = ctx;

	return blob->kind == BLOB_CHUNK
		       ? store_read_blob(r->store, r->codec, &blob->digest, &r->content, t)
		       : 0;
}

/* Decodes all of it. */
static inline int fixture_read_revision(
	struct gc_fixture *f, uint64_t number, struct trouble *t)
{
	struct fixture_reading r = {&f->base, blob_codec_new(), {0}};
	struct bytes text = {0};
	struct manifest *m = NULL;
	int rc = store_read_revision(&f->base, number, &text, &m, t);

	if (!rc)
		rc = reachable_each(&f->base, m, fixture_read_chunk, &r, t);
	manifest_free(m);
	blob_codec_free(r.codec);
	bytes_release(&r.content);
	bytes_release(&text);
	return rc;
}

static inline unsigned fixture_count(struct gc_fixture *f, const char *prefix)
{
	struct store_listing *l;
	struct store_item item;
	unsigned count = 0;

	assert_int_equal(store_list(f->memory, prefix, &l, NULL), 0);
	while (!store_listing_next(l, &item, NULL))
		count++;
	store_listing_close(l);
	return count;
}

/* Every revision that is there is whole: their number. */
static inline unsigned fixture_check(struct gc_fixture *f)
{
	struct trouble t = {0};
	struct store_listing *l;
	struct store_item item;
	unsigned count = 0;
	uint64_t number;

	assert_int_equal(store_list(f->memory, "revisions/", &l, NULL), 0);
	while (!store_listing_next(l, &item, NULL)) {
		assert_true(store_path_is_revision(item.path, &number));
		if (fixture_read_revision(f, number, &t))
			fail_msg("revision %llu: %s", (unsigned long long)number, t.text);
		count++;
	}
	store_listing_close(l);
	return count;
}

#endif
