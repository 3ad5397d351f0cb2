/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "format/blob.h"
#include "format/entry.h"
#include "util/error.h"

static void test_chunk_list(void **state)
{
	(void)state;
	uint8_t list[1 + 3 * CHUNK_RECORD_SIZE];
	for (uint32_t i = 0; i < 3; i++) {
		struct chunk_ref chunk = {
			.digest = digest_of(&i, sizeof(i)), .size = 100 + i};
		chunk_list_put(list + 1, i, &chunk);
	}
	for (uint32_t i = 0; i < 3; i++) {
		struct digest want = digest_of(&i, sizeof(i));
		struct chunk_ref chunk = chunk_list_at(list + 1, i);
		assert_true(digest_equal(&chunk.digest, &want));
		assert_int_equal(chunk.size, 100 + i);
	}
}

/* Bytes [100,300) and [300,400) and [1000,1500) of 2000 are data, from 50 in the object. */
static struct entry sparse(uint8_t *records)
{
	static const struct extent runs[] = {{100, 200}, {300, 100}, {1000, 500}};
	for (uint32_t i = 0; i < 3; i++)
		extent_put(records, i, &runs[i]);
	return (struct entry){
		.type = ENTRY_FILE,
		.size = 2000,
		.links = 1,
		.has_content = true,
		.offset = 50,
		.object = {.size = 850, .form = OBJECT_SINGLE},
		.extent_count = 3,
		.extents = records,
	};
}

static void test_extents(void **state)
{
	(void)state;
	uint8_t records[1 + 3 * EXTENT_RECORD_SIZE];
	struct entry e = sparse(records + 1);
	struct extent x = extent_at(e.extents, 1);
	assert_int_equal(x.offset, 300);
	assert_int_equal(x.size, 100);
	x = extent_at(e.extents, 2);
	assert_int_equal(x.offset, 1000);
	assert_int_equal(x.size, 500);
	assert_int_equal(entry_data_size(&e), 800);
	assert_int_equal(entry_check(&e, NULL), 0);
}

static void check_piece(const struct entry *e, uint64_t offset, bool hole, uint64_t size,
	uint64_t object_offset)
{
	struct piece p = entry_map(e, offset);
	assert_int_equal(p.hole, hole);
	assert_int_equal(p.size, size);
	if (!hole)
		assert_int_equal(p.object_offset, object_offset);
}

static void test_map(void **state)
{
	(void)state;
	uint8_t records[3 * EXTENT_RECORD_SIZE];
	struct entry e = sparse(records);
	check_piece(&e, 0, true, 100, 0);
	check_piece(&e, 99, true, 1, 0);
	check_piece(&e, 100, false, 200, 50);
	check_piece(&e, 299, false, 1, 249);
	check_piece(&e, 300, false, 100, 250);
	check_piece(&e, 400, true, 600, 0);
	check_piece(&e, 1000, false, 500, 350);
	check_piece(&e, 1499, false, 1, 849);
	check_piece(&e, 1500, true, 500, 0);
	check_piece(&e, 1999, true, 1, 0);
	e = (struct entry){
		.type = ENTRY_FILE, .size = 10, .has_content = true, .offset = 7};
	check_piece(&e, 0, false, 10, 7);
	check_piece(&e, 9, false, 1, 16);
	e.has_content = false;
	check_piece(&e, 3, true, 7, 0);
}

static void check_seek(const struct entry *e, uint64_t offset, bool data, int64_t want)
{
	uint64_t got = 12345;
	int err = entry_seek(e, offset, data, &got);
	assert_int_equal(err, want < 0 ? ERR_ABSENT : 0);
	assert_int_equal(got, want < 0 ? 12345 : want);
}

static void test_seek(void **state)
{
	(void)state;
	uint8_t records[3 * EXTENT_RECORD_SIZE];
	struct entry e = sparse(records);
	check_seek(&e, 0, true, 100);
	check_seek(&e, 150, true, 150);
	check_seek(&e, 400, true, 1000);
	check_seek(&e, 1499, true, 1499);
	check_seek(&e, 1500, true, -1);
	check_seek(&e, 2000, true, -1);
	check_seek(&e, 0, false, 0);
	check_seek(&e, 100, false, 400); /* over two runs that touch */
	check_seek(&e, 350, false, 400);
	check_seek(&e, 500, false, 500);
	check_seek(&e, 1000, false, 1500);
	check_seek(&e, 1999, false, 1999);
	check_seek(&e, 2000, false, -1);
	e = (struct entry){.type = ENTRY_FILE, .size = 10, .has_content = true};
	check_seek(&e, 4, true, 4);
	check_seek(&e, 4, false, 10);
	e.has_content = false;
	check_seek(&e, 4, true, -1);
	check_seek(&e, 4, false, 4);
	e.size = 0;
	check_seek(&e, 0, true, -1);
	check_seek(&e, 0, false, -1);
}

