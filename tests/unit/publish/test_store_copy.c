/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/publish.h"
#include "publish/reachable.h"
#include "publish/store_copy.h"
#include "publish/store_directory.h"
#include "publish/store_memory.h"
#include "publish/store_remote.h"
#include "unit/faulty_store.h"
#include "unit/trees.h"
#include "util/clock.h"

#define FILES 300

/* Two revisions of a small tree, the second with a delta, in "store" below `directory`. */
static char *directory;
static struct private_key *key;
static struct store *source;
static unsigned said;

static void publish_to(const char *store, const char *tag)
{
	char *from = strdup(trees_path(directory, "source"));
	char *to = strdup(trees_path(directory, store));
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

static struct store *open_directory(const char *name, enum store_access access)
{
	struct store *s;
	struct trouble t = {0};

	if (store_directory_open(trees_path(directory, name), access, &s, &t))
		fail_msg("%s", t.text);
	return s;
}

static int set_up(void **state)
{
	char name[64];

	(void)state;
	directory = trees_new();
	said = 0;
	assert_int_equal(private_key_generate(&key), 0);
	trees_directory(directory, "source");
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "source/file-%u", i);
		trees_fill(directory, name, i, 2000);
	}
	trees_fill(directory, "source/large", 7, 3u << 20);
	publish_to("store", "first");
	trees_text(directory, "source/file-70", "changed");
	publish_to("store", "second");
	source = open_directory("store", STORE_READ);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(source);
	private_key_free(key);
	trees_remove(directory);
	return 0;
}

static void count_said(void *ctx, const struct trouble *t)
{
	(void)ctx;
	assert_int_not_equal(t->code, 0);
	assert_true(t->text[0] != '\0');
	said++;
}

static int copy_with(struct store_copy_options o, struct store *from, struct store *to,
	struct store_copy_counts *counts)
{
	struct trouble t = {0};
	int rc;

	o.from = from;
	o.to = to;
	o.jobs = 3;
	o.say = count_said;
	rc = store_copy(&o, counts, &t);
	if (rc)
		assert_int_equal(t.code, rc);
	return rc;
}

static int copy(struct store *from, struct store *to, struct store_copy_counts *counts)
{
	return copy_with((struct store_copy_options){0}, from, to, counts);
}

static struct bytes read_path(struct store *s, const char *path)
{
	struct bytes text = {0};
	uint64_t asked = 0;

	if (s->methods->read(s, path, BLOB_SIZE_MAX, &asked, &text, NULL, NULL))
		bytes_append_string(&text, "absent");
	return text;
}

static void same_file(struct store *a, struct store *b, const char *path)
{
	struct bytes x = read_path(a, path), y = read_path(b, path);

	if (!span_equal(span_of_bytes(&x), span_of_bytes(&y)))
		fail_msg("%s differs", path);
	bytes_release(&x);
	bytes_release(&y);
}

/* All that `a` has, `b` has, byte for byte. */
static unsigned same_below(struct store *a, struct store *b, const char *prefix)
{
	struct store_listing *l;
	struct store_item item;
	unsigned count = 0;

	assert_int_equal(store_list(a, prefix, &l, NULL), 0);
	for (; store_listing_next(l, &item, NULL) == 0; count++)
		same_file(a, b, item.path);
	store_listing_close(l);
	return count;
}

static void same_stores(struct store *a, struct store *b)
{
	static const char *const prefixes[] = {"blobs/", "revisions/", "tags/"};

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			same_below(a, b, prefixes[i]), same_below(b, a, prefixes[i]));
	same_file(a, b, "manifest.json");
}

static struct blob_codec *codec;

static int read_reached(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct bytes content = {0};
	int rc = store_read_blob(ctx, codec, &blob->digest, &content, t);

	if (!rc && blob->size && blob->size != content.size)
		rc = trouble_set(t, ERR_CORRUPT, "another size");
	bytes_release(&content);
	return rc;
}

