/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/eviction.h"
#include "cache/meta/transaction.h"
#include "cache/meta/victims.h"
#include "unit/other_process.h"

#define MIB (UINT64_C(1) << 20)

static struct victim listed(struct metadata *m, unsigned number)
{
	struct object_id name = sample_id(number);
	struct victim v;

	assert_int_equal(eviction_find(m, &name, &v), 0);
	return v;
}

static void test_nothing_to_do(void **state)
{
	struct books *b = *state;
	struct changes c = {.leased = 123};
	struct outcome o = books_commit(b->metadata, &c);

	assert_int_equal(o.released, 0);
	assert_int_equal(o.leased, 123);
	assert_true(o.granted);
	assert_true(o.pages_kept);
	assert_int_equal(o.short_of, 0);
	assert_false(o.more);
	assert_false(o.rot);
	assert_int_equal(o.gone_count, 0);
	assert_int_equal(books_lease(b->metadata, 0), 0);
	outcome_release(&o);
}

/* Everything at once: what a writer's batch is like. */
static void test_changes_of_all_kinds(void **state)
{
	struct books *b = *state;
	struct blob_buffer *page = sample_page(1, 10);
	struct change ops[3] = {books_mark(1, 2, 0, 2000), books_mark(2, 2, 1, 2000),
		books_change(CHANGE_USE, 3, 0, 2000)};
	struct pin_change pin = {(char *)(uintptr_t) "pin", sample_id(1)};
	struct victim victim;
	struct changes c = {.epoch = {1, 3},
		.user = 9,
		.disk_free = UINT64_MAX,
		.ops = ops,
		.op_count = 3,
		.pages = &page,
		.page_count = 1,
		.pins = &pin,
		.pin_count = 1,
		.victims = &victim,
		.victim_count = 1,
		.renew = true,
		.leased = MIB,
		.used = 2 * SAMPLE_CHUNK};
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_add(b->metadata, 3, 1, 1000);
	books_add(b->metadata, 4, 1, 1000);
	victim = listed(b->metadata, 4);
	for (size_t i = 0; i < 3; i++)
		ops[i].number = i;
	o = books_commit(b->metadata, &c);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ops[i].result,
			ops[i].kind == CHANGE_MARK ? CHANGE_DONE : CHANGE_NOTHING);
	assert_true(books_has_chunk(b->metadata, 1, 0));
	assert_true(books_has_chunk(b->metadata, 2, 1));
	assert_false(books_has_use(b->metadata, 1, 2000));
	assert_true(books_has_use(b->metadata, 2, 2000));
	assert_true(books_has_use(b->metadata, 3, 2000));
	assert_false(books_has_record(b->metadata, 4));
	assert_int_equal(books_count(b->metadata, TABLE_PAGES), 1);
	assert_int_equal(o.released, 2 * SAMPLE_CHUNK);
	assert_true(o.granted);
	assert_int_equal(books_lease(b->metadata, 9), o.leased);
	assert_int_equal(o.gone_count, 1);
	assert_int_equal(o.freed, SAMPLE_CHUNK);
	assert_int_equal(books_totals(b->metadata).cost, 3 * SAMPLE_CHUNK);
	outcome_release(&o);
	blob_buffer_put(page);
}

/* Marks say that the disk may hold less than the books: other changes do not. */
static void test_marks_end_what_is_flushed(void **state)
{
	struct books *b = *state;
	struct trust_epoch e = {1, 3};
	struct changes c = {.epoch = e};

	assert_int_equal(trust_epoch_flushed(b->metadata, DEADLINE_NONE, &e), 0);
	books_apply(b->metadata, &c);
	assert_true(trust_epoch_is_clean(b->metadata));
	books_add(b->metadata, 1, 1, 1000);
	assert_false(trust_epoch_is_clean(b->metadata));
}

static uint64_t pending(struct metadata *m)
{
	struct space s;

	assert_int_equal(space_look(m, 0, &s), 0);
	return s.victims.held;
}

