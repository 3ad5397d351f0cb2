/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/entry_samples.h"
#include "unit/memory_pages.h"

#define COLUMNS                                                                            \
	"\"columns\":[\"name\",\"type\",\"mode\",\"uid\",\"gid\",\"mtime\",\"nsec\","      \
	"\"size\","                                                                        \
	"\"links\",\"inode\",\"content\",\"object\",\"offset\",\"extra\"]"
#define HEX8(x) x x x x x x x x
#define HEX32(x) HEX8(x) HEX8(x) HEX8(x) HEX8(x)
#define A "\"" HEX32("aa") "\""
#define B "\"" HEX32("bb") "\""
#define LEAF(objects, runs)                                                                \
	"{\"cairn\":\"leaf\"," COLUMNS ",\"objects\":[" objects "],\"runs\":[" runs "]}"
#define ROWS(rows) LEAF("", "[\"d\",[" rows "]]")
#define INNER(level, children)                                                             \
	"{\"cairn\":\"inner\",\"level\":" level                                            \
	",\"columns\":[\"page\",\"parent\",\"name\",\"entries\",\"bytes\"],\"children\":"  \
	"[" children "]}"

static void accept(const char *text)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	struct page page;
	int err = page_json_decode(span_of_string(text), &packed, &t);
	if (err != 0)
		fail_msg("%s\n  %d: %s", text, err, t.text);
	assert_int_equal(page_view(span_of_bytes(&packed), &page), 0);
	bytes_release(&packed);
}

/* Refused with ERR_CORRUPT; the trouble's text has `words`. */
static void refuse(const char *text, const char *words)
{
	struct bytes packed = {0};
	struct trouble t = {0};
	assert_int_equal(bytes_append(&packed, "kept", 4), 0);
	int err = page_json_decode(span_of_string(text), &packed, &t);
	if (err != ERR_CORRUPT || !strstr(t.text, words))
		fail_msg("%s\n  %d: %s\n  wanted: %s", text, err, t.text, words);
	assert_int_equal(packed.size, 4);
	assert_int_equal(
		page_json_decode(span_of_string(text), &packed, NULL), ERR_CORRUPT);
	bytes_release(&packed);
}

#define FIFO(name) "[\"" name "\",\"p\",420,0,0,0,0,0]"

static void test_accepted(void **state)
{
	(void)state;
	accept(ROWS(FIFO("a")));
	accept(ROWS("[\"a\",\"p\",420,0,0,-5,999999999,0,null,null,null,null,null,null]"));
	accept(LEAF("", "[\"\",[[\"\",\"d\",493,0,0,0,0,0]," FIFO("a") "]]"));
	accept(LEAF("", "[\"a\",[" FIFO("x") "]],[\"a/b\",[" FIFO("a") "]]"));
	accept(ROWS("[\"a\",\"f\",0,0,0,0,0,9223372036854775807]"));
	accept(ROWS(
		"[\"a\",\"f\",4095,4294967295,0,0,0,0,4294967295,9223372036854775807]"));
	accept(INNER("1", "[" A ",\"\",\"\",1,0]"));
	accept(INNER(
		"6", "[" A ",\"d\",\"n\",7,9223372036854775807],[" A ",\"d\",\"o\",7,0]"));
}

