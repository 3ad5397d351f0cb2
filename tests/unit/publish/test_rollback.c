/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/reachable.h"
#include "publish/rollback.h"
#include "unit/store_history.h"
#include "util/clock.h"

static struct store_history h;

static int set_up(void **state)
{
	(void)state;
	store_history_init(&h);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_history_release(&h);
	return 0;
}

static int roll(uint64_t revision, const struct private_key *key, const char *message,
	struct rollback_result *out, struct trouble *t)
{
	struct rollback_options o = {
		.store = h.store, .revision = revision, .key = key, .message = message};

	*t = (struct trouble){0};
	return rollback(&o, out, t);
}

static uint64_t newest(void)
{
	struct bytes text = {0};
	struct manifest *m;
	uint64_t revision;

	assert_int_equal(store_read_manifest(h.store, &text, &m, NULL, NULL), 0);
	revision = m->revision;
	manifest_free(m);
	bytes_release(&text);
	return revision;
}

/* The store is as it was: no new manifest, and none that nobody names. */
static void refused(
	int want, uint64_t revision, const struct private_key *key, const char *words)
{
	struct rollback_result result;
	struct trouble t;
	uint64_t before = newest();
	char path[64];

	assert_int_equal(roll(revision, key, NULL, &result, &t), want);
	assert_int_equal(t.code, want);
	if (!strstr(t.text, words))
		fail_msg("no '%s' in: %s", words, t.text);
	assert_int_equal(newest(), before);
	snprintf(path, sizeof path, "store/revisions/%llu.json",
		(unsigned long long)before + 1);
	assert_int_not_equal(access(trees_path(h.directory, path), F_OK), 0);
}

static void test_comes_back(void **state)
{
	struct manifest *old = store_history_manifest(&h, 1), *new;
	struct rollback_result result;
	struct trouble t;

	(void)state;
	assert_int_equal(roll(1, h.key, NULL, &result, &t), 0);
	assert_int_equal(result.revision, 4);
	assert_false(result.unchanged);
	assert_true(result.blobs > OBJECT_LISTED_MAX);
	new = store_history_manifest(&h, 4);
	assert_true(digest_equal(&old->root, &new->root));
	assert_int_equal(memcmp(&old->totals, &new->totals, sizeof old->totals), 0);
	assert_int_equal(memcmp(&old->first, &new->first, sizeof old->first), 0);
	assert_string_equal(old->dataset, new->dataset);
	assert_string_equal(new->message, "Revision 1 again");
	assert_int_equal(newest(), 4);
	manifest_free(new);
	manifest_free(old);
	/* and is no new one then, but with a message */
	assert_int_equal(roll(1, h.key, NULL, &result, &t), 0);
	assert_true(result.unchanged);
	assert_int_equal(result.revision, 4);
	assert_int_equal(roll(1, h.key, "why", &result, &t), 0);
	assert_int_equal(result.revision, 5);
	/* what came before still does */
	assert_int_equal(roll(3, h.key, NULL, &result, &t), 0);
	assert_int_equal(result.revision, 6);
	/* and publishing goes on from there */
	trees_text(h.directory, "source/file-1", "more");
	assert_int_equal(store_history_publish(&h, h.key, false), 7);
}

/* A chunk that only revision 2 has: a delta. */
static int find_delta(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct digest *names = ctx;
	struct stored stored;
	int rc = store_find_blob(h.store, &blob->digest, &stored, t);

	if (rc || !stored.has_base)
		return rc;
	names[0] = blob->digest;
	names[1] = stored.base;
	return 42;
}

