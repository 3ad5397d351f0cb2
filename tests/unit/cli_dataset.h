/* SPDX-License-Identifier: MIT */
/*
 * A directory published into a store, and a reader opened on it with a cache of its own,
 * for tests of cli/. Nothing of the user's is read or written.
 */
#ifndef CAIRN_TESTS_CLI_DATASET_H
#define CAIRN_TESTS_CLI_DATASET_H

#include "cli/reader.h"
#include "publish/publish.h"
#include "unit/trees.h"

struct cli_dataset {
	char *directory; /* holds "source", "store", "cache-1", "config", ... */
	struct reader_options options;
	struct reader reader;
	struct trouble trouble;
	char key[PUBLIC_KEY_TEXT_SIZE]; /* that signed it */
	char store[512], cache[512];
	unsigned caches;
	bool lost;
};

/* A directory for the test's files; fill "source", then publish. */
static inline void cli_dataset_init(struct cli_dataset *d)
{
	memset(d, 0, sizeof *d);
	d->directory = trees_new();
	snprintf(d->store, sizeof d->store, "%s/store", d->directory);
	setenv("XDG_CONFIG_HOME", trees_path(d->directory, "config"), 1);
	setenv("XDG_CACHE_HOME", trees_path(d->directory, "caches"), 1);
	trees_directory(d->directory, "source");
}

static inline void cli_dataset_publish(struct cli_dataset *d)
{
	struct publish_result result;
	struct private_key *key;
	struct public_key public;
	struct publish_options o = {.source = trees_path(d->directory, "source"),
		.store = d->store,
		.name = "tested",
		.jobs = 2,
		.memory = 64 << 20};

	assert_int_equal(private_key_generate(&key), 0);
	o.key = key;
	if (publish(&o, &result, &d->trouble))
		fail_msg("%s", d->trouble.text);
	public = private_key_public(key);
	public_key_to_text(&public, d->key);
	private_key_free(key);
}

/* With an empty cache. */
static inline void cli_dataset_open(struct cli_dataset *d)
{
	snprintf(d->cache, sizeof d->cache, "%s/cache-%u", d->directory, ++d->caches);
	reader_options_init(&d->options);
	d->options.set_floor = true;
	d->options.floor = 0;
	d->options.cache = d->cache;
	d->options.dataset.url = d->store;
	d->options.dataset.trust = d->key;
	d->options.dataset.deadline_ns = INT64_C(20000000000);
	if (reader_open(
		    &d->reader, &d->options, log_new_stderr(LOG_LEVEL_ERROR), &d->trouble))
		fail_msg("%s", d->trouble.text);
}

/* Where the blobs of the store are, and where they are not found. */
static inline void cli_dataset_move_blobs(struct cli_dataset *d, bool lose)
{
	char blobs[1024], lost[1024];

	snprintf(blobs, sizeof blobs, "%s/blobs", d->store);
	snprintf(lost, sizeof lost, "%s/lost", d->directory);
	assert_int_equal(lose ? rename(blobs, lost) : rename(lost, blobs), 0);
	d->lost = lose;
}

/* All blobs but those that are in the cache are gone, until it is closed. */
static inline void cli_dataset_lose_blobs(struct cli_dataset *d)
{
	cli_dataset_move_blobs(d, true);
}

static inline void cli_dataset_close(struct cli_dataset *d)
{
	if (d->reader.cache)
		reader_close(&d->reader);
	reader_options_release(&d->options);
	if (d->lost)
		cli_dataset_move_blobs(d, false);
}

static inline void cli_dataset_release(struct cli_dataset *d)
{
	trees_remove(d->directory);
	memset(d, 0, sizeof *d);
}

#endif
