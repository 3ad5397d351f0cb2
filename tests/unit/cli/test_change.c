/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/change.h"

static const struct entry file = {.type = ENTRY_FILE,
	.mode = 0644,
	.links = 1,
	.inode = 77,
	.size = 5,
	.has_content = true,
	.content = {{1}}};

static void is(const struct entry *before, const struct entry *after, const char *words)
{
	struct change c = change_of(before, after);
	char text[256];
	const char *part;

	snprintf(text, sizeof text, "%s:", change_kind_text(c.kind));
	while ((part = change_part_text(&c.parts)))
		snprintf(text + strlen(text), sizeof text - strlen(text), " %s", part);
	assert_string_equal(text, words);
}

static void test_kinds(void **state)
{
	struct entry other = file;

	(void)state;
	is(NULL, &file, "added:");
	is(&file, NULL, "removed:");
	other.type = ENTRY_FIFO;
	is(&file, &other, "type:");
	other = file;
	other.size = 6;
	other.mode = 0600;
	is(&file, &other, "content: size mode");
	other = file;
	other.content.bytes[0] = 2;
	is(&file, &other, "content: data");
	other = file;
	other.has_content = false;
	is(&file, &other, "content: data");
	other = file;
	other.uid = 3;
	other.mtime_nsec = 1;
	other.links = 2;
	is(&file, &other, "attributes: owner mtime links");
	other = file;
	other.xattrs = span_of_string("x");
	is(&file, &other, "attributes: xattrs");
}

static void test_parts_of_others(void **state)
{
	uint8_t one[EXTENT_RECORD_SIZE], two[EXTENT_RECORD_SIZE];
	struct extent e = {0, 5};
	struct entry link = {.type = ENTRY_SYMLINK, .target = span_of_string("a")};
	struct entry device = {.type = ENTRY_BLOCK, .major = 8};
	struct entry sparse = file, other = file, now;

	(void)state;
	now = link;
	now.target = span_of_string("b");
	is(&link, &now, "content: target");
	now = device;
	now.minor = 1;
	is(&device, &now, "content: device");
	extent_put(one, 0, &e);
	e.offset = 4096;
	extent_put(two, 0, &e);
	sparse.extent_count = other.extent_count = 1;
	sparse.extents = one;
	other.extents = two;
	is(&sparse, &other, "content: holes");
	is(&sparse, &file, "content: holes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_parts_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