static void test_shape(void **state)
{
	(void)state;
	refuse("", "JSON");
	refuse("[]", "object");
	refuse("{}", "neither a leaf");
	refuse("{\"cairn\":\"other\"}", "neither a leaf");
	refuse("{\"cairn\":1}", "neither a leaf");
	refuse("{\"cairn\":\"leaf\"," COLUMNS ",\"objects\":[]}", "no runs");
	refuse("{\"cairn\":\"leaf\"," COLUMNS ",\"objects\":[],\"runs\":[],\"x\":1}",
		"member");
	refuse("{\"cairn\":\"leaf\"," COLUMNS ",\"objects\":{},\"runs\":[]}", "objects");
	refuse("{\"cairn\":\"leaf\",\"columns\":[],\"objects\":[],\"runs\":[]}", "columns");
	refuse("{\"cairn\":\"leaf\",\"columns\":{},\"objects\":[],\"runs\":[]}", "columns");
	refuse(LEAF("", ""), "runs");
	refuse(LEAF("", "1"), "\"parent\"");
	refuse(LEAF("", "[\"d\"]"), "\"parent\"");
	refuse(LEAF("", "[\"d\",[]]"), "\"parent\"");
	refuse(LEAF("", "[1,[" FIFO("a") "]]"), "\"parent\"");
	refuse(LEAF("", "[\"d\",[" FIFO("a") "],1]"), "\"parent\"");
	refuse(LEAF("", "[\"d\",[" FIFO("a") "]],[\"d\",[" FIFO("b") "]]"), "\"parent\"");
	refuse(LEAF("", "[\"d/\",[" FIFO("a") "]]"), "\"parent\"");
	refuse(LEAF("", "[\"../d\",[" FIFO("a") "]]"), "\"parent\"");
	refuse(LEAF("", "[\"e\",[" FIFO("a") "]],[\"d\",[" FIFO("b") "]]"), "\"parent\"");
	refuse(LEAF("", "[\"a!\",[" FIFO("a") "]],[\"a/b\",[" FIFO("b") "]]"),
		"\"parent\"");
	refuse(ROWS("1"), "\"row\"");
	refuse(ROWS("[]"), "\"name\"");
}

