/* SPDX-License-Identifier: MIT */
/*
 * A store with three revisions, for tests of what looks at its history: the second has a
 * file changed, a delta then, and the third one less. There are a recipe, bundles, and
 * inner pages.
 */
#ifndef CAIRN_TESTS_STORE_HISTORY_H
#define CAIRN_TESTS_STORE_HISTORY_H

#include "publish/publish.h"
#include "publish/store_directory.h"
#include "unit/trees.h"

#define STORE_HISTORY_FILES 1500
#define STORE_HISTORY_LARGE (20u << 20) /* bytes: more chunks than a page lists */

struct store_history {
	char *directory; /* holds "source" and "store" */
	struct private_key *key;
	struct store *store; /* open for writing */
};

static inline uint64_t store_history_publish(
	struct store_history *h, const struct private_key *key, bool new_key)
{
	char *source = strdup(trees_path(h->directory, "source"));
	struct publish_options o = {.source = source,
		.store = trees_path(h->directory, "store"),
		.key = key,
		.new_key = new_key,
		.jobs = 2,
		.memory = 64 << 20};
	struct publish_result result;
	struct trouble t = {0};

	store_close(h->store);
	h->store = NULL;
	if (publish(&o, &result, &t))
		fail_msg("%s", t.text);
	free(source);
	if (store_directory_open(
		    trees_path(h->directory, "store"), STORE_WRITE, &h->store, &t))
		fail_msg("%s", t.text);
	return result.revision;
}

static inline void store_history_init(struct store_history *h)
{
	char name[64];

	*h = (struct store_history){.directory = trees_new()};
	assert_int_equal(private_key_generate(&h->key), 0);
	trees_directory(h->directory, "source");
	for (unsigned i = 0; i < STORE_HISTORY_FILES; i++) {
		snprintf(name, sizeof name, "source/file-%u", i);
		trees_fill(h->directory, name, i, 300);
	}
	trees_fill(h->directory, "source/large", 7, STORE_HISTORY_LARGE);
	assert_int_equal(store_history_publish(h, h->key, false), 1);
	trees_text(h->directory, "source/file-700", "changed");
	assert_int_equal(store_history_publish(h, h->key, false), 2);
	assert_int_equal(unlink(trees_path(h->directory, "source/file-3")), 0);
	assert_int_equal(store_history_publish(h, h->key, false), 3);
}

static inline void store_history_release(struct store_history *h)
{
	store_close(h->store);
	private_key_free(h->key);
	trees_remove(h->directory);
}

static inline struct manifest *store_history_manifest(
	struct store_history *h, uint64_t revision)
{
	struct bytes text = {0};
	struct manifest *m = NULL;
	struct trouble t = {0};

	if (store_read_revision(h->store, revision, &text, &m, &t))
		fail_msg("%s", t.text);
	bytes_release(&text);
	return m;
}

/* The path of a blob's file, in a buffer that the next call takes. */
static inline const char *store_history_blob(
	struct store_history *h, const struct digest *name)
{
	char path[BLOB_PATH_SIZE + 8] = "store/";

	blob_path(name, path + 6);
	return trees_path(h->directory, path);
}

#endif
