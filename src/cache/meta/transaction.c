/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/write/writer.h"
#include "cache/objects/open_objects.h"
#include "cache/meta/object_ops.h"
#include "cache/meta/pages.h"
#include "cache/meta/pins.h"
#include "cache/meta/eviction.h"
#include "cache/meta/transaction.h"

#define LEASE_MAX (UINT64_C(64) << 20) /* bytes one process holds in advance ... */
#define LEASE_MIN (UINT64_C(4) << 20)
#define LEASE_SHARE 16 /* ... or this part of the quota */
#define PURGE_MAX 2048 /* rows in one transaction */
#define PRESS_TRIES 2
#define PRESSURE (UINT64_C(8) << 20) /* bytes to make free when the disk was full */

struct round {
	struct cache *cache;
	struct batch *batch;
	struct reservation_view view;
	struct room room;
	bool pressed; /* the disk was full: free something first */
	/* What came of it: */
	uint64_t settled; /* cost of all marks */
	uint64_t leased;  /* the lease now */
	bool granted;
	bool more;
};

/* Rows of one instance that was thrown out. */
static int purge_rows(struct round *r, struct span instance, unsigned *left)
{
	struct metadata *m = r->cache->metadata;
	MDB_txn *txn = r->room.txn;
	uint8_t row[CHUNK_KEY_SIZE];
	struct chunk_record chunk;
	struct place_record place;
	struct span key, value;
	MDB_val raw;
	int rc = 0;

	while (!rc && *left) {
		struct metadata_cursor cursor = {0};

		rc = metadata_next(m, txn, TABLE_CHUNKS, instance, &cursor, &key, &raw);
		if (!rc && (key.size != sizeof(row) ||
				   memcmp(key.data, instance.data, instance.size) != 0))
			rc = ERR_ABSENT;
		if (!rc) {
			uint64_t number, ordinal;

			memcpy(row, key.data, sizeof(row));
			chunk_key_decode(span_of(row, sizeof(row)), &number, &ordinal);
			if (!metadata_value(&raw, &value) &&
				!chunk_record_decode(value, &chunk) &&
				!place_record_get(m, txn, &chunk.digest, &place) &&
				place.instance == number)
				rc = metadata_delete(m, txn, TABLE_PLACES,
					span_of_digest(&chunk.digest));
			if (!rc)
				rc = metadata_delete(
					m, txn, TABLE_CHUNKS, span_of(row, sizeof(row)));
			(*left)--;
		}
		metadata_cursor_close(&cursor);
	}
	return rc;
}

static int purge(struct round *r)
{
	struct metadata *m = r->cache->metadata;
	unsigned left = PURGE_MAX;
	uint8_t instance[sizeof(uint64_t)];
	struct span key;
	MDB_val raw;
	int rc = 0;

	while (!rc && left) {
		struct metadata_cursor cursor = {0};

		rc = metadata_next(
			m, r->room.txn, TABLE_PURGE, span_of(NULL, 0), &cursor, &key, &raw);
		metadata_cursor_close(&cursor);
		if (rc)
			break;
		if (key.size == sizeof(instance)) {
			memcpy(instance, key.data, sizeof(instance));
			key = span_of(instance, sizeof(instance));
			rc = purge_rows(r, key, &left);
			if (rc != ERR_ABSENT)
				break;
		}
		rc = metadata_delete(m, r->room.txn, TABLE_PURGE, key);
	}
	r->more = !left;
	return rc == ERR_ABSENT ? 0 : rc;
}

/* How much to hold in advance: a part of what there can be at most. */
static uint64_t lease_target(const struct room *room)
{
	uint64_t most = room->disk_free + room->totals.cost, share;

	if (room->limits.quota && room->limits.quota < most)
		most = room->limits.quota;
	share = most / LEASE_SHARE;
	if (share > LEASE_MAX)
		return LEASE_MAX;
	return share < LEASE_MIN ? LEASE_MIN : share;
}

/* Asks for `want` more; what waits now (`need`) is enough when that is too much. */
static int extend(struct round *r, uint64_t want, uint64_t need)
{
	int rc = room_make(&r->room, want);
	uint64_t grant = want;

	if (rc == ERR_NO_SPACE && need && need < want) {
		rc = room_make(&r->room, need);
		grant = need;
	}
	if (rc == ERR_NO_SPACE) {
		r->granted = r->view.demand == 0;
		return 0;
	}
	if (!rc) {
		r->leased += grant;
		r->room.leases += grant;
	}
	return rc;
}

