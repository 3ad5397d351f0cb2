/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/write/writer.h"
#include "cache/meta/dataset_record.h"
#include "util/array.h"
#include "cache/inspect.h"
#include "cache/meta/pages.h"
#include "cache/meta/pins.h"
#include "cache/meta/eviction.h"
#include "cache/meta/scan.h"

#define EVICT_AT_ONCE 256

/* What is pending counts too. When it cannot be committed, the disk may be full, which is
 * a reason to look at the cache and to throw things out, not one to fail. */
static void look_afresh(struct cache *c)
{
	committer_flush(c->committer);
}

static int add_object(void *ctx, const struct cache_object *o)
{
	struct cache_info *info = ctx;

	info->objects++;
	info->complete += o->present == o->chunks;
	if (o->pinned)
		info->pinned += o->resident;
	return 0;
}

int cache_info(struct cache *c, struct cache_info *out)
{
	struct cache_info info = {0};
	struct limits_record limits;
	struct totals_record totals;
	MDB_txn *txn;
	int rc;

	look_afresh(c);
	rc = metadata_read(c->metadata, &txn);
	if (rc)
		return rc;
	rc = limits_load(c, txn, &limits);
	if (!rc)
		rc = totals_load(c, txn, &totals);
	info.pages = metadata_count(c->metadata, txn, TABLE_PAGES);
	info.metadata = metadata_bytes(c->metadata) - metadata_free_bytes(c->metadata);
	metadata_read_end(c->metadata, txn);
	if (!rc)
		rc = cache_each_object(c, add_object, &info);
	if (!rc)
		rc = directory_free_bytes(&c->directory, &info.disk_free);
	if (rc)
		return rc;
	info.quota = limits.quota;
	info.floor = limits.floor;
	info.resident = totals.resident;
	*out = info;
	return 0;
}

/* One dataset and the callback that wants it. */
struct each_dataset {
	int (*each)(void *ctx, const struct cache_dataset *d);
	void *ctx;
};

static int show_dataset(void *arg, struct span key, struct span value)
{
	struct each_dataset *e = arg;
	struct cache_dataset_state s;
	struct cache_dataset d;
	int rc;

	if (key.size != DIGEST_SIZE || dataset_state_decode(value, &s))
		return 0;
	d = (struct cache_dataset){.name = s.name,
		.url = s.url,
		.revision = s.revision,
		.highest = s.highest,
		.accepted = s.accepted,
		.root = s.root};
	memcpy(d.id.bytes, key.data, DIGEST_SIZE);
	rc = e->each(e->ctx, &d);
	cache_dataset_state_release(&s);
	return rc;
}

int cache_each_dataset(
	struct cache *c, int (*each)(void *ctx, const struct cache_dataset *d), void *ctx)
{
	struct each_dataset e = {each, ctx};

	return scan_table(c, TABLE_DATASETS, show_dataset, &e);
}

struct each_object {
	struct cache *cache;
	int (*each)(void *ctx, const struct cache_object *o);
	void *ctx;
};

static struct cache_object describe(
	const struct digest *digest, const struct object_record *r, bool pinned)
{
	return (struct cache_object){
		*digest, r->size, r->resident, r->chunks, r->present, r->last_use, pinned};
}

static bool is_pinned(struct cache *c, const struct digest *digest)
{
	MDB_txn *txn;
	bool pinned;

	if (metadata_read(c->metadata, &txn))
		return false;
	pinned = pins_has(c, txn, digest);
	metadata_read_end(c->metadata, txn);
	return pinned;
}

static int show_object(void *arg, struct span key, struct span value)
{
	struct each_object *e = arg;
	struct cache_object object;
	struct object_record r;
	struct digest digest;

	if (key.size != DIGEST_SIZE || object_record_peek(value, &r))
		return 0;
	memcpy(digest.bytes, key.data, DIGEST_SIZE);
	object = describe(&digest, &r, is_pinned(e->cache, &digest));
	return e->each(e->ctx, &object);
}

int cache_each_object(
	struct cache *c, int (*each)(void *ctx, const struct cache_object *o), void *ctx)
{
	struct each_object e = {c, each, ctx};

	look_afresh(c);
	return scan_table(c, TABLE_OBJECTS, show_object, &e);
}

int cache_find_object(
	struct cache *c, const struct digest *object, struct cache_object *out)
{
	struct object_record r;
	struct span value;
	MDB_txn *txn;
	int rc;

	look_afresh(c);
	rc = metadata_read(c->metadata, &txn);
	if (rc)
		return rc;
	rc = metadata_get(c->metadata, txn, TABLE_OBJECTS, span_of_digest(object), &value);
	if (!rc)
		rc = object_record_peek(value, &r);
	if (!rc)
		*out = describe(object, &r, pins_has(c, txn, object));
	metadata_read_end(c->metadata, txn);
	return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
}

