/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/space.h"

/* What no count covers: directories of objects/ (256 of 4 KiB), lock files, LMDB's
 * reader table, pages that it takes for a commit under way. */
#define OVERHEAD (UINT64_C(2) << 20)
#define FLOOR_DEFAULT (UINT64_C(1) << 30) /* bytes of the disk left free */

#define LEASE_MAX (UINT64_C(64) << 20) /* bytes one process holds in advance ... */
#define LEASE_MIN (UINT64_C(4) << 20)
#define LEASE_SHARE 16 /* ... or this part of the quota */

#define METADATA_SHARE 4		   /* the books take at most 1/4 of the quota ... */
#define METADATA_LEAST (UINT64_C(4) << 20) /* ... but at least so many bytes */

#define HELD_SHARE 16 /* of the quota: so much may be held up by somebody who reads */
#define HELD_MAX (UINT64_C(64) << 20)
#define HELD_MIN (UINT64_C(2) << 20)

int limits_load(struct metadata *m, MDB_txn *txn, struct limits_record *out)
{
	struct limits_record limits = {.quota = 0, .floor = FLOOR_DEFAULT};
	int rc = setting_get(m, txn, SETTING_LIMITS, &limits, sizeof limits);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*out = limits;
	return 0;
}

int totals_load(struct metadata *m, MDB_txn *txn, struct totals_record *out, bool *rot)
{
	struct totals_record totals = {0};
	int rc = setting_get(m, txn, SETTING_TOTALS, &totals, sizeof totals);

	if (rc && rc != ERR_ABSENT && rc != ERR_CORRUPT)
		return rc;
	*rot = *rot || rc == ERR_CORRUPT;
	*out = totals;
	return 0;
}

