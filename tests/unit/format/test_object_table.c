/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/object_table.h"
#include "util/error.h"

#define COUNT 3000

/* Object `number`: listed, single or a recipe in turn. */
static struct object_ref make(uint32_t number, uint8_t *list)
{
	struct object_ref o = {
		.digest = digest_of(&number, sizeof(number)), .size = 2 + number};
	o.form = (enum object_form)(number % 3);
	if (o.form == OBJECT_RECIPE)
		o.recipe = digest_of("r", 1);
	if (o.form != OBJECT_LISTED)
		return o;
	struct chunk_ref chunks[2] = {
		{.digest = o.digest, .size = 1}, {.digest = o.digest, .size = 1 + number}};
	chunk_list_put(list, 0, &chunks[0]);
	chunk_list_put(list, 1, &chunks[1]);
	o.count = 2;
	o.list = list;
	return o;
}

static void fill(struct object_table *t)
{
	uint8_t list[2 * CHUNK_RECORD_SIZE];
	for (uint32_t i = 0; i < COUNT; i++) {
		struct object_ref o = make(i, list);
		uint32_t index;
		assert_int_equal(object_table_add(t, &o, &index), 0);
		assert_int_equal(index, i);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		struct object_ref o = make(i, list), got = object_table_at(t, i);
		uint32_t index;
		assert_true(object_equal(&o, &got));
		assert_int_equal(object_table_add(t, &o, &index), 0);
		assert_int_equal(index, i);
	}
	assert_int_equal(t->count, COUNT);
}

static void test_each_object_once(void **state)
{
	(void)state;
	struct object_table t = {0};
	fill(&t);
	object_table_clear(&t);
	assert_int_equal(t.count, 0);
	fill(&t);
	object_table_release(&t);
}

static void test_refused(void **state)
{
	(void)state;
	struct object_table t = {0};
	uint8_t list[2 * CHUNK_RECORD_SIZE];
	uint32_t index = 77;
	struct object_ref good = make(1, list), bad = good;
	assert_int_equal(object_table_add(&t, &good, &index), 0);
	bad.size++;
	assert_int_equal(object_table_add(&t, &bad, &index), ERR_CORRUPT);
	bad = good;
	bad.form = OBJECT_SINGLE;
	assert_int_equal(object_table_add(&t, &bad, &index), ERR_CORRUPT);
	list[0] ^= 1;
	assert_int_equal(object_table_add(&t, &good, &index), ERR_CORRUPT);
	/* One that breaks the rules leaves no trace. */
	bad = make(3, list);
	bad.size = 0;
	assert_int_equal(object_table_add(&t, &bad, &index), ERR_CORRUPT);
	assert_int_equal(t.count, 1);
	bad.size = 5;
	assert_int_equal(object_table_add(&t, &bad, &index), 0);
	assert_int_equal(index, 1);
	object_table_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_object_once),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