/* One transaction that throws something out. */
struct eviction {
	struct cache *cache;
	struct room room;
	const struct digest *object; /* just this one */
	bool even_pinned;
	uint64_t target;
	bool ended;
};

static int evict_one(MDB_txn *txn, void *arg)
{
	struct eviction *e = arg;
	struct object_record r;
	struct span value;
	int rc = room_begin(&e->room, e->cache, txn);

	if (!rc)
		rc = metadata_get(e->cache->metadata, txn, TABLE_OBJECTS,
			span_of_digest(e->object), &value);
	if (!rc)
		rc = object_record_peek(value, &r);
	if (!rc && !e->even_pinned && pins_has(e->cache, txn, e->object))
		rc = ERR_BUSY;
	if (!rc)
		rc = room_evict(&e->room, e->object, &r, r.last_use);
	return rc ? rc : room_end(&e->room);
}

static int evict_some(MDB_txn *txn, void *arg)
{
	struct eviction *e = arg;
	int rc = room_begin(&e->room, e->cache, txn);

	if (!rc)
		rc = room_shrink(&e->room, e->target, EVICT_AT_ONCE, &e->ended);
	return rc ? rc : room_end(&e->room);
}

static int run_eviction(struct eviction *e, metadata_fn apply, uint64_t *freed)
{
	int rc = metadata_write(e->cache->metadata, apply, e);

	/* On a full disk the commit fails, but the files are gone by then: once we have
	 * closed them there is room. */
	if (rc == ERR_NO_SPACE) {
		room_settle(&e->room);
		rc = metadata_write(e->cache->metadata, apply, e);
	}
	if (!rc) {
		room_settle(&e->room);
		*freed += e->room.freed_resident;
	}
	return rc;
}

int cache_evict_object(
	struct cache *c, const struct digest *object, bool even_pinned, uint64_t *freed)
{
	struct eviction e = {.cache = c, .object = object, .even_pinned = even_pinned};
	uint64_t sum = 0;
	int rc;

	look_afresh(c);
	rc = run_eviction(&e, evict_one, &sum);
	room_release(&e.room);
	if (!rc)
		*freed = sum;
	return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
}

int cache_evict_to(struct cache *c, uint64_t target, uint64_t *freed)
{
	struct eviction e = {.cache = c, .target = target};
	uint64_t sum = 0;
	int rc = 0;

	look_afresh(c);
	while (!rc && !e.ended)
		rc = run_eviction(&e, evict_some, &sum);
	room_release(&e.room);
	if (!rc)
		*freed = sum;
	return rc;
}

/* The pages that stay: last accepted roots. */
struct clearing {
	struct cache *cache;
	struct digest *roots;
	size_t count, capacity;
};

static int note_root(void *ctx, const struct cache_dataset *d)
{
	struct clearing *k = ctx;
	int rc = array_grow(&k->roots, &k->capacity, k->count, sizeof(*k->roots));

	if (!rc)
		k->roots[k->count++] = d->root;
	return rc;
}

static int keep_page(
	struct cache *c, MDB_txn *txn, const struct digest *root, struct bytes *copy)
{
	enum blob_kind kind;
	struct span packed;

	bytes_clear(copy);
	if (pages_get(c, txn, root, &kind, &packed) || kind != BLOB_PAGE)
		return 0;
	return bytes_append(copy, packed.data, packed.size);
}

static int clear_pages(MDB_txn *txn, void *arg)
{
	struct clearing *k = arg;
	struct cache *c = k->cache;
	struct bytes *kept = calloc(k->count + 1, sizeof(*kept));
	int rc = kept ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; i < k->count && !rc; i++)
		rc = keep_page(c, txn, &k->roots[i], &kept[i]);
	if (!rc)
		rc = metadata_error(c->metadata,
			mdb_drop(txn, metadata_table(c->metadata, TABLE_PAGES), 0));
	for (size_t i = 0; i < k->count && !rc; i++)
		if (kept[i].size)
			rc = page_record_put(c->metadata, txn, &k->roots[i], BLOB_PAGE,
				span_of_bytes(&kept[i]));
	for (size_t i = 0; kept && i < k->count; i++)
		bytes_release(&kept[i]);
	free(kept);
	return rc;
}

int cache_clear(struct cache *c, uint64_t *freed)
{
	struct clearing k = {.cache = c};
	uint64_t sum = 0;
	int rc = cache_evict_to(c, 0, &sum);

	if (!rc)
		rc = cache_each_dataset(c, note_root, &k);
	if (!rc)
		rc = metadata_write(c->metadata, clear_pages, &k);
	free(k.roots);
	if (!rc)
		*freed = sum;
	return rc;
}
