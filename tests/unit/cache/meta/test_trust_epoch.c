/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/trust_epoch.h"
#include "unit/meta_samples.h"

/* One user: a boot of the machine, and the generation that it marks under. */
struct user {
	struct metadata *m;
	struct trust_epoch epoch;
	bool alone;
	bool others;
	bool clean;
};

static int enter_now(MDB_txn *txn, void *arg)
{
	struct user *u = arg;

	return trust_epoch_enter(u->m, txn, &u->epoch, u->alone, u->others, &u->clean);
}

static struct user enter_as(struct books *b, uint64_t boot, bool alone)
{
	struct user u = {.m = b->metadata, .epoch.boot = boot, .alone = alone};

	books_write(b->metadata, enter_now, &u);
	return u;
}

/* After all others have gone, well or not. */
static struct user enter(struct books *b, uint64_t boot)
{
	return enter_as(b, boot, true);
}

static struct user enter_others(struct books *b, uint64_t boot)
{
	struct user u = {
		.m = b->metadata, .epoch.boot = boot, .alone = true, .others = true};

	books_write(b->metadata, enter_now, &u);
	return u;
}

static struct user join(struct books *b, uint64_t boot)
{
	return enter_as(b, boot, false);
}

static int mark_now(MDB_txn *txn, void *arg)
{
	struct user *u = arg;

	return trust_epoch_mark(u->m, txn, &u->epoch);
}

static void mark(struct user *u)
{
	books_write(u->m, mark_now, u);
}

static void flushed(struct user *u)
{
	assert_int_equal(trust_epoch_flushed(u->m, DEADLINE_NONE, &u->epoch), 0);
}

static uint64_t generation(struct books *b)
{
	uint64_t g = 0;
	MDB_txn *txn;
	int rc;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	rc = trust_epoch_generation(b->metadata, txn, &g);
	metadata_read_end(b->metadata, txn);
	assert_true(rc == 0 || rc == ERR_ABSENT);
	return rc ? 0 : g;
}

static void test_the_first_user(void **state)
{
	struct books *b = *state;
	struct user u;

	assert_int_equal(generation(b), 0);
	assert_true(trust_epoch_is_clean(b->metadata));
	u = enter(b, 1);
	assert_true(u.clean);
	assert_true(u.epoch.generation > 0);
	assert_true(generation(b) == u.epoch.generation);
	assert_true(trust_epoch_is_clean(b->metadata));
	mark(&u);
	assert_false(trust_epoch_is_clean(b->metadata));
	assert_true(generation(b) == u.epoch.generation);
}

static void test_the_same_boot(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;

	mark(&one);
	two = enter(b, 1);
	assert_false(two.clean);
	assert_true(two.epoch.generation == one.epoch.generation);
	assert_true(join(b, 1).epoch.generation == one.epoch.generation);
}

/* The machine stopped: what was marked is in doubt, and stays so at the next boot. */
static void test_another_boot(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two, three;

	mark(&one);
	two = enter(b, 2);
	assert_false(two.clean);
	assert_true(two.epoch.generation == one.epoch.generation + 1);
	assert_false(trust_epoch_is_clean(b->metadata));
	/* In the same boot, nothing more is in doubt. */
	assert_true(enter(b, 2).epoch.generation == two.epoch.generation);
	three = enter(b, 3);
	assert_true(three.epoch.generation == two.epoch.generation + 1);
}

static void test_flushed_before_the_stop(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;

	mark(&one);
	flushed(&one);
	assert_true(trust_epoch_is_clean(b->metadata));
	two = enter(b, 2);
	assert_true(two.clean);
	assert_true(two.epoch.generation == one.epoch.generation);
	mark(&two);
	assert_false(trust_epoch_is_clean(b->metadata));
	assert_true(enter(b, 3).epoch.generation == two.epoch.generation + 1);
}

