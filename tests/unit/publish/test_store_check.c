/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/publish.h"
#include "publish/store_check.h"
#include "publish/store_copy.h"
#include "publish/store_directory.h"
#include "publish/store_memory.h"
#include "unit/trees.h"

#define FILES 80

/* Two revisions of a small tree, the second with a delta; `source` has them, and each test
 * damages a copy. */
static char *directory;
static struct private_key *key;
static struct store *source, *copy;

/* What was found last, and of which kinds. */
static unsigned found[CHECK_UNREFERENCED + 1];
static char file_hit[256], path_hit[256];

static void publish_it(const char *tag)
{
	char *from = strdup(trees_path(directory, "source"));
	char *to = strdup(trees_path(directory, "store"));
	const char *const tags[] = {tag, NULL};
	struct publish_options o = {.source = from,
		.store = to,
		.key = key,
		.tags = tags,
		.tag_count = tag != NULL,
		.jobs = 2};
	struct publish_result r;
	struct trouble t = {0};

	if (publish(&o, &r, &t))
		fail_msg("%s", t.text);
	free(from);
	free(to);
}

static void copy_to(struct store *to)
{
	struct store_copy_options o = {.from = source, .to = to, .jobs = 2};
	struct store_copy_counts n;
	struct trouble t = {0};

	if (store_copy(&o, &n, &t))
		fail_msg("%s", t.text);
}

static int set_up(void **state)
{
	char name[64];
	struct trouble t = {0};

	(void)state;
	directory = trees_new();
	assert_int_equal(private_key_generate(&key), 0);
	trees_directory(directory, "source");
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "source/file-%u", i);
		trees_fill(directory, name, i, 2000);
	}
	trees_fill(directory, "source/large", 7, 1200u << 10);
	publish_it("first");
	trees_text(directory, "source/file-70", "changed");
	publish_it("second");
	if (store_directory_open(trees_path(directory, "store"), STORE_READ, &source, &t))
		fail_msg("%s", t.text);
	copy = store_memory_new();
	copy_to(copy);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(source);
	store_close(copy);
	private_key_free(key);
	trees_remove(directory);
	return 0;
}

static void note_finding(void *ctx, const struct check_finding *f)
{
	(void)ctx;
	found[f->about]++;
	assert_non_null(f->text);
	if (f->about == CHECK_FILE)
		snprintf(file_hit, sizeof file_hit, "%.*s", (int)f->name.size,
			(const char *)f->name.data);
	else
		snprintf(path_hit, sizeof path_hit, "%s", f->path);
}

static struct store_check_counts check(struct store_check_options o)
{
	struct store_check_counts n;
	struct trouble t = {0};

	memset(found, 0, sizeof found);
	file_hit[0] = path_hit[0] = '\0';
	o.store = copy;
	o.jobs = 2;
	o.say = note_finding;
	if (!o.memory)
		o.memory = 4u << 20;
	if (!o.repair)
		o.source = -1;
	if (store_check(&o, &n, &t))
		fail_msg("%s", t.text);
	return n;
}

static struct store_check_counts look(unsigned percent)
{
	return check((struct store_check_options){.percent = percent});
}

static void clean(void)
{
	struct store_check_counts n = look(100);

	if (n.rotten)
		fail_msg("%u are rotten, %s", (unsigned)n.rotten, path_hit);
	assert_int_equal(n.revisions, 2);
	assert_int_equal(n.tags, 2);
	assert_int_equal(n.files, 0);
	assert_int_equal(n.read, n.blobs);
}

static struct bytes read_path(const char *path)
{
	struct bytes data = {0};
	uint64_t asked = 0;

	assert_int_equal(
		copy->methods->read(copy, path, BLOB_SIZE_MAX, &asked, &data, NULL, NULL),
		0);
	return data;
}

enum damage { DAMAGE_FLIP, DAMAGE_CUT, DAMAGE_GONE, DAMAGE_KINDS };

static void damage(const char *path, enum damage how)
{
	struct bytes data = read_path(path);

	data.data[data.size - 6] ^= 0x10;
	if (how == DAMAGE_CUT)
		data.size -= 3;
	if (how == DAMAGE_GONE)
		assert_int_equal(copy->methods->remove(copy, path, NULL), 0);
	else
		assert_int_equal(
			store_memory_plant(copy, path, span_of_bytes(&data), 1), 0);
	bytes_release(&data);
}

static void test_clean(void **state)
{
	struct store_check_counts n;

	(void)state;
	clean();
	n = look(0);
	assert_int_equal(n.rotten + n.unreferenced, 0);
	assert_true(n.listed);
	assert_true(n.read < n.blobs);
	n = look(40);
	assert_int_equal(n.rotten, 0);
}

/* Each blob in turn; what it hits is said, and a mirror mends it. */
static void each_blob(struct store_check_options mend)
{
	struct store_listing *l;
	struct store_item item;
	unsigned turn = 0;

	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	for (; store_listing_next(l, &item, NULL) == 0; turn++) {
		enum damage how = turn % DAMAGE_KINDS;
		struct store_check_counts n;

		damage(item.path, how);
		n = look(how == DAMAGE_FLIP ? 100 : 0);
		assert_true(n.rotten > 0 && n.mended == 0);
		assert_true(n.files > 0);
		assert_true(found[CHECK_FILE] + found[CHECK_FILES] > 0);
		mend.percent = 100;
		n = check(mend);
		assert_int_equal(n.rotten, n.mended);
		assert_true(n.mended > 0);
		assert_int_equal(n.files, 0);
	}
	store_listing_close(l);
	clean();
	assert_true(turn > 6);
}

