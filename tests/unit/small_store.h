/* SPDX-License-Identifier: MIT */
/*
 * A store in a temporary directory, made with the functions of format/, for tests of what
 * reads stores; and the cache and engine that read it. Blobs can be put as they should not
 * be, too.
 */
#ifndef CAIRN_TESTS_SMALL_STORE_H
#define CAIRN_TESTS_SMALL_STORE_H

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/insert.h"
#include "source/source.h"
#include "format/manifest.h"
#include "format/page_builder.h"
#include "util/clock.h"
#include "util/io.h"

#define TESTED_DEADLINE (120 * NS_PER_SECOND) /* no test waits for it */

static inline void make_temporary(char path[PATH_SIZE_MAX])
{
	const char *base = getenv("TMPDIR");

	snprintf(path, PATH_SIZE_MAX, "%s/cairn-test-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
}

static inline int remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct small_store {
	char directory[PATH_SIZE_MAX];
	char url[PATH_SIZE_MAX + 8];
	struct blob_codec *codec;
	struct private_key *key;
};

static inline void store_init(struct small_store *s)
{
	make_temporary(s->directory);
	snprintf(s->url, sizeof(s->url), "file://%s", s->directory);
	s->codec = blob_codec_new();
	assert_non_null(s->codec);
	assert_int_equal(private_key_generate(&s->key), 0);
}

static inline void store_release(struct small_store *s)
{
	remove_tree(s->directory);
	blob_codec_free(s->codec);
	private_key_free(s->key);
}

/* Any file of the store; directories are made. */
static inline void store_write(struct small_store *s, const char *name, struct span bytes)
{
	char path[2 * PATH_SIZE_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->directory, name);
	*strrchr(path, '/') = '\0';
	assert_int_equal(io_make_directories(path, 0755), 0);
	path[strlen(path)] = '/';
	assert_int_equal(io_replace_file(AT_FDCWD, path, bytes, 0644, 0), 0);
}

static inline void store_read(struct small_store *s, const char *name, struct bytes *out)
{
	char path[2 * PATH_SIZE_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->directory, name);
	assert_int_equal(io_read_file(AT_FDCWD, path, 1u << 30, out), 0);
}

static inline void store_remove(struct small_store *s, const char *name)
{
	char path[2 * PATH_SIZE_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->directory, name);
	assert_int_equal(unlink(path), 0);
}

/* `stored` under that name, right or wrong. */
static inline void store_blob(
	struct small_store *s, const struct digest *name, struct span stored)
{
	char path[BLOB_PATH_SIZE];

	blob_path(name, path);
	store_write(s, path, stored);
}

static inline struct digest store_put(struct small_store *s, struct span content)
{
	struct digest name = digest_of(content.data, content.size);
	struct bytes stored = {0};

	assert_int_equal(blob_encode(s->codec, content, 3, &stored), 0);
	store_blob(s, &name, span_of_bytes(&stored));
	bytes_release(&stored);
	return name;
}

static inline struct digest store_put_delta(
	struct small_store *s, struct span content, struct span base)
{
	struct digest name = digest_of(content.data, content.size);
	struct digest base_name = digest_of(base.data, base.size);
	struct bytes stored = {0};

	assert_int_equal(
		blob_encode_delta(s->codec, content, &base_name, base, 3, &stored), 0);
	store_blob(s, &name, span_of_bytes(&stored));
	bytes_release(&stored);
	return name;
}

static inline int store_emit(void *ctx, const struct digest *name, struct span text)
{
	struct digest put = store_put(ctx, text);

	assert_true(digest_equal(name, &put));
	return 0;
}

/* The pages of a directory with `count` empty files. */
static inline struct digest store_tree(struct small_store *s, unsigned count)
{
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	struct page_builder *b;
	struct digest root;
	uint64_t entries, bytes;
	char name[32];

	assert_int_equal(page_builder_new(store_emit, s, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "file-%06u", i);
		e = (struct entry){.type = ENTRY_FILE,
			.mode = 0644,
			.links = 1,
			.name = span_of_string(name)};
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, &root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
	return root;
}

/* Bytes that do not compress, the same for the same seed. */
static inline void fill_noise(uint8_t *data, size_t size, uint64_t seed)
{
	uint64_t x = seed * 2654435761u + 88172645463325252u;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)(x >> 24);
	}
}

/* A chunk of noise that is an object of its own. */
struct sample {
	uint8_t *data;
	size_t size;
	struct want want;
};

static inline struct want want_chunk(struct span content)
{
	struct want w = {.kind = BLOB_CHUNK, .size = content.size};

	w.digest = digest_of(content.data, content.size);
	w.object = object_id_of_chunk(&w.digest);
	w.object_size = content.size;
	w.chunks = 1;
	return w;
}

static inline struct want want_page(const struct digest *digest)
{
	return (struct want){.kind = BLOB_PAGE, .digest = *digest, .size = PAGE_SIZE_MAX};
}

static inline struct sample sample_new(size_t size, uint64_t seed)
{
	struct sample p = {malloc(size), size, {0}};

	assert_non_null(p.data);
	fill_noise(p.data, size, seed);
	p.want = want_chunk(span_of(p.data, size));
	return p;
}

