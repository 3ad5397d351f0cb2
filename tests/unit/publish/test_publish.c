/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "format/tag.h"
#include "publish/chunker.h"
#include "publish/publish.h"
#include "unit/await.h"
#include "unit/published.h"

#define DIRECTORIES 4
#define FILES 40 /* in each */

static char *directory; /* holds "source", "store", ... */
static struct private_key *key;

static int make_key(void **state)
{
	(void)state;
	return private_key_generate(&key);
}

static int free_key(void **state)
{
	(void)state;
	private_key_free(key);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	trees_directory(directory, "source");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

static const char *at(const char *name)
{
	return trees_path(directory, name);
}

/* May blobs of the store not be durable? */
static bool is_marked(void)
{
	return access(at("store/.unsynced"), F_OK) == 0;
}

/* As publish(), from and to below the test's directory. */
static int try_publish(const char *source, const char *store, struct publish_options o,
	struct publish_result *r, struct trouble *t)
{
	char *from = strdup(at(source)), *to = strdup(at(store));
	int rc;

	o.source = from;
	o.store = to;
	if (!o.key)
		o.key = key;
	rc = publish(&o, r, t);
	free(from);
	free(to);
	return rc;
}

static struct publish_result publish_with(
	const char *source, const char *store, struct publish_options o)
{
	struct publish_result r;
	struct trouble t = {0};

	if (try_publish(source, store, o, &r, &t))
		fail_msg("%s", t.text);
	return r;
}

static struct publish_result publish_it(const char *source, const char *store)
{
	return publish_with(source, store, (struct publish_options){0});
}

static int publish_fails(
	const char *source, const char *store, struct publish_options o, const char *words)
{
	struct publish_result r;
	struct trouble t = {0};
	int rc = try_publish(source, store, o, &r, &t);

	assert_int_not_equal(rc, 0);
	assert_int_equal(t.code, rc);
	if (!strstr(t.text, words))
		fail_msg("'%s' is not in: %s", words, t.text);
	return rc;
}

static uint64_t equals(const char *store, const char *source)
{
	char *s = strdup(at(store));
	uint64_t entries = published_equals(s, at(source));

	free(s);
	return entries;
}

/* Some hundred small files in a few directories, three large ones. */
static void make_tree(const char *root)
{
	char name[128];

	for (unsigned d = 0; d < DIRECTORIES; d++) {
		snprintf(name, sizeof name, "%s/dir %u", root, d);
		trees_directory(directory, name);
		for (unsigned i = 0; i < FILES; i++) {
			snprintf(name, sizeof name, "%s/dir %u/file-%u", root, d, i);
			trees_fill(directory, name, d * 1000 + i, 500 + i * 397 % 20000);
		}
	}
	snprintf(name, sizeof name, "%s/large", root);
	trees_fill(directory, name, 77, 4u << 20);
	snprintf(name, sizeof name, "%s/middling", root);
	trees_fill(directory, name, 78, LARGE_FILE_MIN);
	snprintf(name, sizeof name, "%s/below", root);
	trees_fill(directory, name, 79, LARGE_FILE_MIN - 1);
}

static void test_round_trip(void **state)
{
	struct publish_result r;

	(void)state;
	make_tree("source");
	r = publish_it("source", "store");
	assert_int_equal(r.revision, 1);
	assert_false(r.unchanged);
	assert_int_equal(r.totals.files, DIRECTORIES * FILES + 3);
	assert_int_equal(r.totals.entries, DIRECTORIES * (FILES + 1) + 4);
	assert_int_equal(equals("store", "source"), r.totals.entries);
	assert_int_equal(r.totals.bytes, r.read_bytes);
	assert_int_equal(r.totals.stored, r.new_bytes);
}

static uint64_t summed, counted;

static int sum_blob(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F) {
		summed += (uint64_t)st->st_size;
		counted++;
	}
	return 0;
}

static void sum_blobs(const char *blobs)
{
	summed = counted = 0;
	assert_int_equal(nftw(at(blobs), sum_blob, 32, FTW_PHYS), 0);
}

static void test_totals_are_true(void **state)
{
	struct publish_result r;

	(void)state;
	make_tree("source");
	r = publish_it("source", "store");
	sum_blobs("store/blobs");
	assert_int_equal(summed, r.new_bytes);
	assert_int_equal(counted, r.new_blobs);
	assert_int_equal(summed, r.totals.stored);
}

/* The same root for any number of threads, any memory, and a copy of the tree. */
static void test_the_root_depends_on_the_entries_alone(void **state)
{
	struct publish_result a, b;
	static const unsigned jobs[] = {1, 2, 7};

	(void)state;
	make_tree("source");
	trees_age(at("source"));
	a = publish_it("source", "store");
	for (unsigned i = 0; i < 3; i++) {
		char store[32];

		snprintf(store, sizeof store, "store-%u", i);
		b = publish_with("source", store,
			(struct publish_options){.jobs = jobs[i],
				.memory = i == 2 ? 1 : 0,
				.level = (int)i});
		assert_true(digest_equal(&a.root, &b.root));
	}
	trees_directory(directory, "copy");
	make_tree("copy");
	trees_age(at("copy"));
	b = publish_it("copy", "store-c");
	assert_true(digest_equal(&a.root, &b.root));
}