/* The lease shrinks by what became resident, and grows again while it is used. */
static int renew_lease(struct round *r, uint64_t applied)
{
	uint64_t reserved = r->view.used - r->settled;
	uint64_t available, target = lease_target(&r->room);
	uint64_t before = r->view.leased;
	int rc = 0;

	r->leased = r->view.leased - applied;
	r->room.leases -= applied < r->room.leases ? applied : r->room.leases;
	r->granted = true;
	available = r->leased - reserved;
	if (r->view.demand > available || (applied && available < target / 2))
		rc = extend(r,
			target + r->view.demand - (available < target ? available : target),
			r->view.demand > available ? r->view.demand - available : 0);
	if (rc || (r->leased == before && !r->batch->shrink && !r->view.demand))
		return rc;
	return lease_put(
		r->cache->metadata, r->room.txn, r->cache->directory.user, r->leased);
}

/* From now on the disk may hold less than the metadata says, until the next sync. */
static int mark_dirty(struct round *r)
{
	struct boot_record boot;
	int rc = setting_get(
		r->cache->metadata, r->room.txn, SETTING_BOOT, &boot, sizeof(boot));

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	if (!rc && !boot.clean && boot.boot == r->cache->boot)
		return 0;
	boot = (struct boot_record){r->cache->boot, r->cache->generation, 0};
	return setting_put(
		r->cache->metadata, r->room.txn, SETTING_BOOT, &boot, sizeof(boot));
}

/* The disk was full though the limits were kept: LMDB needs something for itself. */
static int press(struct round *r)
{
	uint64_t resident = r->room.totals.resident;
	bool ended;

	return room_shrink(
		&r->room, resident > PRESSURE ? resident - PRESSURE : 0, 64, &ended);
}

static int apply(MDB_txn *txn, void *arg)
{
	struct round *r = arg;
	struct batch *b = r->batch;
	struct marks marks = {.room = &r->room};
	int rc;

	r->settled = 0;
	r->leased = r->view.leased;
	rc = room_begin(&r->room, r->cache, txn);
	if (!rc && r->pressed)
		rc = press(r);
	if (!rc)
		rc = pins_apply(r->cache, txn, b);
	if (!rc && b->op_count)
		rc = mark_dirty(r);
	if (!rc)
		rc = marks_apply(&marks, b);
	if (!rc) {
		r->settled = marks.settled;
		rc = pages_apply(&r->room, b);
	}
	if (!rc)
		rc = renew_lease(r, marks.applied);
	if (!rc)
		rc = purge(r);
	if (!rc)
		rc = room_end(&r->room);
	return rc;
}

/* What has become of the objects, once it is committed. */
static void settle_op(struct cache *c, struct op *op)
{
	if (!op->object)
		return;
	if (op->outcome == OP_DONE)
		atomic_store(&op->object->recorded, true);
	if (op->outcome != OP_STALE && op->outcome != OP_ENDED)
		return;
	atomic_store(&op->object->gone, true);
	open_objects_remove(c->open_objects, op->object);
}

/* Nothing was committed: what was written is forgotten. */
static void forget_op(struct cache *c, struct op *op, uint64_t *settled)
{
	if (op->kind == OP_MARK)
		*settled += chunk_cost(op->start, op->size);
	if (op->object && op->kind != OP_USE && op->kind != OP_TRUST) {
		atomic_store(&op->object->gone, true);
		open_objects_remove(c->open_objects, op->object);
	}
}

static void succeed(struct round *r)
{
	for (size_t i = 0; i < r->batch->op_count; i++)
		settle_op(r->cache, &r->batch->ops[i]);
	room_settle(&r->room);
	reservation_commit(&r->cache->reservation, r->settled, r->leased);
	if (!r->granted)
		reservation_deny(&r->cache->reservation);
}

static void fail(struct round *r)
{
	uint64_t settled = 0;

	for (size_t i = 0; i < r->batch->op_count; i++)
		forget_op(r->cache, &r->batch->ops[i], &settled);
	reservation_commit(&r->cache->reservation, settled, r->view.leased);
	reservation_deny(&r->cache->reservation);
}

int round_commit(struct cache *c, struct batch *b, bool *more)
{
	struct round r = {.cache = c, .batch = b};
	int rc;

	if (b->shrink)
		reservation_shrink(&c->reservation);
	r.view = reservation_view(&c->reservation);
	rc = metadata_write(c->metadata, apply, &r);
	/* What is thrown out makes room once this process has closed it. */
	for (unsigned i = 0; rc == ERR_NO_SPACE && i < PRESS_TRIES; i++) {
		room_settle(&r.room);
		r.pressed = true;
		rc = metadata_write(c->metadata, apply, &r);
	}
	if (rc)
		fail(&r);
	else
		succeed(&r);
	*more = r.more;
	room_release(&r.room);
	return rc;
}
