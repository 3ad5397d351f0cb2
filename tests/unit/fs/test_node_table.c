/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fs/node_table.h"
#include "util/error.h"
#include "unit/await.h"

#define MANY 5000
#define THREADS 4

static struct digest leaf_of(uint32_t n)
{
	return digest_of(&n, sizeof n);
}

static void test_node_and_back(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), found;
	struct leaf_number n;
	uint32_t row;
	uint64_t node;

	(void)state;
	assert_int_equal(node_table_hold(i, &leaf, 1, &n), 0);
	node = node_table_node(n.number, NODE_ROWS - 1);
	assert_true(node > 1);
	assert_true(node_table_node(n.number, 0) > 1);
	assert_int_equal(node_table_find(i, node, &found, &row), 0);
	assert_true(digest_equal(&found, &leaf));
	assert_int_equal(row, NODE_ROWS - 1);
	node_table_free(i);
}

static void test_unknown_nodes(void **state)
{
	struct node_table *i = node_table_new();
	const uint64_t nodes[] = {0, 1, NODE_ROWS, UINT64_MAX, (uint64_t)UINT32_MAX << 12,
		(UINT64_C(1) << 44) + NODE_ROWS};
	struct digest leaf;
	uint32_t row = 77;

	(void)state;
	for (size_t k = 0; k < sizeof nodes / sizeof nodes[0]; k++) {
		assert_int_equal(node_table_find(i, nodes[k], &leaf, &row), ERR_ABSENT);
		node_table_forget(i, nodes[k], 1);
	}
	assert_int_equal(row, 77);
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

static void test_same_leaf_same_number(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), other = leaf_of(2);
	struct leaf_number a, b, c;

	(void)state;
	assert_int_equal(node_table_hold(i, &leaf, 1, &a), 0);
	assert_int_equal(node_table_hold(i, &leaf, 5, &b), 0);
	assert_int_equal(node_table_hold(i, &other, 1, &c), 0);
	assert_int_equal(a.number, b.number);
	assert_int_equal(a.generation, b.generation);
	assert_int_not_equal(a.number, c.number);
	assert_int_equal(node_table_count(i), 2);
	node_table_free(i);
}

/* The lookups of all names of a leaf are one sum. */
static void test_forget_frees_at_zero(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), found;
	struct leaf_number n;
	uint32_t row;

	(void)state;
	node_table_hold(i, &leaf, 2, &n);
	node_table_hold(i, &leaf, 1, &n);
	node_table_forget(i, node_table_node(n.number, 3), 2);
	assert_int_equal(node_table_find(i, node_table_node(n.number, 9), &found, &row), 0);
	node_table_forget(i, node_table_node(n.number, 9), 1);
	assert_int_equal(
		node_table_find(i, node_table_node(n.number, 9), &found, &row), ERR_ABSENT);
	assert_int_equal(node_table_count(i), 0);
	/* More than there was: nothing else happens. */
	node_table_forget(i, node_table_node(n.number, 9), UINT64_MAX);
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

static void test_reuse_changes_generation(void **state)
{
	struct node_table *i = node_table_new();
	struct digest leaf = leaf_of(1), other = leaf_of(2), found;
	struct leaf_number a, b;
	uint32_t row;

	(void)state;
	node_table_hold(i, &leaf, 1, &a);
	node_table_forget(i, node_table_node(a.number, 0), 1);
	node_table_hold(i, &other, 1, &b);
	assert_int_equal(a.number, b.number);
	assert_int_not_equal(a.generation, b.generation);
	assert_int_equal(node_table_find(i, node_table_node(b.number, 0), &found, &row), 0);
	assert_true(digest_equal(&found, &other));
	node_table_free(i);
}

/* Growth, and removals from crowded buckets: whoever is left is still found. */
static void test_many(void **state)
{
	struct node_table *i = node_table_new();
	struct leaf_number *n = calloc(MANY, sizeof *n);
	struct digest leaf, found;
	struct leaf_number again;
	uint32_t row;

	(void)state;
	for (uint32_t k = 0; k < MANY; k++) {
		leaf = leaf_of(k);
		assert_int_equal(node_table_hold(i, &leaf, 1, &n[k]), 0);
	}
	assert_int_equal(node_table_count(i), MANY);
	for (uint32_t k = 0; k < MANY; k += 3)
		node_table_forget(i, node_table_node(n[k].number, k % NODE_ROWS), 1);
	for (uint32_t k = 0; k < MANY; k++) {
		int rc = node_table_find(i, node_table_node(n[k].number, 5), &found, &row);

		leaf = leaf_of(k);
		assert_int_equal(rc, k % 3 ? 0 : ERR_ABSENT);
		if (rc)
			continue;
		assert_true(digest_equal(&found, &leaf));
		assert_int_equal(node_table_hold(i, &leaf, 1, &again), 0);
		assert_int_equal(again.number, n[k].number);
	}
	free(n);
	node_table_free(i);
}

static void *churn(void *arg)
{
	struct node_table *i = arg;
	struct leaf_number n;
	struct digest leaf, found;
	uint32_t row;
	uintptr_t wrong = 0;

	for (uint32_t k = 0; k < 2000; k++) {
		leaf = leaf_of(k % 97);
		if (node_table_hold(i, &leaf, 1, &n)) {
			wrong++;
			continue;
		}
		if (node_table_find(i, node_table_node(n.number, 1), &found, &row) ||
			!digest_equal(&found, &leaf))
			wrong++;
		node_table_forget(i, node_table_node(n.number, 1), 1);
	}
	return (void *)wrong;
}

static void test_threads(void **state)
{
	struct node_table *i = node_table_new();
	pthread_t threads[THREADS];
	void *wrong;

	(void)state;
	for (int k = 0; k < THREADS; k++)
		assert_int_equal(pthread_create(&threads[k], NULL, churn, i), 0);
	for (int k = 0; k < THREADS; k++) {
		pthread_join(threads[k], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(node_table_count(i), 0);
	node_table_free(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_and_back),
		cmocka_unit_test(test_unknown_nodes),
		cmocka_unit_test(test_same_leaf_same_number),
		cmocka_unit_test(test_forget_frees_at_zero),
		cmocka_unit_test(test_reuse_changes_generation),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