static void test_again_writes_nothing(void **state)
{
	const char *const one[] = {"t-1"};
	struct publish_result first, again;

	(void)state;
	make_tree("source");
	first = publish_it("source", "store");
	again = publish_with(
		"source", "store", (struct publish_options){.tags = one, .tag_count = 1});
	assert_true(again.unchanged);
	assert_int_equal(again.revision, 1);
	assert_int_equal(again.new_blobs, 0);
	assert_true(digest_equal(&first.root, &again.root));
	assert_int_equal(first.totals.stored, again.totals.stored);
	assert_int_equal(access(at("store/tags/t-1.json"), R_OK), 0);
	assert_int_equal(access(at("store/revisions/2.json"), R_OK), -1);
	/* a message makes a revision of the same tree */
	again = publish_with(
		"source", "store", (struct publish_options){.message = "hello"});
	assert_false(again.unchanged);
	assert_int_equal(again.revision, 2);
	assert_int_equal(again.new_blobs, 0);
}

static void test_manifest_and_tag(void **state)
{
	const char *const tags[] = {"v1.0", "latest"};
	struct publish_options o = {
		.name = "data", .message = "m\xc3\xa9", .tags = tags, .tag_count = 2};
	struct public_key public = private_key_public(key);
	struct bytes text = {0};
	struct published p;
	struct digest first, revision;
	char dataset[MANIFEST_DATASET_SIZE];
	struct tag *tag;

	(void)state;
	make_tree("source");
	publish_with("source", "store", o);
	published_open(&p, at("store"));
	assert_int_equal(manifest_verify(span_of_bytes(&p.text), &public), 0);
	assert_string_equal(p.manifest->name, "data");
	assert_string_equal(p.manifest->message, "m\xc3\xa9");
	assert_false(p.manifest->has_previous);
	assert_false(p.manifest->delta);
	first = p.manifest->digest;
	memcpy(dataset, p.manifest->dataset, sizeof dataset);
	assert_int_equal(strlen(dataset), MANIFEST_DATASET_SIZE - 1);
	published_close(&p);

	assert_int_equal(
		io_read_file(AT_FDCWD, at("store/tags/v1.0.json"), 65536, &text), 0);
	assert_int_equal(tag_verify(span_of_bytes(&text), &public), 0);
	assert_int_equal(tag_decode(span_of_bytes(&text), &tag, NULL), 0);
	assert_int_equal(tag->revision, 1);
	assert_string_equal(tag->name, "data");
	bytes_clear(&text);
	assert_int_equal(
		io_read_file(AT_FDCWD, at("store/revisions/1.json"), 65536, &text), 0);
	revision = digest_of(text.data, text.size);
	assert_true(digest_equal(&tag->manifest, &revision));
	assert_true(digest_equal(&first, &revision));
	tag_free(tag);
	bytes_release(&text);
	assert_int_equal(access(at("store/tags/latest.json"), R_OK), 0);

	trees_text(directory, "source/new", "new");
	publish_it("source", "store");
	published_open(&p, at("store"));
	assert_string_equal(p.manifest->name, "data");
	assert_int_equal(p.manifest->revision, 2);
	assert_true(p.manifest->has_previous);
	assert_true(digest_equal(&p.manifest->previous, &first));
	assert_string_equal(p.manifest->dataset, dataset);
	published_close(&p);

	/* the same in another store is another dataset */
	publish_it("source", "store2");
	published_open(&p, at("store2"));
	assert_string_not_equal(p.manifest->dataset, dataset);
	published_close(&p);
}

/* Another expiry or other mirrors are reason enough for a revision; a date is not. */
static void test_what_the_manifest_says(void **state)
{
	const char *const mirrors[] = {"https://a.example/x", "https://b.example/x"};
	struct publish_options o = {.expires = 4000000000,
		.mirrors = mirrors,
		.mirror_count = 2,
		.has_created = true,
		.created = 1700000000};
	struct published p;

	(void)state;
	trees_text(directory, "source/a", "x");
	publish_with("source", "store", o);
	published_open(&p, at("store"));
	assert_int_equal(p.manifest->created, 1700000000);
	assert_int_equal(p.manifest->expires, 4000000000);
	assert_int_equal(p.manifest->mirror_count, 2);
	assert_string_equal(p.manifest->mirrors[1], mirrors[1]);
	published_close(&p);
	o.created++;
	assert_true(publish_with("source", "store", o).unchanged);
	o.expires++;
	assert_int_equal(publish_with("source", "store", o).revision, 2);
	o.mirrors = NULL; /* as before */
	o.mirror_count = 0;
	assert_true(publish_with("source", "store", o).unchanged);
	o.mirrors = mirrors + 1;
	o.mirror_count = 1;
	assert_int_equal(publish_with("source", "store", o).revision, 3);
	o.mirror_count = 0;
	o.expires = 0;
	assert_int_equal(publish_with("source", "store", o).revision, 4);
	published_open(&p, at("store"));
	assert_int_equal(p.manifest->expires, 0);
	assert_int_equal(p.manifest->mirror_count, 0);
	published_close(&p);
	o.mirrors = (const char *const[]){"gopher://a"};
	o.mirror_count = 1;
	assert_int_equal(publish_fails("source", "store", o, "gopher"), ERR_INVALID);
}

struct seen_changes {
	unsigned added, removed, changed;
};

static int see_change(void *ctx, const struct entry *before, const struct entry *after)
{
	struct seen_changes *s = ctx;

	s->added += !before;
	s->removed += !after;
	s->changed += before && after;
	return 0;
}

