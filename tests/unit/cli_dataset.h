/* SPDX-License-Identifier: MIT */
/*
 * A directory published into a store, and a reader opened on it with a cache of its own,
 * for tests of cli/. Nothing of the user's is read or written.
 */
#ifndef CAIRN_TESTS_CLI_DATASET_H
#define CAIRN_TESTS_CLI_DATASET_H

#include "cli/reader.h"
#include "publish/publish.h"
#include "trees.h"

struct cli_dataset {
	char *directory; /* holds "source", "store", "cache", "config" */
	struct reader_options options;
	struct reader reader;
	struct trouble trouble;
	char store[512], cache[512];
};

/* A directory for the test's files; fill "source", then publish. */
static inline void cli_dataset_init(struct cli_dataset *d)
{
	memset(d, 0, sizeof *d);
	d->directory = trees_new();
	snprintf(d->store, sizeof d->store, "%s/store", d->directory);
	snprintf(d->cache, sizeof d->cache, "%s/cache", d->directory);
	setenv("XDG_CONFIG_HOME", trees_path(d->directory, "config"), 1);
	setenv("XDG_CACHE_HOME", d->cache, 1);
	trees_directory(d->directory, "source");
}

static inline void cli_dataset_publish(struct cli_dataset *d)
{
	struct publish_result result;
	struct private_key *key;
	struct publish_options o = {.source = trees_path(d->directory, "source"),
		.store = d->store,
		.name = "tested",
		.jobs = 2,
		.memory = 64 << 20};

	assert_int_equal(private_key_generate(&key), 0);
	o.key = key;
	if (publish(&o, &result, &d->trouble))
		fail_msg("%s", d->trouble.text);
	private_key_free(key);
}

static inline void cli_dataset_open(struct cli_dataset *d)
{
	reader_options_init(&d->options);
	d->options.floor = 0;
	d->options.cache = d->cache;
	d->options.dataset.url = d->store;
	d->options.dataset.deadline_ns = INT64_C(20000000000);
	if (reader_open(
		    &d->reader, &d->options, log_new_stderr(LOG_LEVEL_ERROR), &d->trouble))
		fail_msg("%s", d->trouble.text);
}

static inline void cli_dataset_release(struct cli_dataset *d)
{
	if (d->reader.cache)
		reader_close(&d->reader);
	reader_options_release(&d->options);
	trees_remove(d->directory);
	memset(d, 0, sizeof *d);
}

/* All blobs but those that are in the cache are gone. */
static inline void cli_dataset_lose_blobs(struct cli_dataset *d)
{
	char blobs[1024], lost[1024];

	snprintf(blobs, sizeof blobs, "%s/blobs", d->store);
	snprintf(lost, sizeof lost, "%s/lost", d->directory);
	assert_int_equal(rename(blobs, lost), 0);
}

#endif
