/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/space.h"
#include "unit/meta_samples.h"

#define MIB (UINT64_C(1) << 20)

static struct space look(struct books *b, uint64_t disk_free)
{
	struct space s;

	assert_int_equal(space_look(b->metadata, disk_free, &s), 0);
	return s;
}

/* What the disk has and will have, less the floor, less what is promised. */
static void test_deficit_of_the_floor(void **state)
{
	struct books *b = *state;
	struct space s = {.m = b->metadata,
		.limits = {.floor = 30},
		.disk_free = 100,
		.victims = {.held = 4, .gone = 6},
		.leases = 20};

	assert_int_equal(space_deficit(&s, 0), 0);
	assert_int_equal(space_deficit(&s, 60), 0);
	assert_int_equal(space_deficit(&s, 61), 1);
	/* What is free to be need not be made free, and is not there yet. */
	assert_true(space_has(&s, 50));
	assert_false(space_has(&s, 51));
	/* What stays for long is not to come. */
	s.victims = (struct victims_sum){.stuck = 10};
	assert_int_equal(space_deficit(&s, 60), 10);
	s.disk_free = 0;
	assert_int_equal(space_deficit(&s, 0), 50);
	/* Without a floor, what the disk does not have cannot be promised either. */
	s.limits.floor = 0;
	s.disk_free = 70;
	assert_int_equal(space_deficit(&s, 51), 1);
}

/* All that the cache takes, and what it promised; what is thrown out is nobody's. */
static void test_deficit_of_the_quota(void **state)
{
	struct books *b = *state;
	struct space s = {
		.m = b->metadata, .limits = {.quota = 100 * MIB}, .disk_free = UINT64_MAX};
	uint64_t most = 100 * MIB, all;

	/* Its own metadata and overhead count, too. */
	assert_int_equal(space_deficit(&s, 0), 0);
	all = space_deficit(&s, most);
	assert_true(all >= metadata_bytes(b->metadata) && all < 4 * MIB);
	assert_int_equal(space_deficit(&s, most - all), 0);
	assert_int_equal(space_deficit(&s, most - all + 1), 1);
	s.leases = 5 * MIB;
	s.totals.cost = 3 * MIB;
	s.victims.gone = 50 * MIB;
	assert_int_equal(space_deficit(&s, most), all + 8 * MIB);
	assert_int_equal(space_deficit(&s, most - all - 8 * MIB), 0);
	assert_true(space_has(&s, most - all - 8 * MIB));
	/* What somebody still has open is on the disk, and need not be thrown out again. */
	s.victims.held = 7 * MIB;
	assert_int_equal(space_deficit(&s, most - all - 8 * MIB), 0);
	assert_false(space_has(&s, most - all - 8 * MIB));
	assert_true(space_has(&s, most - all - 15 * MIB));
	/* What stays is on the disk, and others have to go for it. */
	s.victims.stuck = 2 * MIB;
	assert_int_equal(space_deficit(&s, most - all - 8 * MIB), 2 * MIB);
	assert_false(space_has(&s, most - all - 15 * MIB));
	/* The larger of both counts. */
	s.disk_free = 0;
	s.limits.floor = 200 * MIB;
	s.victims = (struct victims_sum){0};
	assert_int_equal(space_deficit(&s, 0), 205 * MIB);
}

static void test_numbers_that_overflow(void **state)
{
	struct books *b = *state;
	struct space s = {.m = b->metadata, .disk_free = 1000, .leases = UINT64_MAX};

	assert_true(space_deficit(&s, 1) == UINT64_MAX - 1000);
	assert_true(space_deficit(&s, UINT64_MAX) == UINT64_MAX - 1000);
	s.limits.floor = UINT64_MAX;
	assert_true(space_deficit(&s, UINT64_MAX) == UINT64_MAX - 1000);
	s.limits.quota = 1000;
	s.totals.cost = UINT64_MAX;
	assert_true(space_deficit(&s, UINT64_MAX) == UINT64_MAX - 1000);
	s.disk_free = s.victims.held = s.limits.quota = UINT64_MAX;
	assert_int_equal(space_deficit(&s, UINT64_MAX), 0);
}