/* It tells what publishing then does, and does nothing. */
static void test_dry_run(void **state)
{
	struct seen_changes seen = {0};
	struct publish_options o = {
		.dry_run = true, .change = see_change, .change_ctx = &seen};
	struct publish_result dry, wet;

	(void)state;
	make_tree("source");
	dry = publish_with("source", "store", o);
	assert_int_equal(access(at("store"), F_OK), -1);
	assert_int_equal(seen.added, DIRECTORIES * (FILES + 1) + 4);
	assert_int_equal(seen.removed + seen.changed, 0);
	wet = publish_it("source", "store");
	assert_true(digest_equal(&dry.root, &wet.root));
	assert_int_equal(dry.revision, 1);
	assert_int_equal(dry.new_blobs, wet.new_blobs);
	assert_int_equal(dry.new_bytes, wet.new_bytes);
	assert_int_equal(dry.totals.stored, wet.totals.stored);
	seen = (struct seen_changes){0};
	dry = publish_with("source", "store", o);
	assert_true(dry.unchanged);
	assert_int_equal(dry.revision, 1);
	assert_int_equal(seen.added + seen.removed + seen.changed, 0);
	trees_text(directory, "source/dir 2/file-1", "changed");
	assert_int_equal(unlink(at("source/dir 1/file-1")), 0);
	dry = publish_with("source", "store", o);
	assert_int_equal(seen.added, 0);
	assert_int_equal(seen.removed, 1);
	assert_int_equal(seen.changed, 2); /* the file, and the other's directory */
	assert_int_equal(access(at("store/revisions/2.json"), F_OK), -1);
	wet = publish_it("source", "store");
	assert_true(digest_equal(&dry.root, &wet.root));
	assert_int_equal(dry.new_bytes, wet.new_bytes);
}

/* The same contents, made at other times, by others, with another umask: the same root. */
static void test_overrides(void **state)
{
	struct overrides fixed = {
		.has_mtime = true, .has_uid = true, .has_gid = true, .mtime = 1700000000};
	struct publish_options o = {.overrides = &fixed};
	struct publish_result a, b;
	struct published p;
	struct entry e;

	(void)state;
	assert_int_equal(mode_change_parse("a=rX,u+w", &fixed.mode), 0);
	make_tree("source");
	trees_age(at("source"));
	trees_directory(directory, "copy");
	make_tree("copy");
	assert_int_equal(symlink("large", at("source/link")), 0);
	assert_int_equal(symlink("large", at("copy/link")), 0);
	chmod(at("copy/large"), 0600);
	chmod(at("copy/dir 1"), 0700);
	if (geteuid() == 0)
		assert_int_equal(chown(at("copy/dir 2/file-3"), 1, 2), 0);
	a = publish_with("source", "store", o);
	b = publish_with("copy", "store-c", o);
	assert_true(digest_equal(&a.root, &b.root));
	published_open(&p, at("store-c"));
	published_find(&p, "large", &e);
	assert_int_equal(e.mode, 0644);
	assert_int_equal(e.mtime, 1700000000);
	assert_int_equal(e.uid, 0);
	published_find(&p, "dir 1", &e);
	assert_int_equal(e.mode, 0755);
	published_close(&p);
}

