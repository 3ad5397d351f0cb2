/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/object_io.h"
#include "cache/object_open.h"
#include "cache/objects/object_files.h"
#include "cache/objects/object_flush.h"
#include "cache/objects/page_cache.h"
#include "cache/state.h"
#include "util/io.h"

#define NOTE_EVERY 60 /* seconds between two notes of an object's use */
#define LOOKS_MAX 256 /* at chunks of one object, whether they are there */

bool object_io_has(struct cache *c, struct object *o, uint64_t ordinal)
{
	if (ordinal >= o->chunks)
		return false;
	if (object_has_here(o, ordinal))
		return true;
	object_refresh(c, o);
	return object_has_here(o, ordinal);
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
	rc = object_open_or_create(c, w, &o);
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