static void test_a_flush_that_fails(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;
	uint64_t before = one.epoch.generation;

	mark(&one);
	assert_int_equal(trust_epoch_failed(b->metadata, DEADLINE_NONE, &one.epoch), 0);
	assert_true(one.epoch.generation == before + 1);
	assert_true(generation(b) == before + 1);
	assert_false(trust_epoch_is_clean(b->metadata));
	two = join(b, 1);
	assert_false(two.clean);
	assert_true(two.epoch.generation == before + 1);
	/* Clean, too, is no longer so after a failure. */
	flushed(&two);
	assert_int_equal(trust_epoch_failed(b->metadata, DEADLINE_NONE, &two.epoch), 0);
	assert_false(trust_epoch_is_clean(b->metadata));
	assert_true(generation(b) == before + 2);
}

/* Two containers may tell different boots of one machine. While one lives, the other knows
 * by that that nothing has stopped; when both are gone, it has. */
static void test_who_joins_believes_whom_he_meets(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;

	mark(&one);
	two = join(b, 2);
	assert_false(two.clean);
	assert_true(two.epoch.generation == one.epoch.generation);
	for (unsigned i = 0; i < 4; i++) {
		mark(&two);
		mark(&one);
		assert_true(generation(b) == one.epoch.generation);
		assert_true(join(b, 1 + i % 2).epoch.generation == one.epoch.generation);
	}
	assert_true(enter(b, 3).epoch.generation == one.epoch.generation + 1);
}

/* Two users that disagree on the boot, one of whom missed what happened since: whatever
 * they do, in whatever order, the generation does not go down. */
static void test_two_users_of_different_boots(void **state)
{
	struct books *b = *state;
	struct user users[2];
	uint64_t last, old;

	users[0] = enter(b, 1);
	old = users[0].epoch.generation;
	mark(&users[0]);
	users[1] = enter(b, 2);
	last = generation(b);
	assert_true(last == old + 1);
	for (unsigned step = 0; step < 64; step++) {
		struct user *u = &users[step & 1];

		u->epoch.generation = u == users ? old : u->epoch.generation;
		if (step & 2)
			mark(u);
		if (step & 4)
			flushed(u);
		if (step & 8)
			assert_int_equal(
				trust_epoch_failed(b->metadata, DEADLINE_NONE, &u->epoch),
				0);
		if (step & 16)
			enter_as(b, 1 + (step & 1), step & 32);
		assert_true(generation(b) >= last);
		assert_true(!(step & 8) || u->epoch.generation > last);
		last = generation(b);
	}
}

/* Marks chunks of object 1, of that instance, as `user`. */
static void keep(struct books *b, uint32_t user, uint64_t instance, uint64_t sequence)
{
	struct change op = books_mark(1, 3, sequence % 3, 1000);
	struct changes c = {
		.epoch = {1, generation(b)}, .user = user, .ops = &op, .op_count = 1};

	op.instance = instance;
	op.sequence = sequence;
	op.generation = generation(b);
	books_apply(b->metadata, &c);
}

static bool is_believed(struct books *b)
{
	struct object_record r;

	assert_int_equal(books_record(b->metadata, 1, &r), 0);
	return r.generation == generation(b);
}

/* What was marked and not flushed by one that was killed is in doubt, and nothing else. */
static void test_not_flushed_by_the_dead(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;

	books_add(b->metadata, 2, 1, 1000);
	keep(b, 7, 10, 1);
	/* Flushed, as far as is known, is what has no row. */
	flushed(&one);
	assert_false(trust_epoch_is_clean(b->metadata));
	two = join(b, 1);
	assert_true(is_believed(b));
	assert_int_equal(books_count(b->metadata, TABLE_UNFLUSHED), 1);
	two = enter(b, 1);
	assert_false(two.clean);
	assert_true(two.epoch.generation == one.epoch.generation);
	assert_false(is_believed(b));
	assert_int_equal(books_count(b->metadata, TABLE_UNFLUSHED), 0);
	flushed(&two);
	assert_true(trust_epoch_is_clean(b->metadata));
}

