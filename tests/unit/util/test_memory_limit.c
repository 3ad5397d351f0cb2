/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/io.h"
#include "util/memory_limit.h"

static char directory[] = "/tmp/cairn-limit.XXXXXX";

/* A file below the directory; "@" in its text is the directory. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof full, "%s/%s", directory, path);
	*strrchr(full, '/') = '\0';
	assert_int_equal(io_make_directories(full, 0700), 0);
	full[strlen(full)] = '/';
	f = fopen(full, "w");
	assert_non_null(f);
	for (; *text; text++)
		if (*text == '@')
			fputs(directory, f);
		else
			fputc(*text, f);
	fclose(f);
}

static void check(uint64_t limit)
{
	assert_true(memory_limit(directory) == limit);
}

#define OTHERS                                                                             \
	"22 1 0:20 / /proc rw,relatime shared:3 - proc proc rw\n"                          \
	"31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
#define UNIFIED "24 22 0:22 / @/v2 rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

static void test_no_groups(void **state)
{
	(void)state;
	assert_true(memory_limit("/nowhere/at/all") == UINT64_MAX);
	put("cgroup", "");
	check(UINT64_MAX);
	put("mountinfo", OTHERS UNIFIED);
	check(UINT64_MAX);
}

static void test_version_2(void **state)
{
	(void)state;
	put("mountinfo", OTHERS UNIFIED);
	put("cgroup", "0::/a/b\n");
	check(UINT64_MAX);
	put("v2/a/b/memory.max", "max\n");
	check(UINT64_MAX);
	put("v2/a/b/memory.max", "33554432\n");
	check(33554432);
	put("v2/a/b/memory.high", "20000000\n");
	check(20000000);
	/* What holds it is a limit, too. */
	put("v2/a/memory.max", "16777216\n");
	check(16777216);
	put("v2/memory.max", "4096\n");
	check(4096);
	put("v2/memory.max", "max\n");
	check(16777216);
	/* A group of its own for a namespace. */
	put("v2/memory.max", "8388608\n");
	put("cgroup", "0::/\n");
	check(8388608);
	put("cgroup", "0::/../../b\n");
	check(8388608);
}

static void test_version_1(void **state)
{
	(void)state;
	put("mountinfo", OTHERS
		"34 30 0:31 / @/v1 rw,relatime - cgroup cgroup rw,cpu,memory\n" UNIFIED);
	put("v2/memory.max", "max\n");
	put("cgroup", "9:name=systemd:/x\n4:cpu,memory:/docker/1234\n3:cpuset:/y\n0::/\n");
	put("v1/docker/1234/memory.limit_in_bytes", "9223372036854771712\n");
	check(UINT64_MAX);
	put("v1/docker/1234/memory.limit_in_bytes", "50000000\n");
	check(50000000);
	/* From within a container: the mount's root is the group. */
	put("mountinfo", "34 30 0:31 /docker/1234 @/v1/docker/1234 ro - cgroup cgroup "
			 "rw,cpu,memory\n");
	check(50000000);
	put("mountinfo", "34 30 0:31 /docker/12 @/v1/docker/1234 ro - cgroup cgroup "
			 "rw,memory\n");
	check(50000000);
}

static void test_nonsense_is_no_limit(void **state)
{
	static const char *const values[] = {"", "\n", "0\n", "-1\n", "12 34\n", "0x20\n",
		" 5\n", "99999999999999999999999\n", "1e9\n", "MAX"};
	static const char *const groups[] = {"4\n", "4:memory\n", ":::\n", "4:mem:/g\n",
		"x:memory:/g\n", "\n\n\n", "0:", "0::"};
	char *line = malloc(20001);

	(void)state;
	put("mountinfo", "34 30 0:31 / @/v3 rw - cgroup cgroup rw,memory\n");
	put("cgroup", "4:memory:/g");
	put("v3/g/memory.limit_in_bytes", "7000000");
	check(7000000);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		put("v3/g/memory.limit_in_bytes", values[i]);
		check(UINT64_MAX);
	}
	put("v3/g/memory.limit_in_bytes", "7000000");
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		put("cgroup", groups[i]);
		check(UINT64_MAX);
	}
	put("cgroup", "4:memory:/g");
	put("mountinfo", "34 30 0:31 / @/v3 rw\n - \n\n34 - cgroup\n - cgroup cgroup\n");
	check(UINT64_MAX);
	assert_non_null(line);
	memset(line, 'a', 20000);
	line[20000] = '\0';
	put("mountinfo", line);
	check(UINT64_MAX);
	memcpy(line, "4:memory:/", 10);
	put("cgroup", line);
	put("mountinfo", "34 30 0:31 / @/v3 rw - cgroup cgroup rw,memory\n");
	check(UINT64_MAX);
	free(line);
}

/* Whatever they are, they can be read. */
static void test_of_this_process(void **state)
{
	(void)state;
	assert_true(memory_limit(MEMORY_LIMIT_PROC) > 0);
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", directory);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_groups),
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_nonsense_is_no_limit),
		cmocka_unit_test(test_of_this_process),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