static void test_asks_for_the_most(void **state)
{
	struct space s = {.totals = {.cost = 100}};
	struct outcome o = {0};

	(void)state;
	space_ask(&s, 60, &o);
	assert_int_equal(o.short_of, 60);
	assert_false(o.in_vain);
	space_ask(&s, 50, &o);
	assert_int_equal(o.short_of, 60);
	space_ask(&s, 100, &o);
	assert_false(o.in_vain);
	/* What cannot be made free hides nothing that can, whichever comes first. */
	space_ask(&s, 101, &o);
	assert_int_equal(o.short_of, 100);
	assert_false(o.in_vain);
	o = (struct outcome){0};
	space_ask(&s, 102, &o);
	space_ask(&s, 101, &o);
	assert_int_equal(o.short_of, 102);
	assert_true(o.in_vain);
	space_ask(&s, 7, &o);
	assert_int_equal(o.short_of, 7);
	assert_false(o.in_vain);
}

static void test_what_the_books_say(void **state)
{
	struct books *b = *state;
	struct space s = look(b, 123);

	assert_int_equal(s.limits.quota, 0);
	assert_int_equal(s.limits.floor, UINT64_C(1) << 30);
	assert_int_equal(s.totals.cost, 0);
	books_set_limits(b->metadata, 5 * MIB, 7);
	books_add(b->metadata, 1, 3, 1000);
	books_put_lease(b->metadata, 8, MIB);
	books_put_lease(b->metadata, 9, 2 * MIB);
	books_apply_one(b->metadata, books_change(CHANGE_DROP, 1, 0, 0));
	books_add(b->metadata, 2, 2, 1000);
	books_apply_one(b->metadata, books_change(CHANGE_LOSE, 2, 0, 0));
	s = look(b, 123);
	assert_int_equal(s.limits.quota, 5 * MIB);
	assert_int_equal(s.limits.floor, 7);
	assert_int_equal(s.totals.cost, 2 * SAMPLE_CHUNK);
	assert_int_equal(s.totals.resident, 2 * SAMPLE_CHUNK);
	assert_int_equal(s.leases, 3 * MIB);
	assert_int_equal(s.victims.held, 2 * SAMPLE_CHUNK);
	assert_int_equal(s.disk_free, 123);
}

static void test_hostile_leases(void **state)
{
	struct books *b = *state;
	uint32_t user = 5, users[4];
	uint64_t many[2] = {UINT64_C(1) << 51, 0};
	uint8_t key[8] = {1};
	size_t count;

	books_put_lease(b->metadata, 9, MIB);
	books_put(b->metadata, TABLE_LEASES, span_of(&user, sizeof user), span_of(many, 8));
	books_put(b->metadata, TABLE_LEASES, span_of(key, 3), span_of(many + 1, 8));
	books_put(b->metadata, TABLE_LEASES, span_of(key, 8), span_of(many + 1, 8));
	user = 6;
	books_put(b->metadata, TABLE_LEASES, span_of(&user, sizeof user), span_of(many, 7));
	user = 7;
	assert_int_equal(sample_put_raw(b->metadata, TABLE_LEASES,
				 span_of(&user, sizeof user), span_of("123456789", 9)),
		0);
	assert_int_equal(look(b, 0).leases, MIB);
	assert_int_equal(space_users(b->metadata, users, 4, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(users[0], 9);
}

static int begin_now(MDB_txn *txn, void *arg)
{
	struct space *s = arg;
	bool rot = false;
	int rc = space_begin(s, s->m, txn, 0, &rot);

	return rc ? rc : rot ? ERR_CORRUPT : 0;
}

static void test_rotten_totals(void **state)
{
	struct books *b = *state;
	struct space s = {.m = b->metadata};

	books_add(b->metadata, 1, 3, 1000);
	assert_int_equal(metadata_write(b->metadata, DEADLINE_NONE, begin_now, &s), 0);
	assert_int_equal(s.totals.cost, 3 * SAMPLE_CHUNK);
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_TOTALS), 9),
		0);
	s = (struct space){.m = b->metadata};
	assert_int_equal(
		metadata_write(b->metadata, DEADLINE_NONE, begin_now, &s), ERR_CORRUPT);
	assert_int_equal(s.totals.cost, 0);
	/* Rotten limits are as good as none. */
	books_set_limits(b->metadata, 5 * MIB, 7);
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_LIMITS), 9),
		0);
	assert_int_equal(look(b, 0).limits.quota, 0);
	assert_int_equal(look(b, 0).limits.floor, UINT64_C(1) << 30);
}

