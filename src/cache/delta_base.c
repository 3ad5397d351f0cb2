/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/delta_base.h"
#include "cache/insert.h"
#include "cache/object_open.h"
#include "cache/meta/records.h"
#include "cache/state.h"

/* As one of the chunks of an object. */
static int size_in_object(struct cache *c, const struct digest *chunk, uint64_t *size)
{
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
	if (!rc && !digest_equal(&row.digest, chunk))
		rc = ERR_ABSENT;
	if (!rc)
		*size = row.size;
	return rc;
}

/* As an object of its own. */
static int size_of_object(struct cache *c, const struct digest *chunk, uint64_t *size)
{
	const struct object_id id = object_id_of_chunk(chunk);
	struct object *o;
	int rc = object_open(c, &id, NULL, &o);

	if (rc)
		return rc;
	if (o->chunks == 1)
		*size = o->size;
	else
		rc = ERR_ABSENT;
	object_put(o);
	return rc;
}

int delta_base_recall(struct cache *c, const struct digest *chunk, struct blob_buffer **out)
{
	struct blob_buffer *a;
	uint64_t size;

	if (size_in_object(c, chunk, &size) && size_of_object(c, chunk, &size))
		return ERR_ABSENT;
	if (size == 0 || size > CHUNK_SIZE_MAX)
		return ERR_ABSENT;
	a = blob_buffer_new(BLOB_CHUNK, chunk, size);
	if (!a)
		return ERR_NO_MEMORY;
	if (cache_copy_chunk(c, chunk, blob_buffer_data(a), size)) {
		blob_buffer_put(a);
		return ERR_ABSENT;
	}
	*out = a;
	return 0;
}
