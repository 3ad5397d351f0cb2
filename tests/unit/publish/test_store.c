/* SPDX-License-Identifier: MIT */
/*
 * The store as an interface: each test runs on a directory and on one in memory, and what
 * is read also over the network's fetcher.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/serve.h"
#include "publish/store_directory.h"
#include "publish/store_memory.h"
#include "publish/store_remote.h"
#include "unit/trees.h"
#include "util/clock.h"

#define NOISE_SIZE (300u << 10)

/* The store under test, by whichever of its kinds. */
struct tested {
	char *directory; /* a directory's; or NULL */
	struct store *store;
	struct store *reader; /* another way to the same store; or NULL */
	struct serve *server; /* of that way; or NULL */
};

static struct blob_codec *codec;

/* A directory, and how it is read from elsewhere: by the server, or a file:// URL. */
static int set_up_way(void **state, bool by_server)
{
	struct store_remote_options options = {.timeout = 60 * NS_PER_SECOND};
	struct serve_options serving = {.host = "127.0.0.1"};
	struct tested *d = calloc(1, sizeof *d);
	struct trouble t = {0};
	char *url;

	codec = blob_codec_new();
	d->directory = trees_new();
	if (store_directory_open(
		    trees_path(d->directory, "store"), STORE_MAKE, &d->store, &t))
		fail_msg("%s", t.text);
	serving.store = trees_path(d->directory, "store");
	if (by_server && serve_start(&serving, &d->server, &t))
		by_server = false; /* built without libmicrohttpd */
	assert_true(
		(by_server ? asprintf(&url, "http://127.0.0.1:%u", serve_port(d->server))
			   : asprintf(&url, "file://%s", serving.store)) > 0);
	if (store_remote_open(url, &options, &d->reader, &t))
		fail_msg("%s", t.text);
	free(url);
	*state = d;
	return 0;
}

static int set_up_directory(void **state)
{
	return set_up_way(state, false);
}

static int set_up_server(void **state)
{
	return set_up_way(state, true);
}

static int set_up_memory(void **state)
{
	struct tested *d = calloc(1, sizeof *d);

	codec = blob_codec_new();
	d->store = store_memory_new();
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	struct tested *d = *state;

	store_close(d->reader);
	serve_stop(d->server);
	store_close(d->store);
	if (d->directory)
		trees_remove(d->directory);
	free(d);
	blob_codec_free(codec);
	return 0;
}

/* Damages a blob as a disk would: behind the store's back. */
static void plant(struct tested *d, const struct digest *name, struct span data)
{
	char path[BLOB_PATH_SIZE + 8] = "store/";
	int fd;

	blob_path(name, path + 6);
	if (!d->directory) {
		assert_int_equal(store_memory_plant(d->store, path + 6, data, 1), 0);
		return;
	}
	fd = open(trees_path(d->directory, path), O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data.data, data.size), data.size);
	close(fd);
}

static struct digest put(struct store *s, struct span content)
{
	struct digest d = digest_of(content.data, content.size);
	struct bytes stored = {0};