static void test_each_blob(void **state)
{
	struct store_check_options o = {.repair = true, .from = source, .source = -1};

	(void)state;
	each_blob(o);
}

/* The directory that was published has chunks, but no pages. */
static void test_rebuilt(void **state)
{
	struct store_check_options o = {.repair = true, .percent = 100};
	struct store_listing *l;
	struct store_item item;
	unsigned mended = 0, lost = 0;

	(void)state;
	o.source = open(trees_path(directory, "source"), O_RDONLY | O_DIRECTORY);
	assert_true(o.source >= 0);
	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	while (store_listing_next(l, &item, NULL) == 0) {
		struct bytes before = read_path(item.path);
		struct store_check_counts n;

		damage(item.path, DAMAGE_FLIP);
		n = check(o);
		mended += n.mended > 0;
		lost += n.mended < n.rotten;
		if (n.mended == n.rotten)
			clean();
		store_memory_plant(copy, item.path, span_of_bytes(&before), 1);
		bytes_release(&before);
	}
	store_listing_close(l);
	assert_true(mended > 2);
	assert_true(lost > 0); /* pages, and what the first revision had */
	close(o.source);
}

/* Other bytes than those that were published are not taken. */
static void test_not_rebuilt(void **state)
{
	struct store_check_options o = {.repair = true, .percent = 100};
	struct store_listing *l;
	struct store_item item;

	(void)state;
	trees_fill(directory, "source/large", 8, 1200u << 10);
	trees_fill(directory, "source/file-3", 9, 2000);
	o.source = open(trees_path(directory, "source"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	while (store_listing_next(l, &item, NULL) == 0) {
		struct bytes before = read_path(item.path);
		struct store_check_counts n;

		damage(item.path, DAMAGE_FLIP);
		n = check(o);
		assert_int_equal(n.mended, 0);
		assert_true(n.rotten > 0);
		store_memory_plant(copy, item.path, span_of_bytes(&before), 1);
		bytes_release(&before);
	}
	store_listing_close(l);
	close(o.source);
}

static void test_names_the_file(void **state)
{
	struct store_listing *l;
	struct store_item item;
	bool large = false;

	(void)state;
	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	while (store_listing_next(l, &item, NULL) == 0) {
		struct bytes before = read_path(item.path);

		damage(item.path, DAMAGE_CUT);
		(void)look(0);
		large |= strcmp(file_hit, "large") == 0 && found[CHECK_FILE] == 2;
		store_memory_plant(copy, item.path, span_of_bytes(&before), 1);
		bytes_release(&before);
	}
	store_listing_close(l);
	assert_true(large);
}

static void test_unreferenced(void **state)
{
	struct digest d = digest_of("spare", 5);
	struct blob_codec *codec = blob_codec_new();
	struct bytes stored = {0};
	struct store_check_counts n;

	(void)state;
	assert_int_equal(blob_encode(codec, span_of_string("spare"), 3, &stored), 0);
	assert_int_equal(store_write_blob(copy, &d, span_of_bytes(&stored), NULL), 0);
	n = look(0);
	assert_int_equal(n.rotten, 0);
	assert_int_equal(n.unreferenced, 1);
	assert_int_equal(n.unreferenced_bytes, stored.size);
	/* In parts, as with more blobs than memory. */
	n = check((struct store_check_options){.memory = 1024});
	assert_int_equal(n.rotten, 0);
	assert_true(n.listed);
	assert_int_equal(n.unreferenced, 1);
	bytes_release(&stored);
	blob_codec_free(codec);
}

static void edit(const char *path, const char *from, const char *to)
{
	struct bytes text = read_path(path);
	char *at;

	assert_int_equal(bytes_append(&text, "", 1), 0);
	at = strstr((char *)text.data, from);
	assert_non_null(at);
	memcpy(at, to, strlen(to));
	store_memory_plant(copy, path, span_of(text.data, text.size - 1), 1);
	bytes_release(&text);
}

/* A small file that was changed is no more what was signed. */
static void test_documents(void **state)
{
	static const char *const paths[] = {
		"manifest.json", "revisions/1.json", "revisions/2.json", "tags/first.json"};
	static const enum check_about kinds[] = {
		CHECK_MANIFEST, CHECK_REVISION, CHECK_REVISION, CHECK_TAG};
	struct store_check_options mend = {.repair = true, .from = source, .source = -1};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned how = 0; how < 2; how++) {
			struct store_check_counts n;

			if (how)
				assert_int_equal(
					copy->methods->remove(copy, paths[i], NULL), 0);
			else
				edit(paths[i], "\"created\":\"2", "\"created\":\"1");
			n = look(0);
			if (!how || i == 0)
				assert_true(n.rotten > 0 && found[kinds[i]] > 0);
			(void)check(mend);
			if (how && (i == 1 || i == 3))
				copy_to(copy); /* nothing tells that it was there */
			clean();
		}
}

static void test_other_key(void **state)
{
	struct store_check_options o = {.trust.count = 1};
	struct private_key *other;
	struct store_check_counts n;

	(void)state;
	o.trust.keys[0] = private_key_public(key);
	n = check(o);
	assert_int_equal(n.rotten, 0);
	assert_int_equal(private_key_generate(&other), 0);
	o.trust.keys[0] = private_key_public(other);
	n = check(o);
	assert_true(n.rotten > 2);
	private_key_free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_clean),
		TEST(test_each_blob),
		TEST(test_rebuilt),
		TEST(test_not_rebuilt),
		TEST(test_names_the_file),
		TEST(test_unreferenced),
		TEST(test_documents),
		TEST(test_other_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
