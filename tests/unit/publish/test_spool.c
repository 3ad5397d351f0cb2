/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/spool.h"
#include "unit/trees.h"
#include "util/error.h"

#define PART 1000
#define PARTS 50

static char *directory;

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

/* The same bytes come back, wherever they are. */
static void keep(uint64_t limit, bool in_file)
{
	struct spool s;
	uint8_t buffer[PART], *data = trees_noise(3, PART * PARTS);
	struct stat st;

	spool_init(&s, directory, limit);
	for (unsigned i = 0; i < PARTS; i++)
		assert_int_equal(spool_append(&s, data + i * PART, PART), 0);
	assert_int_equal(s.size, PART * PARTS);
	assert_int_equal(s.fd >= 0, in_file);
	assert_int_equal(s.memory == NULL, in_file);
	if (in_file) { /* it has no name, and takes no memory */
		assert_int_equal(fstat(s.fd, &st), 0);
		assert_int_equal(st.st_nlink, 0);
		assert_int_equal(s.capacity, 0);
	}
	assert_int_equal(spool_write(&s, 5 * PART, data, PART), 0);
	memcpy(data + 5 * PART, data, PART);
	for (unsigned i = 0; i < PARTS; i++) {
		assert_int_equal(spool_read(&s, i * PART, buffer, PART), 0);
		assert_memory_equal(buffer, data + i * PART, PART);
	}
	assert_int_equal(spool_grow(&s, s.size + PART), 0);
	assert_int_equal(spool_read(&s, PARTS * PART, buffer, PART), 0);
	for (unsigned i = 0; i < PART; i++)
		assert_int_equal(buffer[i], 0);
	spool_release(&s);
	assert_int_equal(s.size, 0);
	free(data);
}

static void test_in_memory(void **state)
{
	(void)state;
	keep(1 << 20, false);
}

static void test_in_a_file(void **state)
{
	(void)state;
	keep(0, true);
	keep(PART * PARTS / 2 + 7, true);
	keep(PART * PARTS - 1, true);
}

static void test_no_place_for_a_file(void **state)
{
	struct spool s;
	char byte = 1;

	(void)state;
	spool_init(&s, "/nowhere/at/all", 10);
	assert_int_equal(spool_grow(&s, 10), 0);
	assert_int_equal(spool_append(&s, &byte, 1), ERR_ABSENT);
	assert_int_equal(spool_grow(&s, 11), ERR_ABSENT);
	/* what was there is there */
	assert_int_equal(s.size, 10);
	assert_int_equal(spool_read(&s, 9, &byte, 1), 0);
	assert_int_equal(byte, 0);
	spool_release(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_in_memory),
		TEST(test_in_a_file),
		TEST(test_no_place_for_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
