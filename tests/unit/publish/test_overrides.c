/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "publish/overrides.h"
#include "util/bytes.h"

static struct entry sample(void)
{
	return (struct entry){.type = ENTRY_FILE,
		.mode = 0640,
		.uid = 5,
		.gid = 6,
		.mtime = 1000,
		.mtime_nsec = 7};
}

static void test_nothing(void **state)
{
	struct overrides o = {0};
	struct entry e = sample(), before = sample();

	(void)state;
	overrides_apply(NULL, &e);
	assert_memory_equal(&e, &before, sizeof e);
	overrides_apply(&o, &e);
	assert_memory_equal(&e, &before, sizeof e);
}

static void test_all(void **state)
{
	struct overrides o = {.has_mtime = true,
		.has_uid = true,
		.has_gid = true,
		.mtime = 2000,
		.mtime_nsec = 3};
	struct entry e = sample();

	(void)state;
	assert_int_equal(mode_change_parse("go=u", &o.mode), 0);
	overrides_apply(&o, &e);
	assert_int_equal(e.mtime, 2000);
	assert_int_equal(e.mtime_nsec, 3);
	assert_int_equal(e.uid, 0);
	assert_int_equal(e.gid, 0);
	assert_int_equal(e.mode, 0666);
	e.type = ENTRY_SYMLINK; /* whose bits are always the same */
	e.mode = 0777;
	assert_int_equal(mode_change_parse("600", &o.mode), 0);
	overrides_apply(&o, &e);
	assert_int_equal(e.mode, 0777);
}

static void test_clamp(void **state)
{
	struct overrides o = {.has_mtime = true, .clamp = true, .mtime = 1000};
	struct entry e = sample();

	(void)state;
	overrides_apply(&o, &e); /* 7 ns later */
	assert_int_equal(e.mtime_nsec, 0);
	e.mtime = 999;
	e.mtime_nsec = 999999999;
	overrides_apply(&o, &e);
	assert_int_equal(e.mtime, 999);
	assert_int_equal(e.mtime_nsec, 999999999);
	e.mtime = 5000;
	overrides_apply(&o, &e);
	assert_int_equal(e.mtime, 1000);
}

static void test_access_lists(void **state)
{
	struct overrides o = {0};
	struct bytes x = {0};
	struct span value;

	(void)state;
	xattr_append(&x, span_of_string("system.posix_acl_access"), span_of_string("1"));
	xattr_append(&x, span_of_string("system.posix_acl_default"), span_of_string("2"));
	xattr_append(&x, span_of_string("user.a"), span_of_string("3"));
	assert_int_equal(overrides_apply_xattrs(&o, &x), 0);
	assert_true(xattrs_have_acl(span_of_bytes(&x)));
	assert_int_equal(mode_change_parse("600", &o.mode), 0);
	assert_int_equal(overrides_apply_xattrs(&o, &x), 0);
	assert_false(xattrs_have_acl(span_of_bytes(&x)));
	assert_true(xattr_find(span_of_bytes(&x), span_of_string("user.a"), &value));
	assert_true(span_equal(value, span_of_string("3")));
	bytes_release(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_clamp),
		cmocka_unit_test(test_access_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