static void test_st_mode(void **state)
{
	(void)state;
	static const struct {
		enum entry_type type;
		mode_t bits;
	} kinds[] = {{ENTRY_FILE, S_IFREG}, {ENTRY_DIRECTORY, S_IFDIR},
		{ENTRY_SYMLINK, S_IFLNK}, {ENTRY_CHARACTER, S_IFCHR},
		{ENTRY_BLOCK, S_IFBLK}, {ENTRY_FIFO, S_IFIFO}, {ENTRY_SOCKET, S_IFSOCK}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct entry e = {.type = kinds[i].type, .mode = 04751};
		assert_int_equal(entry_st_mode(&e), kinds[i].bits | 04751);
	}
}

static void test_xattrs(void **state)
{
	(void)state;
	struct bytes packed = {0};
	struct span value;
	struct xattr x;
	char big[XATTR_VALUE_SIZE_MAX + 1] = {0};
	assert_int_equal(
		xattr_append(&packed, span_of_string("user.a"), span_of("\0b", 2)), 0);
	assert_int_equal(
		xattr_append(&packed, span_of_string("user.b"), span_of("", 0)), 0);
	assert_int_equal(xattr_append(&packed, span_of_string("user.c"),
				 span_of(big, XATTR_VALUE_SIZE_MAX)),
		0);
	size_t before = packed.size;
	assert_int_equal(
		xattr_append(&packed, span_of_string("user.d"), span_of(big, sizeof(big))),
		ERR_LIMIT);
	assert_int_equal(xattr_append(&packed, span_of(big, XATTR_NAME_SIZE_MAX + 1),
				 span_of("", 0)),
		ERR_LIMIT);
	assert_int_equal(packed.size, before);

	struct span all = span_of_bytes(&packed);
	assert_true(xattr_find(all, span_of_string("user.a"), &value));
	assert_true(span_equal(value, span_of("\0b", 2)));
	assert_true(xattr_find(all, span_of_string("user.b"), &value));
	assert_int_equal(value.size, 0);
	assert_false(xattr_find(all, span_of_string("user."), &value));
	for (size_t size = 0; size < 40; size++) {
		size_t at = 0;
		while (xattr_next(span_of(packed.data, size), &at, &x))
			assert_true(x.value.data + x.value.size <= packed.data + size);
		assert_true(at <= size);
	}
	size_t at = all.size + 1;
	assert_false(xattr_next(all, &at, &x));
	bytes_release(&packed);
}

static struct entry good_file(void)
{
	return (struct entry){
		.type = ENTRY_FILE,
		.links = 1,
		.size = 10,
		.has_content = true,
		.object = {.size = 10},
	};
}

static void refuse(const struct entry *e, const char *want)
{
	const char *column = "nothing";
	assert_int_equal(entry_check(e, &column), ERR_CORRUPT);
	assert_string_equal(column, want);
}

#define REFUSE(base, change, column)                                                       \
	do {                                                                               \
		struct entry e = base;                                                     \
		change;                                                                    \
		refuse(&e, column);                                                        \
	} while (0)

static void test_check(void **state)
{
	(void)state;
	struct entry good = good_file();
	assert_int_equal(entry_check(&good, NULL), 0);
	REFUSE(good, e.type = 'x', "type");
	REFUSE(good, e.type = 0, "type");
	REFUSE(good, e.mode = 010000, "mode");
	REFUSE(good, e.mtime_nsec = 1000000000, "nsec");
	REFUSE(good, e.links = 0, "links");
	REFUSE(good, e.inode = 1, "inode");
	REFUSE(good, e.inode = (uint64_t)INT64_MAX + 1, "inode");
	REFUSE(good, e.target = span_of_string("x"), "extra");
	REFUSE(good, e.major = 1, "extra");
	REFUSE(good, e.minor = 1, "extra");
	REFUSE(good, e.size = ENTRY_SIZE_MAX + 1, "size");
	REFUSE(good, e.size = 0, "offset");
	REFUSE(good, e.size = 11, "offset");
	REFUSE(good, e.offset = 1, "offset");
	REFUSE(good, e.offset = UINT64_MAX, "offset");
	REFUSE(good, e.type = ENTRY_DIRECTORY, "size");
	REFUSE(good, (e.type = ENTRY_FIFO, e.size = 0), "object");
	struct entry hole = {.type = ENTRY_FILE, .links = 1, .size = ENTRY_SIZE_MAX};
	assert_int_equal(entry_check(&hole, NULL), 0);
}