static void make_odd_tree(void)
{
	char name[300];
	uint8_t value[1000];

	trees_text(directory, "source/empty", "");
	trees_directory(directory, "source/empty-directory");
	trees_text(directory, "source/\xff\xfe", "not UTF-8");
	trees_text(directory, "source/new\nline\ttab", "x");
	snprintf(name, sizeof name, "source/%0255d", 1);
	trees_text(directory, name, "the longest name");
	assert_int_equal(symlink("nowhere", at("source/dangling")), 0);
	assert_int_equal(symlink("\xff", at("source/odd-link")), 0);
	assert_int_equal(mkfifo(at("source/fifo"), 0640), 0);
	assert_int_equal(mknod(at("source/socket"), S_IFSOCK | 0600, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(
			mknod(at("source/null"), S_IFCHR | 0666, makedev(1, 3)), 0);
		assert_int_equal(
			mknod(at("source/disk"), S_IFBLK | 0600, makedev(259, 70000)), 0);
		assert_int_equal(lchown(at("source/odd-link"), 1234, 4321), 0);
	}
	trees_text(directory, "source/setuid", "x");
	assert_int_equal(chmod(at("source/setuid"), 06755), 0);
	assert_int_equal(chmod(at("source/empty-directory"), 01777), 0);
	memset(value, 0xee, sizeof value);
	trees_text(directory, "source/xattrs", "x");
	lsetxattr(at("source/xattrs"), "user.big", value, sizeof value, 0);
	lsetxattr(at("source/xattrs"), "user.empty", "", 0, 0);
	lsetxattr(at("source/empty-directory"), "user.on-a-directory", "y", 1, 0);
}

static void test_odd_kinds_and_names(void **state)
{
	struct timespec old[2] = {{-1, 1}, {-1000000000, 999999999}};
	struct publish_result r;

	(void)state;
	make_odd_tree();
	assert_int_equal(utimensat(AT_FDCWD, at("source/empty"), old, 0), 0);
	r = publish_it("source", "store");
	assert_int_equal(equals("store", "source"), r.totals.entries);
	assert_true(publish_it("source", "store").unchanged);
}

static void test_hard_links(void **state)
{
	struct published p;
	struct entry a, b, c, d;
	uint64_t inode;

	(void)state;
	trees_directory(directory, "source/x");
	trees_fill(directory, "source/x/leader", 1, 5000);
	trees_fill(directory, "source/big", 2, 300000);
	assert_int_equal(link(at("source/x/leader"), at("source/x/other")), 0);
	assert_int_equal(link(at("source/x/leader"), at("source/zz")), 0);
	assert_int_equal(link(at("source/big"), at("source/x/big")), 0);
	assert_int_equal(link(at("source/big"), at("outside")), 0);
	assert_int_equal(symlink("t", at("source/s1")), 0);
	assert_int_equal(
		linkat(AT_FDCWD, at("source/s1"), AT_FDCWD, at("source/s2"), 0), 0);
	publish_it("source", "store");
	equals("store", "source");
	published_open(&p, at("store"));
	published_find(&p, "zz", &a);
	published_find(&p, "x/leader", &b);
	published_find(&p, "x/other", &c);
	assert_int_equal(a.links, 3);
	assert_int_equal(b.links, 3);
	assert_true(a.inode == b.inode && b.inode == c.inode);
	assert_true(digest_equal(&a.object.digest, &b.object.digest));
	assert_true(a.offset == b.offset && b.offset == c.offset);
	published_find(&p, "big", &a);
	published_find(&p, "x/big", &d);
	assert_int_equal(a.links, 2); /* the name outside does not count */
	assert_true(a.inode == d.inode && a.inode != b.inode);
	published_find(&p, "s1", &a);
	inode = a.inode;
	published_find(&p, "s2", &b);
	assert_true(inode == b.inode && b.links == 2);
	published_find(&p, "", &a);
	assert_int_equal(a.links, 3);
	published_close(&p);
}

static void make_sparse(const char *name, uint64_t size, unsigned runs, size_t run)
{
	int fd = open(at(name), O_RDWR | O_CREAT, 0644);
	uint8_t *data = trees_noise(size, run);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (unsigned i = 0; i < runs; i++)
		assert_int_equal(
			pwrite(fd, data, run, (off_t)(size / runs * i / 4096 * 4096)), run);
	free(data);
	close(fd);
}

static void test_sparse_files(void **state)
{
	struct publish_result r;
	struct published p;
	struct entry e;

	(void)state;
	make_sparse("source/small", 1u << 20, 2, 4096);
	make_sparse("source/large", 64u << 20, 3, 1u << 20);
	make_sparse("source/hole", 8u << 20, 0, 8);
	make_sparse("source/head", 1000000, 1, 700);
	r = publish_it("source", "store");
	equals("store", "source");
	published_open(&p, at("store"));
	published_find(&p, "hole", &e);
	if (e.has_content) /* no holes on this file system */
		skip();
	published_find(&p, "large", &e);
	assert_int_equal(e.extent_count, 3);
	assert_int_equal(entry_data_size(&e), 3u << 20);
	published_find(&p, "small", &e);
	assert_int_equal(e.extent_count, 2);
	published_close(&p);
	assert_true(r.read_bytes < 4u << 20);
}

/* `runs` runs of a block with a block of hole behind each: enough that they stand in a
 * list. */
static void make_many_runs(const char *name, unsigned runs, unsigned first)
{
	int fd = open(at(name), O_RDWR | O_CREAT, 0644);
	uint32_t block[1024];

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)runs * 8192), 0);
	for (unsigned i = first; i < runs; i++) {
		for (unsigned k = 0; k < 1024; k++)
			block[k] = (i * 1024 + k) * 2654435761u;
		assert_int_equal(
			pwrite(fd, block, sizeof block, (off_t)i * 8192), sizeof block);
	}
	close(fd);
}

static bool says_extents(void)
{
	struct published p;
	bool says;

	published_open(&p, at("store"));
	says = p.manifest->extent_lists;
	published_close(&p);
	return says;
}

static void test_many_runs(void **state)
{
	struct publish_result r;
	struct published p;
	struct entry e;

	(void)state;
	make_many_runs("source/image", EXTENT_COUNT_MAX, 0);
	r = publish_it("source", "store");
	equals("store", "source");
	assert_false(says_extents()); /* so many are the entry's own */
	make_many_runs("source/image", 10000, 0);
	r = publish_it("source", "store");
	equals("store", "source");
	published_open(&p, at("store"));
	published_find(&p, "image", &e);
	if (entry_data_size(&e) == e.size) /* no holes on this file system */
		skip();
	assert_int_equal(e.extent_count, 0);
	assert_int_equal(e.run_list.count, 10000);
	assert_int_equal(entry_data_size(&e), 10000 * 4096);
	published_close(&p);
	assert_true(says_extents());
	assert_int_equal(r.read_bytes, 10000 * 4096);
	/* a run less at its beginning: most of the list is as it was */
	assert_int_equal(unlink(at("source/image")), 0);
	make_many_runs("source/image", 10000, 1);
	r = publish_it("source", "store");
	equals("store", "source");
	assert_true(r.new_blobs < 8);
	/* none that has a list: nor does the manifest say so */
	assert_int_equal(unlink(at("source/image")), 0);
	publish_it("source", "store");
	assert_false(says_extents());
}

static void test_equal_contents_are_one_object(void **state)
{
	struct published p;
	struct entry a, b;

	(void)state;
	trees_fill(directory, "source/one", 5, 3u << 20);
	trees_fill(directory, "source/two", 5, 3u << 20);
	assert_int_equal(publish_it("source", "store").totals.objects, 1);
	published_open(&p, at("store"));
	published_find(&p, "one", &a);
	published_find(&p, "two", &b);
	assert_true(digest_equal(&a.object.digest, &b.object.digest));
	published_close(&p);
}

/* More than OBJECT_LISTED_MAX chunks: a recipe; and with little memory. */
static void test_a_recipe(void **state)
{
	struct published p;
	struct entry e;

	(void)state;
	trees_fill(directory, "source/huge", 6, 26u << 20);
	publish_with("source", "store", (struct publish_options){.memory = 1, .jobs = 3});
	equals("store", "source");
	published_open(&p, at("store"));
	published_find(&p, "huge", &e);
	assert_int_equal(e.object.form, OBJECT_RECIPE);
	published_close(&p);
}

