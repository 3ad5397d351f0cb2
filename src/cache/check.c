/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/check.h"
#include "cache/meta/pages.h"
#include "cache/meta/records.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "cache/objects/page_cache.h"
#include "cache/state.h"
#include "util/io.h"

int check_open(struct check *k, struct cache *c, const struct check_place *from)
{
	*k = (struct check){.cache = c, .place = *from};
	k->buffer = malloc(CHUNK_SIZE_MAX);
	return k->buffer ? 0 : ERR_NO_MEMORY;
}

int check_total(struct cache *c, uint64_t *bytes)
{
	struct totals_record totals = {0};
	MDB_txn *txn;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return rc;
	if (setting_get(c->metadata, txn, SETTING_TOTALS, &totals, sizeof totals))
		totals.resident = 0;
	*bytes = totals.resident + table_bytes(c->metadata, txn, TABLE_PAGES);
	metadata_read_end(c->metadata, txn);
	return 0;
}

void check_close(struct check *k)
{
	object_put(k->object);
	free(k->buffer);
	k->object = NULL;
	k->buffer = NULL;
}

/* The least key behind `at`, or `at` itself. */
struct check_key {
	uint8_t bytes[OBJECT_ID_SIZE + 1];
	size_t size;
};

/* Of a page, or of an object. */
static size_t key_size(enum check_stage stage)
{
	return stage == CHECK_OBJECTS ? OBJECT_ID_SIZE : DIGEST_SIZE;
}

static struct check_key key_from(const struct check_place *p, bool behind)
{
	struct check_key key = {.size = 0};
	size_t size = key_size(p->stage);

	if (!p->begun)
		return key;
	memcpy(key.bytes, &p->at, size);
	key.size = size + (behind ? 1 : 0);
	return key;
}

/* The next row with a key of ours, and what it holds. ERR_ABSENT at the end. */
static int next_row(struct check *k, MDB_txn *txn, enum table table, struct check_key from,
	struct object_id *name, MDB_val *raw)
{
	struct table_cursor cursor = {0};
	size_t size = key_size(k->place.stage);
	struct span key;
	int rc;

	do {
		rc = table_next(k->cache->metadata, txn, table,
			span_of(from.bytes, from.size), &cursor, &key, raw);
	} while (!rc && key.size != size);
	if (!rc)
		memcpy(name, key.data, size);
	table_cursor_close(&cursor);
	return rc;
}

static void enter_stage(struct check *k, enum check_stage stage)
{
	k->place = (struct check_place){.stage = stage};
}

static int check_next_page(struct check *k, struct check_piece *out)
{
	enum blob_kind kind;
	struct span value, packed;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(k->cache->metadata, &txn);

	if (rc)
		return rc;
	rc = next_row(k, txn, TABLE_PAGES, key_from(&k->place, true), &out->object, &raw);
	if (!rc) {
		out->bytes = raw.mv_size;
		out->why = table_value(&raw, &value);
		if (!out->why)
			out->why = pages_check(value, &kind, &packed);
		out->rotten = out->why != 0;
		k->place.at = out->object;
		k->place.begun = true;
	}
	metadata_read_end(k->cache->metadata, txn);
	if (rc == ERR_ABSENT) {
		enter_stage(k, CHECK_OBJECTS);
		return 0;
	}
	return rc;
}

/* Do the books say that the chunk is in the file that is open here? ERR_ABSENT: no. */
static int check_is_there(struct check *k, uint64_t ordinal)
{
	struct metadata *m = k->cache->metadata;
	const struct object *o = k->object;
	struct object_record r;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = object_record_get(m, txn, &o->id, &r);
	metadata_read_end(m, txn);
	if (rc)
		return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
	if (!object_is_of(o, &r) || !(r.bitmap[ordinal / 64] >> (ordinal % 64) & 1))
		rc = ERR_ABSENT;
	object_record_release(&r);
	return rc;
}

static int find_row(struct check *k, uint64_t ordinal, struct chunk_record *out)
{
	const struct object *o = k->object;
	MDB_txn *txn;
	int rc;

	if (o->chunks == 1) {
		*out = (struct chunk_record){0, o->size, o->id.digest};
		return o->size <= CHUNK_SIZE_MAX ? 0 : ERR_CORRUPT;
	}
	rc = metadata_read(k->cache->metadata, &txn);
	if (rc)
		return rc;
	rc = chunk_record_get(k->cache->metadata, txn, o->instance, ordinal, out);
	metadata_read_end(k->cache->metadata, txn);
	if (!rc && (out->size > o->size || out->start > o->size - out->size))
		rc = ERR_CORRUPT;
	return rc;
}

int check_find_chunk(struct check *k, uint64_t ordinal, struct want *out)
{
	struct chunk_record row;
	int rc = find_row(k, ordinal, &row);

	/* Its row goes with it or later, never before. */
	if (rc == ERR_ABSENT || rc == ERR_CORRUPT) {
		rc = check_is_there(k, ordinal);
		return rc ? rc : ERR_CORRUPT;
	}
	if (rc)
		return rc;
	*out = (struct want){.kind = BLOB_CHUNK,
		.digest = row.digest,
		.size = row.size,
		.object = k->object->id,
		.ordinal = ordinal,
		.start = row.start};
	return 0;
}