static void test_row_columns(void **state)
{
	(void)state;
	static const struct {
		const char *row, *column;
	} bad[] = {
		{"[\"\",\"p\",0,0,0,0,0,0]", "name"},
		{"[\"\",\"d\",0,0,0,0,0,0]", "name"},
		{"[\".\",\"p\",0,0,0,0,0,0]", "name"},
		{"[\"a/b\",\"p\",0,0,0,0,0,0]", "name"},
		{"[\"a\\u0000b\",\"p\",0,0,0,0,0,0]", ""},
		{"[null,\"p\",0,0,0,0,0,0]", "name"},
		{"[{\"base64\":\"YWJj\"},\"p\",0,0,0,0,0,0]", "name"},
		{"[\"0\",\"p\",0,0,0,0,0,0]", "name"}, /* before "1" */
		{"[\"1\",\"p\",0,0,0,0,0,0]", "name"}, /* twice */
		{"[\"a\"]", "type"},
		{"[\"a\",\"x\",0,0,0,0,0,0]", "type"},
		{"[\"a\",\"\",0,0,0,0,0,0]", "type"},
		{"[\"a\",\"pp\",0,0,0,0,0,0]", "type"},
		{"[\"a\",102,0,0,0,0,0,0]", "type"},
		{"[\"a\",\"p\",4096,0,0,0,0,0]", "mode"},
		{"[\"a\",\"p\",-1,0,0,0,0,0]", "mode"},
		{"[\"a\",\"p\",1.0,0,0,0,0,0]", "mode"},
		{"[\"a\",\"p\",null,0,0,0,0,0]", "mode"},
		{"[\"a\",\"p\",0,4294967296,0,0,0,0]", "uid"},
		{"[\"a\",\"p\",0,0,\"0\",0,0,0]", "gid"},
		{"[\"a\",\"p\",0,0,0,0.5,0,0]", "mtime"},
		{"[\"a\",\"p\",0,0,0,0,1000000000,0]", "nsec"},
		{"[\"a\",\"p\",0,0,0,0,-1,0]", "nsec"},
		{"[\"a\",\"p\",0,0,0,0,0]", "size"},
		{"[\"a\",\"p\",0,0,0,0,0,1]", "size"},
		{"[\"a\",\"d\",0,0,0,0,0,4096]", "size"},
		{"[\"a\",\"f\",0,0,0,0,0,-1]", "size"},
		{"[\"a\",\"p\",0,0,0,0,0,0,0]", "links"},
		{"[\"a\",\"p\",0,0,0,0,0,0,4294967296]", "links"},
		{"[\"a\",\"p\",0,0,0,0,0,0,null,1]", "inode"},
		{"[\"a\",\"p\",0,0,0,0,0,0,null,0]", "inode"},
		{"[\"a\",\"p\",0,0,0,0,0,0,null,-2]", "inode"},
		{"[\"a\",\"f\",0,0,0,0,0,0,null,null," A "]", "object"},
		{"[\"a\",\"f\",0,0,0,0,0,0,null,null,null,0]", "object"},
		{"[\"a\",\"f\",0,0,0,0,0,0,null,null,null,null,1]", "object"},
		{"[\"a\",\"p\",0,0,0,0,0,0,null,null,null,null,null,null,null]", "row"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[2000], words[60];
		snprintf(text, sizeof(text), ROWS(FIFO("1") ",%s"), bad[i].row);
		snprintf(words, sizeof(words), "row 1 breaks the format in column \"%s\"",
			bad[i].column);
		refuse(text, bad[i].column[0] ? words : "");
	}
}

static void test_extra(void **state)
{
	(void)state;
	static const struct {
		const char *type, *size, *extra, *column; /* NULL: good */
	} rows[] = {
		{"l", "1", "{\"target\":\"x\"}", NULL},
		{"l", "1", "{\"target\":{\"base64\":\"/w==\"}}", NULL},
		{"l", "1", "null", "extra"}, {"l", "2", "{\"target\":\"x\"}", "size"},
		{"l", "0", "{\"target\":\"\"}", "extra"},
		{"l", "1", "{\"target\":1}", "extra"},
		{"f", "0", "{\"target\":\"x\"}", "extra"},
		{"c", "0", "{\"device\":[0,0]}", NULL},
		{"b", "0", "{\"device\":[4294967295,4294967295]}", NULL},
		{"b", "0", "null", "extra"}, {"c", "0", "{\"device\":[0]}", "extra"},
		{"c", "0", "{\"device\":[0,4294967296]}", "extra"},
		{"c", "0", "{\"device\":[0,-1]}", "extra"},
		{"c", "0", "{\"device\":[0,1,2]}", "extra"},
		{"p", "0", "{\"device\":[0,0]}", "extra"}, {"p", "0", "{}", "extra"},
		{"p", "0", "[]", "extra"}, {"p", "0", "{\"other\":1}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"user.a\",\"x\"],[\"user.b\",\"\"]]}", NULL},
		{"p", "0", "{\"xattrs\":[[{\"base64\":\"/w==\"},{\"base64\":\"/w==\"}]]}",
			NULL},
		{"p", "0", "{\"xattrs\":[[{\"base64\":\"YQ==\"},\"x\"]]}", "extra"},
		{"p", "0", "{\"xattrs\":[]}", "extra"},
		{"p", "0", "{\"xattrs\":{}}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"\",\"x\"]]}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"user.a\"]]}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"user.a\",1]]}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"user.a\",\"x\"],[\"user.a\",\"y\"]]}", "extra"},
		{"p", "0", "{\"xattrs\":[[\"user.b\",\"x\"],[\"user.a\",\"y\"]]}", "extra"},
		{"f", "9", "{\"extents\":[[0,3]]}", "extra"}, /* data without an object */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[2000], words[60];
		snprintf(text, sizeof(text),
			ROWS("[\"a\",\"%s\",0,0,0,0,0,%s,null,null,null,null,null,%s]"),
			rows[i].type, rows[i].size, rows[i].extra);
		if (!rows[i].column) {
			accept(text);
			continue;
		}
		snprintf(words, sizeof(words), "in column \"%s\"", rows[i].column);
		refuse(text, words);
	}
}

#define FILE_ROW(name, size, content, object, offset, extra)                               \
	"[\"" name "\",\"f\",0,0,0,0,0," size ",null,null," content "," object "," offset  \
	"," extra "]"
#define FILE_A(size, object) FILE_ROW("a", size, "null", object, "null", "null")
#define FILE_B(size, object) FILE_ROW("b", size, B, object, "null", "null")
#define PAGE_A(objects, rows) LEAF(objects, "[\"d\",[" rows "]]")
#define OBJECT(digest, size, chunks) "[" digest "," size "," chunks "]"

static void test_objects(void **state)
{
	(void)state;
	const char *in_object = "in column \"object\"", *in_offset = "in column \"offset\"";
	accept(PAGE_A(OBJECT(A, "5", "null"), FILE_A("5", "0")));
	accept(PAGE_A(OBJECT(A, "5", B), FILE_A("5", "0")));
	accept(PAGE_A(OBJECT(A, "5", "null"), FILE_A("2", "0") "," FILE_B("3", "0")));
	accept(PAGE_A(
		OBJECT(A, "2097153", "[[" A ",2097152],[" B ",1]]"), FILE_A("7", "0")));
	refuse(PAGE_A(OBJECT(A, "2097153", "null"), FILE_A("7", "0")), in_object);
	refuse(PAGE_A(OBJECT(A, "0", "null"), FILE_A("0", "0")), "");
	refuse(PAGE_A(OBJECT(A, "5", "null"), FILE_A("6", "0")), in_offset);
	refuse(PAGE_A(OBJECT(A, "5", "null"), FILE_A("0", "0")), in_offset);
	refuse(PAGE_A(OBJECT(A, "5", "null"), FILE_ROW("a", "5", "null", "0", "1", "null")),
		in_offset);
	refuse(PAGE_A(OBJECT(A, "5", "null"),
		       FILE_ROW("a", "5", "null", "0", "9223372036854775807", "null")),
		in_offset);
	refuse(PAGE_A(OBJECT(A, "5", "null"), FILE_ROW("a", "5", "1", "0", "0", "null")),
		"in column \"content\"");
	refuse(PAGE_A(OBJECT(A, "5", "null"), FILE_A("5", "1")), in_object);
	refuse(PAGE_A(OBJECT(A, "5", "null"), FIFO("a")), "object 0 is used by no row");
	refuse(PAGE_A(OBJECT(A, "5", "null"), "[\"a\",\"d\",0,0,0,0,0,0,null,null,null,0]"),
		in_object);
	/* Not in the order of first use; one object twice. */
	refuse(PAGE_A(OBJECT(A, "5", "null") "," OBJECT(B, "5", "null"),
		       FILE_A("5", "1") "," FILE_B("5", "0")),
		in_object);
	refuse(PAGE_A(OBJECT(A, "5", "null") "," OBJECT(A, "5", "null"),
		       FILE_A("5", "0") "," FILE_B("5", "1")),
		in_object);
	refuse(PAGE_A(OBJECT(A, "5", "null") "," OBJECT(A, "6", "null"),
		       FILE_A("5", "0") "," FILE_B("5", "1")),
		in_object);
	static const char *const objects[] = {"1", "[]", OBJECT("1", "5", "null"),
		OBJECT(A, "-5", "null"), OBJECT(A, "5", "1"), OBJECT(A, "5", "[]"),
		OBJECT(A, "5", "\"xx\""), OBJECT(A, "5", "[[" A ",5]]"),
		OBJECT(A, "5", "[[" A ",2],[" A ",2097153]]"),
		OBJECT(A, "5", "[[" A ",2],[" A "]]"), OBJECT(A, "5", "null,null")};
	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		char text[2000];
		snprintf(text, sizeof(text), PAGE_A("%s", FILE_A("5", "0")), objects[i]);
		refuse(text, "object 0 breaks");
	}
	refuse(PAGE_A(OBJECT(A, "5", "[[" A ",2],[" A ",2]]"), FILE_A("4", "0")),
		in_object);
	refuse(PAGE_A(OBJECT(A, "5", "[[" A ",5],[" A ",0]]"), FILE_A("5", "0")),
		in_object);
}

