/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/records.h"
#include "cache/meta/unflushed.h"
#include "cache/object_open.h"
#include "cache/objects/object_files.h"
#include "cache/objects/object_flush.h"
#include "cache/objects/page_cache.h"
#include "cache/state.h"

#define CREATE_TRIES 8

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

void object_refresh(struct cache *c, struct object *o)
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

int object_open_apart(struct cache *c, const struct object_id *id, struct object **out)
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
	int rc = object_open_apart(c, id, &o);

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

int object_open(struct cache *c, const struct object_id *id, const struct want *as,
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

int object_open_or_create(struct cache *c, const struct want *w, struct object **out)
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
