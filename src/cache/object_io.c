/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/meta/records.h"
#include "cache/meta/unflushed.h"
#include "cache/object_io.h"
#include "cache/objects/object_files.h"
#include "cache/objects/object_flush.h"
#include "cache/objects/page_cache.h"
#include "cache/state.h"
#include "util/io.h"

#define NOTE_EVERY 60 /* seconds between two notes of an object's use */
#define CREATE_TRIES 8
#define LOOKS_MAX 256 /* at chunks of one object, whether they are there */

/* The record as it is now; *seen names the state of the metadata. */
static int object_look_up(
	struct cache *c, const struct object_id *id, struct object_record *r, size_t *seen)
{
	MDB_txn *txn;
	int rc = metadata_read_within(c->metadata, &txn);

	if (rc)
		return rc;
	*seen = mdb_txn_id(txn);
	rc = object_record_get(c->metadata, txn, id, r);
	/* What is not known to be on the disk is of no generation. */
	if (!rc && unflushed_has(c->metadata, txn, r->instance))
		r->generation = GENERATION_NONE;
	metadata_read_end(c->metadata, txn);
	if (rc == ERR_CORRUPT)
		write_queue_ask_repair(c->queue);
	return rc;
}

/* Looks at the record when the metadata has changed since the last look. */
static void object_refresh(struct cache *c, struct object *o)
{
	struct object_record r;
	size_t seen, before = atomic_load(&o->seen);
	MDB_txn *txn;
	bool news;
	int rc;

	if (!atomic_load(&o->recorded) || atomic_load(&o->lost) || atomic_load(&o->gone))
		return;
	if (metadata_read_within(c->metadata, &txn))
		return;
	news = mdb_txn_id(txn) != before;
	metadata_read_end(c->metadata, txn);
	if (!news)
		return;
	rc = object_look_up(c, &o->id, &r, &seen);
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT)
		atomic_store(&o->gone, true);
	if (rc)
		return;
	if (object_is_of(o, &r))
		object_merge(o, &r);
	else
		atomic_store(&o->gone, true);
	if (!object_is_flushed(o))
		flusher_note(c->flusher);
	atomic_store(&o->seen, seen);
	object_record_release(&r);
}

bool object_io_has(struct cache *c, struct object *o, uint64_t ordinal)
{
	if (ordinal >= o->chunks)
		return false;
	if (object_has_here(o, ordinal))
		return true;
	object_refresh(c, o);
	return object_has_here(o, ordinal);
}

/* A file that is not there is no news: another process removes an evicted object's before
 * its transaction is seen here. */
static void object_lose(
	struct cache *c, const struct object_id *id, uint64_t instance, int error)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&id->digest, hex);
	if (error == ERR_ABSENT)
		log_info(c->log, "cache: object %s has no file (any more)", hex);
	else
		log_warning(c->log,
			"cache: object %s has a file of a wrong size: thrown out", hex);
	write_queue_lose(c->queue, NULL, id, instance);
}

/* It may be as it should once somebody has mended that: the record stays. The log has it
 * once a minute. */
static void object_tell_shut(
	struct cache *c, const struct object_id *id, uint64_t instance, int error)
{
	char name[OBJECT_NAME_SIZE];

	object_file_name(id, instance, name);
	log_warning(c->log,
		"cache: %s/objects/%s cannot be opened: %s: what it holds is fetched at "
		"each "
		"use until it can, or is removed",
		c->directory.path, name, error_text(error));
}

/* What the kernel has of a file that is not to be believed may be right, and gone from
 * memory tomorrow: what is hashed must be what is on the disk, or about to be. */
static void object_begin_trust(struct cache *c, struct object *o)
{
	if (!o->doubted) {
		object_set_flushed(o);
		return;
	}
	page_cache_forget(o->fd, 0, 0);
	flusher_note(c->flusher);
}

/* A chunk of a file, as a member of a set of digests. */
static struct digest chunk_name(const struct object *o, uint64_t ordinal)
{
	const uint64_t pair[2] = {o->instance, ordinal};

	return digest_of(pair, sizeof pair);
}

/* Does it have to be hashed before it is used? Not again when this process has, and closed
 * the object meanwhile. */
static bool object_must_hash(struct cache *c, struct object *o, uint64_t ordinal)
{
	struct digest name;

	if (!object_must_check(o, ordinal))
		return false;
	if (o->doubted || !c->hashed)
		return true;
	name = chunk_name(o, ordinal);
	if (!verified_pages_has(c->hashed, &name))
		return true;
	(void)object_set_checked(o, ordinal);
	return false;
}

