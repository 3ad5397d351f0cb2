/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "unit/object_samples.h"

/* Nothing else is taken for an object. */
static void assert_nothing_else(const char *prefix, char *name)
{
	struct object_id again;
	uint64_t instance;

	for (size_t i = 3; name[i]; i++) {
		char kept = name[i];

		name[i] = 'G';
		assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance),
			ERR_CORRUPT);
		name[i] = 0;
		/* Cut there, a layout is an instance. */
		if (i != 66 + 16)
			assert_int_equal(
				object_file_parse(prefix, name + 3, &again, &instance),
				ERR_CORRUPT);
		name[i] = kept;
	}
	assert_int_equal(object_file_parse("a", name + 3, &again, &instance), ERR_CORRUPT);
	assert_int_equal(object_file_parse("GG", name + 3, &again, &instance), ERR_CORRUPT);
}

static void test_object_names(void **state)
{
	struct object_id d = {.digest = digest_of("x", 1)}, again;
	char name[OBJECT_NAME_SIZE], prefix[3];
	uint64_t instance = 0;

	(void)state;
	object_file_name(&d, UINT64_C(0x0123456789abcdef), name);
	assert_int_equal(strlen(name), 2 + 1 + 62 + 1 + 16);
	assert_string_equal(name + 66, "0123456789abcdef");
	snprintf(prefix, sizeof prefix, "%.2s", name);
	assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance), 0);
	assert_true(object_id_equal(&d, &again));
	assert_true(instance == UINT64_C(0x0123456789abcdef));
	assert_nothing_else(prefix, name);
}

/* Two objects of one digest have a file each. */
static void test_names_of_lists(void **state)
{
	struct object_id a = sample_id(1), b = a, again;
	char name[OBJECT_NAME_SIZE], other[OBJECT_NAME_SIZE], prefix[3];
	uint64_t instance = 0;

	(void)state;
	b.layout.bytes[31] ^= 1;
	object_file_name(&a, 7, name);
	object_file_name(&b, 7, other);
	assert_string_not_equal(name, other);
	assert_memory_equal(name, other, 66);
	snprintf(prefix, sizeof prefix, "%.2s", name);
	assert_int_equal(object_file_parse(prefix, name + 3, &again, &instance), 0);
	assert_true(object_id_equal(&a, &again));
	assert_int_equal(instance, 7);
	assert_nothing_else(prefix, name);
	/* No list is not written as a list of zeros. */
	memset(name + 66, '0', 64);
	assert_int_equal(
		object_file_parse(prefix, name + 3, &again, &instance), ERR_CORRUPT);
}

static void test_objects(void **state)
{
	struct object_id d = {.digest = digest_of("x", 1)};
	struct directory dir;
	int fd;

	assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, NULL), 0);
	assert_int_equal(object_file_open(&dir, &d, 5, 1000, &fd), ERR_ABSENT);
	assert_int_equal(object_file_create(&dir, &d, 5, 1000, &fd), 0);
	close(fd);
	assert_int_equal(object_file_create(&dir, &d, 5, 1000, &fd), ERR_EXISTS);
	assert_int_equal(object_file_open(&dir, &d, 5, 1001, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_open(&dir, &d, 5, 1000, &fd), 0);
	close(fd);
	assert_int_equal(object_file_remove(&dir, &d, 5), 0);
	assert_int_equal(object_file_remove(&dir, &d, 5), 0);
	directory_close(&dir);
}