/* Changes the middle of every hundredth file, and of the large one. */
static void edit(unsigned from, unsigned step)
{
	char name[64];

	for (unsigned i = from; i < DIRECTORIES * FILES; i += step) {
		int fd;

		snprintf(name, sizeof name, "source/dir %u/file-%u", i / FILES, i % FILES);
		fd = open(at(name), O_WRONLY);
		assert_int_equal(pwrite(fd, "edited", 6, 100), 6);
		close(fd);
	}
}

static void test_edits_are_small(void **state)
{
	struct publish_result first, r;
	int fd;

	(void)state;
	make_tree("source");
	first = publish_it("source", "store");
	edit(0, 40);
	r = publish_it("source", "store");
	assert_int_equal(r.revision, 2);
	assert_true(r.delta_blobs > 0);
	assert_true(r.new_bytes < first.new_bytes / 20);
	equals("store", "source");
	/* a delta on a delta's base, never on a delta */
	edit(1, 40);
	fd = open(at("source/large"), O_WRONLY);
	assert_int_equal(pwrite(fd, "inserted", 8, 2u << 20), 8);
	close(fd);
	r = publish_it("source", "store");
	assert_true(r.delta_blobs > 0);
	assert_true(r.new_bytes < first.new_bytes / 10);
	equals("store", "source");
	/* with no blob changed, the feature is still named */
	trees_text(directory, "source/dir 1/one more", "");
	r = publish_it("source", "store");
	assert_int_equal(r.delta_blobs, 0);
	equals("store", "source");
}

/* What shrinks to almost nothing, vanishes, or comes, is right in the next revision. */
static void test_changes_of_all_kinds(void **state)
{
	(void)state;
	make_tree("source");
	publish_it("source", "store");
	trees_text(directory, "source/large", "small now");
	trees_fill(directory, "source/dir 0/file-3", 9, 2u << 20);
	assert_int_equal(unlink(at("source/dir 1/file-9")), 0);
	assert_int_equal(rename(at("source/dir 2"), at("source/renamed")), 0);
	assert_int_equal(unlink(at("source/dir 3/file-1")), 0);
	trees_directory(directory, "source/dir 3/file-1");
	publish_it("source", "store");
	equals("store", "source");
}

static void test_index(void **state)
{
	char *index = strdup(at("index"));
	struct publish_options o = {.index_dir = index};
	struct publish_result r;

	(void)state;
	make_tree("source");
	make_sparse("source/sparse", 8u << 20, 2, 300000);
	make_many_runs("source/image", EXTENT_COUNT_MAX + 1, 0);
	trees_fill(directory, "source/huge", 6, 22u << 20);
	assert_int_equal(link(at("source/large"), at("source/large-2")), 0);
	trees_age(at("source"));
	nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL);
	r = publish_with("source", "store", o);
	assert_true(r.read_bytes > 0);
	r = publish_with("source", "store", o);
	assert_true(r.unchanged);
	assert_int_equal(r.read_bytes, 0);
	r = publish_with("source", "store", o);
	assert_int_equal(r.read_bytes, 0);
	/* one file: its unit is read */
	trees_fill(directory, "source/middling", 100, LARGE_FILE_MIN + 5);
	r = publish_with("source", "store", o);
	assert_int_equal(r.read_bytes, LARGE_FILE_MIN + 5);
	equals("store", "source");
	/* a blob is gone: what it held is read again */
	{
		struct published p;
		struct entry e;
		char path[BLOB_PATH_SIZE];

		published_open(&p, at("store"));
		published_find(&p, "below", &e);
		blob_path(&e.object.digest, path);
		assert_int_equal(unlinkat(p.fd, path, 0), 0);
		published_close(&p);
	}
	r = publish_with("source", "store", o);
	assert_true(r.new_blobs == 1 && r.read_bytes > 0 && r.read_bytes < 3u << 20);
	/* so is a list of runs */
	{
		struct published p;
		struct entry e;
		char path[BLOB_PATH_SIZE];

		published_open(&p, at("store"));
		published_find(&p, "image", &e);
		blob_path(&e.run_list.digest, path);
		if (e.run_list.count > 0)
			assert_int_equal(unlinkat(p.fd, path, 0), 0);
		published_close(&p);
		r = publish_with("source", "store", o);
		if (e.run_list.count > 0)
			assert_true(
				r.new_blobs == 1 && r.read_bytes > EXTENT_COUNT_MAX * 4096);
	}
	equals("store", "source");
	free(index);
}

/* What may become of a blob's file. */
enum damage {
	DAMAGE_EMPTY,
	DAMAGE_CUT,
	DAMAGE_CUT_BY_ONE,
	DAMAGE_LONGER,
	DAMAGE_HEAD,
	DAMAGE_ANOTHER,
	DAMAGE_ZEROS,
	DAMAGES
};

static void damage_bytes(struct bytes *stored, enum damage damage)
{
	if (damage == DAMAGE_EMPTY)
		stored->size = 0;
	else if (damage == DAMAGE_CUT)
		stored->size /= 2;
	else if (damage == DAMAGE_CUT_BY_ONE)
		stored->size--;
	else if (damage == DAMAGE_LONGER)
		assert_int_equal(bytes_append(stored, "", 1), 0);
	else if (damage == DAMAGE_HEAD)
		stored->data[1] ^= 4;
	else if (damage == DAMAGE_ZEROS) /* in a block: its frame stands */
		memset(stored->data + stored->size / 2, 0, 16);
}

