/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/node.h"
#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

#define SAMPLES 300

struct tree {
	struct samples *samples;
	struct memory_pages memory;
	struct page_source pages;
	struct digest root;
	struct node_table *table;
};

static int get_page(void *ctx, const struct digest *name, struct page *out)
{
	return memory_pages_get(ctx, name, out);
}

static int make(void **state)
{
	struct tree *t = calloc(1, sizeof *t);

	t->samples = samples_new(3, SAMPLES);
	memory_pages_build_tiny(&t->memory, t->samples->entries, SAMPLES, &t->root);
	t->pages = (struct page_source){.page = get_page, .ctx = &t->memory};
	t->table = node_table_new();
	*state = t;
	return 0;
}

static int clean(void **state)
{
	struct tree *t = *state;

	node_table_free(t->table);
	memory_pages_release(&t->memory);
	samples_free(t->samples);
	free(t);
	return 0;
}

/* The node of an entry, looked up. */
static uint64_t look_up(struct tree *t, const struct entry *e)
{
	struct node_number number;
	struct place place;
	struct entry found;

	assert_int_equal(
		tree_find(&t->pages, &t->root, e->parent, e->name, &place, &found), 0);
	assert_int_equal(node_table_hold(t->table, 0, &place.leaf, place.row, &number), 0);
	return number.node;
}

static void every_node_has_its_entry(void **state)
{
	struct tree *t = *state;

	for (size_t i = 0; i < SAMPLES; i++) {
		const struct entry *e = &t->samples->entries[i];
		struct entry found;
		struct node node;

		assert_int_equal(node_locate(t->table, look_up(t, e), &node), 0);
		assert_false(node.is_root);
		assert_int_equal(node_entry(&node, &t->pages, &t->root, &found), 0);
		assert_null(sample_difference(e, &found));
	}
}

/* Without a lookup, and whatever the table holds. */
static void the_root_is_always_there(void **state)
{
	struct tree *t = *state;
	struct node node;
	struct entry found;

	assert_int_equal(node_locate(t->table, 1, &node), 0);
	assert_true(node.is_root);
	assert_int_equal(node.id, 1);
	assert_int_equal(node_entry(&node, &t->pages, &t->root, &found), 0);
	assert_null(sample_difference(&t->samples->entries[0], &found));
}

static void what_nobody_holds_is_absent(void **state)
{
	struct tree *t = *state;
	uint64_t id = look_up(t, &t->samples->entries[5]);
	struct node node = {.id = 77};

	assert_int_equal(node_locate(t->table, 0, &node), ERR_ABSENT);
	assert_int_equal(node_locate(t->table, id + NODE_ROWS, &node), ERR_ABSENT);
	node_table_forget(t->table, id, 1);
	assert_int_equal(node_locate(t->table, id, &node), ERR_ABSENT);
	assert_int_equal(node.id, 77);
}

/* A row that the kernel made up, and a page that is no leaf. */
static void what_is_no_row_of_a_leaf_is_corrupt(void **state)
{
	struct tree *t = *state;
	struct node node;
	struct entry found;

	assert_int_equal(
		node_locate(t->table, look_up(t, &t->samples->entries[5]), &node), 0);
	node.row = 8; /* as many as a leaf here can have */
	assert_int_equal(node_entry(&node, &t->pages, &t->root, &found), ERR_CORRUPT);
	node.row = 0;
	node.leaf = t->root;
	assert_int_equal(node_entry(&node, &t->pages, &t->root, &found), ERR_CORRUPT);
}

/* Without its root a tree is none, whatever it lacks otherwise. */
static void a_tree_without_a_root_is_corrupt(void **state)
{
	struct tree *t = *state;
	struct memory_pages memory = {0};
	struct page_source pages = {.page = get_page, .ctx = &memory};
	struct digest root;
	struct entry found;
	struct node node;

	memory_pages_build_tiny(&memory, t->samples->entries + 1, 20, &root);
	assert_int_equal(node_locate(t->table, 1, &node), 0);
	assert_int_equal(node_entry(&node, &pages, &root, &found), ERR_CORRUPT);
	memory_pages_release(&memory);
}

static int get_nothing(void *ctx, const struct digest *name, struct page *out)
{
	(void)ctx, (void)name, (void)out;
	return ERR_PENDING;
}

static void what_the_source_says_is_passed_on(void **state)
{
	struct page_source pages = {.page = get_nothing};
	struct tree *t = *state;
	struct entry found;
	struct node node;

	assert_int_equal(node_locate(t->table, 1, &node), 0);
	assert_int_equal(node_entry(&node, &pages, &t->root, &found), ERR_PENDING);
	assert_int_equal(
		node_locate(t->table, look_up(t, &t->samples->entries[9]), &node), 0);
	assert_int_equal(node_entry(&node, &pages, &t->root, &found), ERR_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_node_has_its_entry, make, clean),
		cmocka_unit_test_setup_teardown(the_root_is_always_there, make, clean),
		cmocka_unit_test_setup_teardown(what_nobody_holds_is_absent, make, clean),
		cmocka_unit_test_setup_teardown(
			what_is_no_row_of_a_leaf_is_corrupt, make, clean),
		cmocka_unit_test_setup_teardown(
			a_tree_without_a_root_is_corrupt, make, clean),
		cmocka_unit_test_setup_teardown(
			what_the_source_says_is_passed_on, make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