/* The next lease of the cursor; those that make no sense are passed over. */
static int next_lease(struct metadata *m, MDB_txn *txn, struct table_cursor *cursor,
	uint32_t *user, uint64_t *bytes)
{
	struct span key;
	MDB_val raw;
	int rc;

	do {
		rc = table_next(m, txn, TABLE_LEASES, span_of(NULL, 0), cursor, &key, &raw);
	} while (!rc && lease_decode(key, &raw, user, bytes));
	return rc;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static int sum_leases(struct space *s)
{
	struct table_cursor cursor = {0};
	uint64_t bytes;
	uint32_t user;
	int rc;

	s->leases = 0;
	while ((rc = next_lease(s->m, s->txn, &cursor, &user, &bytes)) == 0)
		s->leases = sum_of(s->leases, bytes);
	table_cursor_close(&cursor);
	return rc == ERR_ABSENT ? 0 : rc;
}

int space_begin(
	struct space *s, struct metadata *m, MDB_txn *txn, uint64_t disk_free, bool *rot)
{
	int rc;

	*s = (struct space){.m = m, .txn = txn, .disk_free = disk_free};
	rc = limits_load(m, txn, &s->limits);
	if (!rc)
		rc = totals_load(m, txn, &s->totals, rot);
	if (!rc)
		rc = sum_leases(s);
	if (!rc)
		rc = victims_sum(m, txn, &s->victims);
	if (!rc)
		rc = readers_look(m, txn, &s->lag);
	s->before = s->totals;
	return rc;
}

int space_end(struct space *s)
{
	if (memcmp(&s->totals, &s->before, sizeof s->totals) == 0)
		return 0;
	return setting_put(s->m, s->txn, SETTING_TOTALS, &s->totals, sizeof s->totals);
}

/* `held`: of victims that are on the disk and are to go. */
static uint64_t missing_in_quota(const struct space *s, uint64_t need, uint64_t held)
{
	uint64_t taken = sum_of(s->totals.cost, sum_of(s->victims.stuck, held));

	if (!s->limits.quota)
		return 0;
	taken = sum_of(taken, metadata_bytes(s->m) + OVERHEAD);
	return less_or_none(sum_of(sum_of(s->leases, need), taken), s->limits.quota);
}

uint64_t space_over_quota(const struct space *s, uint64_t need)
{
	return missing_in_quota(s, need, 0);
}

/* Without a floor, too, what the disk does not have cannot be promised. */
static uint64_t missing_on_disk(const struct space *s, uint64_t need, uint64_t disk_free)
{
	return less_or_none(sum_of(sum_of(s->leases, need), s->limits.floor), disk_free);
}

uint64_t space_under_floor(const struct space *s, uint64_t need)
{
	uint64_t to_come = sum_of(s->victims.held, s->victims.gone);

	return missing_on_disk(s, need, sum_of(s->disk_free, to_come));
}

uint64_t space_deficit(const struct space *s, uint64_t need)
{
	uint64_t quota = space_over_quota(s, need), floor = space_under_floor(s, need);

	return quota > floor ? quota : floor;
}

bool space_has(const struct space *s, uint64_t need)
{
	return !missing_in_quota(s, need, s->victims.held) &&
	       !missing_on_disk(s, need, s->disk_free);
}

int space_end_leases(struct space *s, const uint32_t *users, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = lease_delete(s->m, s->txn, users[i]);
	if (!rc && count)
		rc = sum_leases(s);
	return rc;
}

static uint64_t within(uint64_t bytes, uint64_t least, uint64_t most)
{
	return bytes < least ? least : bytes > most ? most : bytes;
}

/* What there can be at most. */
static uint64_t most_bytes(const struct space *s)
{
	uint64_t most = sum_of(s->disk_free, s->totals.cost);

	return s->limits.quota && s->limits.quota < most ? s->limits.quota : most;
}

/* How much to hold in advance. */
static uint64_t lease_target(const struct space *s)
{
	return within(most_bytes(s) / LEASE_SHARE, LEASE_MIN, LEASE_MAX);
}

uint64_t space_metadata_cap(const struct space *s)
{
	return within(most_bytes(s) / METADATA_SHARE, METADATA_LEAST, UINT64_MAX);
}

/* A file that is full has the next transactions use what pages.c makes free in it; when
 * they need more than that, others than pages fill it. */
enum growth space_growth(const struct space *s)
{
	uint64_t cap = space_metadata_cap(s), file = metadata_bytes(s->m);

	if (s->lag.held > within(most_bytes(s) / HELD_SHARE, HELD_MIN, HELD_MAX))
		return GROWTH_READER;
	if (file > cap + cap / 4 && file - free_pages_bytes(s->m) > cap)
		return GROWTH_CAP;
	return GROWTH_FREE;
}

static void grant(struct space *s, uint64_t bytes, struct outcome *o)
{
	o->leased += bytes;
	o->granted = true;
	s->leases = sum_of(s->leases, bytes);
}

/* What can be had goes before what is in vain. */
void space_ask(const struct space *s, uint64_t need, struct outcome *o)
{
	uint64_t bytes = space_deficit(s, need);
	bool in_vain = bytes > s->totals.cost;

	o->awaited = o->awaited || (!bytes && !space_has(s, need));
	if (!bytes)
		return;
	if (o->short_of &&
		(in_vain > o->in_vain || (in_vain == o->in_vain && bytes <= o->short_of)))
		return;
	o->short_of = bytes;
	o->need = need;
	o->in_vain = in_vain;
}

bool space_may_grow(const struct space *s, struct outcome *o)
{
	enum growth growth = space_growth(s);

	if (growth != GROWTH_FREE) {
		o->growth = growth;
		o->reader = s->lag.pid;
	}
	return growth == GROWTH_FREE;
}

/* Asks for `want` more; what waits now (`need`) is enough when that is too much, or is
 * still to become free. */
static void extend_lease(
	struct space *s, uint64_t want, uint64_t need, bool only_need, struct outcome *o)
{
	uint64_t missing = space_deficit(s, want);
	bool too_much = missing ? missing > s->totals.cost : !space_has(s, want);

	if (need && need < want && (only_need || too_much)) {
		want = need;
		missing = space_deficit(s, want);
	}
	if (!missing && space_has(s, want))
		grant(s, want, o);
	else
		space_ask(s, want, o);
}

int space_renew_lease(struct space *s, const struct changes *c, uint64_t released,
	uint64_t applied, struct outcome *o)
{
	uint64_t reserved = c->used - released, available, target = lease_target(s);

	o->leased = c->leased - applied;
	s->leases -= applied < s->leases ? applied : s->leases;
	available = o->leased - reserved;
	o->granted = c->demand <= available;
	if ((!o->granted || (applied && available < target / 2)) && space_may_grow(s, o))
		extend_lease(s,
			target + c->demand - (available < target ? available : target),
			o->granted ? 0 : c->demand - available, c->only_need, o);
	if (o->leased == c->leased && !c->shrink &&
		(!c->demand || o->growth != GROWTH_FREE))
		return 0;
	return lease_put(s->m, s->txn, c->user, o->leased);
}

int space_look(struct metadata *m, uint64_t disk_free, struct space *out)
{
	bool rot = false;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	rc = space_begin(out, m, txn, disk_free, &rot);
	metadata_read_end(m, txn);
	out->txn = NULL;
	return rc;
}

int space_users(struct metadata *m, uint32_t *out, size_t max, size_t *count)
{
	struct table_cursor cursor = {0};
	uint64_t bytes;
	size_t n = 0;
	MDB_txn *txn;
	int rc = metadata_read(m, &txn);

	if (rc)
		return rc;
	while (n < max && (rc = next_lease(m, txn, &cursor, &out[n], &bytes)) == 0)
		n++;
	table_cursor_close(&cursor);
	metadata_read_end(m, txn);
	if (rc && rc != ERR_ABSENT)
		return rc;
	*count = n;
	return 0;
}

struct lease_end {
	struct metadata *m;
	uint32_t user;
};

static int delete_lease(MDB_txn *txn, void *arg)
{
	const struct lease_end *e = arg;

	return lease_delete(e->m, txn, e->user);
}

int space_give_up_lease(struct metadata *m, int64_t deadline, uint32_t user)
{
	struct lease_end e = {m, user};
	bool has = true;
	MDB_txn *txn;

	if (!metadata_read(m, &txn)) {
		has = table_has_key(m, txn, TABLE_LEASES, span_of(&user, sizeof user));
		metadata_read_end(m, txn);
	}
	if (!has)
		return 0; /* so nobody need be waited for */
	return metadata_write(m, deadline, delete_lease, &e);
}
