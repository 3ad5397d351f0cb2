/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/certificate.h"
#include "net/certificate_names.h"

static void make_leaf(const char *host, struct certificate *out)
{
	GENERAL_NAMES *names = certificate_names_collect(host);
	struct certificate ca = {0};

	assert_non_null(names);
	assert_true(certificate_make_ca(&ca));
	assert_true(certificate_make_leaf(&ca, names, out));
	assert_true(certificate_is_of(out, &ca));
	assert_true(certificate_is_current(out));
	GENERAL_NAMES_free(names);
	certificate_release(&ca);
}

static void test_names(void **state)
{
	struct certificate leaf = {0};

	(void)state;
	make_leaf("data.example", &leaf);
	assert_true(certificate_names_cover(leaf.cert, "data.example"));
	assert_true(certificate_names_cover(leaf.cert, "localhost"));
	assert_true(certificate_names_cover(leaf.cert, "127.0.0.1"));
	assert_true(certificate_names_cover(leaf.cert, "::1"));
	assert_false(certificate_names_cover(leaf.cert, "other.example"));
	assert_false(certificate_names_cover(leaf.cert, "192.0.2.7"));
	certificate_release(&leaf);
}

static void test_address(void **state)
{
	struct certificate leaf = {0};

	(void)state;
	make_leaf("192.0.2.7", &leaf);
	assert_true(certificate_names_cover(leaf.cert, "192.0.2.7"));
	assert_false(certificate_names_cover(leaf.cert, "192.0.2.8"));
	certificate_release(&leaf);
}

/* Who listens everywhere is asked for by any name, so none is required. */
static void test_wildcard(void **state)
{
	static const char *const hosts[] = {NULL, "", "0.0.0.0", "::"};
	struct certificate leaf = {0};

	(void)state;
	make_leaf(NULL, &leaf);
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		assert_true(certificate_names_cover(leaf.cert, hosts[i]));
	assert_true(certificate_names_cover(leaf.cert, "127.0.0.1"));
	certificate_release(&leaf);
}

/* A name that nobody can ask for is left out, and is no failure. */
static void test_no_name(void **state)
{
	struct certificate leaf = {0};

	(void)state;
	make_leaf("no such host", &leaf);
	assert_false(certificate_names_cover(leaf.cert, "no such host"));
	assert_true(certificate_names_cover(leaf.cert, "localhost"));
	certificate_release(&leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