/* A revision that a store says it has is there, every byte of it. */
static unsigned whole_revisions(struct store *s)
{
	unsigned count = 0;

	codec = blob_codec_new();
	for (uint64_t n = 1; n < 10; n++) {
		struct bytes text = {0};
		struct manifest *m = NULL;
		struct trouble t = {0};

		if (store_read_revision(s, n, &text, &m, NULL) == 0) {
			if (reachable_each(s, m, read_reached, s, &t))
				fail_msg("revision %u: %s", (unsigned)n, t.text);
			count++;
		}
		manifest_free(m);
		bytes_release(&text);
	}
	blob_codec_free(codec);
	return count;
}

static uint64_t newest(struct store *s)
{
	struct bytes text = {0};
	struct manifest *m = NULL;
	uint64_t revision = 0;

	if (store_read_manifest(s, &text, &m, NULL, NULL) == 0)
		revision = m->revision;
	manifest_free(m);
	bytes_release(&text);
	return revision;
}

/* No blob in it is anything but what its name says, but for those with a base elsewhere. */
static void no_wrong_blob(struct store *s)
{
	struct store_listing *l;
	struct store_item item;
	struct digest d;
	struct bytes content = {0};

	codec = blob_codec_new();
	assert_int_equal(store_list(s, "blobs/", &l, NULL), 0);
	while (store_listing_next(l, &item, NULL) == 0) {
		assert_true(store_path_is_blob(item.path, &d));
		assert_int_equal(store_read_blob(s, codec, &d, &content, NULL), 0);
	}
	store_listing_close(l);
	bytes_release(&content);
	blob_codec_free(codec);
}

static void test_copies(void **state)
{
	struct store *to = store_memory_new(), *back = open_directory("back", STORE_MAKE);
	struct store_copy_counts n;

	(void)state;
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(n.revisions, 2);
	assert_int_equal(n.tags, 2);
	assert_int_equal(n.newest_to, 2);
	same_stores(source, to);
	assert_int_equal(whole_revisions(to), 2);
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(n.revisions + n.tags + n.blobs, 0);
	assert_int_equal(copy(to, back, &n), 0);
	same_stores(source, back);
	assert_int_equal(store_unsynced_since(back, &(int64_t){0}), ERR_ABSENT);
	assert_int_equal(said, 0);
	store_close(back);
	store_close(to);
}

/* Killed at every write, then once more: nothing half, nothing lost. */
static void test_killed_anywhere(void **state)
{
	struct store_copy_counts n;
	unsigned at = 0;
	int rc;

	(void)state;
	do {
		struct store *to = store_memory_new();
		struct faulty_store f;

		faulty_store_init(&f, to, at);
		at += getenv("CAIRN_QUICK") ? 5 : 1;
		rc = copy(source, &f.base, &n);
		assert_true(rc == 0 || rc == ERR_IO);
		assert_int_equal(newest(to), rc ? 0 : 2);
		(void)whole_revisions(to);
		no_wrong_blob(to);
		assert_int_equal(copy(source, to, &n), 0);
		same_stores(source, to);
		store_close(to);
	} while (rc);
	assert_true(at > 10);
}

static void test_follows(void **state)
{
	struct store *to = store_memory_new();
	struct store_copy_counts n;

	(void)state;
	assert_int_equal(copy(source, to, &n), 0);
	trees_text(directory, "source/new", "news");
	publish_to("store", "second");
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(n.revisions, 1);
	assert_int_equal(n.tags, 1);
	assert_true(n.blobs > 0 && n.blobs < 6);
	same_stores(source, to);
	store_close(to);
}

/* Over net/'s fetcher: what cannot be listed is asked for. */
static void test_server(void **state)
{
	struct store_remote_options options = {.timeout = 20 * NS_PER_SECOND};
	struct store *from, *to = store_memory_new();
	struct store_copy_options tagged = {.tags = {"first", "second"}, .tag_count = 2};
	struct store_copy_counts n;
	char *url;

	(void)state;
	assert_true(asprintf(&url, "file://%s", trees_path(directory, "store")) > 0);
	assert_int_equal(store_remote_open(url, &options, &from, NULL), 0);
	assert_int_equal(copy(from, to, &n), 0);
	assert_int_equal(n.revisions, 2);
	assert_int_equal(n.tags, 0);
	assert_int_equal(copy_with(tagged, from, to, &n), 0);
	assert_int_equal(n.tags, 2);
	same_stores(source, to);
	free(url);
	store_close(from);
	store_close(to);
}