static void test_users(void **state)
{
	struct books *b = *state;
	uint32_t users[8];
	size_t count;

	assert_int_equal(space_users(b->metadata, users, 8, &count), 0);
	assert_int_equal(count, 0);
	for (uint32_t i = 1; i <= 5; i++)
		books_put_lease(b->metadata, i, i);
	assert_int_equal(space_users(b->metadata, users, 3, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(space_users(b->metadata, users, 8, &count), 0);
	assert_int_equal(count, 5);
	assert_int_equal(space_give_up_lease(b->metadata, DEADLINE_NONE, 4), 0);
	assert_int_equal(space_give_up_lease(b->metadata, DEADLINE_NONE, 4), 0);
	assert_int_equal(look(b, 0).leases, 1 + 2 + 3 + 5);
}

/* A renewal as one transaction: of the user 9. */
struct renewal {
	struct metadata *m;
	struct changes changes;
	uint64_t disk_free, released, applied;
	const uint32_t *dead;
	size_t dead_count;
	struct outcome outcome;
};

static int renew_now(MDB_txn *txn, void *arg)
{
	struct renewal *n = arg;
	struct space s;
	int rc = space_begin(&s, n->m, txn, n->disk_free, &n->outcome.rot);

	n->changes.user = 9;
	if (!rc)
		rc = space_end_leases(&s, n->dead, n->dead_count);
	if (!rc)
		rc = space_renew_lease(
			&s, &n->changes, n->released, n->applied, &n->outcome);
	return rc ? rc : space_end(&s);
}

static struct outcome renew(struct books *b, struct renewal n)
{
	n.m = b->metadata;
	books_write(b->metadata, renew_now, &n);
	return n.outcome;
}

static void test_a_demand_is_granted(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 64 * MIB, 0);
	o = renew(b, (struct renewal){.disk_free = UINT64_MAX, .changes.demand = MIB});
	assert_true(o.granted);
	assert_int_equal(o.short_of, 0);
	/* More than that, in advance; but not all that there is. */
	assert_true(o.leased > MIB && o.leased < 16 * MIB);
	assert_int_equal(books_lease(b->metadata, 9), o.leased);
}

/* What became resident is no longer leased; what is left suffices for a while. */
static void test_a_lease_is_used_up(void **state)
{
	struct books *b = *state;
	uint64_t leased = 16 * MIB;
	struct outcome o;

	books_set_limits(b->metadata, 128 * MIB, 0);
	books_put_lease(b->metadata, 9, leased);
	o = renew(b, (struct renewal){.disk_free = UINT64_MAX,
			     .changes = {.leased = leased, .used = MIB},
			     .released = MIB,
			     .applied = MIB});
	assert_true(o.granted);
	assert_int_equal(o.leased, leased - MIB);
	assert_int_equal(books_lease(b->metadata, 9), leased - MIB);
	/* Nearly all of it: more is leased before somebody has to wait. */
	o = renew(b, (struct renewal){.disk_free = UINT64_MAX,
			     .changes = {.leased = 15 * MIB, .used = 14 * MIB},
			     .released = 14 * MIB,
			     .applied = 14 * MIB});
	assert_true(o.granted);
	assert_true(o.leased > MIB);
	assert_int_equal(books_lease(b->metadata, 9), o.leased);
}

static void test_nothing_to_renew(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 64 * MIB, 0);
	o = renew(b, (struct renewal){.disk_free = UINT64_MAX, .changes.leased = 1000});
	assert_true(o.granted);
	assert_int_equal(o.leased, 1000);
	assert_int_equal(books_lease(b->metadata, 9), 0);
	/* It was made smaller: that is noted. */
	o = renew(b, (struct renewal){.disk_free = UINT64_MAX,
			     .changes = {.leased = 1000, .shrink = true}});
	assert_int_equal(o.leased, 1000);
	assert_int_equal(books_lease(b->metadata, 9), 1000);
}

/* What became resident is in the file system's number by now: it counts once. */
static void test_what_is_resident_is_not_promised(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_put_lease(b->metadata, 9, 2 * MIB);
	o = renew(b, (struct renewal){.disk_free = MIB,
			     .changes = {.leased = 2 * MIB, .used = 2 * MIB, .demand = MIB},
			     .released = 2 * MIB,
			     .applied = 2 * MIB});
	assert_true(o.granted);
	assert_int_equal(o.leased, MIB);
}

