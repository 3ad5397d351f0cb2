/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/write/writer.h"
#include "cache/objects/open_objects.h"
#include "cache/object_io.h"
#include "cache/objects/page_cache.h"
#include "cache/meta/records.h"
#include "util/clock.h"
#include "util/io.h"

#define READ_WHOLE (UINT64_C(2) << 20) /* bytes: every bundle is smaller */
#define NOTE_EVERY 60		       /* seconds between two notes of an object's use */
#define CREATE_TRIES 8
#define IN_ORDER 8 /* chunks before one of which half are there */

typedef atomic_uint_least64_t word;

static bool bit_get(word *bitmap, uint64_t i)
{
	return atomic_load_explicit(&bitmap[i / 64], memory_order_acquire) >> (i % 64) & 1;
}

static void bit_set(word *bitmap, uint64_t i)
{
	atomic_fetch_or_explicit(
		&bitmap[i / 64], UINT64_C(1) << (i % 64), memory_order_release);
}

static void bit_clear(word *bitmap, uint64_t i)
{
	atomic_fetch_and_explicit(
		&bitmap[i / 64], ~(UINT64_C(1) << (i % 64)), memory_order_release);
}

struct object *object_get(struct object *o)
{
	atomic_fetch_add(&o->refs, 1);
	return o;
}

static void release(struct object *o)
{
	if (o->fd >= 0)
		close(o->fd);
	/* A file that the metadata never heard of. */
	if (o->fd >= 0 && !atomic_load(&o->recorded))
		directory_remove_object(&o->cache->directory, &o->digest, o->instance);
	pthread_mutex_destroy(&o->merge_mtx);
	free(o->present);
	free(o->checked);
	free(o);
}

void object_put(struct object *o)
{
	if (o && atomic_fetch_sub(&o->refs, 1) == 1)
		release(o);
}

size_t object_bitmap_bytes(const struct object *o)
{
	return BITMAP_WORDS(o->chunks) * sizeof(word) * (o->checked ? 2 : 1);
}

static struct object *make(
	struct cache *c, const struct digest *digest, const struct object_record *r)
{
	struct object *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->cache = c;
	o->digest = *digest;
	o->layout = r->layout;
	o->instance = r->instance;
	o->size = r->size;
	o->chunks = r->chunks;
	o->drops = r->drops;
	o->fd = -1;
	atomic_init(&o->refs, 1);
	atomic_init(&o->noted, r->last_use);
	atomic_init(&o->touched, clock_monotonic());
	pthread_mutex_init(&o->merge_mtx, NULL);
	o->present = calloc(BITMAP_WORDS(r->chunks), sizeof(word));
	if (r->generation != c->generation)
		o->checked = calloc(BITMAP_WORDS(r->chunks), sizeof(word));
	if (!o->present || (r->generation != c->generation && !o->checked)) {
		object_put(o);
		return NULL;
	}
	return o;
}

/* The bits of a bitmap's word that stand for chunks. */
static uint64_t word_of_chunks(const struct object *o, uint64_t i)
{
	uint64_t left = o->chunks - i * 64;

	return left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

/* The first chunk that is not there or not trusted; the number of chunks if none. */
static uint64_t first_missing(struct object *o)
{
	for (uint64_t i = 0; i < BITMAP_WORDS(o->chunks); i++) {
		uint64_t here = atomic_load_explicit(&o->present[i], memory_order_acquire);

		if (o->checked)
			here &= atomic_load_explicit(&o->checked[i], memory_order_acquire);
		here = ~here & word_of_chunks(o, i);
		if (here)
			return i * 64 + (uint64_t)__builtin_ctzll(here);
	}
	return o->chunks;
}

/* With its last chunk, a file has no hole any more. */
static void note_whole(struct object *o)
{
	if (!atomic_load_explicit(&o->whole, memory_order_relaxed) &&
		first_missing(o) == o->chunks && !atomic_exchange(&o->whole, true))
		page_cache_read_ahead(o->fd, true);
}

/* What the record says more than we know. */
static void merge(struct object *o, const struct object_record *r)
{
	pthread_mutex_lock(&o->merge_mtx);
	for (uint64_t i = 0; !o->dropping && i < BITMAP_WORDS(o->chunks); i++)
		if (r->bitmap[i])
			atomic_fetch_or_explicit(
				&o->present[i], r->bitmap[i], memory_order_release);
	pthread_mutex_unlock(&o->merge_mtx);
}

/* The record as it is now; *seen names the state of the metadata. */
static int look_up(
	struct cache *c, const struct digest *digest, struct object_record *r, size_t *seen)
{
	MDB_txn *txn;
	int rc = metadata_read_within(c->metadata, &txn);

	if (rc)
		return rc;
	*seen = mdb_txn_id(txn);
	rc = object_record_get(c->metadata, txn, digest, r);
	metadata_read_end(c->metadata, txn);
	if (rc == ERR_CORRUPT)
		committer_ask_repair(c->committer);
	return rc;
}

static bool same_record(const struct object *o, const struct object_record *r)
{
	return r->instance == o->instance && r->drops == o->drops && r->size == o->size &&
	       r->chunks == o->chunks;
}

/* Looks at the record when the metadata has changed since the last look. */
static void refresh(struct object *o)
{
	struct object_record r;
	size_t seen, before = atomic_load(&o->seen);
	MDB_txn *txn;
	bool news;
	int rc;

	if (!atomic_load(&o->recorded) || atomic_load(&o->lost) || atomic_load(&o->gone))
		return;
	if (metadata_read_within(o->cache->metadata, &txn))
		return;
	news = mdb_txn_id(txn) != before;
	metadata_read_end(o->cache->metadata, txn);
	if (!news)
		return;
	rc = look_up(o->cache, &o->digest, &r, &seen);
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT)
		atomic_store(&o->gone, true);
	if (rc)
		return;
	if (same_record(o, &r))
		merge(o, &r);
	else
		atomic_store(&o->gone, true);
	atomic_store(&o->seen, seen);
	object_record_release(&r);
}

