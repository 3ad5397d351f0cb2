/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "cache/inspect.h"
#include "cache/meta/dataset_record.h"
#include "cache/meta/free_pages.h"
#include "cache/meta/pages.h"
#include "cache/meta/pins.h"
#include "cache/meta/scan.h"
#include "cache/meta/scrub_record.h"
#include "cache/meta/space.h"
#include "cache/state.h"
#include "cache/write/evictor.h"
#include "util/array.h"

/* What is pending counts too. When it cannot be committed, the disk may be full, which is
 * a reason to look at the cache and to throw things out, not one to fail. */
static void look_afresh(struct cache *c)
{
	write_queue_flush(c->queue);
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

static int add_scrub(struct cache *c, struct cache_info *info)
{
	struct scrub_record r;
	int rc = scrub_record_get(c->metadata, &r);

	if (rc)
		return rc;
	info->scrub_begun = r.begun;
	info->scrub_ended = r.ended;
	info->scrub_bytes = r.bytes;
	info->scrub_rotten = r.rotten;
	info->scrub_rotten_before = r.rotten_before;
	info->scrub_rotten_ever = r.rotten_ever;
	return 0;
}

/* What the books say of the whole. */
static int look_at_usage(struct cache *c, struct cache_usage *out, uint64_t *pages)
{
	struct limits_record limits;
	struct totals_record totals;
	bool rot = false;
	MDB_txn *txn;
	int rc = metadata_read(c->metadata, &txn);

	if (rc)
		return rc;
	rc = limits_load(c->metadata, txn, &limits);
	if (!rc)
		rc = totals_load(c->metadata, txn, &totals, &rot);
	*pages = table_count(c->metadata, txn, TABLE_PAGES);
	metadata_read_end(c->metadata, txn);
	if (rc)
		return rc;
	*out = (struct cache_usage){.quota = limits.quota,
		.floor = limits.floor,
		.resident = totals.resident,
		.metadata = metadata_bytes(c->metadata) - free_pages_bytes(c->metadata)};
	return directory_free_bytes(&c->directory, &out->disk_free);
}

int cache_usage(struct cache *c, struct cache_usage *out)
{
	struct cache_usage usage;
	uint64_t pages;
	int rc = look_at_usage(c, &usage, &pages);

	if (!rc)
		*out = usage;
	return rc;
}

int cache_info(struct cache *c, struct cache_info *out)
{
	struct cache_info info = {0};
	struct cache_usage usage;
	int rc;

	look_afresh(c);
	rc = look_at_usage(c, &usage, &info.pages);
	if (!rc)
		rc = cache_each_object(c, add_object, &info);
	if (!rc)
		rc = add_scrub(c, &info);
	if (rc)
		return rc;
	info.quota = usage.quota;
	info.floor = usage.floor;
	info.resident = usage.resident;
	info.metadata = usage.metadata;
	info.disk_free = usage.disk_free;
	*out = info;
	return 0;
}

static int describe_dataset(struct span key, struct span value, struct dataset_record *r,
	struct cache_dataset *out)
{
	if (key.size != DIGEST_SIZE || dataset_record_decode(value, r))
		return ERR_CORRUPT;
	*out = (struct cache_dataset){.name = r->name,
		.url = r->url,
		.revision = r->revision,
		.highest = r->highest,
		.accepted = r->accepted,
		.root = r->root};
	memcpy(out->id.bytes, key.data, DIGEST_SIZE);
	return 0;
}

/* `tags`: what tags are on, too, which have records like datasets. */
static int each_record(struct cache *c, bool tags,
	int (*each)(void *ctx, const struct cache_dataset *d), void *ctx)
{
	struct scan *scan = scan_new(c->metadata, TABLE_DATASETS);
	struct span key, value;
	int rc = scan ? 0 : ERR_NO_MEMORY;

	while (!rc && (rc = scan_next(scan, &key, &value)) == 0) {
		struct dataset_record r;
		struct cache_dataset d;

		if (describe_dataset(key, value, &r, &d))
			continue;
		rc = tags || !r.tag.size ? each(ctx, &d) : 0;
		dataset_record_release(&r);
	}
	scan_free(scan);
	return rc == ERR_ABSENT ? 0 : rc;
}

int cache_each_dataset(
	struct cache *c, int (*each)(void *ctx, const struct cache_dataset *d), void *ctx)
{
	return each_record(c, false, each, ctx);
}

static struct cache_object describe_object(
	const struct object_id *id, const struct object_record *r, bool pinned)
{
	return (struct cache_object){
		*id, r->size, r->resident, r->chunks, r->present, r->last_use, pinned};
}

int cache_each_object(
	struct cache *c, int (*each)(void *ctx, const struct cache_object *o), void *ctx)
{
	struct scan *scan = scan_new(c->metadata, TABLE_OBJECTS);
	struct span key, value;
	int rc = scan ? 0 : ERR_NO_MEMORY;

	look_afresh(c);
	while (!rc && (rc = scan_next(scan, &key, &value)) == 0) {
		struct cache_object object;
		struct object_record r;
		struct object_id id;
		bool pinned;

		if (object_key_decode(key, &id) || object_record_peek(value, &r))
			continue;
		if (pins_look(c->metadata, &id, &pinned))
			pinned = false;
		object = describe_object(&id, &r, pinned);
		rc = each(ctx, &object);
	}
	scan_free(scan);
	return rc == ERR_ABSENT ? 0 : rc;
}

int cache_find_object(
	struct cache *c, const struct object_id *object, struct cache_object *out)
{
	struct object_record r;
	struct span value;
	MDB_txn *txn;
	int rc;

	look_afresh(c);
	rc = metadata_read(c->metadata, &txn);
	if (rc)
		return rc;
	rc = table_get(c->metadata, txn, TABLE_OBJECTS, span_of_object(object), &value);
	if (!rc)
		rc = object_record_peek(value, &r);
	if (!rc)
		*out = describe_object(object, &r, pins_has(c->metadata, txn, object));
	metadata_read_end(c->metadata, txn);
	return rc == ERR_CORRUPT ? ERR_ABSENT : rc;
}

int cache_evict_object(
	struct cache *c, const struct object_id *object, bool even_pinned, uint64_t *freed)
{
	struct evictor_result done;
	int rc;

	look_afresh(c);
	rc = evictor_remove(&c->write, object, even_pinned, &done);
	if (!rc)
		*freed = done.resident;
	return rc;
}

/* By how many bytes what is resident is over the target. */
static int find_excess(struct cache *c, uint64_t target, uint64_t *excess)
{
	struct space space;
	int rc = space_look(c->metadata, 0, &space);

	if (!rc)
		*excess = space.totals.resident > target ? space.totals.resident - target
							 : 0;
	return rc;
}

int cache_evict_to(struct cache *c, uint64_t target, uint64_t *freed)
{
	struct evictor_result done;
	struct evictor_goal goal = {.cost = 0};
	int rc;

	look_afresh(c);
	rc = find_excess(c, target, &goal.resident);
	if (!rc)
		rc = evictor_run(&c->write, &goal, &done);
	if (!rc)
		*freed = done.resident;
	return rc;
}

/* The pages that stay: last accepted roots. */
struct roots {
	struct digest *list;
	size_t count, capacity;
};

static int note_root(void *ctx, const struct cache_dataset *d)
{
	struct roots *r = ctx;
	int rc = array_grow(&r->list, &r->capacity, r->count, sizeof *r->list);

	if (!rc)
		r->list[r->count++] = d->root;
	return rc;
}

int cache_clear(struct cache *c, uint64_t *freed)
{
	struct roots roots = {.list = NULL};
	uint64_t sum = 0;
	int rc = cache_evict_to(c, 0, &sum);

	if (!rc)
		rc = each_record(c, true, note_root, &roots);
	if (!rc)
		rc = pages_clear(c->metadata, write_context_deadline(&c->write),
			c->verified, roots.list, roots.count);
	free(roots.list);
	if (!rc)
		*freed = sum;
	return rc;
}