/* Where there is not enough for a lease in advance, what waits is enough. */
static void test_just_what_is_needed(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	o = renew(b, (struct renewal){.disk_free = MIB, .changes.demand = MIB});
	assert_true(o.granted);
	assert_int_equal(o.leased, MIB);
	assert_int_equal(books_lease(b->metadata, 9), MIB);
}

/* Enough could go for the lease in advance, but does not: asked for no more than that. */
static void test_only_what_is_needed(void **state)
{
	struct books *b = *state;
	struct renewal n = {.disk_free = MIB, .changes.demand = MIB};
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_add(b->metadata, 1, 160, 1000);
	o = renew(b, n);
	assert_false(o.granted);
	assert_true(o.short_of > 0);
	assert_false(o.in_vain);
	n.changes.only_need = true;
	o = renew(b, n);
	assert_true(o.granted);
	assert_int_equal(o.leased, MIB);
}

/* What was thrown out may come too late: what is waited for is there now, the lease in
 * advance is not. */
static void test_space_that_is_still_to_come(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_add(b->metadata, 1, 160, 1000);
	books_apply_one(b->metadata, books_change(CHANGE_LOSE, 1, 0, 0));
	assert_int_equal(look(b, 0).victims.held, 10 * MIB);
	o = renew(b, (struct renewal){.disk_free = MIB - 1, .changes.demand = MIB});
	assert_false(o.granted);
	assert_int_equal(o.short_of, 0);
	assert_true(o.awaited);
	o = renew(b, (struct renewal){.disk_free = MIB, .changes.demand = MIB});
	assert_true(o.granted);
	assert_int_equal(o.leased, MIB);
}

static void test_a_demand_that_is_too_much(void **state)
{
	struct books *b = *state;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	o = renew(b, (struct renewal){.disk_free = MIB - 1, .changes.demand = MIB});
	assert_false(o.granted);
	assert_int_equal(o.leased, 0);
	assert_int_equal(o.short_of, 1);
	assert_true(o.in_vain);
	assert_int_equal(books_lease(b->metadata, 9), 0);
	/* Now there is something that can go. */
	books_add(b->metadata, 1, 1, 1000);
	o = renew(b, (struct renewal){.disk_free = MIB - 1, .changes.demand = MIB});
	assert_false(o.granted);
	assert_false(o.in_vain);
}

static void test_leases_of_the_dead(void **state)
{
	struct books *b = *state;
	static const uint32_t dead[2] = {7, 8};
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_put_lease(b->metadata, 6, MIB);
	books_put_lease(b->metadata, 7, MIB);
	books_put_lease(b->metadata, 8, MIB);
	o = renew(b, (struct renewal){.disk_free = 4 * MIB, .changes.demand = 3 * MIB});
	assert_false(o.granted);
	assert_true(o.in_vain);
	o = renew(b, (struct renewal){.disk_free = 4 * MIB,
			     .changes.demand = 3 * MIB,
			     .dead = dead,
			     .dead_count = 2});
	assert_true(o.granted);
	assert_int_equal(books_lease(b->metadata, 6), MIB);
	assert_int_equal(books_lease(b->metadata, 7), 0);
	assert_int_equal(books_lease(b->metadata, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_deficit_of_the_floor),
		BOOKS_TEST(test_deficit_of_the_quota),
		BOOKS_TEST(test_numbers_that_overflow),
		cmocka_unit_test(test_asks_for_the_most),
		BOOKS_TEST(test_what_the_books_say),
		BOOKS_TEST(test_hostile_leases),
		BOOKS_TEST(test_rotten_totals),
		BOOKS_TEST(test_users),
		BOOKS_TEST(test_a_demand_is_granted),
		BOOKS_TEST(test_a_lease_is_used_up),
		BOOKS_TEST(test_nothing_to_renew),
		BOOKS_TEST(test_what_is_resident_is_not_promised),
		BOOKS_TEST(test_just_what_is_needed),
		BOOKS_TEST(test_only_what_is_needed),
		BOOKS_TEST(test_space_that_is_still_to_come),
		BOOKS_TEST(test_a_demand_that_is_too_much),
		BOOKS_TEST(test_leases_of_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
