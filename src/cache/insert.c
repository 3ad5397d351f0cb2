/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/insert.h"
#include "cache/meta/records.h"
#include "cache/object_io.h"
#include "cache/object_open.h"
#include "cache/page_lookup.h"
#include "cache/state.h"
#include "util/io.h"

bool cache_has(struct cache *c, const struct want *want)
{
	struct object *o;
	bool has;

	if (want->kind != BLOB_CHUNK)
		return page_lookup_has(c, &want->digest);
	if (object_open(c, &want->object, want, &o))
		return false;
	has = object_io_has(c, o, want->ordinal);
	object_put(o);
	return has;
}

int cache_put_page(struct cache *c, struct blob_buffer *packed)
{
	if (blob_buffer_kind(packed) == BLOB_CHUNK)
		return ERR_INVALID;
	return write_queue_put_page(c->queue, packed);
}

int cache_put_chunk(
	struct cache *c, const struct want *want, struct span content, bool hurry)
{
	return object_io_insert(c, want, content, hurry);
}

void cache_note_loss(struct cache *c)
{
	write_queue_note_losses(c->queue, 1);
}

/* Where a chunk lies, as a want. */
static int insert_find_place(struct cache *c, const struct digest *chunk, uint64_t size,
	struct want *out, uint64_t *instance)
{
	struct want w = {.kind = BLOB_CHUNK,
		.digest = *chunk,
		.size = size,
		.object = object_id_of_chunk(chunk)};
	struct place_record place;
	struct chunk_record row;
	MDB_txn *txn;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return rc;
	rc = place_record_get(c->metadata, txn, chunk, &place);
	if (!rc)
		rc = chunk_record_get(
			c->metadata, txn, place.instance, place.ordinal, &row);
	metadata_read_end(c->metadata, txn);
	*instance = 0;
	if (!rc && row.size == size && digest_equal(&row.digest, chunk)) {
		w.object = place.object;
		w.ordinal = place.ordinal;
		w.start = row.start;
		*instance = place.instance;
	}
	/* Else it may be an object of its own, which has no such rows. */
	*out = w;
	return 0;
}

static int copy_from(
	struct cache *c, struct object *o, const struct want *w, uint8_t *buffer)
{
	struct digest digest;
	int rc;

	if (!object_io_has(c, o, w->ordinal) || w->start + w->size > o->size)
		return ERR_ABSENT;
	rc = io_pread_full(o->fd, buffer, w->size, w->start);
	if (rc) {
		(void)object_io_fail(c, o, w, rc);
		return ERR_ABSENT;
	}
	digest = digest_of(buffer, w->size);
	if (digest_equal(&digest, &w->digest))
		return 0;
	object_io_drop_chunk(c, o, w, ERR_CORRUPT);
	return ERR_ABSENT;
}

int cache_copy_chunk(
	struct cache *c, const struct digest *chunk, uint8_t *buffer, uint64_t size)
{
	uint64_t instance;
	struct object *o;
	struct want w;
	int rc = insert_find_place(c, chunk, size, &w, &instance);

	if (!rc)
		rc = object_open(c, &w.object, NULL, &o);
	if (rc)
		return ERR_ABSENT;
	if (instance ? o->instance == instance : o->chunks == 1 && o->size == size)
		rc = copy_from(c, o, &w, buffer);
	else
		rc = ERR_ABSENT;
	object_put(o);
	return rc;
}