static void test_extents(void **state)
{
	(void)state;
	static const struct {
		const char *extents;
		bool good;
	} lists[] = {
		{"[[0,5]]", true},
		{"[[3,2],[5,1],[8,2]]", true},
		{"[[0,1],[8,2]]", true},
		{"[]", false},
		{"{}", false},
		{"[[0]]", false},
		{"[[0,0]]", false},
		{"[[0,6]]", false}, /* over the object */
		{"[[9,2]]", false}, /* over the end */
		{"[[11,1]]", false},
		{"[[0,2],[1,1]]", false},
		{"[[5,1],[0,1]]", false},
		{"[[-1,2]]", false},
		{"[[0,9223372036854775807],[1,9223372036854775807]]", false},
		{"[[1,9223372036854775807]]", false},
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		char text[2000];
		snprintf(text, sizeof(text),
			PAGE_A(OBJECT(A, "5", "null"), FILE_ROW("a", "10", "null", "0",
							       "null", "{\"extents\":%s}")),
			lists[i].extents);
		if (lists[i].good)
			accept(text);
		else
			refuse(text, "");
	}
}

/* More runs than an entry holds: what names their list. */
static void test_extents_ref(void **state)
{
	static const struct {
		const char *ref;
		bool good;
	} refs[] = {
		{"[" B ",4097,5000]", true},
		{"[" B ",4097,4097]", true},
		{"[" B ",5000,5000]", true},
		{"[" B ",4096,5000]", false}, /* these are the entry's own */
		{"[" B ",0,5000]", false},
		{"[" B ",5001,5000]", false},	    /* an empty run */
		{"[" B ",4294967297,5000]", false}, /* over EXTENT_RUNS_MAX */
		{"[" B ",4097,5001]", false},	    /* over the object */
		{"[" B ",4097,0]", false},
		{"[" B ",4097,-1]", false},
		{"[" B ",4097,9223372036854775807]", false},
		{"[" B ",4097]", false},
		{"[" B ",4097,5000,1]", false},
		{"[\"xx\",4097,5000]", false},
		{"[null,4097,5000]", false},
		{B, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
		char text[2000];

		snprintf(text, sizeof text,
			PAGE_A(OBJECT(A, "5000", "null"),
				FILE_ROW("a", "10000", "null", "0", "null",
					"{\"extents\":%s}")),
			refs[i].ref);
		if (refs[i].good)
			accept(text);
		else
			refuse(text, "in column \"");
	}
	/* so many runs and holes do not fit into the file; nothing is without an object */
	refuse(PAGE_A(OBJECT(A, "5000", "null"),
		       FILE_ROW("a", "9095", "null", "0", "null",
			       "{\"extents\":[" B ",4097,5000]}")),
		"in column \"extra\"");
	refuse(PAGE_A("", FILE_ROW("a", "10000", "null", "null", "null",
				  "{\"extents\":[" B ",4097,5000]}")),
		"in column \"extra\"");
}

static void test_inner_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {"1", "[]", "[" A ",\"d\",\"n\",1]",
		"[" A ",\"d\",\"n\",1,1,1]", "[1,\"d\",\"n\",1,1]", "[" A ",1,\"n\",1,1]",
		"[" A ",\"d\",1,1,1]", "[" A ",\"d\",\"n\",0,1]",
		"[" A ",\"d\",\"n\",-1,1]", "[" A ",\"d\",\"n\",1,-1]",
		"[" A ",\"d\",\"\",1,1]", "[" A ",\"d/\",\"n\",1,1]",
		"[" A ",\"d\",\"a/b\",1,1]", "[" A ",\"b\",\"n\",1,1]",
		"[" A ",\"c\",\"c\",1,1]", /* the first again */
		"[" A ",\"\",\"\",1,1]"};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[2000];
		snprintf(text, sizeof(text), INNER("1", "[" A ",\"c\",\"c\",1,1],%s"),
			rows[i]);
		refuse(text, "row 1 breaks");
	}
	refuse(INNER("0", "[" A ",\"c\",\"c\",1,1]"), "level");
	refuse(INNER("7", "[" A ",\"c\",\"c\",1,1]"), "level");
	refuse(INNER("\"1\"", "[" A ",\"c\",\"c\",1,1]"), "level");
	refuse(INNER("1", ""), "children");
	refuse(INNER("1", "[" A ",\"a\",\"c\",9223372036854775807,1],"
			  "[" A ",\"b\",\"c\",1,1]"),
		"row 1 breaks");
	refuse("{\"cairn\":\"inner\",\"level\":1,\"columns\":[\"page\"],\"children\":[]}",
		"columns");
	refuse("{\"cairn\":\"inner\",\"columns\":[],\"children\":[]}", "level");
}

