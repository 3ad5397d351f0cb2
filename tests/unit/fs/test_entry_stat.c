/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fs/entry_stat.h"
#include "util/error.h"

static void a_file_has_its_attributes(void **state)
{
	const struct entry e = {.type = ENTRY_FILE,
		.mode = 04755,
		.uid = 1,
		.gid = UINT32_MAX,
		.mtime = -5,
		.mtime_nsec = 999999999,
		.size = 1025,
		.links = 3,
		.inode = INT64_MAX,
		.has_content = true};
	struct stat st;

	(void)state;
	memset(&st, 0xff, sizeof st);
	entry_stat(&e, &st);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
	assert_int_equal(st.st_uid, 1);
	assert_int_equal(st.st_gid, UINT32_MAX);
	assert_int_equal(st.st_nlink, 3);
	assert_int_equal(st.st_ino, INT64_MAX);
	assert_int_equal(st.st_size, 1025);
	assert_int_equal(st.st_blocks, 3);
	assert_int_equal(st.st_blksize, 4096);
	assert_int_equal(st.st_rdev, 0);
	assert_int_equal(st.st_mtim.tv_sec, -5);
	assert_int_equal(st.st_mtim.tv_nsec, 999999999);
	assert_memory_equal(&st.st_ctim, &st.st_mtim, sizeof st.st_mtim);
	assert_memory_equal(&st.st_atim, &st.st_mtim, sizeof st.st_mtim);
}

/* It takes what its data takes. */
static void holes_take_no_blocks(void **state)
{
	uint8_t extents[2 * EXTENT_RECORD_SIZE];
	struct entry e = {.type = ENTRY_FILE, .size = 1u << 30};
	struct stat st;

	(void)state;
	entry_stat(&e, &st);
	assert_int_equal(st.st_size, 1u << 30);
	assert_int_equal(st.st_blocks, 0);
	extent_put(extents, 0, &(struct extent){.offset = 4096, .size = 512});
	extent_put(extents, 1, &(struct extent){.offset = 1u << 20, .size = 513});
	e.has_content = true;
	e.extents = extents;
	e.extent_count = 2;
	entry_stat(&e, &st);
	assert_int_equal(st.st_blocks, 3);
}

static void what_is_no_file_has_its_own_size(void **state)
{
	struct stat st;

	(void)state;
	entry_stat(&(struct entry){.type = ENTRY_DIRECTORY, .links = 7}, &st);
	assert_int_equal(st.st_mode & S_IFMT, S_IFDIR);
	assert_int_equal(st.st_size, 4096);
	assert_int_equal(st.st_blocks, 8);
	assert_int_equal(st.st_nlink, 7);
	entry_stat(&(struct entry){.type = ENTRY_SYMLINK, .size = 11}, &st);
	assert_int_equal(st.st_mode & S_IFMT, S_IFLNK);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(st.st_blocks, 0);
}

/* Only devices have numbers. */
static void devices_have_numbers(void **state)
{
	static const enum entry_type types[] = {ENTRY_CHARACTER, ENTRY_BLOCK, ENTRY_FIFO};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct entry e = {.type = types[i], .major = 8, .minor = 300};

		entry_stat(&e, &st);
		assert_int_equal(st.st_rdev, i < 2 ? makedev(8, 300) : 0);
	}
}

/* Nothing of it changes unless the kernel is told. */
static void an_answer_holds_for_ever(void **state)
{
	const struct entry e = {.type = ENTRY_FILE, .size = 5};
	struct fuse_entry_param param;

	(void)state;
	memset(&param, 0xff, sizeof param);
	entry_param(&e, &param);
	assert_int_equal(param.ino, 0);
	assert_int_equal(param.generation, 0);
	assert_true(param.attr_timeout > 1e6);
	assert_true(param.entry_timeout > 1e6);
	assert_int_equal(param.attr.st_size, 5);
}

static void assert_path(const char *parent, const char *name, const char *expected)
{
	struct entry e = {.parent = span_of_string(parent), .name = span_of_string(name)};
	struct path path;

	assert_int_equal(entry_path(&e, &path), 0);
	assert_int_equal(path_span(&path).size, strlen(expected));
	assert_string_equal(path.data, expected);
}

static void a_path_begins_below_the_root(void **state)
{
	(void)state;
	assert_path("", "", "");
	assert_path("", "a", "a");
	assert_path("a/b", "c", "a/b/c");
}

static void a_path_has_a_limit(void **state)
{
	char *parent = malloc(PATH_SIZE_MAX + 1);
	struct entry e = {.name = span_of_string("x")};
	struct path path;

	(void)state;
	memset(parent, 'p', PATH_SIZE_MAX);
	e.parent = span_of(parent, PATH_SIZE_MAX - 2);
	assert_int_equal(entry_path(&e, &path), 0);
	assert_int_equal(path.size, PATH_SIZE_MAX);
	assert_int_equal(path.data[PATH_SIZE_MAX], '\0');
	e.parent = span_of(parent, PATH_SIZE_MAX - 1);
	assert_int_equal(entry_path(&e, &path), ERR_LIMIT);
	e.parent = span_of(parent, PATH_SIZE_MAX);
	assert_int_equal(entry_path(&e, &path), ERR_LIMIT);
	free(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_its_attributes),
		cmocka_unit_test(holes_take_no_blocks),
		cmocka_unit_test(what_is_no_file_has_its_own_size),
		cmocka_unit_test(devices_have_numbers),
		cmocka_unit_test(an_answer_holds_for_ever),
		cmocka_unit_test(a_path_begins_below_the_root),
		cmocka_unit_test(a_path_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
