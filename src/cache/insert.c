/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/write/writer.h"
#include "cache/insert.h"
#include "cache/object_io.h"
#include "cache/meta/pages.h"
#include "util/io.h"

static bool has_page(struct cache *c, const struct digest *digest)
{
	struct blob_buffer *pending = committer_find_page(c->committer, digest);
	enum blob_kind kind;
	struct span packed;
	MDB_txn *txn;
	bool has;

	if (pending) {
		blob_buffer_put(pending);
		return true;
	}
	if (metadata_read(c->metadata, &txn))
		return false;
	has = pages_get(c, txn, digest, &kind, &packed) == 0;
	metadata_read_end(c->metadata, txn);
	return has;
}

bool cache_has(struct cache *c, const struct want *want)
{
	struct object *o;
	bool has;

	if (want->kind != BLOB_CHUNK)
		return has_page(c, &want->digest);
	if (object_open(c, &want->object, want, &o))
		return false;
	has = object_has(o, want->ordinal);
	object_put(o);
	return has;
}

int cache_put_page(struct cache *c, struct blob_buffer *packed)
{
	if (blob_buffer_kind(packed) == BLOB_CHUNK)
		return ERR_INVALID;
	return committer_put_page(c->committer, packed);
}

int cache_put_chunk(
	struct cache *c, const struct want *want, struct span content, bool hurry)
{
	return object_fill(c, want, content, hurry);
}

/* Where a chunk lies, as a want. */
static int find_place(struct cache *c, const struct digest *chunk, uint64_t size,
	struct want *out, uint64_t *instance)
{
	struct want w = {
		.kind = BLOB_CHUNK, .digest = *chunk, .size = size, .object = *chunk};
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

static int copy_from(struct object *o, const struct want *w, uint8_t *buffer)
{
	struct digest digest;

	if (!object_has(o, w->ordinal) || w->start + w->size > o->size)
		return ERR_ABSENT;
	if (io_pread_full(o->fd, buffer, w->size, w->start))
		return ERR_ABSENT;
	digest = digest_of(buffer, w->size);
	if (digest_equal(&digest, &w->digest))
		return 0;
	object_drop_chunk(o, w);
	return ERR_ABSENT;
}

int cache_copy_chunk(
	struct cache *c, const struct digest *chunk, uint8_t *buffer, uint64_t size)
{
	uint64_t instance;
	struct object *o;
	struct want w;
	int rc = find_place(c, chunk, size, &w, &instance);

	if (!rc)
		rc = object_open(c, &w.object, NULL, &o);
	if (rc)
		return ERR_ABSENT;
	if (instance ? o->instance == instance : o->chunks == 1 && o->size == size)
		rc = copy_from(o, &w, buffer);
	else
		rc = ERR_ABSENT;
	object_put(o);
	return rc;
}