static void test_too_large(void **state)
{
	(void)state;
	struct bytes text = {0}, packed = {0};
	struct trouble t = {0};
	assert_int_equal(bytes_reserve(&text, PAGE_SIZE_MAX + 1), 0);
	memset(text.data, ' ', PAGE_SIZE_MAX + 1);
	text.size = PAGE_SIZE_MAX + 1;
	assert_int_equal(page_json_decode(span_of_bytes(&text), &packed, &t), ERR_LIMIT);

	bytes_clear(&text);
	assert_int_equal(bytes_append_string(&text, LEAF("", "[\"d\",[" FIFO("0"))), 0);
	text.size -= 2; /* "]}" */
	for (int i = 0; i <= PAGE_ROWS_MAX; i++) {
		char row[100];
		snprintf(row, sizeof(row), "," FIFO("a%04d"), i % 10000);
		assert_int_equal(bytes_append_string(&text, row), 0);
	}
	assert_int_equal(bytes_append_string(&text, "]]]}"), 0);
	assert_int_equal(page_json_decode(span_of_bytes(&text), &packed, &t), ERR_LIMIT);
	bytes_release(&text);
	bytes_release(&packed);
}

/* Decodes a copy of exactly the size; what it takes, it can also read. */
static int decode_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	struct bytes packed = {0};
	struct page page;
	assert_non_null(copy);
	memcpy(copy, data, size);
	int err = page_json_decode(span_of(copy, size), &packed, NULL);
	if (err == 0) {
		assert_int_equal(page_view(span_of_bytes(&packed), &page), 0);
		for (uint32_t i = 0; page.level == 0 && i < page.count; i++) {
			struct entry e;
			assert_int_equal(page_entry(&page, i, &e), 0);
			assert_int_equal(entry_check(&e, NULL), 0);
		}
	}
	bytes_release(&packed);
	free(copy);
	return err;
}

