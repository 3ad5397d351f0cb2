/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/pins.h"
#include "cache/meta/recount.h"
#include "cache/meta/space.h"
#include "util/clock.h"

#define KEY_MAX 511 /* LMDB's */
#define SLICE 1024  /* records that are looked at while others cannot write */
#define COUNT_TRIES 3
#define SETTING_RECOUNT "recount" /* how often it was done: a number */

struct recounting {
	struct metadata *m;
	const uint32_t *dead;
	size_t dead_count;
	int64_t wait;	 /* ns, for others, at each transaction */
	struct bytes at; /* the key that the slice begins with */
	struct bytes next;
	uint64_t broken, slice_broken;	   /* records that went */
	struct totals_record before, sums; /* what the totals were, and what is there */
	uint64_t times;			   /* that it was done, then */
};

/* The record at or behind `at`, which becomes the least key behind it. `key` is valid as
 * long as `copy`. */
static int record_next(struct metadata *m, MDB_txn *txn, struct bytes *at,
	uint8_t copy[KEY_MAX + 1], struct span *key, MDB_val *raw)
{
	struct table_cursor cursor = {0};
	int rc = table_next(m, txn, TABLE_OBJECTS, span_of_bytes(at), &cursor, key, raw);

	if (!rc && key->size > KEY_MAX)
		rc = ERR_CORRUPT;
	if (!rc) {
		memcpy(copy, key->data, key->size);
		copy[key->size] = 0;
		bytes_clear(at);
		rc = bytes_append(at, copy, key->size + 1);
		*key = span_of(copy, key->size);
	}
	table_cursor_close(&cursor);
	return rc;
}

static bool record_look(struct span key, const MDB_val *raw, struct object_id *object,
	struct object_record *r)
{
	struct span value;

	return !object_key_decode(key, object) && !table_value(raw, &value) &&
	       !object_record_peek(value, r);
}

/* One that cannot be read goes; another one has its row in the order of eviction. */
static int mend_record(
	struct recounting *k, MDB_txn *txn, struct span key, const MDB_val *raw)
{
	uint8_t use[USE_KEY_SIZE];
	struct object_record r;
	struct object_id object;

	if (!record_look(key, raw, &object, &r)) {
		k->slice_broken++;
		return table_remove(k->m, txn, TABLE_OBJECTS, key);
	}
	use_key(r.last_use, &object, use);
	if (pins_has(k->m, txn, &object) ||
		table_has_key(k->m, txn, TABLE_USE, span_of(use, sizeof use)))
		return 0;
	return table_put_key(k->m, txn, TABLE_USE, span_of(use, sizeof use));
}

/* ERR_ABSENT at the end would have what was mended thrown away. */
static int mend_slice(MDB_txn *txn, void *arg)
{
	struct recounting *k = arg;
	uint8_t copy[KEY_MAX + 1];
	struct span key;
	MDB_val raw;
	int rc;

	k->slice_broken = 0;
	bytes_clear(&k->next);
	rc = k->at.size ? bytes_append(&k->next, k->at.data, k->at.size) : 0;
	for (unsigned i = 0; i < SLICE && !rc; i++) {
		rc = record_next(k->m, txn, &k->next, copy, &key, &raw);
		if (!rc)
			rc = mend_record(k, txn, key, &raw);
	}
	if (rc != ERR_ABSENT)
		return rc;
	bytes_clear(&k->next);
	return 0;
}

static int recount_write(struct recounting *k, metadata_fn apply)
{
	int64_t now = clock_monotonic(), deadline;

	if (__builtin_add_overflow(now, k->wait, &deadline))
		deadline = DEADLINE_NONE;
	return metadata_write(k->m, deadline, apply, k);
}

static int mend_records(struct recounting *k)
{
	int rc;

	do {
		struct bytes done = k->at;

		rc = recount_write(k, mend_slice);
		if (rc)
			return rc;
		k->broken += k->slice_broken;
		k->at = k->next;
		k->next = done;
	} while (k->at.size);
	return 0;
}

static int times_load(struct recounting *k, MDB_txn *txn, uint64_t *times)
{
	int rc = setting_get(k->m, txn, SETTING_RECOUNT, times, sizeof *times);

	if (rc == ERR_ABSENT || rc == ERR_CORRUPT) {
		*times = 0;
		rc = 0;
	}
	return rc;
}

static int sum_records(struct recounting *k, MDB_txn *txn)
{
	uint8_t copy[KEY_MAX + 1];
	struct bytes at = {0};
	struct object_record r;
	struct object_id object;
	struct span key;
	MDB_val raw;
	int rc;

	k->sums = (struct totals_record){0};
	while ((rc = record_next(k->m, txn, &at, copy, &key, &raw)) == 0) {
		if (!record_look(key, &raw, &object, &r))
			continue;
		k->sums.resident += r.resident;
		k->sums.cost += r.cost;
	}
	bytes_release(&at);
	return rc == ERR_ABSENT ? 0 : rc;
}

/* What is there, and what the totals are, at the same time: meanwhile others may write. */
static int take_sums(struct recounting *k)
{
	bool rot = false;
	MDB_txn *txn;
	int rc = metadata_read(k->m, &txn);

	if (rc)
		return rc;
	rc = totals_load(k->m, txn, &k->before, &rot);
	if (!rc)
		rc = times_load(k, txn, &k->times);
	if (!rc)
		rc = sum_records(k, txn);
	metadata_read_end(k->m, txn);
	return rc;
}

/* By as much as they were wrong before, whatever others have added since. */
static uint64_t corrected(uint64_t now, uint64_t before, uint64_t sum)
{
	if (sum >= before)
		return now + (sum - before);
	return now > before - sum ? now - (before - sum) : 0;
}

/* ERR_CHANGED: somebody else has corrected them meanwhile. */
static int correct_totals(MDB_txn *txn, void *arg)
{
	struct recounting *k = arg;
	uint64_t times;
	struct space s;
	bool rot = false;
	int rc = space_begin(&s, k->m, txn, 0, &rot);

	if (!rc)
		rc = space_end_leases(&s, k->dead, k->dead_count);
	if (!rc)
		rc = times_load(k, txn, &times);
	if (!rc && times != k->times)
		rc = ERR_CHANGED;
	if (rc)
		return rc;
	s.totals.resident = corrected(
		s.totals.resident, k->before.resident, k->sums.resident);
	s.totals.cost = corrected(s.totals.cost, k->before.cost, k->sums.cost);
	s.totals.changes += k->broken != 0;
	times++;
	rc = setting_put(k->m, txn, SETTING_RECOUNT, &times, sizeof times);
	return rc ? rc : space_end(&s);
}

int recount(struct metadata *m, int64_t wait, const uint32_t *dead, size_t count,
	uint64_t *broken)
{
	struct recounting k = {.m = m, .dead = dead, .dead_count = count, .wait = wait};
	int rc = mend_records(&k);

	for (unsigned i = 0; !rc && i < COUNT_TRIES; i++) {
		rc = take_sums(&k);
		if (!rc)
			rc = recount_write(&k, correct_totals);
		if (rc != ERR_CHANGED)
			break;
		rc = i + 1 < COUNT_TRIES ? 0 : ERR_TIMEOUT;
	}
	bytes_release(&k.at);
	bytes_release(&k.next);
	if (!rc)
		*broken = k.broken;
	return rc;
}
