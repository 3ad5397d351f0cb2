/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "fs/view.h"
#include "unit/await.h"

#define THREADS 3
#define TURNS 300

static struct manifest manifest_of(uint64_t revision)
{
	return (struct manifest){.revision = revision,
		.root = digest_of(&revision, sizeof revision),
		.totals = {.entries = revision}};
}

static void show(struct views *v, uint64_t revision)
{
	struct manifest m = manifest_of(revision);
	struct view *next = views_next(v, &m);
	const struct view *last;

	assert_non_null(next);
	views_change(v, next, &last);
	views_wait(v, last);
}

static void the_next_is_entered(void **state)
{
	struct manifest m = manifest_of(1);
	const struct view *view;
	struct digest root;
	struct views v;
	unsigned side;

	(void)state;
	assert_int_equal(views_init(&v, &m), 0);
	view = views_enter(&v, &side);
	assert_int_equal(view->turn, 0);
	assert_int_equal(view->revision, 1);
	views_leave(&v, side);
	show(&v, 2);
	view = views_enter(&v, &side);
	assert_int_equal(view->turn, 1);
	assert_int_equal(view->totals.entries, 2);
	assert_true(views_past(&v, view, 0, &root));
	assert_true(digest_equal(&root, &m.root));
	assert_false(views_past(&v, view, 1, &root));
	assert_false(views_past(&v, view, 2, &root));
	views_leave(&v, side);
	views_release(&v);
}

static void the_past_is_bounded(void **state)
{
	struct manifest m = manifest_of(0);
	const struct view *view;
	struct digest root;
	struct views v;
	unsigned side;

	(void)state;
	assert_int_equal(views_init(&v, &m), 0);
	for (uint64_t revision = 1; revision <= 3 * VIEWS_PAST; revision++)
		show(&v, revision);
	view = views_enter(&v, &side);
	assert_false(views_past(&v, view, 0, &root));
	assert_false(views_past(&v, view, view->turn - VIEWS_PAST, &root));
	for (uint64_t back = 1; back < VIEWS_PAST - 1; back++) {
		m = manifest_of(view->turn - back);
		assert_true(views_past(&v, view, view->turn - back, &root));
		assert_true(digest_equal(&root, &m.root));
	}
	views_leave(&v, side);
	views_release(&v);
}

/* Nobody is ever within a view that has been waited out, which is freed. */
static void *go_in_and_out(void *arg)
{
	struct views *v = arg;
	uint64_t last = 0;

	while (last < TURNS) {
		unsigned side;
		const struct view *view = views_enter(v, &side);
		struct manifest m = manifest_of(view->revision);

		assert_true(view->revision >= last);
		last = view->revision;
		assert_true(digest_equal(&view->root, &m.root));
		views_leave(v, side);
	}
	return NULL;
}

static void many_are_within(void **state)
{
	struct manifest m = manifest_of(0);
	pthread_t threads[THREADS];
	struct views v;

	(void)state;
	assert_int_equal(views_init(&v, &m), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_in_and_out, &v), 0);
	for (uint64_t revision = 1; revision <= TURNS; revision++)
		show(&v, revision);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	views_release(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_is_entered),
		cmocka_unit_test(the_past_is_bounded),
		cmocka_unit_test(many_are_within),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
