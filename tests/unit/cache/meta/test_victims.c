/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "unit/meta_samples.h"

/* As stored: the layout of a row's value. */
struct value {
	struct object_id object;
	uint64_t cost, user;
	int64_t since;
	uint64_t state;
};

struct row {
	struct metadata *m;
	struct victim victim;
	uint32_t user;
	bool remove;
};

static int change_row(MDB_txn *txn, void *arg)
{
	struct row *r = arg;

	return r->remove ? victims_remove(r->m, txn, r->victim.instance)
			 : victims_add(r->m, txn, r->user, &r->victim);
}

static void add(struct books *b, uint64_t instance, uint64_t cost, uint32_t user)
{
	struct row r = {.m = b->metadata,
		.victim = {.object = sample_id((unsigned)instance),
			.instance = instance,
			.cost = cost,
			.since = (int64_t)cost + 1},
		.user = user};

	books_write(b->metadata, change_row, &r);
}

static struct victims_sum sums(struct books *b)
{
	struct victims_sum bytes;
	MDB_txn *txn;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	assert_int_equal(victims_sum(b->metadata, txn, &bytes), 0);
	metadata_read_end(b->metadata, txn);
	return bytes;
}

static uint64_t sum(struct books *b)
{
	struct victims_sum s = sums(b);

	assert_int_equal(s.gone, 0);
	assert_int_equal(s.stuck, 0);
	return s.held;
}

/* The instance of the next one at or after `from`; 0: none. */
static uint64_t next(struct books *b, uint64_t from, struct victim *v, uint32_t *user)
{
	MDB_txn *txn;
	int rc;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	rc = victims_next(b->metadata, txn, from, v, user);
	metadata_read_end(b->metadata, txn);
	assert_true(rc == 0 || rc == ERR_ABSENT);
	return rc ? 0 : v->instance;
}

static void test_rows(void **state)
{
	struct books *b = *state;
	struct object_id name = sample_id(7);
	struct row gone = {.m = b->metadata, .victim.instance = 7, .remove = true};
	struct victim v;
	uint32_t user;

	assert_int_equal(next(b, 0, &v, &user), 0);
	assert_int_equal(sum(b), 0);
	add(b, 300, 30, 3);
	add(b, 7, 100, 4);
	add(b, UINT64_MAX, 9, 5);
	assert_int_equal(sum(b), 139);
	assert_int_equal(next(b, 0, &v, &user), 7);
	assert_int_equal(user, 4);
	assert_int_equal(v.cost, 100);
	assert_int_equal(v.since, 101);
	assert_true(object_id_equal(&v.object, &name));
	assert_int_equal(next(b, 7, &v, &user), 7);
	assert_int_equal(next(b, 8, &v, &user), 300);
	assert_true(next(b, 301, &v, &user) == UINT64_MAX);
	assert_int_equal(user, 5);
	books_write(b->metadata, change_row, &gone);
	books_write(b->metadata, change_row, &gone);
	assert_int_equal(next(b, 0, &v, &user), 300);
	assert_int_equal(sum(b), 39);
}

static int note_row(MDB_txn *txn, void *arg)
{
	struct row *r = arg;
	const struct victim_note note = {r->victim.instance, r->victim.state};

	return victims_note(r->m, txn, &note);
}

static void note(struct books *b, uint64_t instance, enum victim_state state)
{
	struct row r = {.m = b->metadata, .victim = {.instance = instance, .state = state}};

	books_write(b->metadata, note_row, &r);
}

static void test_states(void **state)
{
	struct books *b = *state;
	struct victims_sum s;
	struct victim v;
	uint32_t user;

	add(b, 1, 10, 4);
	add(b, 2, 20, 4);
	add(b, 3, 40, 5);
	note(b, 2, VICTIM_GONE);
	note(b, 3, VICTIM_STUCK);
	note(b, 77, VICTIM_STUCK); /* there is none */
	s = sums(b);
	assert_int_equal(s.held, 10);
	assert_int_equal(s.gone, 20);
	assert_int_equal(s.stuck, 40);
	assert_int_equal(next(b, 3, &v, &user), 3);
	assert_int_equal(v.state, VICTIM_STUCK);
	assert_int_equal(v.cost, 40);
	assert_int_equal(v.since, 41);
	assert_int_equal(user, 5);
	note(b, 3, VICTIM_HELD);
	assert_int_equal(sums(b).held, 50);
}