static void test_links_are_not_followed(void **state)
{
	char name[OBJECT_NAME_SIZE], path[512], prefix[512];
	struct object_id d = {.digest = digest_of("y", 1)};
	struct directory dir;
	int fd;

	assert_int_equal(directory_open(&dir, *state, DEADLINE_NONE, NULL), 0);
	object_file_name(&d, 6, name);
	snprintf(prefix, sizeof prefix, "%s/objects/%.2s", (char *)*state, name);
	snprintf(path, sizeof path, "%s/objects/%s", (char *)*state, name);
	assert_int_equal(mkdir(prefix, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(object_file_open(&dir, &d, 6, 1, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_create(&dir, &d, 6, 1, &fd), ERR_EXISTS);
	directory_close(&dir);
}

static void create(struct directory *d, unsigned number, uint64_t instance)
{
	struct object_id name = sample_id(number);
	int fd;

	assert_int_equal(object_file_create(d, &name, instance, 1000, &fd), 0);
	close(fd);
}

/* It takes no space before it is written. */
static void test_a_new_file_is_a_hole(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	struct stat st;
	int fd;

	assert_int_equal(object_file_create(d, &name, 1, 1 << 30, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 1 << 30);
	assert_true(st.st_blocks < 1000);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pwrite(fd, "x", 1, 5), 1);
	close(fd);
}

/* Nothing but a file of that size is opened, and nothing blocks. */
static void test_no_file_of_that_size(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	char *path = sample_file_path(d, 1, 1);
	uint64_t file = 1;
	int fd = -1;

	create(d, 1, 1);
	assert_int_equal(truncate(path, 999), 0);
	assert_int_equal(object_file_open(d, &name, 1, 1000, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &fd), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(object_file_open(d, &name, 1, 0, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_lend(d, &name, 1, 0, file, &fd), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(object_file_open(d, &name, 1, 0, &fd), ERR_CORRUPT);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mknod(path, S_IFSOCK | 0600, 0), 0);
	assert_int_equal(object_file_open(d, &name, 1, 0, &fd), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(object_file_lend(d, &name, 1, 0, file, &fd), ERR_ABSENT);
	assert_int_equal(fd, -1);
	free(path);
}

/* Another file has another number, whatever its name is, and is not lent. */
static void test_numbers(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	char *one = sample_file_path(d, 1, 1), *two = sample_file_path(d, 1, 2);
	uint64_t file, other;
	int fd = -1;

	create(d, 1, 1);
	create(d, 1, 2);
	file = sample_file_number(d, 1, 1);
	other = sample_file_number(d, 1, 2);
	assert_true(file != other);
	assert_int_equal(truncate(one, 2000), 0);
	assert_int_equal(truncate(one, 1000), 0);
	assert_true(sample_file_number(d, 1, 1) == file);
	assert_int_equal(rename(two, one), 0);
	assert_true(sample_file_number(d, 1, 1) == other);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &fd), ERR_CORRUPT);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, other, &fd), 0);
	close(fd);
	free(one);
	free(two);
}

/* What is lent is not thrown out, and what is being thrown out is not lent. */
static void test_lent_or_locked(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	int one, two, locked = -2;
	uint64_t file;

	create(d, 1, 1);
	file = sample_file_number(d, 1, 1);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &one), 0);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &two), 0);
	assert_int_equal(object_file_lock(d, &name, 1, &locked), ERR_BUSY);
	close(one);
	assert_int_equal(object_file_lock(d, &name, 1, &locked), ERR_BUSY);
	assert_int_equal(locked, -2);
	close(two);
	assert_int_equal(object_file_lock(d, &name, 1, &locked), 0);
	assert_true(locked >= 0);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &one), ERR_ABSENT);
	assert_int_equal(object_file_lock(d, &name, 1, &two), ERR_BUSY);
	close(locked);
	assert_int_equal(object_file_lend(d, &name, 1, 1000, file, &one), 0);
	close(one);
}

/* Open without a loan, it may go: whoever has it open goes on. */
static void test_open_is_not_lent(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	int fd, locked;
	char byte = 0;

	assert_int_equal(object_file_create(d, &name, 1, 1000, &fd), 0);
	assert_int_equal(pwrite(fd, "x", 1, 500), 1);
	assert_int_equal(object_file_lock(d, &name, 1, &locked), 0);
	assert_int_equal(object_file_remove(d, &name, 1), 0);
	close(locked);
	assert_false(sample_has_file(d, 1, 1));
	assert_int_equal(pread(fd, &byte, 1, 500), 1);
	assert_int_equal(byte, 'x');
	close(fd);
}

static void test_a_lock_on_nothing(void **state)
{
	struct directory *d = *state;
	struct object_id name = sample_id(1);
	int fd = 5;

	assert_int_equal(object_file_lock(d, &name, 1, &fd), 0);
	assert_int_equal(fd, -1);
}

struct seen {
	unsigned count;
	uint64_t instances;
	int rc;
};

static int see(void *ctx, const struct object_id *id, uint64_t instance)
{
	struct seen *s = ctx;
	struct object_id expected = sample_id((unsigned)instance);

	s->count += object_id_equal(id, &expected);
	s->instances += instance;
	return s->rc;
}

static void test_each(void **state)
{
	struct directory *d = *state;
	struct seen s = {0};
	char *path;

	assert_int_equal(object_file_each(d, see, &s), 0);
	assert_int_equal(s.count, 0);
	for (unsigned i = 1; i <= 40; i++)
		create(d, i, i);
	/* What is no object's is left alone. */
	path = sample_file_path(d, 1, 1);
	strcpy(path + strlen(path) - 3, "xyz");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(object_file_each(d, see, &s), 0);
	assert_int_equal(s.count, 40);
	assert_int_equal(s.instances, 40 * 41 / 2);
	/* An error ends it, and is passed on. */
	s = (struct seen){.rc = ERR_LIMIT};
	assert_int_equal(object_file_each(d, see, &s), ERR_LIMIT);
	assert_int_equal(s.count, 1);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_names),
		cmocka_unit_test(test_names_of_lists),
		SAMPLE_TEST(test_objects),
		SAMPLE_TEST(test_links_are_not_followed),
		DIRECTORY_TEST(test_a_new_file_is_a_hole),
		DIRECTORY_TEST(test_no_file_of_that_size),
		DIRECTORY_TEST(test_numbers),
		DIRECTORY_TEST(test_lent_or_locked),
		DIRECTORY_TEST(test_open_is_not_lent),
		DIRECTORY_TEST(test_a_lock_on_nothing),
		DIRECTORY_TEST(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