static void test_check_symlink(void **state)
{
	(void)state;
	char text[LINK_TARGET_SIZE_MAX + 1];
	memset(text, 'x', sizeof(text));
	struct entry good = {.type = ENTRY_SYMLINK, .links = 1, .size = 3, .target = {0}};
	good.target = span_of(text, 3);
	assert_int_equal(entry_check(&good, NULL), 0);
	REFUSE(good, e.target.size = 0, "extra");
	REFUSE(good, e.size = 4, "size");
	REFUSE(good, e.target = span_of("a\0b", 3), "extra");
	REFUSE(good, (e.target.size = e.size = LINK_TARGET_SIZE_MAX + 1), "extra");
	good.target.size = good.size = LINK_TARGET_SIZE_MAX;
	assert_int_equal(entry_check(&good, NULL), 0);
}

static void test_check_extents(void **state)
{
	(void)state;
	uint8_t records[3 * EXTENT_RECORD_SIZE];
	struct entry good = sparse(records);
	assert_int_equal(entry_check(&good, NULL), 0);
	REFUSE(good, e.has_content = false, "extra");
	REFUSE(good, e.extent_count = EXTENT_COUNT_MAX + 1, "extra");
	REFUSE(good, e.size = 1499, "extra");
	REFUSE(good, e.object.size = 849, "offset");
	static const struct extent bad[][2] = {{{0, 0}, {5, 1}}, {{0, 5}, {4, 1}},
		{{10, 5}, {0, 5}}, {{0, UINT64_MAX}, {5, 1}}, {{0, 1}, {UINT64_MAX, 2}},
		{{0, 1}, {1500, 501}}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		good.extent_count = 2;
		extent_put(records, 0, &bad[i][0]);
		extent_put(records, 1, &bad[i][1]);
		REFUSE(good, (void)0, "extra");
	}
}

static void test_check_run_list(void **state)
{
	uint8_t records[3 * EXTENT_RECORD_SIZE];
	struct entry good = sparse(records);

	(void)state;
	good.run_list = (struct extents_ref){.count = 5000, .size = 6000};
	good.object.size = 10000;
	good.size = 10999;		/* with holes of a byte between them */
	REFUSE(good, (void)0, "extra"); /* and extents, too */
	good.extent_count = 0;
	assert_int_equal(entry_check(&good, NULL), 0);
	assert_int_equal(entry_data_size(&good), 6000);
	assert_int_equal(entry_run_count(&good), 5000);
	REFUSE(good, e.has_content = false, "extra");
	REFUSE(good, e.size = 10998, "extra");
	REFUSE(good, e.size = 5999, "extra");
	REFUSE(good, e.run_list.count = EXTENT_COUNT_MAX, "extra");
	REFUSE(good, e.run_list.count = EXTENT_RUNS_MAX + 1, "extra");
	REFUSE(good, e.run_list.size = 4999, "extra");
	REFUSE(good, e.object.size = e.offset + 5999, "offset");
	REFUSE(good, e.offset = UINT64_MAX, "offset");
}

static void put_xattr(struct bytes *packed, const char *name, size_t size)
{
	assert_int_equal(xattr_append(packed, span_of(name, size), span_of("v", 1)), 0);
}

static void test_check_xattrs(void **state)
{
	(void)state;
	struct entry good = good_file();
	struct bytes packed = {0};
	put_xattr(&packed, "b", 1);
	put_xattr(&packed, "ba", 2);
	good.xattrs = span_of_bytes(&packed);
	assert_int_equal(entry_check(&good, NULL), 0);
	REFUSE(good, e.xattrs.size--, "extra");
	static const struct span bad[] = {{(const uint8_t *)"ba", 2},
		{(const uint8_t *)"a", 1}, {(const uint8_t *)"c\0d", 3},
		{(const uint8_t *)"", 0}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t size = packed.size;
		put_xattr(&packed, (const char *)bad[i].data, bad[i].size);
		good.xattrs = span_of_bytes(&packed);
		REFUSE(good, (void)0, "extra");
		packed.size = size;
	}
	bytes_clear(&packed);
	for (int i = 0; i <= XATTR_COUNT_MAX; i++) {
		char name[] = {'n', (char)('a' + i / 100), (char)('a' + i / 10 % 10),
			(char)('a' + i % 10)};
		good.xattrs = span_of_bytes(&packed);
		assert_int_equal(entry_check(&good, NULL), 0);
		put_xattr(&packed, name, sizeof(name));
	}
	good.xattrs = span_of_bytes(&packed);
	REFUSE(good, (void)0, "extra");
	bytes_release(&packed);
}