bool object_has_here(struct object *o, uint64_t ordinal)
{
	return ordinal < o->chunks && !atomic_load(&o->lost) &&
	       bit_get(o->present, ordinal);
}

bool object_has(struct object *o, uint64_t ordinal)
{
	if (ordinal >= o->chunks)
		return false;
	if (object_has_here(o, ordinal))
		return true;
	refresh(o);
	return object_has_here(o, ordinal);
}

/* A file that is not there is no news: another process removes an evicted object's before
 * its transaction is seen here. */
static void lose(struct cache *c, const struct digest *digest, uint64_t instance, int error)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(digest, hex);
	if (error == ERR_ABSENT)
		log_info(c->log, "cache: object %s has no file (any more)", hex);
	else
		log_warning(c->log,
			"cache: object %s has a file of a wrong size: thrown out", hex);
	committer_lose(c->committer, NULL, digest, instance);
}

static void begin_reading(struct object *o)
{
	page_cache_read_ahead(o->fd, false);
	note_whole(o);
	/* Who reads one file of a bundle reads others soon: the disk has it all in one go.
	 */
	if (o->size <= READ_WHOLE)
		page_cache_load(o->fd, 0, o->size);
}

/* Opens the file of a record; the bits are those of the record. */
static int from_record(struct cache *c, const struct digest *digest,
	const struct object_record *r, struct object **out)
{
	struct object *o = make(c, digest, r);
	int rc;

	if (!o)
		return ERR_NO_MEMORY;
	atomic_store(&o->recorded, true);
	rc = directory_open_object(&c->directory, digest, r->instance, r->size, &o->fd);
	if (rc) {
		object_put(o);
		return rc;
	}
	merge(o, r);
	begin_reading(o);
	*out = o;
	return 0;
}

/* Between our look at the record and the object's entry into the table, somebody may
 * have dropped a chunk or all of it, and told those who were in the table then. */
static bool still_so(struct object *o)
{
	struct object_record r;
	size_t seen;
	bool same;

	if (look_up(o->cache, &o->digest, &r, &seen))
		return false;
	same = same_record(o, &r);
	object_record_release(&r);
	atomic_store(&o->seen, seen);
	return same;
}

static int load(struct cache *c, const struct digest *digest, struct object **out)
{
	struct object_record r;
	struct object *o;
	size_t seen;
	int rc = look_up(c, digest, &r, &seen);

	if (rc)
		return rc == ERR_NO_MEMORY ? rc : ERR_ABSENT;
	rc = from_record(c, digest, &r, &o);
	object_record_release(&r);
	if (rc == ERR_CORRUPT || rc == ERR_ABSENT)
		lose(c, digest, r.instance, rc);
	if (rc)
		return rc == ERR_NO_MEMORY ? rc : ERR_ABSENT;
	o = open_objects_add(c->open_objects, o);
	if (atomic_load(&o->recorded) && !still_so(o)) {
		atomic_store(&o->gone, true);
		open_objects_remove(c->open_objects, o);
		object_put(o);
		return ERR_ABSENT;
	}
	*out = o;
	return 0;
}

