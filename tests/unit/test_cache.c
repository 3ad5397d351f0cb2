/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/committer.h"
#include "cache/records.h"
#include "cache/state.h"
#include "cache_samples.h"
#include "util/clock.h"

static int setup(void **state)
{
	*state = sample_directory();
	return 0;
}

static int teardown(void **state)
{
	sample_remove(*state);
	return 0;
}

static void test_chunks_persist(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample one = sample_make(1, 1), many = sample_make(2, 20);

	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	sample_put_all(c, &one);
	sample_put_all(c, &many);
	assert_int_equal(sample_read(c, &one), 0);
	assert_int_equal(sample_read(c, &many), 0);
	cache_close(c);

	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &one), 0);
	assert_int_equal(sample_read(c, &many), 0);
	cache_close(c);
	sample_release(&one);
	sample_release(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chunks_persist, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