static void damage(struct span text, uint64_t seed)
{
	static const char letters[] = "\"[]{},:-0919nulltrfd\\ \xff";
	uint8_t *data = malloc(text.size);
	assert_non_null(data);
	memcpy(data, text.data, text.size);
	for (size_t size = 0; size < text.size; size++)
		assert_int_equal(decode_copy(data, size), ERR_CORRUPT);
	for (int round = 0; round < 2000; round++) {
		size_t at = sample_random(&seed) % text.size;
		uint8_t old = data[at];
		data[at] = (uint8_t)(round % 2 ? letters[sample_random(&seed) %
							 (sizeof(letters) - 1)]
					       : old ^ 1 << sample_random(&seed) % 8);
		decode_copy(data, text.size);
		data[at] = old;
	}
	assert_int_equal(decode_copy(data, text.size), 0);
	free(data);
}

static void test_damage(void **state)
{
	(void)state;
	struct samples *s = samples_new(21, 12);
	struct memory_pages m = {0};
	struct digest root;
	assert_int_equal(memory_pages_build(&m, s->entries, s->count, &root, NULL), 0);
	damage(span_of_bytes(&m.pages[0].text), 1);
	damage(span_of_string(
		       INNER("1", "[" A ",\"d\",\"n\",7,5],[" B ",\"d\",\"o\",7,0]")),
		2);
	memory_pages_release(&m);
	samples_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_row_columns),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_extents),
		cmocka_unit_test(test_extents_ref),
		cmocka_unit_test(test_inner_refused),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
