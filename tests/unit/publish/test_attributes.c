/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "publish/attributes.h"
#include "unit/trees.h"
#include "util/error.h"

static char *directory;
static int fd;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	trees_text(directory, "file", "x");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(fd);
	trees_remove(directory);
	return 0;
}

static struct entry entry_of(const char *name)
{
	struct entry e = {0};
	struct stat st;

	assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(attributes_stat(&st, &e), 0);
	return e;
}

static void test_stat_fields(void **state)
{
	struct timespec times[2] = {{0, 0}, {-5, 999999999}};
	struct entry e;

	(void)state;
	assert_int_equal(chmod(trees_path(directory, "file"), 06751), 0);
	assert_int_equal(utimensat(fd, "file", times, 0), 0);
	e = entry_of("file");
	assert_int_equal(e.type, ENTRY_FILE);
	assert_int_equal(e.mode, 06751);
	assert_int_equal(e.mtime, -5);
	assert_int_equal(e.mtime_nsec, 999999999);
	assert_int_equal(e.size, 1);
	assert_int_equal(e.uid, geteuid());
}

static void test_kinds(void **state)
{
	struct entry e;

	(void)state;
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_int_equal(entry_of("fifo").type, ENTRY_FIFO);
	assert_int_equal(symlinkat("else/where", fd, "link"), 0);
	assert_int_equal(entry_of("link").type, ENTRY_SYMLINK);
	assert_int_equal(entry_of("link").size, 10);
	assert_int_equal(entry_of(".").type, ENTRY_DIRECTORY);
	assert_int_equal(entry_of(".").size, 0);
	assert_int_equal(mknodat(fd, "socket", S_IFSOCK | 0600, 0), 0);
	assert_int_equal(entry_of("socket").type, ENTRY_SOCKET);
	if (mknodat(fd, "device", S_IFCHR | 0600, makedev(259, 70000)) != 0)
		return; /* not root */
	e = entry_of("device");
	assert_int_equal(e.type, ENTRY_CHARACTER);
	assert_int_equal(e.major, 259);
	assert_int_equal(e.minor, 70000);
}

static void test_unchanged_means_unchanged(void **state)
{
	struct stat a, b;

	(void)state;
	trees_text(directory, "file", "x");
	assert_int_equal(fstatat(fd, "file", &a, 0), 0);
	b = a;
	assert_true(attributes_unchanged(&a, &b));
	b.st_ctim.tv_nsec ^= 1;
	assert_false(attributes_unchanged(&a, &b));
	b = a;
	b.st_mtim.tv_sec++;
	assert_false(attributes_unchanged(&a, &b));
	b = a;
	b.st_size++;
	assert_false(attributes_unchanged(&a, &b));
	b = a;
	b.st_ino++;
	assert_false(attributes_unchanged(&a, &b));
	b = a;
	b.st_atim.tv_sec++;
	assert_true(attributes_unchanged(&a, &b));
}

static void test_targets(void **state)
{
	struct bytes target = {0};
	char longest[LINK_TARGET_SIZE_MAX + 1];

	(void)state;
	memset(longest, 'y', LINK_TARGET_SIZE_MAX);
	longest[LINK_TARGET_SIZE_MAX] = '\0';
	assert_int_equal(symlinkat("a\xff\nb", fd, "odd"), 0);
	assert_int_equal(symlinkat(longest, fd, "longest"), 0);
	assert_int_equal(attributes_target(fd, "odd", &target), 0);
	assert_true(span_equal(span_of_bytes(&target), span_of_string("a\xff\nb")));
	bytes_clear(&target);
	assert_int_equal(attributes_target(fd, "longest", &target), 0);
	assert_int_equal(target.size, LINK_TARGET_SIZE_MAX);
	assert_int_equal(attributes_target(fd, "absent", &target), ERR_ABSENT);
	bytes_release(&target);
}

/* Sets it or skips the test, for the file system may have none. */
static void set(const char *name, const char *attribute, const void *value, size_t size)
{
	if (lsetxattr(trees_path(directory, name), attribute, value, size, 0) == 0)
		return;
	print_message("%s on %s: %s\n", attribute, directory, strerror(errno));
	skip();
}

static void test_xattrs_are_sorted(void **state)
{
	struct bytes packed = {0};
	struct xattr x;
	size_t at = 0;

	(void)state;
	set("file", "user.b", "2", 1);
	set("file", "user.a", "", 0);
	set("file", "user.bb", "\0\xff", 2);
	assert_int_equal(attributes_xattrs(fd, "file", &packed), 0);
	assert_true(xattr_next(span_of_bytes(&packed), &at, &x));
	assert_true(span_equal(x.name, span_of_string("user.a")));
	assert_int_equal(x.value.size, 0);
	assert_true(xattr_next(span_of_bytes(&packed), &at, &x));
	assert_true(span_equal(x.name, span_of_string("user.b")));
	assert_true(xattr_next(span_of_bytes(&packed), &at, &x));
	assert_true(span_equal(x.value, span_of("\0\xff", 2)));
	assert_false(xattr_next(span_of_bytes(&packed), &at, &x));
	bytes_release(&packed);
}

/* The same by the file's own descriptor. */
static void test_xattrs_of_a_descriptor(void **state)
{
	struct bytes by_name = {0}, by_fd = {0};
	int file = open(trees_path(directory, "file"), O_RDONLY);

	(void)state;
	set("file", "user.a", "1", 1);
	assert_int_equal(attributes_xattrs(fd, "file", &by_name), 0);
	assert_int_equal(attributes_xattrs(file, "", &by_fd), 0);
	assert_true(by_name.size > 0);
	assert_true(span_equal(span_of_bytes(&by_name), span_of_bytes(&by_fd)));
	bytes_release(&by_name);
	bytes_release(&by_fd);
	close(file);
}

/* user::rwx, user:1234:r--, group::r--, mask::r--, other::---, as the kernel keeps it. */
static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 210,
	4, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0,
	0, 255, 255, 255, 255};

static void test_acls(void **state)
{
	struct bytes packed = {0};
	struct span value;

	(void)state;
	trees_text(directory, "acl", "x");
	trees_directory(directory, "default");
	set("acl", "system.posix_acl_access", acl, sizeof acl);
	set("default", "system.posix_acl_default", acl, sizeof acl);
	assert_int_equal(attributes_xattrs(fd, "acl", &packed), 0);
	assert_true(xattr_find(
		span_of_bytes(&packed), span_of_string("system.posix_acl_access"), &value));
	assert_true(span_equal(value, span_of(acl, sizeof acl)));
	bytes_clear(&packed);
	assert_int_equal(attributes_xattrs(fd, "default", &packed), 0);
	assert_true(xattr_find(span_of_bytes(&packed),
		span_of_string("system.posix_acl_default"), &value));
	bytes_release(&packed);
}

static void test_a_symlink_is_not_followed(void **state)
{
	struct bytes packed = {0};

	(void)state;
	trees_text(directory, "marked", "x");
	set("marked", "user.a", "1", 1);
	assert_int_equal(symlinkat("marked", fd, "to-marked"), 0);
	assert_int_equal(attributes_xattrs(fd, "to-marked", &packed), 0);
	assert_int_equal(packed.size, 0);
	assert_int_equal(attributes_xattrs(fd, "absent", &packed), ERR_ABSENT);
	bytes_release(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat_fields),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_unchanged_means_unchanged),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_xattrs_are_sorted),
		cmocka_unit_test(test_xattrs_of_a_descriptor),
		cmocka_unit_test(test_acls),
		cmocka_unit_test(test_a_symlink_is_not_followed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