	assert_int_equal(blob_encode(codec, content, 3, &stored), 0);
	assert_int_equal(store_write_blob(s, &d, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return d;
}

static struct digest put_delta(struct store *s, const char *content, const char *base)
{
	struct digest d = digest_of(content, strlen(content));
	struct digest b = digest_of(base, strlen(base));
	struct bytes stored = {0};

	assert_int_equal(blob_encode_delta(codec, span_of_string(content), &b,
				 span_of_string(base), 3, &stored),
		0);
	assert_int_equal(store_write_blob(s, &d, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return d;
}

static void reads_as(struct store *s, const struct digest *name, struct span content)
{
	struct bytes found = {0};
	struct stored stored;
	struct trouble t = {0};

	if (store_read_blob(s, codec, name, &found, &t))
		fail_msg("%s", t.text);
	assert_true(span_equal(span_of_bytes(&found), content));
	assert_int_equal(store_find_blob(s, name, &stored, &t), 0);
	assert_int_equal(stored.content, content.size);
	bytes_clear(&found);
	assert_int_equal(store_read_stored(s, name, &found, &t), 0);
	assert_int_equal(found.size, stored.size);
	bytes_release(&found);
}

static void test_blobs(void **state)
{
	struct tested *d = *state;
	uint8_t *noise = trees_noise(1, NOISE_SIZE);
	struct span contents[] = {
		span_of_string("hello"), span_of("", 0), span_of(noise, NOISE_SIZE)};
	struct digest absent = digest_of("absent", 6);
	struct bytes content = {0};
	struct stored found;

	assert_int_equal(store_find_blob(d->store, &absent, &found, NULL), ERR_ABSENT);
	assert_int_equal(
		store_read_blob(d->store, codec, &absent, &content, NULL), ERR_ABSENT);
	for (unsigned i = 0; i < 3; i++) {
		struct digest name = put(d->store, contents[i]);

		reads_as(d->store, &name, contents[i]);
		if (d->reader)
			reads_as(d->reader, &name, contents[i]);
		assert_int_equal(store_remove_blob(d->store, &name, NULL), 0);
		assert_int_equal(store_remove_blob(d->store, &name, NULL), ERR_ABSENT);
		assert_int_equal(
			store_find_blob(d->store, &name, &found, NULL), ERR_ABSENT);
	}
	assert_int_equal(store_sync(d->store, NULL), 0);
	bytes_release(&content);
	free(noise);
}

static void test_deltas(void **state)
{
	struct tested *t = *state;
	const char *first = "a base that is somewhat long, a base";
	const char *second = "a base that is somewhat longer, a base";
	struct digest base = put(t->store, span_of_string(first));
	struct digest d = put_delta(t->store, second, first);
	struct digest chain = put_delta(
		t->store, "a base that is somewhat longer, two", second);
	struct bytes content = {0};
	struct stored found;

	assert_int_equal(store_find_blob(t->store, &d, &found, NULL), 0);
	assert_true(found.has_base && digest_equal(&found.base, &base));
	reads_as(t->store, &d, span_of_string(second));
	if (t->reader)
		reads_as(t->reader, &d, span_of_string(second));
	/* a base is never a delta itself */
	assert_int_equal(
		store_read_blob(t->store, codec, &chain, &content, NULL), ERR_CORRUPT);
	assert_int_equal(store_remove_blob(t->store, &base, NULL), 0);
	assert_true(store_read_blob(t->store, codec, &d, &content, NULL) < 0);
	bytes_release(&content);
}

/* Neither found nor read; what was flipped within a block is read alone. */
static void damaged(struct tested *d, const struct digest *name, struct span data)
{
	struct bytes content = {0};
	struct stored found;
	struct trouble t = {0};

	plant(d, name, data);
	assert_int_equal(store_find_blob(d->store, name, &found, &t), ERR_CORRUPT);
	assert_int_equal(store_read_blob(d->store, codec, name, &content, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "blobs/"));
	if (d->reader)
		assert_int_equal(
			store_read_blob(d->reader, codec, name, &content, &t), ERR_CORRUPT);
	bytes_release(&content);
}

static void test_damaged_blobs(void **state)
{
	struct tested *d = *state;
	uint8_t *noise = trees_noise(2, NOISE_SIZE);
	struct digest name = put(d->store, span_of(noise, NOISE_SIZE));
	struct bytes stored = {0}, content = {0};
	struct stored found;

	assert_int_equal(store_read_stored(d->store, &name, &stored, NULL), 0);
	damaged(d, &name, span_of("", 0));
	damaged(d, &name, span_of("\0\0\0\0\0\0\0\0", 8));
	damaged(d, &name, span_of(stored.data, 3));
	damaged(d, &name, span_of(stored.data, 4096));
	damaged(d, &name, span_of(stored.data, stored.size - 1));
	memset(stored.data + 8192, 0, 4096); /* within a block */
	plant(d, &name, span_of_bytes(&stored));
	assert_int_equal(store_find_blob(d->store, &name, &found, NULL), 0);
	assert_int_equal(
		store_read_blob(d->store, codec, &name, &content, NULL), ERR_CORRUPT);
	assert_int_equal(bytes_append(&stored, "x", 1), 0);
	damaged(d, &name, span_of_bytes(&stored));
	name = put(d->store, span_of(noise, NOISE_SIZE));
	reads_as(d->store, &name, span_of(noise, NOISE_SIZE));
	bytes_release(&stored);
	bytes_release(&content);
	free(noise);
}

static void test_manifests(void **state)
{
	struct tested *d = *state;
	struct store_version seen, none = {""};
	struct bytes text = {0};
	struct manifest *m;
	struct trouble t = {0};

	assert_int_equal(store_read_manifest(d->store, &text, &m, &seen, &t), ERR_ABSENT);
	assert_string_equal(seen.text, "");
	assert_int_equal(
		store_write_manifest(d->store, 7, span_of_string("{\"no\":1}"), &seen, &t),
		0);
	assert_int_equal(store_read_manifest(d->store, &text, &m, &seen, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "manifest.json"));
	assert_true(store_read_revision(d->store, 7, &text, &m, &t) < 0);
	assert_int_equal(store_read_revision(d->store, 8, &text, &m, &t), ERR_ABSENT);
	/* somebody else has replaced it */
	assert_int_equal(store_write_manifest(d->store, 8, span_of_string("{}"), &none, &t),
		ERR_CHANGED);
	bytes_clear(&text);
	assert_int_equal(store_read_tag(d->store, "x", &text, &seen, &t), ERR_ABSENT);
	assert_int_equal(store_remove_revision(d->store, 7, &t), 0);
	assert_int_equal(store_remove_revision(d->store, 7, &t), ERR_ABSENT);
	bytes_release(&text);
}

static void test_conditions(void **state)
{
	struct tested *d = *state;
	struct store_version first, second, none = {""};
	struct bytes text = {0};
	struct trouble t = {0};

	assert_int_equal(store_write_tag(d->store, "../x", span_of_string("{}"), NULL, &t),
		ERR_INVALID);
	assert_int_equal(
		store_write_tag(d->store, "x", span_of_string("{1}"), &none, &t), 0);
	assert_int_equal(store_write_tag(d->store, "x", span_of_string("{2}"), &none, &t),
		ERR_CHANGED);
	assert_int_equal(store_read_tag(d->store, "x", &text, &first, &t), 0);
	assert_true(span_equal(span_of_bytes(&text), span_of_string("{1}")));
	assert_int_equal(
		store_write_tag(d->store, "x", span_of_string("{2}"), &first, &t), 0);
	assert_int_equal(store_write_tag(d->store, "x", span_of_string("{3}"), &first, &t),
		ERR_CHANGED);
	bytes_clear(&text);
	assert_int_equal(store_read_tag(d->store, "x", &text, &second, &t), 0);
	assert_true(span_equal(span_of_bytes(&text), span_of_string("{2}")));
	assert_string_not_equal(first.text, second.text);
	if (d->reader) {
		bytes_clear(&text);
		assert_int_equal(store_read_tag(d->reader, "x", &text, &second, &t), 0);
		assert_true(span_equal(span_of_bytes(&text), span_of_string("{2}")));
		assert_int_equal(store_remove_tag(d->reader, "x", &t), ERR_UNSUPPORTED);
	}
	assert_int_equal(store_remove_tag(d->store, "x", &t), 0);
	assert_int_equal(store_remove_tag(d->store, "x", &t), ERR_ABSENT);
	/* gone, and not to be replaced by who saw it */
	assert_int_equal(store_write_tag(d->store, "x", span_of_string("{3}"), &second, &t),
		ERR_CHANGED);
	bytes_release(&text);
}

/* The number of items below `prefix`; the sum of what they name goes to *sum. */
static unsigned list(struct store *s, const char *prefix, uint64_t *sum)
{
	struct store_listing *l;
	struct store_item item;
	struct trouble t = {0};
	unsigned count = 0;
	int rc;

	*sum = 0;
	if (store_list(s, prefix, &l, &t))
		fail_msg("%s", t.text);
	while (!(rc = store_listing_next(l, &item, &t))) {
		char tag[TAG_NAME_MAX + 1];
		struct digest d;
		uint64_t number = 0;

		assert_int_equal(strncmp(item.path, prefix, strlen(prefix)), 0);
		assert_true(store_path_is_blob(item.path, &d) ||
			    store_path_is_revision(item.path, &number) ||
			    store_path_is_tag(item.path, tag));
		assert_true(item.mtime > 0);
		*sum += number + item.size;
		count++;
	}
	assert_int_equal(rc, ERR_ABSENT);
	store_listing_close(l);
	return count;
}

static void test_listings(void **state)
{
	struct tested *d = *state;
	uint64_t sum, sizes = 0, with_byte = 0;
	struct store_listing *l;
	struct trouble t = {0};

	assert_int_equal(list(d->store, "blobs/", &sum), 0);
	for (unsigned i = 0; i < 600; i++) {
		struct digest name = put(d->store, span_of((uint8_t *)&i, sizeof i));
		struct stored found;

		assert_int_equal(store_find_blob(d->store, &name, &found, &t), 0);
		sizes += found.size;
		with_byte += name.bytes[0] == 0xab;
	}
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(
			store_write_manifest(d->store, i, span_of_string("{}"), NULL, &t),
			0);
	assert_int_equal(
		store_write_tag(d->store, "v1.0", span_of_string("{}"), NULL, &t), 0);
	assert_int_equal(list(d->store, "blobs/", &sum), 600);
	assert_int_equal(sum, sizes);
	assert_int_equal(list(d->store, "blobs/ab/", &sum), with_byte);
	assert_int_equal(list(d->store, "blobs/ab", &sum), with_byte);
	assert_int_equal(list(d->store, "revisions/", &sum), 3);
	assert_int_equal(sum, 1 + 2 + 3 + 3 * 2);
	assert_int_equal(list(d->store, "tags/", &sum), 1);
	if (d->reader) {
		assert_int_equal(store_list(d->reader, "tags/", &l, &t), ERR_UNSUPPORTED);
		assert_non_null(strstr(t.text, "cannot be listed"));
		assert_false(store_is_writable(d->reader));
	}
	assert_true(store_is_writable(d->store));
}

/* What is listed may go at once: gc does so. */
static void test_listing_while_removing(void **state)
{
	struct tested *d = *state;
	struct store_listing *l;
	struct store_item item;
	unsigned count = 0;
	uint64_t sum;

	for (unsigned i = 0; i < 100; i++)
		put(d->store, span_of((uint8_t *)&i, sizeof i));
	assert_int_equal(store_list(d->store, "blobs/", &l, NULL), 0);
	while (!store_listing_next(l, &item, NULL)) {
		struct digest name;

		assert_true(store_path_is_blob(item.path, &name));
		assert_int_equal(store_remove_blob(d->store, &name, NULL), 0);
		count++;
	}
	store_listing_close(l);
	assert_int_equal(count, 100);
	assert_int_equal(list(d->store, "blobs/", &sum), 0);
}

static void test_paths(void **state)
{
	struct digest d = digest_of("x", 1), found;
	char path[BLOB_PATH_SIZE], tag[TAG_NAME_MAX + 1];
	uint64_t revision;

	(void)state;
	blob_path(&d, path);
	assert_true(store_path_is_blob(path, &found) && digest_equal(&found, &d));
	path[10] = 'X';
	assert_false(store_path_is_blob(path, &found));
	assert_false(store_path_is_blob("blobs/", &found));
	assert_true(store_path_is_revision("revisions/17.json", &revision));
	assert_int_equal(revision, 17);
	assert_false(store_path_is_revision("revisions/07.json", &revision));
	assert_false(store_path_is_revision("revisions/.json", &revision));
	assert_false(store_path_is_revision("revisions/7.jso", &revision));
	assert_false(store_path_is_revision("revisions/99999999999999999.json", &revision));
	assert_false(store_path_is_revision("revisions/-1.json", &revision));
	assert_true(store_path_is_tag("tags/v1.0.json", tag));
	assert_string_equal(tag, "v1.0");
	assert_false(store_path_is_tag("tags/.hidden.json", tag));
	assert_false(store_path_is_tag("tags/a/b.json", tag));
}

/* What a server's answers tell of a blob without its being read: all of small ones, the
 * size and the head of others. */
static void test_looks_from_afar(void **state)
{
	struct tested *d = *state;
	uint8_t *noise = trees_noise(3, NOISE_SIZE);
	struct digest small = put(d->store, span_of(noise, 5000)), absent = small,
		      large = put(d->store, span_of(noise, NOISE_SIZE));
	struct bytes stored = {0};
	struct stored here, there;
	struct trouble t = {0};

	absent.bytes[0] ^= 1;
	assert_int_equal(store_find_blob(d->reader, &absent, &there, &t), ERR_ABSENT);
	assert_int_equal(store_find_blob(d->store, &large, &here, &t), 0);
	assert_int_equal(store_find_blob(d->reader, &large, &there, &t), 0);
	assert_int_equal(there.size, here.size);
	assert_int_equal(there.content, here.content);
	assert_int_equal(store_read_stored(d->store, &small, &stored, &t), 0);
	for (size_t size = 0; size < stored.size; size += size < 200 ? 50 : 1600) {
		plant(d, &small, span_of(stored.data, size));
		assert_int_equal(
			store_find_blob(d->reader, &small, &there, &t), ERR_CORRUPT);
	}
	plant(d, &small, span_of_bytes(&stored));
	assert_int_equal(store_find_blob(d->reader, &small, &there, &t), 0);
	assert_int_equal(there.size, stored.size);
	assert_int_equal(bytes_append(&stored, "x", 1), 0);
	plant(d, &small, span_of_bytes(&stored));
	assert_int_equal(store_find_blob(d->reader, &small, &there, &t), ERR_CORRUPT);
	bytes_release(&stored);
	free(noise);
}

#define BOTH(test)                                                                         \
	cmocka_unit_test_setup_teardown(test, set_up_directory, tear_down),                \
		cmocka_unit_test_setup_teardown(test, set_up_server, tear_down),           \
		cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_blobs),
		BOTH(test_deltas),
		BOTH(test_damaged_blobs),
		BOTH(test_manifests),
		BOTH(test_conditions),
		BOTH(test_listings),
		BOTH(test_listing_while_removing),
		cmocka_unit_test_setup_teardown(
			test_looks_from_afar, set_up_directory, tear_down),
		cmocka_unit_test_setup_teardown(
			test_looks_from_afar, set_up_server, tear_down),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