/* Moves a blob away, and back. */
static void test_blob_gone(void **state)
{
	struct manifest *m = store_history_manifest(&h, 2);
	struct rollback_result result;
	struct digest names[2];
	struct trouble t;
	char away[512];

	(void)state;
	assert_int_equal(reachable_each(h.store, m, find_delta, names, NULL), 42);
	snprintf(away, sizeof away, "%s", trees_path(h.directory, "away"));
	for (int i = 0; i < 2; i++) {
		char hex[DIGEST_HEX_SIZE];

		digest_to_hex(&names[i], hex);
		assert_int_equal(rename(store_history_blob(&h, &names[i]), away), 0);
		refused(ERR_ABSENT, 2, h.key, hex);
		assert_int_equal(rename(away, store_history_blob(&h, &names[i])), 0);
	}
	assert_int_equal(roll(2, h.key, NULL, &result, &t), 0);
	manifest_free(m);
}

static void test_blob_damaged(void **state)
{
	struct manifest *m = store_history_manifest(&h, 2);
	struct digest names[2];
	struct stat st;

	(void)state;
	assert_int_equal(reachable_each(h.store, m, find_delta, names, NULL), 42);
	assert_int_equal(stat(store_history_blob(&h, names), &st), 0);
	assert_int_equal(truncate(store_history_blob(&h, names), st.st_size - 1), 0);
	refused(ERR_CORRUPT, 2, h.key, "damaged");
	assert_int_equal(truncate(store_history_blob(&h, names), 0), 0);
	refused(ERR_CORRUPT, 2, h.key, "damaged");
	/* a page of the right length, with other bytes */
	manifest_free(m);
	m = store_history_manifest(&h, 1);
	{
		int fd = open(store_history_blob(&h, &m->root), O_RDWR);

		assert_int_equal(pwrite(fd, "\x55\xaa\x55", 3, 60), 3);
		close(fd);
	}
	refused(ERR_CORRUPT, 1, h.key, "");
	manifest_free(m);
}

static void test_no_such(void **state)
{
	(void)state;
	refused(ERR_ABSENT, 4, h.key, "its newest is 3");
	assert_int_equal(store_remove_revision(h.store, 2, NULL), 0);
	refused(ERR_ABSENT, 2, h.key, "any more");
}

/* Publishes once more, with an expiry. */
static void publish_expiring(int64_t expires)
{
	char *source = strdup(trees_path(h.directory, "source"));
	struct publish_options o = {.source = source,
		.store = trees_path(h.directory, "store"),
		.key = h.key,
		.expires = expires};
	struct publish_result result;
	struct trouble t = {0};

	store_close(h.store);
	h.store = NULL;
	if (publish(&o, &result, &t))
		fail_msg("%s", t.text);
	free(source);
	assert_int_equal(store_directory_open(trees_path(h.directory, "store"), STORE_WRITE,
				 &h.store, NULL),
		0);
}

/* It goes on, and does not make another revision of what is. */
static void test_expiry(void **state)
{
	int64_t expires = clock_realtime() / NS_PER_SECOND + 1000;
	struct rollback_result result;
	struct manifest *m;
	struct trouble t;

	(void)state;
	publish_expiring(expires);
	assert_int_equal(newest(), 4);
	assert_int_equal(roll(3, h.key, NULL, &result, &t), 0);
	assert_true(result.unchanged);
	assert_int_equal(roll(1, h.key, NULL, &result, &t), 0);
	m = store_history_manifest(&h, 5);
	assert_int_equal(m->expires, expires);
	manifest_free(m);
}

/* Revisions of before are by another key: the newest one vouches for them as long as each
 * leads to the next. */
static void test_other_key(void **state)
{
	struct private_key *other;
	struct rollback_result result;
	struct trouble t;

	(void)state;
	assert_int_equal(private_key_generate(&other), 0);
	refused(ERR_UNTRUSTED, 1, other, "another key");
	assert_int_equal(store_history_publish(&h, other, true), 4);
	refused(ERR_UNTRUSTED, 1, h.key, "another key");
	assert_int_equal(roll(1, other, NULL, &result, &t), 0);
	assert_int_equal(result.revision, 5);
	assert_int_equal(store_remove_revision(h.store, 3, NULL), 0);
	refused(ERR_UNTRUSTED, 2, other, "do not lead to it");
	private_key_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_blob_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_blob_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_such, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_expiry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_key, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
