/* SPDX-License-Identifier: MIT */
/*
 * For tests of the cache: a directory of their own, objects with contents that follow
 * from a number, and reading them back with every byte compared.
 */
#ifndef CAIRN_TESTS_CACHE_SAMPLES_H
#define CAIRN_TESTS_CACHE_SAMPLES_H

#include "cache/attempt.h"
#include "cache/cache.h"
#include "cache/insert.h"
#include "cache/inspect.h"
#include "cache/objects/object_flush.h"
#include "cache/state.h"
#include "cache/write/flusher.h"
#include "format/page_packer.h"
#include "unit/meta_samples.h"

static inline struct cache *sample_open(const char *directory, uint64_t quota)
{
	struct cache_options options = {.directory = directory,
		.set_quota = true,
		.quota = quota,
		.set_floor = true};
	struct cache *c = NULL;
	struct trouble t = {0};

	if (cache_open(&options, &c, &t))
		fail_msg("%s", t.text);
	return c;
}

/* The same in a child process, where an assertion would end up in cmocka's parent. */
static inline struct cache *sample_open_in_child(const char *directory, uint64_t quota)
{
	struct cache_options options = {.directory = directory,
		.set_quota = true,
		.quota = quota,
		.set_floor = true};
	struct cache *c = NULL;

	if (cache_open(&options, &c, NULL))
		_exit(101);
	return c;
}

/* The bytes of chunk `ordinal` of object `number`. */
static inline void sample_fill(unsigned number, unsigned ordinal, uint8_t *out, size_t size)
{
	uint64_t x = ((uint64_t)number << 32 | ordinal) * UINT64_C(0x9E3779B97F4A7C15) + 1;

	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (uint8_t)x;
	}
}

/* An object of `count` chunks as a leaf page gives it. */
struct sample {
	unsigned number;
	uint32_t count;
	uint8_t *list;
	struct object_ref ref;
	struct object_id id;
};

static inline uint32_t sample_chunk_size(const struct sample *s, uint32_t ordinal)
{
	/* The last one is odd. */
	return ordinal + 1 == s->count ? SAMPLE_CHUNK - 1234 - s->number % 100
				       : SAMPLE_CHUNK;
}

static inline struct sample sample_make(unsigned number, uint32_t count)
{
	struct sample s = {.number = number, .count = count};
	uint8_t *content = malloc((size_t)count * SAMPLE_CHUNK);
	size_t at = 0;

	s.list = malloc((size_t)count * CHUNK_RECORD_SIZE);
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_ref chunk = {.size = sample_chunk_size(&s, i)};

		sample_fill(number, i, content + at, chunk.size);
		chunk.digest = digest_of(content + at, chunk.size);
		chunk_list_put(s.list, i, &chunk);
		at += chunk.size;
	}
	s.ref = (struct object_ref){.digest = digest_of(content, at),
		.size = at,
		.form = count == 1 ? OBJECT_SINGLE : OBJECT_LISTED,
		.count = count,
		.list = s.list};
	if (count > 1)
		s.ref.layout = digest_of(s.list, (size_t)count * CHUNK_RECORD_SIZE);
	s.id = object_id_of(&s.ref);
	free(content);
	return s;
}

static inline void sample_release(struct sample *s)
{
	free(s->list);
}

/* Where chunk `ordinal` belongs, as a read would ask for it. */
static inline struct want sample_want(
	struct cache *c, const struct sample *s, uint32_t ordinal)
{
	struct attempt a;
	struct want w;

	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	assert_int_equal(
		attempt_chunk(&a, &s->ref, (uint64_t)ordinal * SAMPLE_CHUNK, &w), 0);
	attempt_end(&a);
	return w;
}

static inline int sample_put(struct cache *c, const struct sample *s, uint32_t ordinal)
{
	struct want w = sample_want(c, s, ordinal);
	uint8_t content[SAMPLE_CHUNK];

	sample_fill(s->number, ordinal, content, w.size);
	return cache_put_chunk(c, &w, span_of(content, w.size), false);
}

static inline void sample_put_all(struct cache *c, const struct sample *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		assert_int_equal(sample_put(c, s, i), 0);
}

/* What is not known to be there is hashed before it is used, and lent to nobody. */
static inline void sample_put_on_disk(struct cache *c, const struct sample *s)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	struct object *o;

	assert_int_equal(cache_flush(c), 0);
	o = open_objects_find(c->open_objects, &s->id);
	assert_non_null(o);
	flusher_urge(c->flusher);
	while (!object_is_flushed(o))
		nanosleep(&tick, NULL);
	object_put(o);
}

#define SAMPLE_WRONG 1000 /* bytes that are not those that were put */

/* Reads the whole object: 0 and every byte is right, SAMPLE_WRONG, or the error. */
static inline int sample_read(struct cache *c, const struct sample *s)
{
	uint8_t *got = malloc(s->ref.size), *expected = malloc(SAMPLE_CHUNK);
	struct attempt a;
	size_t at = 0;
	int rc;

	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	rc = attempt_read(&a, &s->ref, 0, got, s->ref.size);
	attempt_end(&a);
	for (uint32_t i = 0; i < s->count && !rc; i++) {
		uint32_t size = sample_chunk_size(s, i);

		sample_fill(s->number, i, expected, size);
		if (memcmp(got + at, expected, size) != 0)
			rc = SAMPLE_WRONG;
		at += size;
	}
	free(got);
	free(expected);
	return rc;
}

static inline int sample_find_page(struct cache *c, unsigned number, unsigned *rows)
{
	struct digest name = digest_of(&number, sizeof(number));
	struct attempt a;
	struct page page;
	int rc;

	assert_int_equal(attempt_begin(&a, c, NULL), 0);
	rc = attempt_page(&a, &name, &page);
	if (!rc)
		*rows = page.count;
	attempt_end(&a);
	return rc;
}

/* The path of the only file of an object (heap). */
static inline char *sample_object_path(const char *directory, const struct digest *object)
{
	char hex[DIGEST_HEX_SIZE], command[512], path[512] = "";
	FILE *p;

	digest_to_hex(object, hex);
	snprintf(command, sizeof(command), "ls %s/objects/%.2s/%s.*", directory, hex,
		hex + 2);
	p = popen(command, "r");
	assert_non_null(p);
	if (fgets(path, sizeof(path), p))
		path[strcspn(path, "\n")] = 0;
	pclose(p);
	return strdup(path);
}

#endif