static void object_note_hashed(struct cache *c, struct object *o, uint64_t ordinal)
{
	struct digest name;

	if (object_set_checked(o, ordinal) && o->doubted)
		write_queue_trust(c->queue, o);
	if (!c->hashed)
		return;
	name = chunk_name(o, ordinal);
	verified_pages_add(c->hashed, &name);
}

/* Opens the file of a record; the bits are those of the record. */
static int object_from_record(struct cache *c, const struct object_id *id,
	const struct object_record *r, struct object **out)
{
	struct object *o = object_new(
		&c->directory, id, r, atomic_load(&c->write.generation));
	int fd = -1, rc;

	if (!o)
		return ERR_NO_MEMORY;
	atomic_store(&o->recorded, true);
	rc = c->hashed ? object_check_all(o) : 0;
	if (!rc)
		rc = object_file_open(&c->directory, id, r->instance, r->size, &fd);
	if (!rc)
		rc = object_set_file(o, fd);
	if (rc) {
		object_put(o);
		return rc;
	}
	object_merge(o, r);
	object_begin_trust(c, o);
	*out = o;
	return 0;
}

/* Between our look at the record and the object's entry into the table, somebody may
 * have dropped a chunk or all of it, and told those who were in the table then. */
static bool object_still_so(struct cache *c, struct object *o)
{
	struct object_record r;
	size_t seen;
	bool same;

	if (object_look_up(c, &o->id, &r, &seen))
		return false;
	same = object_is_of(o, &r) && o->generation == atomic_load(&c->write.generation);
	object_record_release(&r);
	atomic_store(&o->seen, seen);
	return same;
}

int object_io_open_apart(struct cache *c, const struct object_id *id, struct object **out)
{
	struct object_record r;
	size_t seen;
	int rc = object_look_up(c, id, &r, &seen);

	if (rc)
		return rc == ERR_NO_MEMORY ? rc : ERR_ABSENT;
	rc = object_from_record(c, id, &r, out);
	object_record_release(&r);
	if (rc == ERR_CORRUPT || rc == ERR_ABSENT)
		object_lose(c, id, r.instance, rc);
	else if (rc == ERR_DENIED || rc == ERR_IO)
		object_tell_shut(c, id, r.instance, rc);
	return !rc || rc == ERR_NO_MEMORY ? rc : ERR_ABSENT;
}

/* The cache was copied, or the file put back: what it holds is hashed before it is used. */
static void object_adopt(struct cache *c, struct object *o)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&o->id.digest, hex);
	log_debug(c->log,
		"cache: object %s has another file than it had: it is hashed before it is "
		"used",
		hex);
	write_queue_adopt(c->queue, o);
}

static int object_load(struct cache *c, const struct object_id *id, struct object **out)
{
	struct object *o;
	int rc = object_io_open_apart(c, id, &o);

	if (rc)
		return rc;
	object_begin_reading(o);
	/* Before anybody marks anything in it. */
	if (object_has_other_file(o))
		object_adopt(c, o);
	o = open_objects_add(c->open_objects, o);
	if (atomic_load(&o->recorded) && !object_still_so(c, o)) {
		atomic_store(&o->gone, true);
		open_objects_remove(c->open_objects, o);
		object_put(o);
		return ERR_ABSENT;
	}
	*out = o;
	return 0;
}

/* Whatever is in the table or the metadata under that digest. */
static int open_any(struct cache *c, const struct object_id *id, struct object **out)
{
	struct object *o = open_objects_find(c->open_objects, id);

	if (o && atomic_load(&o->gone)) {
		open_objects_remove(c->open_objects, o);
		object_put(o);
		o = NULL;
	}
	if (!o)
		return object_load(c, id, out);
	*out = o;
	return 0;
}

int object_io_open(struct cache *c, const struct object_id *id, const struct want *as,
	struct object **out)
{
	struct object *o;
	int rc = open_any(c, id, &o);

	if (rc)
		return rc;
	if (!object_is_as(o, as)) {
		object_put(o);
		return ERR_ABSENT;
	}
	*out = o;
	return 0;
}

/* A new instance, not yet in the metadata. */
static int object_create(struct cache *c, const struct want *w, struct object **out)
{
	struct object_record r = {.size = w->object_size,
		.chunks = w->chunks,
		.generation = atomic_load(&c->write.generation),
		.last_use = clock_realtime() / NS_PER_SECOND};
	struct object *o;
	int fd = -1, rc;

	rc = flusher_admit_file(c->flusher);
	if (rc)
		return rc;
	rc = ERR_EXISTS;
	r.instance = (uint64_t)c->directory.user << 32 | atomic_fetch_add(&c->instances, 1);
	o = object_new(&c->directory, &w->object, &r, r.generation);
	if (!o || (c->hashed && object_check_all(o))) {
		object_put(o);
		return ERR_NO_MEMORY;
	}
	for (unsigned i = 0; i < CREATE_TRIES && rc == ERR_EXISTS; i++) {
		rc = object_file_create(
			&c->directory, &w->object, o->instance, w->object_size, &fd);
		if (rc == ERR_EXISTS)
			o->instance = (uint64_t)c->directory.user << 32 |
				      atomic_fetch_add(&c->instances, 1);
	}
	if (!rc)
		rc = object_set_file(o, fd);
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
		rc = object_create(c, w, &o);
	if (rc)
		return rc;
	if (!object_is_as(o, w) || atomic_load(&o->lost)) {
		object_put(o);
		return ERR_BUSY;
	}
	*out = o;
	return 0;
}