/* Of what object that was cannot be told: all is looked at. */
static void test_rotten_rows_of_the_dead(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1);
	uint8_t key[CHUNK_KEY_SIZE];

	keep(b, 7, 10, 1);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_UNFLUSHED, chunk_key(10, 7, key), 20),
		0);
	assert_true(enter(b, 1).epoch.generation == one.epoch.generation + 1);
	assert_int_equal(books_count(b->metadata, TABLE_UNFLUSHED), 0);
	for (size_t size = 0; size < 80; size++) {
		static const uint8_t junk[80];

		books_put(b->metadata, TABLE_UNFLUSHED, span_of("odd", 3),
			span_of(junk, size));
		books_put(b->metadata, TABLE_UNFLUSHED, chunk_key(size, 7, key),
			span_of(junk, size));
	}
	assert_true(enter(b, 1).epoch.generation == one.epoch.generation + 2);
	assert_int_equal(books_count(b->metadata, TABLE_UNFLUSHED), 0);
}

static void spoil(struct books *b)
{
	assert_int_equal(sample_flip_raw(b->metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_BOOT), 12),
		0);
}

static void test_a_rotten_record(void **state)
{
	struct books *b = *state;
	struct user one = enter(b, 1), two;

	flushed(&one);
	spoil(b);
	assert_int_equal(generation(b), 0);
	/* None that there was before; and nothing is known to be flushed. */
	two = enter(b, 1);
	assert_false(two.clean);
	assert_true(two.epoch.generation > one.epoch.generation);
	assert_true(generation(b) == two.epoch.generation);
	assert_false(trust_epoch_is_clean(b->metadata));
	/* Rotten again, and then written by who knows an older one, or a newer one. */
	one.epoch.generation += UINT64_C(1) << 62;
	spoil(b);
	mark(&two);
	assert_true(generation(b) >= two.epoch.generation);
	spoil(b);
	mark(&one);
	assert_true(generation(b) == one.epoch.generation);
}

static void test_a_hostile_record(void **state)
{
	struct books *b = *state;
	static const uint8_t junk[64];
	struct user u;

	for (size_t size = 0; size <= sizeof junk; size++) {
		if (size == 3 * sizeof(uint64_t))
			continue;
		books_put(b->metadata, TABLE_SETTINGS, span_of_string(SETTING_BOOT),
			span_of(junk, size));
		u = enter(b, 1);
		assert_false(u.clean);
		assert_true(u.epoch.generation > 1);
	}
}

/* Books that were put back from a backup say that all is clean; of other files. */
static void test_other_books(void **state)
{
	struct books *b = *state;
	struct user first = enter(b, 1), second, third;

	mark(&first);
	flushed(&first);
	second = enter_others(b, 1);
	assert_true(second.epoch.generation > first.epoch.generation);
	assert_false(second.clean);
	/* It was killed before it had looked at them. */
	third = enter(b, 1);
	assert_false(third.clean);
	flushed(&third);
	third = enter(b, 1);
	assert_true(third.clean);
	assert_true(third.epoch.generation == second.epoch.generation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_the_first_user),
		BOOKS_TEST(test_the_same_boot),
		BOOKS_TEST(test_another_boot),
		BOOKS_TEST(test_flushed_before_the_stop),
		BOOKS_TEST(test_a_flush_that_fails),
		BOOKS_TEST(test_who_joins_believes_whom_he_meets),
		BOOKS_TEST(test_two_users_of_different_boots),
		BOOKS_TEST(test_not_flushed_by_the_dead),
		BOOKS_TEST(test_rotten_rows_of_the_dead),
		BOOKS_TEST(test_a_rotten_record),
		BOOKS_TEST(test_a_hostile_record),
		BOOKS_TEST(test_other_books),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