static bool is_as(const struct object *o, const struct want *as)
{
	return !as || (o->size == as->object_size && o->chunks == as->chunks &&
			      digest_equal(&o->layout, &as->layout));
}

/* Whatever is in the table or the metadata under that digest. */
static int open_any(struct cache *c, const struct digest *digest, struct object **out)
{
	struct object *o = open_objects_find(c->open_objects, digest);

	if (o && atomic_load(&o->gone)) {
		open_objects_remove(c->open_objects, o);
		object_put(o);
		o = NULL;
	}
	if (!o)
		return load(c, digest, out);
	*out = o;
	return 0;
}

int object_open(struct cache *c, const struct digest *digest, const struct want *as,
	struct object **out)
{
	struct object *o;
	int rc = open_any(c, digest, &o);

	if (rc)
		return rc;
	if (!is_as(o, as)) {
		object_put(o);
		return ERR_ABSENT;
	}
	*out = o;
	return 0;
}

/* A new instance, not yet in the metadata. */
static int create(struct cache *c, const struct want *w, struct object **out)
{
	struct object_record r = {.size = w->object_size,
		.chunks = w->chunks,
		.generation = c->generation,
		.last_use = clock_realtime() / NS_PER_SECOND,
		.layout = w->layout};
	struct object *o;
	int rc = ERR_EXISTS;

	r.instance = (uint64_t)c->directory.user << 32 | atomic_fetch_add(&c->instances, 1);
	o = make(c, &w->object, &r);
	if (!o)
		return ERR_NO_MEMORY;
	for (unsigned i = 0; i < CREATE_TRIES && rc == ERR_EXISTS; i++) {
		rc = directory_create_object(
			&c->directory, &w->object, o->instance, w->object_size, &o->fd);
		if (rc == ERR_EXISTS)
			o->instance = (uint64_t)c->directory.user << 32 |
				      atomic_fetch_add(&c->instances, 1);
	}
	if (rc) {
		object_put(o);
		return rc;
	}
	page_cache_read_ahead(o->fd, false);
	*out = open_objects_add(c->open_objects, o);
	return 0;
}

static int open_or_create(struct cache *c, const struct want *w, struct object **out)
{
	struct object *o;
	int rc = open_any(c, &w->object, &o);

	if (rc == ERR_ABSENT)
		rc = create(c, w, &o);
	if (rc)
		return rc;
	if (!is_as(o, w) || atomic_load(&o->lost)) {
		object_put(o);
		return ERR_BUSY;
	}
	*out = o;
	return 0;
}

void object_touch(struct object *o)
{
	int64_t now = clock_realtime() / NS_PER_SECOND;
	int64_t noted = atomic_load(&o->noted);

	atomic_store_explicit(&o->touched, clock_monotonic(), memory_order_relaxed);
	if (now - noted >= NOTE_EVERY && atomic_load(&o->recorded) &&
		atomic_compare_exchange_strong(&o->noted, &noted, now))
		committer_use(o->cache->committer, o, now);
}

void object_drop_chunk(struct object *o, const struct want *chunk)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&chunk->digest, hex);
	log_warning(o->cache->log, "cache: chunk %s is rotten on disk: dropped", hex);
	pthread_mutex_lock(&o->merge_mtx);
	o->dropping = true;
	pthread_mutex_unlock(&o->merge_mtx);
	committer_drop(o->cache->committer, o, chunk);
	bit_clear(o->present, chunk->ordinal);
}

static bool all_checked(struct object *o)
{
	for (uint64_t i = 0; i < BITMAP_WORDS(o->chunks); i++)
		if (atomic_load(&o->present[i]) & ~atomic_load(&o->checked[i]))
			return false;
	return true;
}

/* The file cannot be read: nothing of it is there any more. */
static int give_up(struct object *o)
{
	if (!atomic_exchange(&o->lost, true)) {
		char hex[DIGEST_HEX_SIZE];

		digest_to_hex(&o->digest, hex);
		log_warning(
			o->cache->log, "cache: object %s cannot be read: thrown out", hex);
		committer_lose(o->cache->committer, o, &o->digest, o->instance);
	}
	return ERR_ABSENT;
}

