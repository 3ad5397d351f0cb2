/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "cache/write/leftovers.h"
#include "unit/await.h"
#include "unit/write_samples.h"

static int64_t seconds_ago(int64_t seconds)
{
	return clock_realtime() / NS_PER_SECOND - seconds;
}

/* A victim of `user`, whose file is still there. */
static void add_victim(struct writing *w, unsigned number, uint32_t user, int64_t since)
{
	struct change op = books_change(CHANGE_LOSE, number, 0, 0);
	struct changes c = {
		.epoch = {1, 1}, .user = user, .now = since, .ops = &op, .op_count = 1};

	writing_keep(w, number, 1, 1000);
	op.instance = writing_instance(w, number);
	books_apply(w->x.metadata, &c);
}

static uint64_t count_victims(struct writing *w)
{
	return books_count(w->x.metadata, TABLE_VICTIMS);
}

/* A file that could not be removed then is removed now. What another process that lives
 * threw out is its own for a while: it may be stopped. */
static void test_old_ones(void **state)
{
	struct writing *w = *state;
	struct directory other;

	assert_int_equal(directory_open(&other, w->path, DEADLINE_NONE, NULL), 0);
	add_victim(w, 1, w->directory.user, seconds_ago(60));
	add_victim(w, 2, w->directory.user, seconds_ago(-3600));
	add_victim(w, 4, w->directory.user, seconds_ago(0));
	add_victim(w, 5, w->directory.user, INT64_MIN);
	add_victim(w, 6, other.user, seconds_ago(60));
	add_victim(w, 7, other.user, seconds_ago(0));
	leftovers_finish(&w->x, LEFTOVERS_OLD);
	assert_false(writing_has_file(w, 1));
	assert_false(writing_has_file(w, 2));
	assert_false(writing_has_file(w, 4));
	assert_false(writing_has_file(w, 5));
	assert_false(writing_has_file(w, 6));
	assert_true(writing_has_file(w, 7));
	assert_true(count_victims(w) >= 1);
	directory_close(&other);
	leftovers_finish(&w->x, LEFTOVERS_OLD);
	assert_false(writing_has_file(w, 7));
}

static void test_who_leaves_takes_his_own(void **state)
{
	struct writing *w = *state;
	struct directory other;

	assert_int_equal(directory_open(&other, w->path, DEADLINE_NONE, NULL), 0);
	add_victim(w, 1, w->directory.user, seconds_ago(0));
	add_victim(w, 2, other.user, seconds_ago(0));
	leftovers_finish(&w->x, LEFTOVERS_OWN);
	assert_false(writing_has_file(w, 1));
	assert_true(writing_has_file(w, 2));
	assert_int_equal(count_victims(w), 1);
	leftovers_finish(&w->x, LEFTOVERS_ALL);
	assert_false(writing_has_file(w, 2));
	assert_int_equal(count_victims(w), 0);
	directory_close(&other);
}

#define MANY 600

/* More than it looks at in one go; and the last number that there is. */
static void test_many(void **state)
{
	struct writing *w = *state;
	struct change ops[2 * MANY];
	struct changes c = {.epoch = {1, 1},
		.user = w->directory.user,
		.ops = ops,
		.op_count = 2 * MANY};

	for (unsigned i = 0; i < MANY; i++) {
		ops[2 * i] = books_mark(i, 1, 0, 1000);
		ops[2 * i + 1] = books_change(CHANGE_LOSE, i, 0, 0);
		ops[2 * i].instance = ops[2 * i + 1].instance = i ? i : UINT64_MAX - 1;
		ops[2 * i + 1].number = 1;
	}
	books_apply(w->x.metadata, &c);
	assert_int_equal(count_victims(w), MANY);
	leftovers_finish(&w->x, LEFTOVERS_OLD);
	assert_int_equal(count_victims(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_old_ones),
		WRITING_TEST(test_who_leaves_takes_his_own),
		WRITING_TEST(test_many),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