/* Struck from the books, they are rows of the victims until their space is seen. */
static void test_victims_until_they_are_seen(void **state)
{
	struct books *b = *state;
	struct victim list[2];
	struct changes c = {.user = 9, .victims = list, .victim_count = 2};
	struct changes seen = {.seen_count = 1};
	struct outcome o;

	books_add(b->metadata, 1, 1, 1000);
	books_add(b->metadata, 2, 3, 1000);
	list[0] = listed(b->metadata, 1);
	list[1] = listed(b->metadata, 2);
	o = books_commit(b->metadata, &c);
	assert_int_equal(o.gone_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(object_id_equal(&o.gone[i].object, &list[i].object));
		assert_int_equal(o.gone[i].instance, list[i].instance);
		assert_int_equal(o.gone[i].cost, list[i].cost);
	}
	assert_int_equal(o.freed, 4 * SAMPLE_CHUNK);
	assert_int_equal(pending(b->metadata), 4 * SAMPLE_CHUNK);
	seen.seen = &o.gone[1].instance;
	books_apply(b->metadata, &seen);
	assert_int_equal(pending(b->metadata), SAMPLE_CHUNK);
	books_apply(b->metadata, &seen);
	assert_int_equal(pending(b->metadata), SAMPLE_CHUNK);
	outcome_release(&o);
}

static struct changes demand_of(uint64_t bytes, uint64_t disk_free)
{
	return (struct changes){
		.user = 9, .disk_free = disk_free, .renew = true, .demand = bytes};
}

/* What is thrown out needs not be made free again, and is not promised before it is free:
 * by then it is in the file system's number. */
static void test_victims_make_room(void **state)
{
	struct books *b = *state;
	struct changes c = demand_of(16 * SAMPLE_CHUNK, 10 * SAMPLE_CHUNK);
	struct victim victim;
	uint64_t instance = 1;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	books_add(b->metadata, 1, 8, 1000);
	o = books_commit(b->metadata, &c);
	assert_false(o.granted);
	assert_int_equal(o.short_of, 6 * SAMPLE_CHUNK);
	assert_false(o.in_vain);
	victim = listed(b->metadata, 1);
	c.victims = &victim;
	c.victim_count = 1;
	o = books_commit(b->metadata, &c);
	assert_false(o.granted);
	assert_int_equal(o.short_of, 0);
	outcome_release(&o);
	c = demand_of(16 * SAMPLE_CHUNK, 18 * SAMPLE_CHUNK);
	o = books_commit(b->metadata, &c);
	assert_true(o.granted);
	assert_int_equal(o.leased, 16 * SAMPLE_CHUNK);
	outcome_release(&o);
	/* The disk gave it to somebody else: not twice. */
	c = demand_of(SAMPLE_CHUNK, 16 * SAMPLE_CHUNK);
	c.leased = c.used = 16 * SAMPLE_CHUNK;
	c.seen = &instance;
	c.seen_count = 1;
	o = books_commit(b->metadata, &c);
	assert_false(o.granted);
	assert_true(o.in_vain);
	assert_int_equal(o.leased, 16 * SAMPLE_CHUNK);
}

static void test_dead_leases_lapse(void **state)
{
	struct books *b = *state;
	struct changes theirs = demand_of(2 * MIB, 2 * MIB), c = demand_of(MIB, 2 * MIB);
	uint32_t dead = 8;
	struct outcome o;

	books_set_limits(b->metadata, 0, 0);
	theirs.user = dead;
	o = books_commit(b->metadata, &theirs);
	assert_int_equal(o.leased, 2 * MIB);
	o = books_commit(b->metadata, &c);
	assert_false(o.granted);
	assert_int_equal(o.short_of, MIB);
	assert_true(o.in_vain);
	c.dead = &dead;
	c.dead_count = 1;
	o = books_commit(b->metadata, &c);
	assert_true(o.granted);
	assert_int_equal(books_lease(b->metadata, dead), 0);
	assert_int_equal(books_lease(b->metadata, 9), o.leased);
}

static void test_more_to_purge(void **state)
{
	struct books *b = *state;
	struct change lose = books_change(CHANGE_LOSE, 1, 0, 0);
	struct changes c = {.ops = &lose, .op_count = 1}, nothing = {.op_count = 0};
	struct outcome o;

	books_add(b->metadata, 1, 3000, 1000);
	o = books_commit(b->metadata, &c);
	assert_true(o.more);
	outcome_release(&o);
	assert_true(books_count(b->metadata, TABLE_CHUNKS) > 0);
	o = books_commit(b->metadata, &nothing);
	assert_false(o.more);
	assert_int_equal(books_count(b->metadata, TABLE_CHUNKS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PLACES), 0);
}

