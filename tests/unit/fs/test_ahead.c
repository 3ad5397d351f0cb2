/* SPDX-License-Identifier: MIT */
/*
 * What a read has fetched for the reads to come, as the source hears of it: the stream of
 * one file (ahead_stream), and the objects behind a small one (ahead_objects).
 */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/neighbours.h"
#include "fs/readahead_table.h"
#include "fs/reads.h"

#define KIB 1024
#define CHUNKS 32 /* of the large file */
#define BUNDLES 24
#define PER_BUNDLE 10
#define SLICE 100 /* bytes of a small file */

struct planted {
	struct memory_mount m;
	const struct memory_object *large, *bundles[BUNDLES], *tail;
	uint64_t large_node;
};

/* All pages are in the cache; of the contents nothing is. */
static void plant(struct planted *p)
{
	struct memory_mount *m = &p->m;
	struct entry recipe;
	char name[32];

	mount_init(m);
	p->large = mount_object(m, CHUNKS);
	p->tail = mount_object(m, 2);
	mount_add(m, "", "large", mount_file(p->large, 0, p->large->ref.size));
	recipe = mount_file(p->large, 0, p->large->ref.size);
	recipe.object.digest = digest_of("object", 6);
	recipe.object.form = OBJECT_RECIPE;
	recipe.object.recipe = digest_of("recipe", 6);
	mount_add(m, "", "recipe", recipe);
	mount_add(m, "", "small", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755});
	for (unsigned i = 0; i < BUNDLES * PER_BUNDLE; i++) {
		if (i % PER_BUNDLE == 0)
			p->bundles[i / PER_BUNDLE] = mount_object(m, 1);
		snprintf(name, sizeof name, "file-%03u", i);
		mount_add(m, "small", name,
			mount_file(
				p->bundles[i / PER_BUNDLE], i % PER_BUNDLE * SLICE, SLICE));
	}
	mount_add(m, "small", "tail", mount_file(p->tail, 0, p->tail->ref.size));
	mount_begin(m, OPEN_PLAIN);
}

static void begin(struct planted *p)
{
	plant(p);
	mount_keep_pages(&p->m);
	p->large_node = mount_lookup(&p->m, FUSE_ROOT_ID, "large");
}

/* A read whose bytes come; afterwards the hints are those that it gave. */
static void read_bytes(struct planted *p, uint64_t node, off_t offset, size_t size)
{
	struct fuse_req req;

	p->m.source.hint_count = 0;
	req_init(&req, p->m.fs);
	reads_read(&req, node, size, offset, NULL);
	mount_bring(&p->m, true);
	assert_reply(&req, REPLY_BYTES);
	req_release(&req);
}

/* The hints are the chunks [first, end) of that object, in order, and nothing else. */
static void assert_hints(
	struct planted *p, const struct memory_object *o, unsigned first, unsigned end)
{
	assert_int_equal(p->m.source.hint_count, end - first);
	for (unsigned i = first; i < end; i++) {
		const struct want *hint = &p->m.source.hints[i - first];
		struct want chunk = mount_chunk(o, i);

		assert_int_equal(hint->kind, BLOB_CHUNK);
		assert_int_equal(hint->start, chunk.start);
		assert_true(digest_equal(&hint->digest, &chunk.digest));
		assert_true(object_id_equal(&hint->object, &chunk.object));
	}
}

/* A window of 1 MiB at first, then one of twice the size when half of it is used up; each
 * chunk once, and none beyond the end. */
static void who_reads_in_order_has_more_fetched(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	read_bytes(&p, p.large_node, 0, 128 * KIB);
	assert_hints(&p, p.large, 0, 0);
	read_bytes(&p, p.large_node, 128 * KIB, 128 * KIB);
	assert_hints(&p, p.large, 4, 20);
	for (off_t at = 256; at < 640; at += 128) {
		read_bytes(&p, p.large_node, at * KIB, 128 * KIB);
		assert_hints(&p, p.large, 0, 0);
	}
	read_bytes(&p, p.large_node, 640 * KIB, 256 * KIB);
	assert_hints(&p, p.large, 20, CHUNKS);
	for (off_t at = 896; at < 2048; at += 128) {
		read_bytes(&p, p.large_node, at * KIB, 128 * KIB);
		assert_hints(&p, p.large, 0, 0);
	}
	mount_end(&p.m);
}