static inline struct span sample_span(const struct sample *p)
{
	return span_of(p->data, p->size);
}

/* A cache and an engine over it. */
struct small_reader {
	char directory[PATH_SIZE_MAX];
	char log_path[PATH_SIZE_MAX + 8];
	struct log *log;
	struct cache *cache;
	struct credentials credentials;
	uint64_t memory; /* of the engine; 0: the default */
	struct engine *engine;
};

static inline void reader_start(struct small_reader *r)
{
	const struct engine_options options = {.cache = r->cache,
		.log = r->log,
		.credentials = &r->credentials,
		.memory = r->memory};
	struct trouble t = {0};

	assert_int_equal(engine_new(&options, &r->engine, &t), 0);
}

static inline void small_reader_open_cache(struct small_reader *r, bool no_space)
{
	struct cache_options cache = {0};
	struct trouble t = {0};
	char path[PATH_SIZE_MAX + 8];

	snprintf(path, sizeof(path), "%s/cache", r->directory);
	cache.directory = path;
	cache.log = r->log;
	cache.set_floor = true;
	cache.floor = no_space ? UINT64_MAX / 4 : 0;
	assert_int_equal(cache_open(&cache, &r->cache, &t), 0);
}

/* `no_space`: a cache that can keep nothing. */
static inline void reader_init(struct small_reader *r, bool no_space)
{
	memset(r, 0, sizeof(*r));
	make_temporary(r->directory);
	snprintf(r->log_path, sizeof(r->log_path), "%s/log", r->directory);
	r->log = log_new_file(LOG_LEVEL_INFO, r->log_path);
	small_reader_open_cache(r, no_space);
	credentials_init(&r->credentials);
	reader_start(r);
}

/* As another process would find the cache. Its sources have been freed. */
static inline void reader_reopen(struct small_reader *r)
{
	engine_free(r->engine);
	cache_close(r->cache);
	small_reader_open_cache(r, false);
	reader_start(r);
}

static inline void reader_release(struct small_reader *r)
{
	engine_free(r->engine);
	credentials_release(&r->credentials);
	cache_close(r->cache);
	log_free(r->log);
	remove_tree(r->directory);
}

static inline bool reader_logged(struct small_reader *r, const char *words)
{
	struct bytes text = {0};
	bool found;

	assert_int_equal(io_read_file(AT_FDCWD, r->log_path, 1u << 20, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	found = strstr((const char *)text.data, words) != NULL;
	bytes_release(&text);
	return found;
}

static inline uint64_t reader_requests(struct small_reader *r)
{
	struct fetcher_counters counters;

	fetcher_count(engine_fetcher(r->engine), &counters);
	return counters.requests;
}

/* A waiter whose thread waits for it. */
struct test_waiter {
	struct waiter waiter;
	pthread_mutex_t mtx;
	pthread_cond_t cond;
	unsigned ready;
};

static inline void test_waiter_ready(struct waiter *waiter)
{
	struct test_waiter *w = (struct test_waiter *)((char *)waiter -
						       offsetof(
							       struct test_waiter, waiter));

	pthread_mutex_lock(&w->mtx);
	w->ready++;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->mtx);
}

static inline void test_waiter_init(struct test_waiter *w)
{
	memset(w, 0, sizeof(*w));
	w->waiter.ready = test_waiter_ready;
	pthread_mutex_init(&w->mtx, NULL);
	pthread_cond_init(&w->cond, NULL);
}

/* Until ready() has run `times` times in all; gives the waiter's error. */
static inline int test_waiter_wait(struct test_waiter *w, unsigned times)
{
	pthread_mutex_lock(&w->mtx);
	while (w->ready < times)
		pthread_cond_wait(&w->cond, &w->mtx);
	pthread_mutex_unlock(&w->mtx);
	return w->waiter.error;
}

static inline unsigned test_waiter_count(struct test_waiter *w)
{
	unsigned ready;

	pthread_mutex_lock(&w->mtx);
	ready = w->ready;
	pthread_mutex_unlock(&w->mtx);
	return ready;
}

static inline void test_waiter_release(struct test_waiter *w)
{
	waiter_release(&w->waiter);
	pthread_mutex_destroy(&w->mtx);
	pthread_cond_destroy(&w->cond);
}

/* The bytes that the waiter was given under that digest; {NULL, 0}: none. */
static inline struct span waiter_content(
	const struct waiter *t, const struct digest *digest)
{
	for (unsigned i = 0; i < t->buffers.count; i++)
		if (digest_equal(blob_buffer_digest(t->buffers.items[i]), digest))
			return blob_buffer_span(t->buffers.items[i]);
	return (struct span){0};
}

/* One want, waited for until it is kept. */
static inline int want_one(struct source *s, const struct want *want, struct trouble *t)
{
	struct test_waiter w;
	int rc;

	test_waiter_init(&w);
	w.waiter.wants_kept = true;
	assert_int_equal(source_want(s, want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	rc = test_waiter_wait(&w, 1);
	if (t)
		*t = w.waiter.trouble;
	test_waiter_release(&w);
	return rc;
}

#endif