static void test_chosen(void **state)
{
	struct store_copy_options one = {.revisions = {1}, .revision_count = 1};
	struct store_copy_options none = {.revisions = {7}, .revision_count = 1};
	struct store_copy_options second = {.tags = {"second"}, .tag_count = 1};
	struct store *to = store_memory_new();
	struct store_copy_counts n;

	(void)state;
	assert_int_equal(copy_with(none, source, to, &n), ERR_CORRUPT);
	assert_int_equal(n.left_out, 1);
	assert_int_equal(newest(to), 0);
	assert_int_equal(copy_with(one, source, to, &n), 0);
	assert_int_equal(newest(to), 1);
	assert_int_equal(whole_revisions(to), 1);
	assert_int_equal(copy_with(second, source, to, &n), 0);
	assert_int_equal(newest(to), 2);
	assert_int_equal(n.tags, 1);
	/* Not back to the first. */
	assert_int_equal(copy_with(one, source, to, &n), 0);
	assert_int_equal(newest(to), 2);
	store_close(to);
}

enum damage { DAMAGE_FLIP, DAMAGE_CUT, DAMAGE_OTHER, DAMAGE_KINDS };

static void damage_path(struct store *s, const char *path, enum damage how)
{
	struct bytes data = read_path(s, path), other = {0};

	assert_true(data.size > 8);
	if (how == DAMAGE_FLIP)
		data.data[data.size - 6] ^= 0x10;
	else if (how == DAMAGE_CUT)
		data.size -= 3;
	else {
		struct blob_codec *c = blob_codec_new();

		assert_int_equal(
			blob_encode(c, span_of_string("something else"), 3, &other), 0);
		blob_codec_free(c);
	}
	assert_int_equal(
		store_memory_plant(s, path, span_of_bytes(other.size ? &other : &data), 1),
		0);
	bytes_release(&data);
	bytes_release(&other);
}

/* Each blob of the source in turn is rotten, cut, or another than its name says. */
static void test_rotten_source(void **state)
{
	struct store_listing *l;
	struct store_item item;
	struct store_copy_counts n;
	unsigned turn = 0;

	(void)state;
	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	for (; store_listing_next(l, &item, NULL) == 0; turn++) {
		struct store *from = store_memory_new(), *to = store_memory_new();
		unsigned before = said;

		if (getenv("CAIRN_QUICK") && turn % 4 != turn / 4 % 4)
			goto next;
		assert_int_equal(copy(source, from, &n), 0);
		damage_path(from, item.path, turn % DAMAGE_KINDS);
		assert_int_equal(copy(from, to, &n), ERR_CORRUPT);
		assert_true(n.left_out > 0 && n.lacking > 0);
		assert_true(said > before);
		no_wrong_blob(to);
		assert_int_equal(whole_revisions(to), newest(to) ? 1 : 0);
		/* Once it is mended, the rest comes. */
		assert_int_equal(copy(source, to, &n), 0);
		same_below(source, to, "revisions/");
		assert_int_equal(whole_revisions(to), 2);
	next:
		store_close(from);
		store_close(to);
	}
	store_listing_close(l);
	assert_true(turn > 6);
}

/* What rots in the destination is found, at the latest when its data are read. */
static void test_rotten_destination(void **state)
{
	struct store_copy_options all = {.read_all = true};
	struct store *to = store_memory_new();
	struct store_copy_counts n;
	struct store_listing *l;
	struct store_item item;
	unsigned turn = 0;

	(void)state;
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(store_list(source, "blobs/", &l, NULL), 0);
	for (; store_listing_next(l, &item, NULL) == 0; turn++)
		if (turn % 2)
			damage_path(to, item.path, turn / 2 % DAMAGE_KINDS);
	store_listing_close(l);
	assert_int_equal(copy_with(all, source, to, &n), 0);
	assert_true(n.blobs >= turn / 2);
	assert_int_equal(n.revisions, 0);
	no_wrong_blob(to);
	assert_int_equal(whole_revisions(to), 2);
	store_close(to);
}