static void what_is_here_is_not_fetched(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	for (unsigned i = 6; i < 20; i++) {
		struct want chunk = mount_chunk(p.large, i);

		mount_keep(&p.m, &chunk);
	}
	read_bytes(&p, p.large_node, 0, 128 * KIB);
	read_bytes(&p, p.large_node, 128 * KIB, 128 * KIB);
	assert_hints(&p, p.large, 4, 6);
	mount_end(&p.m);
}

static void who_jumps_about_has_nothing_fetched(void **state)
{
	static const unsigned offsets[] = {1600, 200, 900, 1990, 500, 1250};
	struct planted p;

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		read_bytes(&p, p.large_node, (off_t)offsets[i] * KIB, 4096);
		assert_hints(&p, p.large, 0, 0);
	}
	mount_end(&p.m);
}

/* Reads of one length at one distance from each other: what lies between is not fetched. */
static void who_reads_in_steps_has_steps_fetched(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	read_bytes(&p, p.large_node, 0, 64 * KIB);
	read_bytes(&p, p.large_node, 448 * KIB, 64 * KIB);
	assert_hints(&p, p.large, 0, 0);
	read_bytes(&p, p.large_node, 896 * KIB, 64 * KIB);
	assert_int_equal(p.m.source.hint_count, 2);
	assert_int_equal(p.m.source.hints[0].ordinal, 21);
	assert_int_equal(p.m.source.hints[1].ordinal, 28);
	mount_end(&p.m);
}

static void no_readahead_is_none(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	p.m.fs->readahead = 0;
	for (off_t at = 0; at < 2048; at += 128) {
		read_bytes(&p, p.large_node, at * KIB, 128 * KIB);
		assert_hints(&p, p.large, 0, 0);
	}
	mount_end(&p.m);
}

/* A limit below the first window bounds that one, too. */
static void the_limit_bounds_the_window(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	p.m.fs->readahead = 256 * KIB;
	read_bytes(&p, p.large_node, 0, 128 * KIB);
	read_bytes(&p, p.large_node, 128 * KIB, 128 * KIB);
	assert_hints(&p, p.large, 4, 8);
	mount_end(&p.m);
}

/* More files than there are places, each read by one request, do not end the stream. */
static void small_files_take_no_streams_place(void **state)
{
	struct planted p;
	uint64_t directory;
	char name[32];

	(void)state;
	begin(&p);
	directory = mount_lookup(&p.m, FUSE_ROOT_ID, "small");
	read_bytes(&p, p.large_node, 0, 128 * KIB);
	for (unsigned i = 0; i < READAHEAD_FILES + 10; i++) {
		snprintf(name, sizeof name, "file-%03u", i);
		read_bytes(&p, mount_lookup(&p.m, directory, name), 0, 4096);
	}
	read_bytes(&p, p.large_node, 128 * KIB, 128 * KIB);
	assert_hints(&p, p.large, 4, 20);
	mount_end(&p.m);
}

/* A list of chunks that is not here is what to begin with. */
static void a_missing_recipe_is_fetched_ahead(void **state)
{
	struct digest recipe = digest_of("recipe", 6);
	struct fuse_req req[2];
	struct planted p;
	uint64_t node;

	(void)state;
	begin(&p);
	node = mount_lookup(&p.m, FUSE_ROOT_ID, "recipe");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p.m.source.hint_count, 0);
		req_init(&req[i], p.m.fs);
		reads_read(&req[i], node, 128 * KIB, (off_t)i * 128 * KIB, NULL);
		assert_int_equal(p.m.source.line[i].count, 1);
		assert_int_equal(p.m.source.line[i].wants[0].kind, BLOB_RECIPE);
	}
	assert_int_equal(p.m.source.hint_count, 1);
	assert_int_equal(p.m.source.hints[0].kind, BLOB_RECIPE);
	assert_true(digest_equal(&p.m.source.hints[0].digest, &recipe));
	mount_end(&p.m);
	for (unsigned i = 0; i < 2; i++) {
		assert_errno(&req[i], EINTR);
		req_release(&req[i]);
	}
}

static void read_small(struct planted *p, unsigned number)
{
	uint64_t directory = mount_lookup(&p->m, FUSE_ROOT_ID, "small");
	char name[32];

	snprintf(name, sizeof name, "file-%03u", number);
	read_bytes(p, mount_lookup(&p->m, directory, name), 0, 4096);
}