void object_io_touch(struct cache *c, struct object *o)
{
	int64_t now = clock_realtime() / NS_PER_SECOND;
	int64_t noted = atomic_load(&o->noted);

	atomic_store_explicit(&o->touched, clock_monotonic(), memory_order_relaxed);
	if (now - noted >= NOTE_EVERY && atomic_load(&o->recorded) &&
		atomic_compare_exchange_strong(&o->noted, &noted, now))
		write_queue_use(c->queue, o, now);
}

void object_io_drop_chunk(
	struct cache *c, struct object *o, const struct want *chunk, int why)
{
	char hex[DIGEST_HEX_SIZE];

	/* Several readers may have found it at once. */
	if (!object_has_here(o, chunk->ordinal))
		return;
	digest_to_hex(&chunk->digest, hex);
	if (why == ERR_CORRUPT)
		log_warning(c->log, "cache: chunk %s is rotten on disk: dropped", hex);
	else
		log_warning(c->log, "cache: chunk %s cannot be read from disk: %s: dropped",
			hex, error_text(why));
	if (why != ERR_CORRUPT)
		bad_places_add(&c->bad_places, o->instance, chunk->ordinal);
	if (c->hashed) {
		struct digest name = chunk_name(o, chunk->ordinal);

		verified_pages_drop(c->hashed, &name);
	}
	object_begin_dropping(o);
	write_queue_drop(c->queue, o, chunk);
	object_clear_present(o, chunk->ordinal);
}

/* The file cannot be read: nothing of it is there any more. */
static int object_give_up(struct cache *c, struct object *o)
{
	if (!atomic_exchange(&o->lost, true)) {
		char hex[DIGEST_HEX_SIZE];

		digest_to_hex(&o->id.digest, hex);
		log_warning(c->log, "cache: object %s cannot be read: thrown out", hex);
		write_queue_lose(c->queue, o, &o->id, o->instance);
	}
	return ERR_ABSENT;
}

int object_io_fail(struct cache *c, struct object *o, const struct want *chunk, int rc)
{
	if (rc == ERR_NO_MEMORY)
		return rc;
	/* A place of the disk is bad, and others are not; a file that was cut, or that is
	 * gone from a server, has nothing to be believed. */
	if (rc == ERR_CORRUPT || !object_file_is_whole(o))
		return object_give_up(c, o);
	object_io_drop_chunk(c, o, chunk, rc);
	return ERR_ABSENT;
}

/* Gives what was hashed: what is read a second time may be something else. */
static int object_read_hashed(struct cache *c, struct object *o, const struct want *chunk,
	uint64_t skip, void *buffer, size_t size)
{
	uint8_t *content = malloc(chunk->size);
	struct digest digest;
	int rc;

	if (!content)
		return ERR_NO_MEMORY;
	rc = io_pread_full(o->fd, content, chunk->size, chunk->start);
	if (rc) {
		free(content);
		return object_io_fail(c, o, chunk, rc);
	}
	digest = digest_of(content, chunk->size);
	memcpy(buffer, content + skip, size);
	free(content);
	if (!digest_equal(&digest, &chunk->digest)) {
		object_io_drop_chunk(c, o, chunk, ERR_CORRUPT);
		return ERR_ABSENT;
	}
	return 0;
}

/* Was it read from memory that the kernel could not write back, and may have let go of? */
static bool object_is_in_doubt(struct cache *c, struct object *o)
{
	if (object_is_flushed(o))
		return false;
	if (!object_has_failed(o))
		return flusher_has_failed(c->flusher) || atomic_load(&o->gone);
	if (atomic_load(&o->failed) && !atomic_load(&o->gone))
		flusher_urge(c->flusher);
	return true;
}