/* A manifest that was changed is nobody's. */
static void test_broken_signature(void **state)
{
	struct store *from = store_memory_new(), *to = store_memory_new();
	struct store_copy_counts n;
	struct bytes text;
	char *at;

	(void)state;
	assert_int_equal(copy(source, from, &n), 0);
	text = read_path(from, "manifest.json");
	assert_int_equal(bytes_append(&text, "", 1), 0);
	at = strstr((char *)text.data, "\"message\":\"");
	assert_non_null(at);
	at = strstr((char *)text.data, "\"created\":\"2");
	assert_non_null(at);
	at[strlen("\"created\":\"")] = '1';
	store_memory_plant(from, "manifest.json", span_of(text.data, text.size - 1), 1);
	assert_int_equal(copy(from, to, &n), ERR_UNTRUSTED);
	assert_int_equal(newest(to), 0);
	bytes_release(&text);
	store_close(from);
	store_close(to);
}

static void use_other_key(void)
{
	private_key_free(key);
	assert_int_equal(private_key_generate(&key), 0);
}

/* Another dataset, and this one signed by another key. */
static void test_other(void **state)
{
	struct store *other, *to = store_memory_new();
	struct store_copy_options replace = {.replace = true};
	struct store_copy_options trust = {.trust.count = 1};
	struct public_key first = private_key_public(key);
	struct store_copy_counts n;

	(void)state;
	use_other_key();
	publish_to("other", "first");
	other = open_directory("other", STORE_READ);
	trust.trust.keys[0] = first;
	assert_int_equal(copy_with(trust, other, to, &n), ERR_UNTRUSTED);
	assert_int_equal(copy_with(trust, source, to, &n), 0);
	assert_int_equal(newest(to), 2);
	assert_int_equal(copy(other, to, &n), ERR_INVALID);
	same_stores(source, to);
	/* It has one revision only: the destination does not go back to it. */
	assert_int_equal(copy_with(replace, other, to, &n), 0);
	assert_int_equal(newest(to), 2);
	store_close(to);
	to = store_memory_new();
	assert_int_equal(copy(other, to, &n), 0);
	assert_int_equal(copy(source, to, &n), ERR_INVALID);
	assert_int_equal(copy_with(replace, source, to, &n), 0);
	same_file(source, to, "manifest.json");
	store_close(other);
	store_close(to);
}

/* Two stores that were the same once, and went on apart. */
static void test_apart(void **state)
{
	struct store *fork, *to = store_memory_new();
	struct store_copy_counts n;

	(void)state;
	fork = open_directory("fork", STORE_MAKE);
	assert_int_equal(copy(source, fork, &n), 0);
	store_close(fork);
	trees_text(directory, "source/here", "here");
	publish_to("fork", NULL);
	trees_text(directory, "source/here", "there");
	publish_to("store", NULL);
	fork = open_directory("fork", STORE_READ);
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(newest(to), 3);
	assert_int_equal(copy(fork, to, &n), ERR_CORRUPT);
	assert_int_equal(n.left_out, 1);
	same_stores(source, to);
	store_close(fork);
	store_close(to);
}

/* An older mirror of the same does not set the destination back, tags neither. */
static void test_never_back(void **state)
{
	struct store *old = store_memory_new(), *to = store_memory_new();
	struct store_copy_counts n;

	(void)state;
	assert_int_equal(copy(source, old, &n), 0);
	trees_text(directory, "source/new", "news");
	publish_to("store", "second");
	assert_int_equal(copy(source, to, &n), 0);
	assert_int_equal(copy(old, to, &n), 0);
	assert_int_equal(n.revisions + n.tags + n.blobs, 0);
	assert_int_equal(n.newest_to, 3);
	same_stores(source, to);
	store_close(old);
	store_close(to);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_copies),
		TEST(test_killed_anywhere),
		TEST(test_follows),
		TEST(test_server),
		TEST(test_chosen),
		TEST(test_rotten_source),
		TEST(test_rotten_destination),
		TEST(test_broken_signature),
		TEST(test_other),
		TEST(test_apart),
		TEST(test_never_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