#define BLOBS_MAX 128

/* All files of blobs, by their paths. */
static struct blob_files {
	char *paths[BLOBS_MAX];
	struct bytes bytes[BLOBS_MAX];
	unsigned count;
} blob_files;

static int note_blob(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct blob_files *f = &blob_files;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	assert_true(f->count < BLOBS_MAX);
	f->paths[f->count] = strdup(path);
	f->bytes[f->count] = (struct bytes){0};
	assert_int_equal(
		io_read_file(AT_FDCWD, path, BLOB_SIZE_MAX, &f->bytes[f->count]), 0);
	f->count++;
	return 0;
}

/* Each blob of the store, in one way or another. */
static void damage_all(unsigned first, unsigned kinds)
{
	struct blob_files *f = &blob_files;

	f->count = 0;
	assert_int_equal(nftw(at("store/blobs"), note_blob, 32, FTW_PHYS), 0);
	assert_true(f->count > kinds);
	for (unsigned i = 0; i < f->count; i++) {
		enum damage damage = (first + i) % kinds;
		struct bytes *bytes = &f->bytes[i];
		int fd = open(f->paths[i], O_WRONLY | O_TRUNC);

		if (damage == DAMAGE_ANOTHER)
			bytes = &f->bytes[(i + 1) % f->count];
		else
			damage_bytes(bytes, damage);
		assert_int_equal(write(fd, bytes->data, bytes->size), bytes->size);
		close(fd);
	}
	for (unsigned i = 0; i < f->count; i++) {
		bytes_release(&f->bytes[i]);
		free(f->paths[i]);
	}
}

/* Whether it reads the source, or takes it from the index. Only --verify can tell of what
 * is wrong within a block. */
static void test_damaged_blobs(void **state)
{
	char *index = strdup(at("index"));
	struct publish_options modes[] = {{.index_dir = index}, {.index_dir = NULL},
		{.index_dir = index, .verify = true}, {.verify = true}};
	struct publish_result first, r;

	(void)state;
	make_tree("source");
	trees_age(at("source"));
	nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100000000}, NULL);
	first = publish_with("source", "store", modes[0]);
	for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
		damage_all(i, modes[i].verify ? DAMAGES : DAMAGE_ZEROS);
		r = publish_with("source", "store", modes[i]);
		assert_true(r.unchanged);
		assert_int_equal(r.damaged_blobs, first.new_blobs);
		assert_int_equal(r.new_blobs, first.new_blobs);
		assert_int_equal(r.totals.stored, first.totals.stored);
		equals("store", "source");
		sum_blobs("store/blobs");
		assert_int_equal(summed, first.totals.stored);
		assert_int_equal(counted, first.new_blobs);
	}
	free(index);
}

/* It changes while it is written to: listed, but not entered. */
static void test_the_index_within_the_source(void **state)
{
	char *index = strdup(at("source/cache/publish"));
	struct publish_options o = {.index_dir = index};
	struct published p;
	struct entry e;

	(void)state;
	make_tree("source");
	publish_with("source", "store", o);
	publish_with("source", "store", o);
	published_open(&p, at("store"));
	published_find(&p, "cache/publish", &e);
	assert_int_equal(e.type, ENTRY_DIRECTORY);
	assert_int_equal(p.manifest->totals.files, DIRECTORIES * FILES + 3);
	published_close(&p);
	free(index);
}

/* A file with a fresh time stamp may change within it: it is not remembered. */
static void test_fresh_files_are_not_remembered(void **state)
{
	char *index = strdup(at("index"));
	struct publish_options o = {.index_dir = index};

	(void)state;
	trees_text(directory, "source/fresh", "one");
	publish_with("source", "store", o);
	assert_int_equal(publish_with("source", "store", o).read_bytes, 3);
	free(index);
}

static void test_exclude(void **state)
{
	struct ignore *g = ignore_new();
	struct published p;

	(void)state;
	make_tree("source");
	assert_int_equal(ignore_exclude(g, "dir ?/"), 0);
	assert_int_equal(ignore_exclude(g, "/large"), 0);
	assert_int_equal(
		publish_with("source", "store", (struct publish_options){.ignore = g})
			.totals.entries,
		3);
	ignore_free(g);
	published_open(&p, at("store"));
	published_close(&p);
}

static void test_refusals(void **state)
{
	struct publish_options o = {0};
	struct ignore *g = ignore_new();

	(void)state;
	trees_text(directory, "file", "x");
	trees_text(directory, "source/a", "x");
	assert_int_equal(publish_fails("nowhere", "store", o, "nowhere"), ERR_ABSENT);
	assert_int_equal(publish_fails("file", "store", o, "not a directory"), ERR_INVALID);
	publish_fails("source", "file", o, "Not a directory");
	assert_int_equal(
		publish_fails("source", "source/store", o, "lies inside"), ERR_INVALID);
	assert_int_equal(access(at("source/store"), F_OK), -1); /* nothing is left */
	assert_int_equal(ignore_exclude(g, "store"), 0);
	o.ignore = g;
	publish_with("source", "source/store", o);
	trees_directory(directory, "source/store/inner");
	o.ignore = NULL;
	ignore_free(g);
	assert_int_equal(
		publish_fails("source/store/inner", "source/store", o, "lies inside"),
		ERR_INVALID);
	o.tags = (const char *const[]){"../x"};
	o.tag_count = 1;
	assert_int_equal(publish_fails("source", "store", o, "tag"), ERR_INVALID);
	o = (struct publish_options){.message = "\xff"};
	assert_int_equal(publish_fails("source", "store", o, "UTF-8"), ERR_INVALID);
	o = (struct publish_options){.name = "a\nb"};
	assert_int_equal(publish_fails("source", "store", o, "name"), ERR_INVALID);
	assert_int_equal(access(at("store"), F_OK), -1);
	trees_directory(directory, "store");
	assert_int_equal(publish_fails("source", "store", o, "name"), ERR_INVALID);
	assert_int_equal(rmdir(at("store")), 0); /* it is still there, and empty */
	o = (struct publish_options){.name = "one"};
	publish_with("source", "store", o);
	o.name = "two";
	assert_int_equal(publish_fails("source", "store", o, "'one'"), ERR_INVALID);
}