/* Hashes a chunk that was written before the machine may have lost data. */
static int check_chunk(struct object *o, const struct want *chunk)
{
	uint8_t *content = malloc(chunk->size);
	struct digest digest;

	if (!content)
		return ERR_NO_MEMORY;
	if (io_pread_full(o->fd, content, chunk->size, chunk->start)) {
		free(content);
		return give_up(o);
	}
	digest = digest_of(content, chunk->size);
	free(content);
	if (!digest_equal(&digest, &chunk->digest)) {
		object_drop_chunk(o, chunk);
		return ERR_ABSENT;
	}
	bit_set(o->checked, chunk->ordinal);
	if (all_checked(o))
		committer_trust(o->cache->committer, o);
	return 0;
}

int object_read(struct object *o, const struct want *chunk, uint64_t skip, void *buffer,
	size_t size)
{
	if (o->checked && !bit_get(o->checked, chunk->ordinal)) {
		int rc = check_chunk(o, chunk);

		if (rc)
			return rc;
	}
	if (skip == 0 && !atomic_load_explicit(&o->whole, memory_order_relaxed))
		page_cache_load(o->fd, chunk->start, chunk->size);
	if (io_pread_full(o->fd, buffer, size, chunk->start + skip))
		return give_up(o);
	return 0;
}

bool object_is_complete(struct object *o)
{
	uint64_t missing = first_missing(o);

	/* Another process may have brought it. */
	if (missing < o->chunks && object_has(o, missing))
		missing = first_missing(o);
	return missing == o->chunks && !atomic_load(&o->lost);
}

int object_lend(struct object *o, int *fd)
{
	if (!object_is_complete(o) || atomic_load(&o->gone))
		return ERR_ABSENT;
	return directory_lend_object(
		&o->cache->directory, &o->digest, o->instance, o->size, fd);
}

static bool place_is_sane(const struct want *w, struct span content)
{
	uint64_t end;

	return w->kind == BLOB_CHUNK && content.size == w->size && w->size >= 1 &&
	       w->size <= CHUNK_SIZE_MAX && w->chunks >= 1 && w->ordinal < w->chunks &&
	       w->chunks <= w->object_size &&
	       !__builtin_add_overflow(w->start, w->size, &end) && end <= w->object_size;
}

/* A file that somebody has cut must not grow again: what was cut off would be zeros under
 * marks that say it is there. */
static bool is_whole(struct object *o)
{
	struct stat st;

	return fstat(o->fd, &st) == 0 && (uint64_t)st.st_size == o->size;
}

/* Is the file filled from its beginning or some place on? Then more will follow. Those that
 * are fetched at once arrive in any order. */
static bool is_in_order(struct object *o, uint64_t ordinal)
{
	uint64_t before = ordinal < IN_ORDER ? ordinal : IN_ORDER, there = 0;

	for (uint64_t i = 1; i <= before; i++)
		there += bit_get(o->present, ordinal - i);
	return there >= before / 2;
}

/* The bytes first, then the mark. */
static int write_chunk(
	struct object *o, const struct want *w, struct span content, bool hurry)
{
	int rc = is_whole(o) ? 0 : give_up(o);

	if (!rc && !hurry && is_in_order(o, w->ordinal))
		page_cache_prepare(o->fd, o->size, w->start, w->size);
	if (!rc)
		rc = io_pwrite_full(o->fd, content.data, content.size, w->start);
	if (!rc)
		rc = committer_mark(o->cache->committer, o, w);
	if (rc)
		return rc;
	if (o->checked)
		bit_set(o->checked, w->ordinal);
	bit_set(o->present, w->ordinal);
	note_whole(o);
	return 0;
}

int object_fill(struct cache *c, const struct want *w, struct span content, bool hurry)
{
	uint64_t cost = chunk_cost(w->start, w->size);
	struct object *o;
	int rc;

	if (!place_is_sane(w, content))
		return ERR_INVALID;
	if (w->object_size > OBJECT_SIZE_CAP || w->chunks > OBJECT_CHUNKS_CAP)
		return ERR_LIMIT;
	/* Before a file is made: the lease tells others that its maker lives. */
	rc = reservation_reserve(&c->reservation, c->committer, cost);
	if (rc)
		return rc;
	rc = open_or_create(c, w, &o);
	if (rc)
		goto out;
	if (object_has(o, w->ordinal))
		reservation_cancel(&c->reservation, cost);
	else
		rc = write_chunk(o, w, content, hurry);
	object_touch(o);
	object_put(o);
out:
	if (rc)
		reservation_cancel(&c->reservation, cost);
	if (rc == ERR_NO_SPACE)
		reservation_deny(&c->reservation);
	return rc;
}
