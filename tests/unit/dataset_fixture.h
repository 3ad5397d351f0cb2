/* SPDX-License-Identifier: MIT */
/*
 * For tests of dataset/: a small store whose manifests and tags are written by hand, a
 * reader of it, and the dataset opened.
 */
#ifndef CAIRN_TESTS_DATASET_FIXTURE_H
#define CAIRN_TESTS_DATASET_FIXTURE_H

#include "unit/small_store.h"

#include "dataset/dataset.h"
#include "format/tag.h"

struct fixture {
	struct small_store store;
	struct small_reader reader;
	char known_keys[PATH_SIZE_MAX + 32];
	struct digest root;
	int64_t tag_created; /* of the next tag */
	struct dataset_options options;
	struct dataset *dataset;
	struct trouble t;
};

static inline void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	store_init(&f->store);
	reader_init(&f->reader, false);
	snprintf(
		f->known_keys, sizeof(f->known_keys), "%s/known_keys", f->reader.directory);
	f->root = store_tree(&f->store, 3);
	f->tag_created = 1700000000;
	f->options.url = f->store.url;
	f->options.known_keys = f->known_keys;
}

static inline void close_dataset(struct fixture *f)
{
	dataset_close(f->dataset);
	f->dataset = NULL;
}

static inline void teardown(struct fixture *f)
{
	close_dataset(f);
	reader_release(&f->reader);
	store_release(&f->store);
}

static inline struct manifest manifest_of(struct fixture *f, uint64_t revision)
{
	return (struct manifest){
		.name = (char *)"sample",
		.revision = revision,
		.created = 1700000000,
		.message = (char *)"",
		.root = f->root,
		.totals = {.entries = 4, .files = 3},
	};
}

/* Signs it and puts it where a revision belongs; `newest`: as manifest.json too. */
static inline void put_manifest(struct fixture *f, const struct manifest *m, bool newest)
{
	const struct private_key *keys[] = {f->store.key};
	struct bytes text = {0};
	char name[64];

	assert_int_equal(manifest_encode(m, keys, 1, &text), 0);
	snprintf(
		name, sizeof(name), "revisions/%llu.json", (unsigned long long)m->revision);
	store_write(&f->store, name, span_of_bytes(&text));
	if (newest)
		store_write(&f->store, "manifest.json", span_of_bytes(&text));
	bytes_release(&text);
}

static inline void put_revision(struct fixture *f, uint64_t revision)
{
	struct manifest m = manifest_of(f, revision);

	put_manifest(f, &m, true);
}

static inline void put_tag(struct fixture *f, const char *file, const char *tag,
	const char *name, uint64_t revision)
{
	const struct private_key *keys[] = {f->store.key};
	struct bytes text = {0};
	struct tag made = {
		.name = (char *)name, .revision = revision, .created = f->tag_created};
	char path[64];

	snprintf(made.tag, sizeof(made.tag), "%s", tag);
	snprintf(path, sizeof(path), "revisions/%llu.json", (unsigned long long)revision);
	store_read(&f->store, path, &text);
	made.manifest = digest_of(text.data, text.size);
	bytes_clear(&text);
	assert_int_equal(tag_encode(&made, keys, 1, &text), 0);
	snprintf(path, sizeof(path), "tags/%s.json", file);
	store_write(&f->store, path, span_of_bytes(&text));
	bytes_release(&text);
}

static inline int open_it(struct fixture *f)
{
	close_dataset(f);
	f->t = (struct trouble){0};
	int err = dataset_open(f->reader.engine, &f->options, &f->dataset, &f->t);

	assert_true(!f->dataset == (err != 0));
	return err;
}

/* The sentence has these words. */
static inline void check_says(struct fixture *f, const char *words)
{
	if (!strstr(f->t.text, words))
		fail_msg("\"%s\" is not in: %s", words, f->t.text);
}

#endif
