/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/meta/records.h"

#define BLOCK 4096

/* As stored, before the bitmap. */
struct object_head {
	uint64_t size, chunks, instance, generation;
	int64_t last_use;
	uint64_t resident, cost, present, drops, file;
};

struct chunk_value {
	uint64_t start, size;
	struct digest digest;
};

struct place_value {
	struct object_id object;
	uint64_t instance, ordinal;
};

static void put_be64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t chunk_cost(uint64_t start, uint64_t size)
{
	uint64_t first = start / BLOCK, end = (start + size + BLOCK - 1) / BLOCK;

	return (end - first) * BLOCK;
}

/* At worst each chunk begins and ends within a block that others have, too. */
static uint64_t most_cost(uint64_t size, uint64_t chunks)
{
	return size + 2 * BLOCK * chunks;
}

uint64_t object_record_clamp_cost(const struct object_record *r, uint64_t cost)
{
	uint64_t most = most_cost(r->size, r->chunks);

	return cost < r->resident ? r->resident : cost > most ? most : cost;
}

static bool object_head_is_sane(const struct object_head *h, size_t value_size)
{
	return h->size >= 1 && h->size <= OBJECT_SIZE_CAP && h->chunks >= 1 &&
	       h->chunks <= OBJECT_CHUNKS_CAP && h->chunks <= h->size &&
	       h->present <= h->chunks && h->resident <= h->size &&
	       h->cost >= h->resident && h->cost <= most_cost(h->size, h->chunks) &&
	       value_size == sizeof *h + BITMAP_WORDS(h->chunks) * sizeof(uint64_t);
}

int object_record_peek(struct span value, struct object_record *out)
{
	struct object_head h;

	if (value.size < sizeof h)
		return ERR_CORRUPT;
	memcpy(&h, value.data, sizeof h);
	if (!object_head_is_sane(&h, value.size))
		return ERR_CORRUPT;
	*out = (struct object_record){h.size, h.chunks, h.instance, h.generation,
		h.last_use, h.resident, h.cost, h.present, h.drops, h.file, NULL};
	return 0;
}

static bool bitmap_is_sane(const struct object_record *r)
{
	uint64_t words = BITMAP_WORDS(r->chunks), count = 0;

	for (uint64_t i = 0; i < words; i++)
		count += (uint64_t)__builtin_popcountll(r->bitmap[i]);
	if (count != r->present)
		return false;
	return r->chunks % 64 == 0 || r->bitmap[words - 1] >> (r->chunks % 64) == 0;
}

int object_record_decode(struct span value, struct object_record *out)
{
	struct object_record r;
	size_t size;
	int rc = object_record_peek(value, &r);

	if (rc)
		return rc;
	size = BITMAP_WORDS(r.chunks) * sizeof(uint64_t);
	r.bitmap = malloc(size);
	if (!r.bitmap)
		return ERR_NO_MEMORY;
	memcpy(r.bitmap, value.data + sizeof(struct object_head), size);
	if (!bitmap_is_sane(&r)) {
		free(r.bitmap);
		return ERR_CORRUPT;
	}
	*out = r;
	return 0;
}

int object_key_decode(struct span key, struct object_id *out)
{
	if (key.size != OBJECT_ID_SIZE)
		return ERR_CORRUPT;
	memcpy(out, key.data, OBJECT_ID_SIZE);
	return 0;
}

int object_record_get(struct metadata *m, MDB_txn *txn, const struct object_id *id,
	struct object_record *out)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_OBJECTS, span_of_object(id), &value);

	return rc ? rc : object_record_decode(value, out);
}

int object_record_put(struct metadata *m, MDB_txn *txn, const struct object_id *id,
	const struct object_record *r)
{
	struct object_head h = {r->size, r->chunks, r->instance, r->generation, r->last_use,
		r->resident, r->cost, r->present, r->drops, r->file};
	struct span bitmap = span_of(r->bitmap, BITMAP_WORDS(r->chunks) * sizeof(uint64_t));

	return table_put(
		m, txn, TABLE_OBJECTS, span_of_object(id), span_of(&h, sizeof h), bitmap);
}

void object_record_release(struct object_record *r)
{
	free(r->bitmap);
	r->bitmap = NULL;
}

struct span chunk_key(uint64_t instance, uint64_t ordinal, uint8_t key[CHUNK_KEY_SIZE])
{
	put_be64(key, instance);
	put_be64(key + 8, ordinal);
	return span_of(key, CHUNK_KEY_SIZE);
}

struct span instance_key(uint64_t instance, uint8_t key[CHUNK_KEY_SIZE])
{
	put_be64(key, instance);
	return span_of(key, sizeof instance);
}

int instance_key_decode(struct span key, uint64_t *instance)
{
	if (key.size != sizeof *instance)
		return ERR_CORRUPT;
	*instance = get_be64(key.data);
	return 0;
}

int chunk_key_decode(struct span key, uint64_t *instance, uint64_t *ordinal)
{
	if (key.size != CHUNK_KEY_SIZE)
		return ERR_CORRUPT;
	*instance = get_be64(key.data);
	*ordinal = get_be64(key.data + 8);
	return 0;
}

int chunk_record_decode(struct span value, struct chunk_record *out)
{
	struct chunk_value v;

	if (value.size != sizeof v)
		return ERR_CORRUPT;
	memcpy(&v, value.data, sizeof v);
	if (v.size < 1 || v.size > CHUNK_SIZE_MAX || v.start > OBJECT_SIZE_CAP)
		return ERR_CORRUPT;
	*out = (struct chunk_record){v.start, v.size, v.digest};
	return 0;
}