static void test_object_check(void **state)
{
	(void)state;
	uint8_t list[(OBJECT_LISTED_MAX + 1) * CHUNK_RECORD_SIZE];
	for (uint32_t i = 0; i <= OBJECT_LISTED_MAX; i++) {
		struct chunk_ref chunk = {.size = 100};
		chunk_list_put(list, i, &chunk);
	}
	struct object_ref o = {.size = CHUNK_SIZE_MAX, .form = OBJECT_SINGLE};
	assert_int_equal(object_check(&o), 0);
	o.size = 0;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
	o.size = CHUNK_SIZE_MAX + 1;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
	o.form = OBJECT_RECIPE;
	assert_int_equal(object_check(&o), 0);
	o.size = ENTRY_SIZE_MAX + 1;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
	o = (struct object_ref){.form = OBJECT_LISTED, .list = list};
	for (o.count = 0; o.count <= OBJECT_LISTED_MAX + 1; o.count++) {
		bool good = o.count >= 2 && o.count <= OBJECT_LISTED_MAX;
		o.size = o.count * 100u;
		assert_int_equal(object_check(&o), good ? 0 : ERR_CORRUPT);
		o.size++;
		assert_int_equal(object_check(&o), ERR_CORRUPT);
	}
	o.count = 2;
	struct chunk_ref hostile = {.size = CHUNK_SIZE_MAX + 1};
	chunk_list_put(list, 1, &hostile);
	o.size = 100 + hostile.size;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
	hostile.size = 0;
	chunk_list_put(list, 1, &hostile);
	o.size = 100;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
	o.form = (enum object_form)3;
	assert_int_equal(object_check(&o), ERR_CORRUPT);
}

#define DIFFERS(change)                                                                    \
	do {                                                                               \
		struct entry b = a;                                                        \
		change;                                                                    \
		assert_false(entry_same(&a, &b));                                          \
		assert_false(entry_same(&b, &a));                                          \
	} while (0)

static void test_same(void **state)
{
	(void)state;
	uint8_t extents[2][EXTENT_RECORD_SIZE];
	extent_put(extents[0], 0, &(struct extent){0, 5});
	extent_put(extents[1], 0, &(struct extent){1, 5});
	struct entry a = {.type = ENTRY_FILE, .size = 10, .links = 1, .has_content = true};
	a.extents = extents[0];
	a.extent_count = 1;
	struct entry elsewhere = a;
	elsewhere.offset = 5;
	elsewhere.object.size = 7;
	assert_true(entry_same(&a, &elsewhere));
	DIFFERS(b.parent = span_of_string("x"));
	DIFFERS(b.name = span_of_string("x"));
	DIFFERS(b.type = ENTRY_FIFO);
	DIFFERS(b.mode = 1);
	DIFFERS(b.uid = 1);
	DIFFERS(b.gid = 1);
	DIFFERS(b.mtime = -1);
	DIFFERS(b.mtime_nsec = 1);
	DIFFERS(b.size = 11);
	DIFFERS(b.links = 2);
	DIFFERS(b.inode = 5);
	DIFFERS(b.major = 1);
	DIFFERS(b.minor = 1);
	DIFFERS(b.target = span_of_string("x"));
	DIFFERS(b.xattrs = span_of_string("x"));
	DIFFERS(b.has_content = false);
	DIFFERS(b.extent_count = 0);
	DIFFERS(b.extents = extents[1]);
	DIFFERS(b.content.bytes[31] = 1);
	a.extent_count = 0;
	a.run_list = (struct extents_ref){.count = 5000, .size = 6000};
	DIFFERS(b.run_list.count = 0);
	DIFFERS(b.run_list.size = 6001);
	DIFFERS(b.run_list.digest.bytes[0] = 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunk_list),
		cmocka_unit_test(test_extents),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_st_mode),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_symlink),
		cmocka_unit_test(test_check_extents),
		cmocka_unit_test(test_check_run_list),
		cmocka_unit_test(test_check_xattrs),
		cmocka_unit_test(test_object_check),
		cmocka_unit_test(test_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
