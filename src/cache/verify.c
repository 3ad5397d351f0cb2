/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/inspect.h"
#include "cache/object_io.h"
#include "cache/objects/page_cache.h"
#include "cache/meta/pages.h"
#include "cache/meta/records.h"
#include "cache/state.h"
#include "util/io.h"

struct verification {
	struct cache *cache;
	struct cache_verify *v;
	uint64_t total;	 /* bytes, an estimate */
	uint8_t *buffer; /* CHUNK_SIZE_MAX */
};

static void verify_advance(struct verification *k, uint64_t bytes)
{
	k->v->bytes += bytes;
	if (k->v->progress)
		k->v->progress(k->v->ctx, k->v->bytes < k->total ? k->v->bytes : k->total,
			k->total);
}

static int verify_report(struct verification *k, const struct cache_rot *rot)
{
	k->v->bad++;
	return k->v->rotten ? k->v->rotten(k->v->ctx, rot) : 0;
}

static int verify_chunk(struct verification *k, struct object *o, uint64_t ordinal,
	const struct chunk_record *chunk)
{
	struct want w = {.kind = BLOB_CHUNK,
		.digest = chunk->digest,
		.size = chunk->size,
		.object = o->digest,
		.ordinal = ordinal,
		.start = chunk->start};
	struct cache_rot rot = {o->digest, chunk->digest, chunk->start, chunk->size};
	struct digest digest;
	int rc;

	if (!object_io_has(k->cache, o, ordinal))
		return 0;
	page_cache_forget(o->fd, w.start, w.size);
	rc = io_pread_full(o->fd, k->buffer, w.size, w.start);
	if (!rc)
		digest = digest_of(k->buffer, w.size);
	verify_advance(k, w.size);
	if (!rc && digest_equal(&digest, &w.digest))
		return 0;
	rc = verify_report(k, &rot);
	if (k->v->repair)
		object_io_drop_chunk(k->cache, o, &w);
	return rc;
}

/* A chunk that nothing is known of cannot be told from rot. */
static int verify_unknown(struct verification *k, struct object *o)
{
	struct cache_rot rot = {o->digest, o->digest, 0, o->size};
	int rc = verify_report(k, &rot);

	if (k->v->repair)
		write_queue_lose(k->cache->queue, o, &o->digest, o->instance);
	return rc;
}

static int find_chunk(struct verification *k, const struct object *o, uint64_t ordinal,
	struct chunk_record *out)
{
	MDB_txn *txn;
	int rc;

	if (o->chunks == 1) {
		*out = (struct chunk_record){0, o->size, o->digest};
		return o->size <= CHUNK_SIZE_MAX ? 0 : ERR_ABSENT;
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

static int verify_open(struct verification *k, struct object *o)
{
	int rc = 0;

	for (uint64_t i = 0; i < o->chunks && !rc; i++) {
		struct chunk_record chunk;

		if (!object_has_here(o, i))
			continue;
		rc = find_chunk(k, o, i, &chunk);
		if (rc == ERR_ABSENT || rc == ERR_CORRUPT) {
			/* It was thrown out just now, or it has no row. */
			return atomic_load(&o->gone) ? 0 : verify_unknown(k, o);
		}
		if (!rc)
			rc = verify_chunk(k, o, i, &chunk);
	}
	return rc;
}

static int verify_object(void *ctx, const struct cache_object *object)
{
	struct verification *k = ctx;
	struct object *o;
	int rc = object_io_open(k->cache, &object->digest, NULL, &o);

	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	rc = verify_open(k, o);
	object_put(o);
	return rc;
}

static int verify_page(
	struct verification *k, const struct digest *digest, const MDB_val *raw)
{
	struct cache_rot rot = {.object = *digest, .size = raw->mv_size};
	enum blob_kind kind;
	struct span value, packed;
	int rc = table_value(raw, &value);

	if (!rc)
		rc = pages_check(value, &kind, &packed);
	verify_advance(k, raw->mv_size);
	if (!rc)
		return 0;
	rc = verify_report(k, &rot);
	if (k->v->repair)
		write_queue_drop_page(k->cache->queue, digest);
	return rc;
}

#define PAGES_AT_ONCE 64

/* Some pages behind *from in one transaction. ERR_ABSENT at the end. */
static int verify_some_pages(
	struct verification *k, uint8_t from[DIGEST_SIZE + 1], size_t *size)
{
	struct table_cursor cursor = {0};
	struct digest digest;
	struct span key;
	MDB_txn *txn;
	MDB_val raw;
	int rc = metadata_read(k->cache->metadata, &txn);

	if (rc)
		return rc;
	for (unsigned i = 0; i < PAGES_AT_ONCE && !rc; i++) {
		rc = table_next(k->cache->metadata, txn, TABLE_PAGES, span_of(from, *size),
			&cursor, &key, &raw);
		if (rc || key.size != DIGEST_SIZE)
			continue;
		memcpy(digest.bytes, key.data, DIGEST_SIZE);
		memcpy(from, key.data, DIGEST_SIZE);
		from[DIGEST_SIZE] = 0;
		*size = DIGEST_SIZE + 1;
		rc = verify_page(k, &digest, &raw);
	}
	table_cursor_close(&cursor);
	metadata_read_end(k->cache->metadata, txn);
	return rc;
}

static int verify_pages(struct verification *k)
{
	uint8_t from[DIGEST_SIZE + 1];
	size_t size = 0;
	int rc = 0;

	while (!rc)
		rc = verify_some_pages(k, from, &size);
	return rc == ERR_ABSENT ? 0 : rc;
}

static int estimate(struct cache *c, uint64_t *bytes)
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

int cache_verify(struct cache *c, struct cache_verify *v)
{
	struct verification k = {.cache = c, .v = v};
	int rc;

	write_queue_flush(c->queue);
	v->bytes = v->bad = 0;
	k.buffer = malloc(CHUNK_SIZE_MAX);
	if (!k.buffer)
		return ERR_NO_MEMORY;
	rc = estimate(c, &k.total);
	if (rc)
		goto out;
	rc = verify_pages(&k);
	if (rc)
		goto out;
	rc = cache_each_object(c, verify_object, &k);
	if (rc)
		goto out;
	if (v->progress)
		v->progress(v->ctx, k.total, k.total);
	if (v->repair) {
		/* Records that cannot be read were passed over: they are to go as well. */
		write_queue_ask_repair(c->queue);
		rc = cache_flush(c);
	}
out:
	free(k.buffer);
	return rc;
}
