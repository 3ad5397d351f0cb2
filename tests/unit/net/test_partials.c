/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/partials.h"

#define MOST 100000

/* What a try has got of a body that it had memory for. */
static struct bytes part(size_t size)
{
	struct bytes b = {0};

	assert_int_equal(bytes_reserve(&b, 1 << 20), 0);
	b.size = size;
	return b;
}

static void keep(struct partials *p, struct fetch *f, size_t size)
{
	struct bytes b = part(size);

	partials_keep(p, f, &b);
	bytes_release(&b);
}

static void test_the_most_is_kept(void **state)
{
	struct partials p = {.most = MOST};
	struct fetch f = {.resumable = true};
	struct bytes b;

	(void)state;
	keep(&p, &f, 100); /* not worth it */
	assert_int_equal(p.bytes, 0);
	keep(&p, &f, 20000);
	keep(&p, &f, 40000);
	keep(&p, &f, 30000);
	assert_int_equal(p.bytes, 40000);
	partials_take(&p, &f, &b);
	assert_int_equal(b.size, 40000);
	assert_int_equal(p.bytes, 0);
	bytes_release(&b);
	partials_take(&p, &f, &b);
	assert_null(b.data);
}

/* What is counted is what is held. */
static void test_no_more_memory_than_counted(void **state)
{
	struct partials p = {.most = MOST};
	struct fetch f = {.resumable = true};

	(void)state;
	keep(&p, &f, 20000);
	assert_int_equal(f.state.partial.capacity, p.bytes);
	partials_drop(&p, &f);
	assert_int_equal(p.bytes, 0);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	struct partials p = {.most = MOST};
	struct fetch f = {.resumable = true}, g = {.resumable = true};
	struct fetch whole = {.resumable = true, .state.whole = true}, other = {0};

	(void)state;
	keep(&p, &whole, 20000);
	keep(&p, &other, 20000);
	keep(&p, &f, MOST + 1);
	assert_int_equal(p.bytes, 0);
	keep(&p, &f, 60000);
	keep(&p, &g, 60000);
	assert_int_equal(p.bytes, 60000);
	assert_null(g.state.partial.data);
	partials_drop(&p, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_most_is_kept),
		cmocka_unit_test(test_no_more_memory_than_counted),
		cmocka_unit_test(test_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
