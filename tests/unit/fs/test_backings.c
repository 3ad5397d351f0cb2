/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

#include "fs/backings.h"
#include "unit/await.h"

#define NODES 7
#define ROUNDS 20000
#define THREADS 4

/* What the first one was given holds for all, until the last has let go. */
static void test_one_way_while_open(void **state)
{
	struct backings b;
	int id = -1;

	(void)state;
	backings_init(&b);
	assert_false(backings_join(&b, 5, &id));
	assert_int_equal(id, -1);
	assert_int_equal(backings_open(&b, 5, 0, &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(backings_open(&b, 5, 17, &id), 0);
	assert_int_equal(id, 0); /* 17 came too late */
	assert_true(backings_join(&b, 5, &id));
	assert_int_equal(backings_open(&b, 6, 18, &id), 0);
	assert_int_equal(id, 18);
	assert_int_equal(backings_close(&b, 5), 0);
	assert_int_equal(backings_close(&b, 5), 0);
	assert_true(backings_join(&b, 5, &id));
	assert_int_equal(id, 0);
	assert_int_equal(backings_close(&b, 5), 0);
	assert_int_equal(backings_close(&b, 5), 0);
	assert_false(backings_join(&b, 5, &id));
	assert_int_equal(backings_open(&b, 5, 19, &id), 0);
	assert_int_equal(id, 19);
	assert_true(backings_join(&b, 5, &id));
	assert_int_equal(id, 19);
	assert_int_equal(backings_close(&b, 5), 0);
	assert_int_equal(backings_close(&b, 5), 19);
	assert_int_equal(backings_close(&b, 5), 0); /* nobody has it open */
	backings_release(&b);			    /* with 6 still open */
}

/* Each id that was handed in comes out once: as not used, or at the last close. */
struct work {
	struct backings *b;
	atomic_int *next, *in, *out;
};

static void *open_and_close(void *arg)
{
	struct work *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t node = (uint64_t)(i % NODES);
		int id, used, last;

		if (!backings_join(w->b, node, &used)) {
			id = atomic_fetch_add(w->next, 1);
			atomic_fetch_add(w->in, 1);
			assert_int_equal(backings_open(w->b, node, id, &used), 0);
			if (used != id)
				atomic_fetch_add(w->out, 1);
		}
		assert_true(used > 0);
		last = backings_close(w->b, node);
		if (last)
			atomic_fetch_add(w->out, 1);
	}
	return NULL;
}

static void test_no_id_is_lost(void **state)
{
	atomic_int next = 1, in = 0, out = 0;
	struct backings b;
	struct work w = {&b, &next, &in, &out};
	pthread_t threads[THREADS];
	int id;

	(void)state;
	backings_init(&b);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, &w), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(in, out);
	for (uint64_t node = 0; node < NODES; node++)
		assert_false(backings_join(&b, node, &id));
	backings_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way_while_open),
		cmocka_unit_test(test_no_id_is_lost),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