static void put(struct books *b, uint64_t instance, const struct value *v, size_t size)
{
	uint8_t key[CHUNK_KEY_SIZE];

	books_put(
		b->metadata, TABLE_VICTIMS, instance_key(instance, key), span_of(v, size));
}

/* Numbers that make no sense are passed over. */
static void test_hostile_values(void **state)
{
	struct books *b = *state;
	static const uint64_t numbers[] = {
		OBJECT_SIZE_CAP + 1, UINT64_C(1) << 63, UINT64_MAX};
	struct value v = {.user = 1};
	struct victim out;
	uint64_t instance = 1;
	uint32_t user;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		v.cost = numbers[i];
		put(b, instance++, &v, sizeof v);
	}
	v.cost = 5;
	v.user = (uint64_t)UINT32_MAX + 1;
	put(b, instance++, &v, sizeof v);
	v.user = 1;
	v.state = VICTIM_STUCK + 1;
	put(b, instance++, &v, sizeof v);
	v.state = VICTIM_HELD;
	for (size_t size = 0; size < sizeof v; size++)
		put(b, instance++, &v, size);
	add(b, 1000, 77, 2);
	assert_int_equal(next(b, 0, &out, &user), 1000);
	assert_int_equal(sum(b), 77);
	v.cost = OBJECT_SIZE_CAP;
	v.user = UINT32_MAX;
	put(b, 999, &v, sizeof v);
	assert_int_equal(next(b, 0, &out, &user), 999);
	assert_true(user == UINT32_MAX);
	assert_true(sum(b) == OBJECT_SIZE_CAP + 77);
}

static void test_hostile_keys(void **state)
{
	struct books *b = *state;
	struct value v = {.cost = 5, .user = 1};
	uint8_t key[20] = {0};
	struct victim out;
	uint32_t user;

	for (size_t size = 1; size <= sizeof key; size++)
		if (size != sizeof(uint64_t))
			books_put(b->metadata, TABLE_VICTIMS, span_of(key, size),
				span_of(&v, sizeof v));
	assert_int_equal(next(b, 0, &out, &user), 0);
	assert_int_equal(sum(b), 0);
}

static void test_rotten_rows(void **state)
{
	struct books *b = *state;
	uint8_t key[CHUNK_KEY_SIZE];
	struct victim v;
	uint32_t user;

	add(b, 1, 10, 1);
	add(b, 2, 20, 1);
	assert_int_equal(
		sample_flip_raw(b->metadata, TABLE_VICTIMS, instance_key(1, key), 11), 0);
	assert_int_equal(next(b, 0, &v, &user), 2);
	assert_int_equal(sum(b), 20);
	assert_int_equal(sample_put_raw(b->metadata, TABLE_VICTIMS, instance_key(2, key),
				 span_of("1234", 4)),
		0);
	assert_int_equal(next(b, 0, &v, &user), 0);
}

static int add_many(MDB_txn *txn, void *arg)
{
	struct row *r = arg;
	int rc = 0;

	for (uint64_t i = 0; i < UINT64_C(1) << 14 && !rc; i++) {
		r->victim.instance = i + 1;
		rc = victims_add(r->m, txn, 1, &r->victim);
	}
	return rc;
}

/* 2^14 of the largest ones are 2^64 bytes: more than a number holds, not none at all. */
static void test_a_sum_that_overflows(void **state)
{
	struct books *b = *state;
	struct row r = {.m = b->metadata, .victim.cost = OBJECT_SIZE_CAP};

	books_write(b->metadata, add_many, &r);
	assert_true(sum(b) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_rows),
		BOOKS_TEST(test_states),
		BOOKS_TEST(test_hostile_values),
		BOOKS_TEST(test_hostile_keys),
		BOOKS_TEST(test_rotten_rows),
		BOOKS_TEST(test_a_sum_that_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