static void test_another_key(void **state)
{
	struct publish_options o = {0};
	struct private_key *other;
	struct public_key public;
	struct published p;

	(void)state;
	trees_text(directory, "source/a", "x");
	publish_it("source", "store");
	assert_int_equal(private_key_generate(&other), 0);
	o.key = other;
	assert_int_equal(publish_fails("source", "store", o, "--new-key"), ERR_UNTRUSTED);
	o.new_key = true;
	assert_int_equal(publish_with("source", "store", o).revision, 2);
	public = private_key_public(other);
	published_open(&p, at("store"));
	assert_int_equal(manifest_verify(span_of_bytes(&p.text), &public), 0);
	published_close(&p);
	private_key_free(other);
}

static void test_a_broken_manifest(void **state)
{
	struct publish_options o = {0};

	(void)state;
	trees_text(directory, "source/a", "x");
	publish_it("source", "store");
	assert_int_equal(truncate(at("store/manifest.json"), 20), 0);
	publish_fails("source", "store", o, "manifest.json");
}

static void test_unreadable(void **state)
{
	struct publish_options o = {0};

	(void)state;
	if (geteuid() == 0)
		skip();
	make_tree("source");
	assert_int_equal(chmod(at("source/dir 1/file-2"), 0), 0);
	assert_int_equal(publish_fails("source", "store", o, "dir 1/file-2"), ERR_DENIED);
	assert_int_equal(access(at("store/manifest.json"), F_OK), -1);
}

struct writer {
	pthread_t thread;
	atomic_bool stop;
	char *path;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	int fd = open(w->path, O_WRONLY | O_APPEND);

