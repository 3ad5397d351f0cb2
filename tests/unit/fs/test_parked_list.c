/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "fs/parked_list.h"
#include "unit/await.h"

#define COUNT 5

static void what_is_added_is_counted_until_removed(void **state)
{
	static const unsigned order[COUNT] = {2, 0, 4, 3, 1};
	struct parked_link links[COUNT];
	struct parked_list l;

	(void)state;
	parked_list_init(&l);
	assert_null(parked_list_get(&l));
	for (unsigned i = 0; i < COUNT; i++) {
		parked_list_add(&l, &links[i]);
		assert_int_equal(parked_list_count(&l), i + 1);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(parked_list_put(&links[order[i]], 1));
		parked_list_remove(&l, &links[order[i]]);
		assert_int_equal(parked_list_count(&l), COUNT - 1 - i);
	}
	assert_null(parked_list_get(&l));
	parked_list_release(&l);
}

static void the_last_reference_ends_it(void **state)
{
	struct parked_link link;
	struct parked_list l;

	(void)state;
	parked_list_init(&l);
	parked_list_add(&l, &link);
	parked_list_share(&link);
	assert_ptr_equal(parked_list_get(&l), &link);
	assert_false(parked_list_put(&link, 1));
	assert_true(parked_list_put(&link, 2));
	parked_list_remove(&l, &link);
	parked_list_release(&l);
}

/* Whoever goes through the list finds each of them, once it is let go of. */
static void all_are_found(void **state)
{
	struct parked_link links[COUNT];
	struct parked_link *p;
	struct parked_list l;
	unsigned seen = 0;

	(void)state;
	parked_list_init(&l);
	for (unsigned i = 0; i < COUNT; i++)
		parked_list_add(&l, &links[i]);
	while ((p = parked_list_get(&l))) {
		assert_in_range(p - links, 0, COUNT - 1);
		assert_int_equal(seen & 1u << (p - links), 0);
		seen |= 1u << (p - links);
		assert_false(parked_list_put(p, 1));
		assert_true(parked_list_put(p, 1));
		parked_list_remove(&l, p);
	}
	assert_int_equal(seen, (1u << COUNT) - 1);
	parked_list_release(&l);
}

/* Those whose last reference is gone are nobody's to look at. */
static void all_that_live_are_given_at_once(void **state)
{
	struct parked_link links[COUNT], *found[COUNT];
	struct parked_list l;
	unsigned count;

	(void)state;
	parked_list_init(&l);
	for (unsigned i = 0; i < COUNT; i++)
		parked_list_add(&l, &links[i]);
	assert_true(parked_list_put(&links[1], 1));
	assert_int_equal(parked_list_all(&l, found, COUNT, &count), COUNT - 1);
	assert_int_equal(count, COUNT);
	assert_ptr_equal(found[0], &links[COUNT - 1]);
	assert_ptr_equal(found[COUNT - 2], &links[0]);
	for (unsigned i = 0; i < COUNT - 1; i++)
		assert_false(parked_list_put(found[i], 1));
	assert_int_equal(parked_list_all(&l, found, 1, &count), 1);
	assert_false(parked_list_put(found[0], 1));
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(i == 1 || parked_list_put(&links[i], 1));
		parked_list_remove(&l, &links[i]);
	}
	parked_list_release(&l);
}

struct ending {
	struct parked_list *list;
	struct parked_link *link;
	atomic_bool removed;
};

static void *remove_later(void *arg)
{
	struct ending *e = arg;

	usleep(20000);
	atomic_store(&e->removed, true);
	parked_list_remove(e->list, e->link);
	return NULL;
}

/* One whose last reference is gone is nobody's any more, and yet not over. */
static void what_is_on_its_way_out_is_waited_for(void **state)
{
	struct parked_link link;
	struct parked_list l;
	struct ending e = {&l, &link, false};
	pthread_t thread;

	(void)state;
	parked_list_init(&l);
	parked_list_add(&l, &link);
	assert_true(parked_list_put(&link, 1));
	assert_int_equal(pthread_create(&thread, NULL, remove_later, &e), 0);
	assert_null(parked_list_get(&l));
	assert_true(atomic_load(&e.removed));
	assert_int_equal(pthread_join(thread, NULL), 0);
	parked_list_release(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_counted_until_removed),
		cmocka_unit_test(the_last_reference_ends_it),
		cmocka_unit_test(all_are_found),
		cmocka_unit_test(all_that_live_are_given_at_once),
		cmocka_unit_test(what_is_on_its_way_out_is_waited_for),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
