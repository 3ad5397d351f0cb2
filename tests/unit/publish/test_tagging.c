/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/store_memory.h"
#include "publish/tagging.h"
#include "util/clock.h"

static struct store *store;
static struct private_key *key;

/* Three revisions; what they hold is nobody's business here. */
static int set_up(void **state)
{
	struct manifest m = {.name = (char *)(uintptr_t) "tested",
		.message = (char *)(uintptr_t) "",
		.created = 1000};

	(void)state;
	store = store_memory_new();
	assert_int_equal(private_key_generate(&key), 0);
	for (m.revision = 1; m.revision <= 3; m.revision++) {
		const struct private_key *keys[] = {key};
		struct bytes text = {0};

		assert_int_equal(manifest_encode(&m, keys, 1, &text), 0);
		assert_int_equal(store_write_manifest(store, m.revision,
					 span_of_bytes(&text), NULL, NULL),
			0);
		bytes_release(&text);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	private_key_free(key);
	return 0;
}

static bool set(const char *name, uint64_t revision)
{
	struct trouble t = {0};
	bool moved;

	if (tagging_set(store, name, &revision, key, &moved, &t))
		fail_msg("%s", t.text);
	return moved;
}

/* What the tag says; its time. */
static int64_t is_on(const char *name, uint64_t revision)
{
	struct public_key public = private_key_public(key);
	struct bytes text = {0};
	struct trouble t = {0};
	struct tag *tag;
	int64_t created;

	if (tagging_read(store, name, &text, &tag, NULL, &t))
		fail_msg("%s", t.text);
	assert_int_equal(tag->revision, revision);
	assert_string_equal(tag->name, "tested");
	assert_int_equal(tag_verify(span_of_bytes(&text), &public), 0);
	created = tag->created;
	tag_free(tag);
	bytes_release(&text);
	return created;
}

static void refused(int want, const char *name, uint64_t revision,
	const struct private_key *by, const char *words)
{
	struct trouble t = {0};
	bool moved;

	assert_int_equal(tagging_set(store, name, &revision, by, &moved, &t), want);
	if (!strstr(t.text, words))
		fail_msg("no '%s' in: %s", words, t.text);
}

/* Each time it moves it is later, though all of this happens within a second. */
static void test_moves(void **state)
{
	int64_t created, before = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_true(set("stable", (uint64_t)i % 3 + 1));
		created = is_on("stable", (uint64_t)i % 3 + 1);
		assert_true(created > before);
		before = created;
	}
	assert_false(set("stable", 1)); /* as it is */
	assert_int_equal(is_on("stable", 1), before);
	assert_true(set("stable", 0));
	is_on("stable", 3);
}

static struct bytes encode(const char *name, int64_t created)
{
	const struct private_key *keys[] = {key};
	struct tag tag = {
		.name = (char *)(uintptr_t) "tested", .revision = 1, .created = created};
	struct bytes text = {0};

	snprintf(tag.tag, sizeof tag.tag, "%s", name);
	assert_int_equal(tag_encode(&tag, keys, 1, &text), 0);
	return text;
}

/* A clock that was wrong once does not hold the tag for ever. */
static void test_time_of_the_future(void **state)
{
	int64_t future = clock_realtime() / NS_PER_SECOND + 1000000;
	struct bytes text = encode("t", future);

	(void)state;
	assert_int_equal(
		store_memory_plant(store, "tags/t.json", span_of_bytes(&text), 0), 0);
	assert_true(set("t", 2));
	assert_int_equal(is_on("t", 2), future + 1);
	bytes_release(&text);
}

static void test_damaged(void **state)
{
	struct bytes other = encode("other", 5), text = {0};
	struct trouble t = {0};
	struct tag *tag;

	(void)state;
	assert_int_equal(
		store_memory_plant(store, "tags/t.json", span_of_string("{}"), 0), 0);
	assert_int_equal(tagging_read(store, "t", &text, &tag, NULL, &t), ERR_CORRUPT);
	assert_true(set("t", 2));
	is_on("t", 2);
	assert_int_equal(
		store_memory_plant(store, "tags/t.json", span_of_bytes(&other), 0), 0);
	bytes_clear(&text);
	assert_int_equal(tagging_read(store, "t", &text, &tag, NULL, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "is the tag \"other\""));
	assert_true(set("t", 3));
	is_on("t", 3);
	bytes_release(&other);
	bytes_release(&text);
}

static void test_removed(void **state)
{
	struct trouble t = {0};

	(void)state;
	set("t", 1);
	assert_int_equal(tagging_remove(store, "t", &t), 0);
	assert_int_equal(tagging_remove(store, "t", &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, "no tag \"t\""));
	assert_int_equal(tagging_remove(store, "../t", &t), ERR_INVALID);
}

static void test_refused(void **state)
{
	struct private_key *other;

	(void)state;
	assert_int_equal(private_key_generate(&other), 0);
	refused(ERR_UNTRUSTED, "t", 1, other, "another key");
	refused(ERR_ABSENT, "t", 4, key, "its newest is 3");
	refused(ERR_INVALID, "", 1, key, "cannot be a tag");
	refused(ERR_INVALID, ".hidden", 1, key, "cannot be a tag");
	refused(ERR_INVALID, "a/b", 1, key, "cannot be a tag");
	assert_int_equal(store_remove_revision(store, 2, NULL), 0);
	refused(ERR_ABSENT, "t", 2, key, "no revision 2");
	private_key_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_moves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_of_the_future, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