/* 0, ERR_CORRUPT, or why it could not be read. */
static int read_and_compare(struct check *k, const struct want *chunk)
{
	int fd = k->object->fd, rc;
	struct page_cache_view view;
	struct digest digest;

	if (k->from_disk)
		page_cache_forget(fd, chunk->start, chunk->size);
	if (k->spares_page_cache)
		page_cache_look(fd, chunk->start, chunk->size, &view);
	rc = io_pread_full(fd, k->buffer, chunk->size, chunk->start);
	if (k->spares_page_cache)
		page_cache_restore(fd, &view);
	if (rc)
		return rc;
	digest = digest_of(k->buffer, chunk->size);
	return digest_equal(&digest, &chunk->digest) ? 0 : ERR_CORRUPT;
}

int check_chunk(struct check *k, const struct want *chunk, struct check_piece *out)
{
	int why = read_and_compare(k, chunk), rc;

	if (why == ERR_NO_MEMORY)
		return why;
	rc = why ? check_is_there(k, chunk->ordinal) : 0;
	if (rc)
		return rc;
	out->chunk = *chunk;
	out->start = chunk->start;
	out->bytes = chunk->size;
	out->rotten = why != 0;
	out->why = why;
	return 0;
}

/* Nothing of this object can be told from rot. */
static void condemn(struct check *k, struct check_piece *out)
{
	out->chunk = (struct want){.kind = BLOB_CHUNK, .digest = k->object->id.digest};
	out->bytes = k->object->size;
	out->whole = out->rotten = true;
	out->why = ERR_CORRUPT;
	k->place.ordinal = CHECK_ALL_DONE;
}

static void check_leave_object(struct check *k)
{
	object_put(k->object);
	k->object = NULL;
}

/* Its file was thrown out: as long as it is open here, it takes its space. */
static bool check_is_evicted(const struct check *k)
{
	struct stat st;

	return fstat(k->object->fd, &st) == 0 && st.st_nlink == 0;
}

static int next_chunk(struct check *k, struct check_piece *out)
{
	struct object *o = k->object;
	struct want chunk;
	uint64_t i = k->place.ordinal;
	int rc;

	while (i < o->chunks && !object_has_here(o, i))
		i++;
	k->place.ordinal = i < o->chunks ? i : CHECK_ALL_DONE;
	if (i >= o->chunks || check_is_evicted(k)) {
		check_leave_object(k);
		return 0;
	}
	out->object = o->id;
	rc = check_find_chunk(k, i, &chunk);
	if (rc == ERR_CORRUPT) {
		condemn(k, out);
		return 0;
	}
	if (!rc)
		rc = check_chunk(k, &chunk, out);
	if (!rc)
		k->place.ordinal = i + 1;
	if (rc == ERR_ABSENT) {
		/* It is another object by now: what the books say of it is looked at anew.
		 */
		check_leave_object(k);
		return 0;
	}
	return rc;
}

/* The object of place.at if it is not done with, or the next one. */
static int next_object(struct check *k)
{
	bool behind = k->place.ordinal == CHECK_ALL_DONE;
	struct object_id id;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(k->cache->metadata, &txn);

	if (rc)
		return rc;
	rc = next_row(k, txn, TABLE_OBJECTS, key_from(&k->place, behind), &id, &raw);
	metadata_read_end(k->cache->metadata, txn);
	if (rc == ERR_ABSENT) {
		enter_stage(k, CHECK_ENDED);
		return 0;
	}
	if (rc)
		return rc;
	if (!k->place.begun || !object_id_equal(&id, &k->place.at))
		k->place.ordinal = 0;
	k->place.at = id;
	k->place.begun = true;
	rc = object_open_apart(k->cache, &id, &k->object);
	if (rc == ERR_ABSENT) {
		k->place.ordinal = CHECK_ALL_DONE;
		return 0;
	}
	/* No more than each chunk. */
	if (!rc && k->spares_page_cache)
		page_cache_read_ahead(k->object->fd, false);
	return rc;
}

int check_next(struct check *k, struct check_piece *out)
{
	struct check_piece piece = {.rotten = false};
	int rc;

	if (k->place.stage == CHECK_ENDED)
		return ERR_ABSENT;
	if (k->place.stage == CHECK_PAGES)
		rc = check_next_page(k, &piece);
	else if (!k->object)
		rc = next_object(k);
	else
		rc = next_chunk(k, &piece);
	if (!rc)
		*out = piece;
	return rc;
}

/* In the object that others of this process use, if it is the same, so that they see it at
 * once. */
static void drop_from_object(struct check *k, const struct check_piece *piece)
{
	struct cache *c = k->cache;
	struct object *o = open_objects_find(c->open_objects, &piece->object);

	if (!o || o->instance != k->object->instance) {
		object_put(o);
		o = object_get(k->object);
	}
	if (piece->whole)
		write_queue_lose(c->queue, o, &o->id, o->instance);
	else
		object_io_drop_chunk(c, o, &piece->chunk, piece->why);
	object_put(o);
}

void check_drop(struct check *k, const struct check_piece *piece)
{
	if (k->place.stage == CHECK_PAGES)
		write_queue_drop_page(k->cache->queue, &piece->object.digest);
	else
		drop_from_object(k, piece);
}