int chunk_record_get(struct metadata *m, MDB_txn *txn, uint64_t instance, uint64_t ordinal,
	struct chunk_record *out)
{
	uint8_t key[CHUNK_KEY_SIZE];
	struct span value;
	int rc = table_get(m, txn, TABLE_CHUNKS, chunk_key(instance, ordinal, key), &value);

	return rc ? rc : chunk_record_decode(value, out);
}

int chunk_record_put(struct metadata *m, MDB_txn *txn, uint64_t instance, uint64_t ordinal,
	const struct chunk_record *r)
{
	uint8_t key[CHUNK_KEY_SIZE];
	struct chunk_value v = {r->start, r->size, r->digest};

	return table_put(m, txn, TABLE_CHUNKS, chunk_key(instance, ordinal, key),
		span_of(&v, sizeof v), span_of(NULL, 0));
}

int place_record_get(struct metadata *m, MDB_txn *txn, const struct digest *chunk,
	struct place_record *out)
{
	struct place_value v;
	struct span value;
	int rc = table_get(m, txn, TABLE_PLACES, span_of_digest(chunk), &value);

	if (rc)
		return rc;
	if (value.size != sizeof v)
		return ERR_CORRUPT;
	memcpy(&v, value.data, sizeof v);
	if (v.ordinal >= OBJECT_CHUNKS_CAP)
		return ERR_CORRUPT;
	*out = (struct place_record){v.object, v.instance, v.ordinal};
	return 0;
}

int place_record_put(struct metadata *m, MDB_txn *txn, const struct digest *chunk,
	const struct place_record *r)
{
	struct place_value v = {r->object, r->instance, r->ordinal};

	return table_put(m, txn, TABLE_PLACES, span_of_digest(chunk), span_of(&v, sizeof v),
		span_of(NULL, 0));
}

struct span use_key(int64_t last_use, const struct object_id *id, uint8_t key[USE_KEY_SIZE])
{
	put_be64(key, last_use < 0 ? 0 : (uint64_t)last_use);
	memcpy(key + 8, id, OBJECT_ID_SIZE);
	return span_of(key, USE_KEY_SIZE);
}

int use_key_decode(struct span key, int64_t *last_use, struct object_id *id)
{
	uint64_t seconds;

	if (key.size != USE_KEY_SIZE)
		return ERR_CORRUPT;
	seconds = get_be64(key.data);
	if (seconds > INT64_MAX)
		return ERR_CORRUPT;
	*last_use = (int64_t)seconds;
	memcpy(id, key.data + 8, OBJECT_ID_SIZE);
	return 0;
}

int page_record_decode(struct span value, enum blob_kind *kind, struct span *packed)
{
	struct page_head h;

	if (value.size < sizeof h)
		return ERR_CORRUPT;
	memcpy(&h, value.data, sizeof h);
	if (h.kind == BLOB_CHUNK || h.kind > BLOB_EXTENTS ||
		h.size != value.size - sizeof h)
		return ERR_CORRUPT;
	*kind = (enum blob_kind)h.kind;
	*packed = span_of(value.data + sizeof h, h.size);
	return 0;
}

int page_record_put(struct metadata *m, MDB_txn *txn, const struct digest *digest,
	enum blob_kind kind, struct span packed)
{
	struct page_head h = {(uint32_t)kind, (uint32_t)packed.size};

	if (packed.size > UINT32_MAX - sizeof h)
		return ERR_LIMIT;
	return table_put(
		m, txn, TABLE_PAGES, span_of_digest(digest), span_of(&h, sizeof h), packed);
}

int setting_get(struct metadata *m, MDB_txn *txn, const char *name, void *out, size_t size)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_SETTINGS, span_of_string(name), &value);

	if (rc)
		return rc;
	if (value.size != size)
		return ERR_CORRUPT;
	memcpy(out, value.data, size);
	return 0;
}

int setting_put(
	struct metadata *m, MDB_txn *txn, const char *name, const void *value, size_t size)
{
	return table_put(m, txn, TABLE_SETTINGS, span_of_string(name), span_of(value, size),
		span_of(NULL, 0));
}

static int lease_value(struct span value, uint64_t *bytes)
{
	if (value.size != sizeof *bytes)
		return ERR_CORRUPT;
	memcpy(bytes, value.data, sizeof *bytes);
	return *bytes > OBJECT_SIZE_CAP ? ERR_CORRUPT : 0;
}

int lease_put(struct metadata *m, MDB_txn *txn, uint32_t user, uint64_t bytes)
{
	return table_put(m, txn, TABLE_LEASES, span_of(&user, sizeof user),
		span_of(&bytes, sizeof bytes), span_of(NULL, 0));
}

int lease_delete(struct metadata *m, MDB_txn *txn, uint32_t user)
{
	return table_delete(m, txn, TABLE_LEASES, span_of(&user, sizeof user));
}

int lease_decode(struct span key, const MDB_val *raw, uint32_t *user, uint64_t *bytes)
{
	struct span value;
	uint64_t amount;

	if (key.size != sizeof *user || table_value(raw, &value) ||
		lease_value(value, &amount))
		return ERR_CORRUPT;
	memcpy(user, key.data, sizeof *user);
	*bytes = amount;
	return 0;
}
