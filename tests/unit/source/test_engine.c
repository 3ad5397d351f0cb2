/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include "source/engine.h"

static void an_engine_can_be_made_and_freed(void **state)
{
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	assert_ptr_equal(engine_cache(r.engine), r.cache);
	assert_non_null(engine_fetcher(r.engine));
	reader_release(&r);
	engine_free(NULL);
}

static void the_number_of_workers_is_bounded(void **state)
{
	static const unsigned asked[] = {0, 1, 5, 100000};
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	for (unsigned i = 0; i < 4; i++) {
		const struct engine_options options = {
			.cache = r.cache, .workers = asked[i]};
		struct engine *e;

		assert_int_equal(engine_new(&options, &e, NULL), 0);
		assert_true(engine_worker_count(e) >= 2 && engine_worker_count(e) <= 64);
		if (asked[i] == 5)
			assert_int_equal(engine_worker_count(e), 5);
		engine_free(e);
	}
	reader_release(&r);
}

static void a_full_disk_is_worth_a_line(void **state)
{
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	assert_true(engine_may_complain(r.engine));
	for (unsigned i = 0; i < 100; i++)
		assert_false(engine_may_complain(r.engine));
	reader_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_can_be_made_and_freed),
		cmocka_unit_test(the_number_of_workers_is_bounded),
		cmocka_unit_test(a_full_disk_is_worth_a_line),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