/* The hints are these bundles, in order, each once. */
static void assert_bundles(struct planted *p, unsigned first, unsigned end)
{
	assert_int_equal(p->m.source.hint_count, end - first);
	for (unsigned i = first; i < end; i++)
		assert_true(digest_equal(
			&p->m.source.hints[i - first].digest, &p->bundles[i]->ref.digest));
}

/* More the longer it goes on; those of a bundle that is being read need nothing. */
static void who_goes_through_small_files_has_bundles_fetched(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	read_small(&p, 0);
	assert_bundles(&p, 0, 0);
	read_small(&p, 1);
	assert_bundles(&p, 0, 0);
	read_small(&p, 10);
	assert_bundles(&p, 2, 3);
	for (unsigned i = 11; i < 20; i++) {
		read_small(&p, i);
		assert_bundles(&p, 0, 0);
	}
	read_small(&p, 20);
	assert_bundles(&p, 3, 5);
	mount_keep_object(&p.m, p.bundles[5]);
	read_small(&p, 30);
	assert_int_equal(p.m.source.hint_count, 3); /* 4, 6, 7: 5 is here */
	assert_true(mount_hinted(&p.m, &p.bundles[4]->ref.digest));
	assert_true(mount_hinted(&p.m, &p.bundles[7]->ref.digest));
	assert_false(mount_hinted(&p.m, &p.bundles[5]->ref.digest));
	mount_end(&p.m);
}

static void there_are_never_more_than_so_many(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < 5; i++)
		read_small(&p, i * PER_BUNDLE);
	assert_bundles(&p, 5, 5 + NEIGHBOURS_MOST);
	mount_end(&p.m);
}

/* The last bundle, and then how the larger file behind it begins. */
static void a_larger_file_begins_with_its_first_chunk(void **state)
{
	struct want chunk;
	struct planted p;

	(void)state;
	begin(&p);
	for (unsigned i = BUNDLES - 4; i < BUNDLES - 1; i++)
		read_small(&p, i * PER_BUNDLE);
	assert_int_equal(p.m.source.hint_count, 2);
	chunk = mount_chunk(p.tail, 0);
	assert_true(digest_equal(
		&p.m.source.hints[0].digest, &p.bundles[BUNDLES - 1]->ref.digest));
	assert_true(digest_equal(&p.m.source.hints[1].digest, &chunk.digest));
	mount_end(&p.m);
}

static void who_goes_backwards_has_nothing_fetched(void **state)
{
	struct planted p;

	(void)state;
	begin(&p);
	for (unsigned i = 10; i > 0; i--) {
		read_small(&p, i * PER_BUNDLE);
		assert_bundles(&p, 0, 0);
	}
	mount_end(&p.m);
}

/* Where the entries behind are not here yet, their page is what to begin with. */
static void missing_pages_are_fetched_ahead(void **state)
{
	struct place first, second;
	struct planted p;

	(void)state;
	plant(&p);
	mount_keep_levels(&p.m, 1, PAGE_LEVEL_MAX);
	read_small(&p, 0);
	read_small(&p, 10);
	second = mount_place(&p.m, "small", "file-010");
	first = mount_place(&p.m, "small", "file-000");
	assert_false(digest_equal(&first.leaf, &second.leaf));
	assert_in_range(p.m.source.hint_count, 1, 3);
	for (unsigned i = 0; i < p.m.source.hint_count; i++) {
		assert_int_equal(p.m.source.hints[i].kind, BLOB_PAGE);
		assert_false(cache_has(p.m.source.engine.cache, &p.m.source.hints[i]));
		assert_int_equal(mount_page_level(memory_pages_find(
					 &p.m.pages, &p.m.source.hints[i].digest)),
			0);
	}
	mount_end(&p.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_in_order_has_more_fetched),
		cmocka_unit_test(what_is_here_is_not_fetched),
		cmocka_unit_test(who_jumps_about_has_nothing_fetched),
		cmocka_unit_test(who_reads_in_steps_has_steps_fetched),
		cmocka_unit_test(no_readahead_is_none),
		cmocka_unit_test(the_limit_bounds_the_window),
		cmocka_unit_test(small_files_take_no_streams_place),
		cmocka_unit_test(a_missing_recipe_is_fetched_ahead),
		cmocka_unit_test(who_goes_through_small_files_has_bundles_fetched),
		cmocka_unit_test(there_are_never_more_than_so_many),
		cmocka_unit_test(a_larger_file_begins_with_its_first_chunk),
		cmocka_unit_test(who_goes_backwards_has_nothing_fetched),
		cmocka_unit_test(missing_pages_are_fetched_ahead),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