#define MARKS 4000

/* The map has to grow, several times: each run begins anew. */
static void test_runs_again_when_the_map_grows(void **state)
{
	struct metadata *m = books_open(*state, 256 << 10);
	struct change *ops = calloc(MARKS, sizeof *ops);
	struct victim victim;
	struct changes c = {.user = 9,
		.disk_free = UINT64_MAX,
		.ops = ops,
		.op_count = MARKS,
		.victims = &victim,
		.victim_count = 1,
		.renew = true,
		.leased = MARKS * SAMPLE_CHUNK,
		.used = MARKS * SAMPLE_CHUNK};
	struct outcome o;

	books_set_limits(m, 0, 0);
	books_add(m, 1, 1, 1000);
	victim = listed(m, 1);
	for (unsigned i = 0; i < MARKS; i++) {
		ops[i] = books_mark(2 + i % 7, MARKS, i, 1000);
		ops[i].number = i;
	}
	o = books_commit(m, &c);
	assert_true(metadata_bytes(m) > 512 << 10);
	assert_int_equal(o.released, (uint64_t)MARKS * SAMPLE_CHUNK);
	assert_true(o.granted);
	assert_int_equal(o.gone_count, 1);
	assert_int_equal(o.freed, SAMPLE_CHUNK);
	assert_int_equal(books_totals(m).cost, (uint64_t)MARKS * SAMPLE_CHUNK);
	assert_int_equal(books_totals(m).changes, 1);
	assert_int_equal(books_count(m, TABLE_CHUNKS), MARKS);
	for (unsigned i = 0; i < MARKS; i++)
		assert_int_equal(ops[i].result, CHANGE_DONE);
	assert_int_equal(pending(m), SAMPLE_CHUNK);
	outcome_release(&o);
	free(ops);
	metadata_close(m);
}

/* Another process is in the midst of writing: by the deadline we are told, and nothing has
 * happened; the same changes do when it has ended. */
static void test_another_process_writes(void **state)
{
	struct other_process other;
	struct change op = books_mark(1, 1, 0, 1000);
	struct changes c = {.epoch = {1, 1}, .ops = &op, .op_count = 1};
	struct metadata *m;
	struct outcome o;

	other_process_start(&other, hold_books, *state);
	m = books_open(*state, 0);
	other_process_go_on(&other);
	memset(&o, 0x5a, sizeof o);
	assert_int_equal(books_try_commit(m, clock_monotonic() + 20 * NS_PER_MS, &c, &o),
		ERR_TIMEOUT);
	assert_int_equal(o.leased, UINT64_C(0x5a5a5a5a5a5a5a5a));
	assert_int_equal(op.result, CHANGE_NOTHING);
	assert_false(books_has_record(m, 1));
	assert_int_equal(other_process_finish(&other), 0);
	books_apply(m, &c);
	assert_int_equal(op.result, CHANGE_DONE);
	assert_true(books_has_record(m, 1));
	assert_true(books_has_key(m, TABLE_URLS, span_of_string("held")));
	metadata_close(m);
}

/* Killed there, it leaves nothing behind, neither its lock nor what it wrote. */
static void test_another_process_dies_writing(void **state)
{
	struct other_process other;
	struct metadata *m;

	other_process_start(&other, hold_books, *state);
	m = books_open(*state, 0);
	other_process_go_on(&other);
	kill(other.pid, SIGSTOP);
	other_process_kill(&other);
	books_add(m, 1, 1, 1000);
	assert_true(books_has_record(m, 1));
	assert_false(books_has_key(m, TABLE_URLS, span_of_string("held")));
	metadata_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_nothing_to_do),
		BOOKS_TEST(test_changes_of_all_kinds),
		BOOKS_TEST(test_marks_end_what_is_flushed),
		BOOKS_TEST(test_victims_until_they_are_seen),
		BOOKS_TEST(test_victims_make_room),
		BOOKS_TEST(test_dead_leases_lapse),
		BOOKS_TEST(test_more_to_purge),
		SAMPLE_TEST(test_runs_again_when_the_map_grows),
		SAMPLE_TEST(test_another_process_writes),
		SAMPLE_TEST(test_another_process_dies_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
