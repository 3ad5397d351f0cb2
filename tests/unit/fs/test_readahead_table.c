/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/readahead_table.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static const struct readahead_limits limits = {
	.slack = 256 * KIB,
	.first = MIB,
	.most = 8 * MIB,
	.grain = 512 * KIB,
};

static struct plan note(struct readahead_table *t, uint64_t node, uint64_t offset)
{
	return readahead_table_note(t, node, &limits, offset, 128 * KIB);
}

/* As many files as there is room for, read in turns, are kept apart. */
static void test_files_are_kept_apart(void **state)
{
	static struct readahead_table t;
	uint64_t given[READAHEAD_FILES] = {0};

	(void)state;
	readahead_table_init(&t);
	for (uint64_t at = 0; at < 10 * MIB; at += 128 * KIB)
		for (uint64_t f = 0; f < READAHEAD_FILES; f++)
			given[f] += note(&t, 1000 + f, at).run.size;
	for (uint64_t f = 0; f < READAHEAD_FILES; f++)
		assert_true(given[f] >= 10 * MIB);
	readahead_table_release(&t);
}

/* The one that was read longest ago makes room, and begins anew. */
static void test_the_oldest_makes_room(void **state)
{
	static struct readahead_table t;

	(void)state;
	readahead_table_init(&t);
	for (uint64_t f = 0; f < READAHEAD_FILES; f++)
		assert_int_equal(note(&t, 1000 + f, 0).run.size, 0);
	assert_true(note(&t, 1000, 128 * KIB).run.size > 0);
	assert_int_equal(note(&t, 5000, 0).run.size, 0);
	assert_int_equal(note(&t, 1001, 128 * KIB).run.size, 0);
	assert_true(note(&t, 5000, 128 * KIB).run.size > 0);
	assert_int_equal(note(&t, 1000, 256 * KIB).run.size, 0); /* half of it is left */
	assert_true(note(&t, 1003, 128 * KIB).run.size > 0);
	readahead_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_kept_apart),
		cmocka_unit_test(test_the_oldest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