int object_io_read(struct cache *c, struct object *o, const struct want *chunk,
	uint64_t skip, void *buffer, size_t size)
{
	int rc;

	if (object_must_hash(c, o, chunk->ordinal)) {
		rc = object_read_hashed(c, o, chunk, skip, buffer, size);
		if (!rc)
			object_note_hashed(c, o, chunk->ordinal);
		return rc;
	}
	if (skip == 0 && !atomic_load_explicit(&o->whole, memory_order_relaxed))
		page_cache_load(o->fd, chunk->start, chunk->size);
	rc = io_pread_full(o->fd, buffer, size, chunk->start + skip);
	if (rc)
		return object_io_fail(c, o, chunk, rc);
	return object_is_in_doubt(c, o)
		       ? object_read_hashed(c, o, chunk, skip, buffer, size)
		       : 0;
}

bool object_io_is_complete(struct cache *c, struct object *o)
{
	uint64_t missing = object_first_missing(o);

	/* Another process may have brought it, or this one hashed it before. */
	for (unsigned i = 0; i < LOOKS_MAX && missing < o->chunks; i++) {
		if (!object_io_has(c, o, missing) || object_must_hash(c, o, missing))
			return false;
		missing = object_first_missing(o);
	}
	return missing == o->chunks && !atomic_load(&o->lost);
}

int object_io_lend(struct cache *c, struct object *o, int *fd)
{
	int rc;

	if (!object_io_is_complete(c, o) || atomic_load(&o->gone))
		return ERR_ABSENT;
	/* Nobody looks any more at what is read through it. */
	if (!object_is_flushed(o)) {
		flusher_urge(c->flusher);
		return ERR_ABSENT;
	}
	rc = object_file_lend(&c->directory, &o->id, o->instance, o->size, o->file, fd);
	if (rc == ERR_CORRUPT) {
		/* Cut, or another one by now: to be opened anew. */
		atomic_store(&o->gone, true);
		rc = ERR_ABSENT;
	}
	return rc;
}

static bool place_is_sane(const struct want *w, struct span content)
{
	uint64_t end;

	return w->kind == BLOB_CHUNK && content.size == w->size && w->size >= 1 &&
	       w->size <= CHUNK_SIZE_MAX && w->chunks >= 1 && w->ordinal < w->chunks &&
	       w->chunks <= w->object_size &&
	       !__builtin_add_overflow(w->start, w->size, &end) && end <= w->object_size;
}

/* Where a read failed, a write does not tell by itself whether the disk took it: it is
 * read again. What the disk does not take is not kept there. */
static int object_write(
	struct cache *c, struct object *o, const struct want *w, struct span content)
{
	enum bad_place bad = bad_places_find(&c->bad_places, o->instance, w->ordinal);
	int rc;

	if (bad == BAD_PLACE_WRITE)
		return ERR_IO;
	rc = io_pwrite_full(o->fd, content.data, content.size, w->start);
	if (bad == BAD_PLACE_NONE)
		return rc;
	if (!rc)
		rc = object_file_prove(o->fd, content, w->start);
	if (rc)
		bad_places_refuse(&c->bad_places, o->instance, w->ordinal);
	else
		bad_places_remove(&c->bad_places, o->instance, w->ordinal);
	return rc;
}

/* The bytes first, then the mark. */
static int object_write_chunk(struct cache *c, struct object *o, const struct want *w,
	struct span content, bool hurry)
{
	int rc = object_file_is_whole(o) ? 0 : object_give_up(c, o);

	if (!rc && !hurry && object_is_filled_in_order(o, w->ordinal))
		page_cache_prepare(o->fd, o->size, w->start, w->size);
	if (!rc)
		rc = object_write(c, o, w, content);
	if (rc)
		return rc;
	object_note_written(o);
	flusher_note(c->flusher);
	rc = write_queue_mark(c->queue, o, w);
	if (rc)
		return rc;
	object_set_present(o, w->ordinal);
	return 0;
}

int object_io_insert(struct cache *c, const struct want *w, struct span content, bool hurry)
{
	uint64_t cost = chunk_cost(w->start, w->size);
	struct object *o;
	int rc;

	if (!place_is_sane(w, content))
		return ERR_INVALID;
	if (w->object_size > OBJECT_SIZE_CAP || w->chunks > OBJECT_CHUNKS_CAP)
		return ERR_LIMIT;
	rc = flusher_admit(c->flusher);
	if (rc)
		return rc;
	/* Before a file is made: the lease tells others that its maker lives. */
	rc = write_queue_reserve(c->queue, cost);
	if (rc)
		return rc;
	rc = open_or_create(c, w, &o);
	if (rc)
		goto out;
	if (object_io_has(c, o, w->ordinal))
		reservation_cancel(write_queue_reservation(c->queue), cost);
	else
		rc = object_write_chunk(c, o, w, content, hurry);
	object_io_touch(c, o);
	object_put(o);
out:
	if (rc)
		reservation_cancel(write_queue_reservation(c->queue), cost);
	if (rc == ERR_NO_SPACE)
		reservation_deny(write_queue_reservation(c->queue));
	return rc;
}
