/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "publish/hardlinks.h"
#include "util/error.h"

#define GROUPS 5000
#define LARGE_MEMORY (64u << 20)
#define SMALL_MEMORY 4096 /* table and leaders are in files */

static uint32_t count(struct hardlinks *h, dev_t dev, ino_t ino)
{
	uint32_t names = 0;

	assert_int_equal(hardlinks_count(h, dev, ino, &names), 0);
	return names;
}

static void test_single_names_are_no_group(void **state)
{
	struct hardlinks *h = hardlinks_new("/tmp", LARGE_MEMORY);
	struct link_group g;

	(void)state;
	assert_int_equal(hardlinks_find(h, 1, 2, &g), ERR_ABSENT);
	assert_int_equal(count(h, 1, 2), 1);
	assert_int_equal(hardlinks_find(h, 1, 2, &g), ERR_ABSENT);
	assert_int_equal(count(h, 1, 2), 2);
	assert_int_equal(hardlinks_find(h, 1, 2, &g), 0);
	assert_int_equal(g.names, 2);
	assert_int_equal(hardlinks_find(h, 2, 2, &g), ERR_ABSENT);
	assert_int_equal(hardlinks_find(h, 1, 3, &g), ERR_ABSENT);
	hardlinks_free(h);
}

/* A name of the inode, with something of each kind that a leader may have. */
static struct item *make_item(const char *path, unsigned i)
{
	const char *slash = strrchr(path, '/');
	size_t parent = slash ? (size_t)(slash - path) : 0;
	struct item *item = item_new(span_of(path, parent),
		span_of_string(slash ? slash + 1 : path), path, strlen(path));
	struct entry *e = &item->entry;
	struct extent run = {i, 7};

	item->st.st_dev = 7 + i % 3;
	item->st.st_ino = (ino_t)i * 1024;
	item->st.st_mode = S_IFREG | 0644;
	item->st.st_size = i;
	e->type = ENTRY_FILE;
	e->mode = 0644;
	e->size = i;
	e->links = 3;
	e->mtime = 1000 + i;
	e->has_content = true;
	e->content = digest_of(&i, sizeof i);
	e->object = (struct object_ref){.digest = e->content, .size = 7};
	if (i % 2) {
		uint8_t list[2 * CHUNK_RECORD_SIZE];

		memset(list, (int)i, sizeof list);
		bytes_append(&item->list, list, sizeof list);
		e->object.form = OBJECT_LISTED;
		e->object.count = 2;
		e->object.list = item->list.data;
	}
	if (i % 3 == 0) {
		bytes_reserve(&item->extents, EXTENT_RECORD_SIZE);
		extent_put(item->extents.data, 0, &run);
		item->extents.size = EXTENT_RECORD_SIZE;
		e->extent_count = 1;
		e->extents = item->extents.data;
	}
	if (i % 5 == 0) {
		xattr_append(&item->xattrs, span_of_string("user.a"), span_of(&i, 4));
		e->xattrs = span_of_bytes(&item->xattrs);
	}
	return item;
}

static void lead(struct hardlinks *h, unsigned i)
{
	struct item *item = make_item("dir/leader", i);

	assert_int_equal(hardlinks_lead(h, item), 0);
	item_free(item);
}

/* The leader is gone from memory: the follower has all of it, but the name. */
static void follow(struct hardlinks *h, unsigned i)
{
	struct item *expected = make_item("dir/leader", i);
	struct item *item = item_new(span_of_string(""), span_of_string("x"), "x", 1);

	item->st = expected->st;
	assert_int_equal(hardlinks_follow(h, item), 0);
	assert_true(item->entry.inode != 0);
	assert_true(span_equal(item->entry.name, span_of_string("x")));
	assert_int_equal(item->entry.parent.size, 0);
	expected->entry.inode = item->entry.inode;
	expected->entry.parent = item->entry.parent;
	expected->entry.name = item->entry.name;
	assert_true(entry_same(&item->entry, &expected->entry));
	assert_true(object_equal(&item->entry.object, &expected->entry.object));
	item_free(expected);
	item_free(item);
}

static void many_groups(uint64_t memory)
{
	struct hardlinks *h = hardlinks_new("/tmp", memory);
	struct link_group g;

	for (unsigned pass = 0; pass < 3; pass++)
		for (unsigned i = 0; i < GROUPS; i++)
			assert_int_equal(count(h, 7 + i % 3, (ino_t)i * 1024), pass + 1);
	for (unsigned i = 0; i < GROUPS; i++) {
		assert_int_equal(hardlinks_find(h, 7 + i % 3, (ino_t)i * 1024, &g), 0);
		assert_int_equal(g.names, 3);
		assert_false(g.met);
		assert_int_equal(hardlinks_meet(h, &g), 0);
		assert_int_equal(hardlinks_find(h, 7 + i % 3, (ino_t)i * 1024, &g), 0);
		assert_true(g.met);
		if (i % 7)
			lead(h, i);
	}
	for (unsigned i = 1; i < GROUPS; i++)
		if (i % 7)
			follow(h, i);
	hardlinks_free(h);
}

static void test_many_groups_in_memory(void **state)
{
	(void)state;
	many_groups(LARGE_MEMORY);
}

static void test_many_groups_in_files(void **state)
{
	(void)state;
	many_groups(SMALL_MEMORY);
}

/* No leader, or a file that is another one by now: it has to be looked at again. */
static void test_whom_not_to_follow(void **state)
{
	struct hardlinks *h = hardlinks_new("/tmp", LARGE_MEMORY);
	struct item *item = make_item("x", 11);

	(void)state;
	assert_int_equal(hardlinks_follow(h, item), ERR_CHANGED);
	count(h, item->st.st_dev, item->st.st_ino);
	count(h, item->st.st_dev, item->st.st_ino);
	assert_int_equal(hardlinks_follow(h, item), ERR_CHANGED);
	lead(h, 11);
	assert_int_equal(hardlinks_follow(h, item), 0);
	item->st.st_size++;
	assert_int_equal(hardlinks_follow(h, item), ERR_CHANGED);
	item->st.st_size--;
	item->st.st_mode = S_IFIFO | 0644;
	assert_int_equal(hardlinks_follow(h, item), ERR_CHANGED);
	item->st.st_mode = S_IFREG | 0644;
	item->st.st_mtim.tv_nsec++;
	assert_int_equal(hardlinks_follow(h, item), ERR_CHANGED);
	item_free(item);
	hardlinks_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_names_are_no_group),
		cmocka_unit_test(test_many_groups_in_memory),
		cmocka_unit_test(test_many_groups_in_files),
		cmocka_unit_test(test_whom_not_to_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
