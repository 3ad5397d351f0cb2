/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/cache_control.h"

static struct probe_answer answer_of(const char *head)
{
	struct probe_answer a = {0};

	assert_int_equal(bytes_append(&a.head, head, strlen(head) + 1), 0);
	return a;
}

static void test_fields(void **state)
{
	struct probe_answer a = answer_of("HTTP/1.1 200 OK\r\nETag:\"x\"\r\nAge :  1\r\n"
					  "age:\t 7 \r\nX-Age: 9\r\nEmpty:\r\n\r\n");
	struct span field;

	(void)state;
	assert_true(probe_field(&a, "Age", &field));
	assert_true(span_equal(field, span_of_string("7")));
	assert_true(probe_field(&a, "etag", &field));
	assert_true(span_equal(field, span_of_string("\"x\"")));
	assert_true(probe_field(&a, "Empty", &field));
	assert_int_equal(field.size, 0);
	assert_false(probe_field(&a, "X", &field));
	assert_false(probe_field(&a, "HTTP/1.1 200 OK", &field));
	probe_release(&a);
	assert_false(probe_field(&a, "Age", &field));
}

static void check(const char *value, struct cache_control want)
{
	char head[512];
	struct probe_answer a;
	struct cache_control got;

	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nCache-Control: %s\r\n\r\n", value);
	a = answer_of(head);
	cache_control_of(&a, &got);
	assert_int_equal(got.said, true);
	assert_int_equal(got.no_store, want.no_store);
	assert_int_equal(got.no_cache, want.no_cache);
	assert_int_equal(got.immutable, want.immutable);
	assert_int_equal(got.has_age, want.has_age);
	if (want.has_age)
		assert_int_equal(got.fresh, want.fresh);
	probe_release(&a);
}

static void test_directives(void **state)
{
	struct probe_answer a = answer_of("HTTP/1.1 200 OK\r\nExpires: 0\r\n\r\n");
	struct cache_control c;

	(void)state;
	check("no-cache", (struct cache_control){.no_cache = true});
	check("No-Store, max-age=5",
		(struct cache_control){.no_store = true, .has_age = true, .fresh = 5});
	check("public, max-age=31536000, immutable",
		(struct cache_control){
			.has_age = true, .fresh = 31536000, .immutable = true});
	check("s-maxage=10,max-age=20",
		(struct cache_control){.has_age = true, .fresh = 10});
	check("max-age=20 , s-maxage = \"10\"",
		(struct cache_control){.has_age = true, .fresh = 10});
	check("private=\"x\"", (struct cache_control){.no_cache = true});
	check("max-age=99999999999999999999999",
		(struct cache_control){.has_age = true, .fresh = UINT64_C(1) << 31});
	check(",,max-age=, max-age=-1, =, no-cachex, max-age=1x",
		(struct cache_control){0});
	check("max-age=10, stale-while-revalidate=3600",
		(struct cache_control){.has_age = true, .fresh = 3610});
	cache_control_of(&a, &c);
	assert_false(c.said);
	assert_true(c.has_age); /* what is no date has passed */
	assert_int_equal(c.fresh, 0);
	probe_release(&a);
}

/* nginx's `expires` and `add_header Cache-Control` give two lines. */
static void test_several_lines(void **state)
{
	struct probe_answer a = answer_of("HTTP/1.1 200 OK\r\nCache-Control: no-cache\r\n"
					  "X: y\r\ncache-control: max-age=3600\r\n\r\n");
	struct cache_control c;

	(void)state;
	cache_control_of(&a, &c);
	assert_true(c.no_cache);
	assert_true(c.has_age);
	assert_int_equal(c.fresh, 3600);
	probe_release(&a);
}

static void test_expires(void **state)
{
	struct probe_answer a = answer_of("HTTP/1.1 200 OK\r\n"
					  "Expires: Fri, 27 Nov 2026 03:41:29 GMT\r\n"
					  "Date: Fri, 27 Nov 2026 02:41:29 GMT\r\n\r\n");
	struct cache_control c;

	(void)state;
	cache_control_of(&a, &c);
	assert_true(c.has_age);
	assert_int_equal(c.fresh, 3600);
	probe_release(&a);
	/* max-age counts before it. */
	a = answer_of("HTTP/1.1 200 OK\r\nCache-Control: max-age=5\r\n"
		      "Expires: Fri, 27 Nov 2026 03:41:29 GMT\r\n"
		      "Date: Fri, 27 Nov 2026 02:41:29 GMT\r\n\r\n");
	cache_control_of(&a, &c);
	assert_int_equal(c.fresh, 5);
	probe_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_several_lines),
		cmocka_unit_test(test_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
