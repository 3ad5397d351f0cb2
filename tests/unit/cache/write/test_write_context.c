/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "unit/await.h"
#include "unit/write_samples.h"

/* What a transaction says of who makes it, and when, is what the context knows. */
static void test_commits_in_our_name(void **state)
{
	struct writing *w = *state;
	struct change op = books_change(CHANGE_LOSE, 1, 0, 0);
	struct changes c = {.ops = &op, .op_count = 1};
	int64_t before = clock_realtime() / NS_PER_SECOND, after;
	struct victim v;
	struct outcome o;
	uint32_t user;
	MDB_txn *txn;

	books_add(w->x.metadata, 1, 1, 1000);
	assert_int_equal(write_context_commit(&w->x, &c, &o), 0);
	outcome_release(&o);
	after = clock_realtime() / NS_PER_SECOND;
	assert_int_equal(c.user, w->directory.user);
	assert_true(c.epoch.generation == atomic_load(&w->x.generation));
	assert_true(c.epoch.boot == w->x.boot);
	assert_true(c.disk_free > 0);
	assert_int_equal(metadata_read(w->x.metadata, &txn), 0);
	assert_int_equal(victims_next(w->x.metadata, txn, 0, &v, &user), 0);
	metadata_read_end(w->x.metadata, txn);
	assert_int_equal(user, w->directory.user);
	assert_true(v.since >= before && v.since <= after);
}

/* The lock is given back, whatever came of it. */
static void test_the_lock_is_given_back(void **state)
{
	struct writing *w = *state;
	struct changes c = {.op_count = 0};
	struct outcome o;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(write_context_commit(&w->x, &c, &o), 0);
		outcome_release(&o);
		assert_int_equal(metadata_lock(w->x.metadata, 0), 0);
		metadata_unlock(w->x.metadata);
	}
}

static void test_disk_free(void **state)
{
	struct writing *w = *state;
	uint64_t before;

	if (!writing_move_to_tmpfs(w, "8m"))
		skip();
	before = write_context_disk_free(&w->x);
	assert_true(before > 0 && before <= 8 << 20);
	writing_keep(w, 1, 16, 1000);
	assert_true(write_context_disk_free(&w->x) <= before - 16 * SAMPLE_CHUNK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_commits_in_our_name),
		WRITING_TEST(test_the_lock_is_given_back),
		WRITING_TEST(test_disk_free),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