	while (!atomic_load(&w->stop)) {
		assert_int_equal(write(fd, "more", 4), 4);
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
	close(fd);
	return NULL;
}

static void publish_while_written(const char *name, size_t size)
{
	struct writer w = {.path = strdup(at(name))};
	struct publish_options o = {0};
	struct publish_result r;
	struct trouble t = {0};
	int rc;

	trees_fill(directory, name, 3, size);
	assert_int_equal(pthread_create(&w.thread, NULL, write_on, &w), 0);
	rc = try_publish("source", "store", o, &r, &t);
	atomic_store(&w.stop, true);
	pthread_join(w.thread, NULL);
	if (rc) { /* three readings, each of a file that had changed at its end */
		assert_int_equal(rc, ERR_CHANGED);
		assert_non_null(strstr(t.text, name + strlen("source/")));
	}
	assert_false(is_marked()); /* what is there is durable, whatever came of it */
	free(w.path);
}

static void test_a_file_that_grows(void **state)
{
	struct publish_result r;
	struct bytes before = {0}, after = {0};

	(void)state;
	make_tree("source");
	publish_it("source", "store");
	assert_int_equal(
		io_read_file(AT_FDCWD, at("store/manifest.json"), 65536, &before), 0);
	publish_while_written("source/growing", 16u << 20);
	assert_int_equal(
		io_read_file(AT_FDCWD, at("store/manifest.json"), 65536, &after), 0);
	/* 16 MiB are not read in the time between two writes */
	assert_true(span_equal(span_of_bytes(&before), span_of_bytes(&after)));
	publish_while_written("source/dir 2/growing", 30000);
	publish_while_written("source/dir 2/growing-large", 300000);
	r = publish_it("source", "store");
	assert_int_equal(equals("store", "source"), r.totals.entries);
	bytes_release(&before);
	bytes_release(&after);
}

/* What a power loss may leave of what was not written yet, though its frame stands. */
static void zero_within(const struct published *p, const struct digest *name)
{
	static const uint8_t zeros[64];
	char path[BLOB_PATH_SIZE];
	struct stat st;
	int fd;

	blob_path(name, path);
	fd = openat(p->fd, path, O_WRONLY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(
		pwrite(fd, zeros, sizeof zeros, st.st_size - 2 * (off_t)sizeof zeros),
		sizeof zeros);
	close(fd);
}

/* A publisher was cut off: what is as young as its mark is decoded before it is adopted,
 * what is older is not. */
static void test_cut_off(void **state)
{
	struct publish_result r;
	struct published p;
	struct entry e;

	(void)state;
	make_tree("source");
	publish_it("source", "store");
	assert_false(is_marked());
	sum_blobs("store/blobs");
	published_open(&p, at("store"));
	published_find(&p, "middling", &e);
	zero_within(&p, &e.object.digest);
	published_close(&p);
	trees_text(directory, "store/.unsynced", "since 9000000000000000000\n");
	r = publish_it("source", "store");
	assert_int_equal(r.new_blobs, 0);
	assert_false(is_marked());
	trees_text(directory, "store/.unsynced", "since 1000000000000000000\n");
	r = publish_it("source", "store");
	assert_int_equal(r.new_blobs, 1);
	assert_int_equal(r.totals.stored, summed);
	assert_false(is_marked());
	equals("store", "source");
}

/* Killed at many points; each time the last revision is whole, and at the end all is. */
static void test_killed(void **state)
{
	unsigned killed = 0;

	(void)state;
	trees_text(directory, "source/first", "x");
	publish_it("source", "store");
	sum_blobs("store/blobs");
	make_tree("source");
	trees_directory(directory, "old");
	trees_text(directory, "old/first", "x");
	for (unsigned i = 0; i < 12; i++) {
		uint64_t before = counted;
		pid_t pid = fork();
		int status;
		struct published p;

		if (pid == 0) {
			publish_it("source", "store");
			_exit(0);
		}
		nanosleep(&(struct timespec){.tv_nsec = 2000000 * (long)(i + 1)}, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		published_open(&p, at("store"));
		if (p.manifest->revision == 1)
			assert_int_equal(p.manifest->totals.entries, 2);
		sum_blobs("store/blobs");
		/* what may not be durable is never without the mark: what this one wrote,
		 * for it looked at what others left before that */
		if (p.manifest->revision == 1 && counted > before)
			assert_true(is_marked());
		published_close(&p);
	}
	assert_true(killed > 0);
	publish_it("source", "store");
	assert_false(is_marked());
	equals("store", "source");
	sum_blobs("store/blobs");
}

static struct publish_progress last;
static bool was_counting; /* it was told of while the totals were not known yet */
static void see_progress(void *ctx, const struct publish_progress *p)
{
	(void)ctx;
	assert_true(p->entries >= last.entries);
	assert_true(!p->counting || (p->entries == 0 && p->bytes == 0));
	was_counting |= p->counting;
	assert_true(p->entries <= p->entries_total && p->bytes <= p->bytes_total);
	last = *p;
}

static void publish_profile(const char *text, bool none, struct publish_result *r)
{
	struct profile *p = NULL;
	struct publish_options o = {.no_profile = none};

	if (text)
		assert_int_equal(profile_decode(span_of_string(text), &p, NULL), 0);
	o.profile = p;
	*r = publish_with("source", "store", o);
	profile_free(p);
}

/* What the newest revision's profile says, "" when it has none. */
static void assert_profile(const char *expected)
{
	struct published p;
	struct bytes text = {0};

	published_open(&p, at("store"));
	if (p.manifest->profile_size)
		published_blob(&p, &p.manifest->profile, &text);
	assert_int_equal(text.size, p.manifest->profile_size);
	assert_true(span_equal(span_of_bytes(&text), span_of_string(expected)));
	bytes_release(&text);
	published_close(&p);
}

/* A profile stays until there is another, or none is wanted; each of that is a revision. */
static void test_a_profile(void **state)
{
	const char *first = "{\"offset\":0,\"path\":\"d/b\",\"size\":2}\n"
			    "{\"offset\":0,\"path\":\"a\"}\n";
	struct publish_result r;

	(void)state;
	trees_directory(directory, "source/d");
	trees_write(directory, "source/a", "aa", 2);
	trees_write(directory, "source/d/b", "bb", 2);
	publish_profile("{\"path\":\"d/b\",\"size\":2}\n{\"path\":\"gone\"}\n"
			"{\"path\":\"a\"}\n{\"path\":\"d\"}\n{\"path\":\"d/b/c\"}\n",
		false, &r);
	assert_profile(first);
	publish_profile(NULL, false, &r);
	assert_true(r.unchanged);
	trees_write(directory, "source/new", "n", 1);
	publish_profile(NULL, false, &r);
	assert_int_equal(r.revision, 2);
	assert_profile(first);
	publish_profile("{\"path\":\"new\"}\n", false, &r);
	assert_int_equal(r.revision, 3);
	assert_profile("{\"offset\":0,\"path\":\"new\"}\n");
	publish_profile(NULL, true, &r);
	assert_int_equal(r.revision, 4);
	assert_profile("");
	publish_profile("{\"path\":\"gone\"}\n", false, &r);
	assert_true(r.unchanged);
}

static void test_progress(void **state)
{
	struct publish_options o = {.progress = see_progress};

	(void)state;
	make_tree("source");
	trees_fill(directory, "source/huge", 6, 16u << 20);
	last = (struct publish_progress){0};
	publish_with("source", "store", o);
	assert_int_equal(last.entries_total, DIRECTORIES * (FILES + 1) + 5);
	assert_true(was_counting && !last.counting);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_totals_are_true),
		TEST(test_the_root_depends_on_the_entries_alone),
		TEST(test_again_writes_nothing),
		TEST(test_manifest_and_tag),
		TEST(test_odd_kinds_and_names),
		TEST(test_hard_links),
		TEST(test_sparse_files),
		TEST(test_many_runs),
		TEST(test_equal_contents_are_one_object),
		TEST(test_a_recipe),
		TEST(test_edits_are_small),
		TEST(test_changes_of_all_kinds),
		TEST(test_index),
		TEST(test_damaged_blobs),
		TEST(test_the_index_within_the_source),
		TEST(test_fresh_files_are_not_remembered),
		TEST(test_exclude),
		TEST(test_what_the_manifest_says),
		TEST(test_overrides),
		TEST(test_dry_run),
		TEST(test_refusals),
		TEST(test_another_key),
		TEST(test_a_broken_manifest),
		TEST(test_unreadable),
		TEST(test_a_file_that_grows),
		TEST(test_cut_off),
		TEST(test_killed),
		TEST(test_a_profile),
		TEST(test_progress),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, make_key, free_key);
}
