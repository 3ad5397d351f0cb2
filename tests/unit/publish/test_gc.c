/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "format/tag.h"
#include "unit/publish/gc_fixture.h"
#include "util/clock.h"

#define GRACE (3600 * NS_PER_SECOND)

static struct gc_fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_init(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_release(&f);
	return 0;
}

static struct gc_options options(uint64_t keep)
{
	struct gc_options o = {
		.store = &f.base, .keep_tags = true, .grace = GRACE, .jobs = 2};

	o.policy.keep[GC_LAST] = keep;
	return o;
}

static void pass_grace(void)
{
	pthread_rwlock_wrlock(&f.grace_lock);
	atomic_fetch_add(&f.now, 2 * GRACE);
	pthread_rwlock_unlock(&f.grace_lock);
}

static struct gc_result gc(const struct gc_options *o)
{
	struct trouble t = {0};
	struct gc_result r;

	if (gc_run(o, &r, &t))
		fail_msg("%s", t.text);
	return r;
}

/* Until nothing is left to do. */
static void gc_all(uint64_t keep, bool keep_tags)
{
	struct gc_options o = options(keep);

	o.keep_tags = keep_tags;
	for (unsigned i = 0; i < 3; i++) {
		pass_grace();
		gc(&o);
	}
	assert_int_equal(fixture_count(&f, "tombstones/"), 0);
}

static uint64_t publish_set(unsigned set)
{
	struct trouble t = {0};
	uint64_t number;

	if (fixture_publish(&f, set, &number, &t))
		fail_msg("%s", t.text);
	return number;
}

static bool has(unsigned content)
{
	struct stored stored;

	return !store_find_blob(f.memory, &f.names[content], &stored, NULL);
}

static void set_tag(const char *name, uint64_t revision)
{
	const struct private_key *key = f.key;
	struct tag tag = {.name = (char *)"data", .revision = revision};
	struct bytes text = {0};

	snprintf(tag.tag, sizeof tag.tag, "%s", name);
	assert_int_equal(tag_encode(&tag, &key, 1, &text), 0);
	assert_int_equal(
		store_write_tag(&f.base, name, span_of_bytes(&text), NULL, NULL), 0);
	bytes_release(&text);
}

static void test_lists_then_deletes(void **state)
{
	const struct gc_options o = options(1);
	struct gc_result r;

	(void)state;
	publish_set(1 << 0 | 1 << 2 | 1 << 4);
	publish_set(1 << 2 | 1 << 6);
	pass_grace();
	r = gc(&o);
	assert_int_equal(r.kept_revisions, 1);
	assert_int_equal(r.removed_revisions, 1);
	assert_int_equal(r.needed.blobs, 3);
	assert_int_equal(r.listed.blobs, 3); /* two contents and a page */
	assert_int_equal(r.deleted.blobs, 0);
	assert_true(has(0));
	r = gc(&o);
	assert_int_equal(r.waiting.blobs, 3);
	assert_int_equal(r.listed.blobs + r.deleted.blobs, 0);
	pass_grace();
	r = gc(&o);
	assert_int_equal(r.deleted.blobs, 3);
	assert_false(has(0));
	assert_false(has(4));
	assert_int_equal(fixture_count(&f, "blobs/"), 3);
	assert_int_equal(fixture_count(&f, "tombstones/"), 0);
	assert_int_equal(fixture_check(&f), 1);
}

/* What a publish left that was cut off, or has written by now. */
static void test_what_is_young_stays(void **state)
{
	const struct gc_options o = options(0);
	struct gc_result r;

	(void)state;
	publish_set(1 << 0);
	assert_int_equal(store_remove_revision(&f.base, 1, NULL), 0);
	publish_set(1 << 2);
	r = gc(&o);
	assert_int_equal(r.young.blobs, 2);
	assert_int_equal(r.listed.blobs, 0);
	assert_int_equal(fixture_count(&f, "tombstones/"), 0);
	gc_all(0, true);
	assert_false(has(0));
}

static void test_dry_run_changes_nothing(void **state)
{
	struct gc_options o = options(1);
	struct gc_result r;
	unsigned blobs;

	(void)state;
	publish_set(1 << 0);
	publish_set(1 << 2);
	set_tag("one", 1);
	pass_grace();
	o.grace = 0;
	o.keep_tags = false;
	o.dry_run = true;
	blobs = fixture_count(&f, "");
	r = gc(&o);
	assert_int_equal(r.removed_revisions, 1);
	assert_int_equal(r.removed_tags, 1);
	assert_int_equal(r.deleted.blobs, 2);
	assert_int_equal(fixture_count(&f, ""), blobs);
	assert_int_equal(fixture_check(&f), 2);
}

static void test_without_grace(void **state)
{
	struct gc_options o = options(1);
	struct trouble t = {0};
	struct gc_result r;

	(void)state;
	publish_set(1 << 0);
	publish_set(1 << 2);
	o.grace = 0;
	assert_int_equal(gc_run(&o, &r, &t), ERR_INVALID);
	assert_int_equal(fixture_check(&f), 2);
	f.base.alone = true;
	r = gc(&o);
	assert_int_equal(r.deleted.blobs, 2);
	assert_int_equal(fixture_count(&f, "tombstones/"), 0);
	assert_int_equal(fixture_check(&f), 1);
}

static void test_tags(void **state)
{
	struct gc_options o = options(1);
	struct bytes text = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		publish_set(1u << i * 2);
	set_tag("second", 2);
	gc(&o);
	assert_int_equal(fixture_check(&f), 2);
	gc_all(1, true);
	assert_true(has(2));
	assert_false(has(0));
	assert_int_equal(store_read_tag(&f.base, "second", &text, NULL, NULL), 0);
	o.keep_tags = false;
	gc(&o);
	assert_int_equal(store_read_tag(&f.base, "second", &text, NULL, NULL), ERR_ABSENT);
	assert_int_equal(fixture_check(&f), 1);
	bytes_release(&text);
}

static void test_a_base_stays_with_its_delta(void **state)
{
	struct gc_options o = options(1);
	struct stored stored;

	(void)state;
	for (unsigned memory = 0; memory < 2; memory++) {
		fixture_empty(&f);
		publish_set(1 << 0 | 1 << 4);
		publish_set(1 << 1);
		assert_int_equal(store_find_blob(&f.base, &f.names[1], &stored, NULL), 0);
		assert_true(stored.has_base);
		o.memory = memory;
		pass_grace();
		gc(&o);
		pass_grace();
		gc(&o);
		assert_true(has(0));
		assert_false(has(4));
		assert_int_equal(fixture_check(&f), 1);
		publish_set(1 << 6);
		gc_all(1, true);
		assert_false(has(0));
		assert_false(has(1));
	}
}

/* Memory for a few dozen digests: many passes. */
static void test_passes(void **state)
{
	struct gc_options o = options(40);
	struct gc_result r;
	uint64_t deleted = 0;

	(void)state;
	for (unsigned i = 1; i < 60; i++)
		publish_set(i * 0x9e3779u & ((1u << CONTENTS) - 1));
	pass_grace();
	o.memory = 1;
	r = gc(&o);
	assert_in_range(r.passes, 2, 64);
	assert_int_equal(r.removed_revisions, 19);
	for (unsigned i = 0; i < 2; i++) {
		pass_grace();
		deleted += gc(&o).deleted.blobs;
	}
	assert_true(deleted >= 19);
	assert_int_equal(fixture_check(&f), 40);
	o.memory = 0;
	r = gc(&o);
	assert_int_equal(r.passes, 1);
	assert_int_equal(r.needed.blobs, fixture_count(&f, "blobs/"));
}

static void test_nothing_goes_when_a_revision_cannot_be_read(void **state)
{
	struct gc_options o = options(2);
	struct trouble t = {0};
	struct gc_result r;
	struct bytes text = {0};
	struct manifest *m;
	unsigned blobs;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		publish_set(1u << i * 2);
	pass_grace();
	gc(&o); /* listed */
	pass_grace();
	assert_int_equal(store_read_revision(&f.base, 2, &text, &m, NULL), 0);
	assert_int_equal(store_remove_blob(&f.base, &m->root, NULL), 0);
	blobs = fixture_count(&f, "blobs/");
	assert_int_equal(gc_run(&o, &r, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, "nothing is deleted"));
	assert_int_equal(fixture_count(&f, "blobs/"), blobs);
	assert_int_equal(
		store_memory_plant(f.memory, "tags/odd.json", span_of_string("{}"), 0), 0);
	assert_int_equal(gc_run(&o, &r, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "the tag odd"));
	manifest_free(m);
	bytes_release(&text);
}

/* A publisher that was cut off between the two files, or has not come to the second yet. */
static void test_a_revision_above_the_newest_stays(void **state)
{
	struct bytes text = {0}, newest = {0};
	struct manifest *m;

	(void)state;
	publish_set(1 << 0);
	assert_int_equal(store_read_manifest(&f.base, &newest, &m, NULL, NULL), 0);
	manifest_free(m);
	publish_set(1 << 2);
	assert_int_equal(
		store_memory_plant(f.memory, "manifest.json", span_of_bytes(&newest), 0),
		0);
	gc_all(1, true);
	assert_int_equal(fixture_check(&f), 2);
	assert_int_equal(store_remove_revision(f.memory, 1, NULL), 0);
	gc_all(1, true); /* the manifest alone keeps it */
	assert_true(has(0));
	bytes_release(&text);
	bytes_release(&newest);
}

/* What is listed is put again, by one that began before it was listed, too. */
static void test_a_publisher_takes_blobs_off_the_list(void **state)
{
	const struct gc_options o = options(1);
	struct blobs *early = blobs_new(&f.base, 1, 2, false);
	struct scratches *scratches = scratches_new(&f.base, NULL);
	struct scratch *x = scratch_take(scratches);
	struct gc_result r;

	(void)state;
	publish_set(1 << 0 | 1 << 3 | 1 << 4);
	publish_set(1 << 6);
	assert_int_equal(blobs_heed_lists(early, NULL), 0);
	assert_int_equal(blobs_adopt(early, x, &f.names[0], CONTENT_SIZE), 0);
	pass_grace();
	assert_int_equal(gc(&o).listed.blobs, 4);
	publish_set(1 << 3 | 1 << 8);
	assert_int_equal(blobs_secure(early, NULL), 0);
	pass_grace();
	r = gc(&o);
	assert_int_equal(r.young.blobs, 1); /* which nothing came of in the end */
	assert_true(has(0));
	assert_true(has(3));
	assert_false(has(4));
	assert_int_equal(fixture_check(&f), 1);
	scratch_give(scratches, x);
	scratches_free(scratches);
	blobs_free(early);
}

/* One that adopted what was deleted then says so, instead of a revision with a hole. */
static void test_a_publisher_that_comes_too_late(void **state)
{
	const struct gc_options o = options(1);
	struct blobs *early = blobs_new(&f.base, 1, 2, false);
	struct scratches *scratches = scratches_new(&f.base, NULL);
	struct scratch *x = scratch_take(scratches);
	struct trouble t = {0};

	(void)state;
	publish_set(1 << 0);
	publish_set(1 << 6);
	pass_grace();
	gc(&o);
	assert_int_equal(blobs_heed_lists(early, NULL), 0);
	assert_int_equal(blobs_adopt(early, x, &f.names[0], CONTENT_SIZE), 0);
	/* As if it had been looked at before, and deleted now. */
	assert_int_equal(store_remove_blob(f.memory, &f.names[0], NULL), 0);
	pass_grace();
	gc(&o);
	assert_int_equal(blobs_secure(early, &t), ERR_CHANGED);
	assert_non_null(strstr(t.text, "publish again"));
	scratch_give(scratches, x);
	scratches_free(scratches);
	blobs_free(early);
}

static void test_damaged_lists(void **state)
{
	const struct gc_options o = options(1);
	struct trouble t = {0};
	uint64_t number;

	(void)state;
	publish_set(1 << 0);
	publish_set(1 << 2);
	assert_int_equal(store_memory_plant(f.memory, "tombstones/1-a.txt",
				 span_of_string("cairn tombstones 1\nzz\n"), 5),
		0);
	assert_int_equal(fixture_publish(&f, 1 << 4, &number, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "tombstones/1-a.txt"));
	gc(&o);
	gc_all(1, true);
	publish_set(1 << 4);
	assert_int_equal(fixture_check(&f), 2);
}

/* Lists wait, others are due, a tag and a revision go. */
static void make_busy_store(bool alone)
{
	const struct gc_options o = options(2);

	fixture_empty(&f);
	f.base.alone = alone;
	publish_set(1 << 0 | 1 << 2 | 1 << 3);
	publish_set(1 << 2 | 1 << 5);
	publish_set(1 << 6 | 1 << 7);
	pass_grace();
	gc(&o);
	pass_grace();
	publish_set(1 << 0 | 1 << 9);
	set_tag("third", 3);
}

/* Killed before each third operation, with CAIRN_LONG each single one, every time from the
 * beginning. */
/* Odd, so that both ways of going on are tried. */
static long steps_apart(void)
{
	return getenv("CAIRN_LONG") ? 1 : getenv("CAIRN_QUICK") ? 31 : 3;
}

static void test_killed_anywhere(void **state)
{
	struct gc_options o = options(1);
	struct gc_result r;
	unsigned kills = 0;
	int rc = ERR_IO;

	(void)state;
	o.keep_tags = false;
	o.jobs = 1;
	for (long at = 0; rc; at += steps_apart()) {
		bool alone = at % 2;

		make_busy_store(alone);
		atomic_store(&f.left, at);
		rc = gc_run(&o, &r, NULL);
		atomic_store(&f.left, LONG_MAX);
		if (rc)
			kills++;
		fixture_check(&f);
		if (alone) /* a publisher comes first */
			publish_set(1 << 2 | 1 << 6);
		else
			gc(&o);
		fixture_check(&f);
		f.base.alone = false;
		gc_all(1, false);
		assert_int_equal(fixture_check(&f), 1);
		assert_int_equal(gc(&o).needed.blobs, fixture_count(&f, "blobs/"));
		assert_int_equal(fixture_count(&f, "tags/"), 0);
	}
	assert_true(kills > 300 / steps_apart() / 2);
	print_message("%u kills\n", kills);
}

/* One publishes, one prunes, one reads, all at once, and nothing locks the store. */
static atomic_bool racing;
static atomic_uint published, too_late, pruned, read_whole, read_pruned;

static void *run_publisher(void *arg)
{
	uint64_t state = 88172645463325252u, number;
	struct trouble t;

	(void)arg;
	while (atomic_load(&racing)) {
		unsigned set = (unsigned)trees_random(&state) & ((1u << CONTENTS) - 1);
		int rc;

		t = (struct trouble){0};
		rc = fixture_publish(&f, set & (unsigned)trees_random(&state), &number, &t);
		if (rc == ERR_CHANGED)
			atomic_fetch_add(&too_late, 1);
		else if (rc)
			fail_msg("publish: %d %s", rc, t.text);
		else
			atomic_fetch_add(&published, 1);
		if (!rc && fixture_read_revision(&f, number, &t))
			fail_msg("revision %d, just published: %s", (int)number, t.text);
	}
	return NULL;
}

static void *run_reader(void *arg)
{
	uint64_t state = 4101842887655102017u;
	struct bytes text = {0};

	(void)arg;
	while (atomic_load(&racing)) {
		uint64_t newest = atomic_load(&published), number;
		struct manifest *m;
		struct trouble t = {0};
		int rc;

		number = 1 + trees_random(&state) % (newest + 1);
		bytes_clear(&text);
		if (store_read_revision(&f.base, number, &text, &m, NULL))
			continue;
		manifest_free(m);
		if (!fixture_read_revision(&f, number, &t)) {
			atomic_fetch_add(&read_whole, 1);
			continue;
		}
		bytes_clear(&text);
		rc = store_read_revision(&f.base, number, &text, &m, NULL);
		if (!rc)
			fail_msg("revision %d is there: %s", (int)number, t.text);
		atomic_fetch_add(&read_pruned, 1);
	}
	bytes_release(&text);
	return NULL;
}

static void test_raced(void **state)
{
	unsigned runs = 1000;
	struct gc_options o = options(3);
	pthread_t publisher, reader;

	(void)state;
	if (!getenv("CAIRN_LONG"))
		skip();
	publish_set(1);
	atomic_store(&racing, true);
	atomic_store(&published, 1);
	assert_int_equal(pthread_create(&publisher, NULL, run_publisher, NULL), 0);
	assert_int_equal(pthread_create(&reader, NULL, run_reader, NULL), 0);
	for (unsigned i = 0; i < runs; i++) {
		if (i % 3)
			pass_grace();
		o.memory = i % 2; /* several passes, and one */
		atomic_fetch_add(&pruned, (unsigned)gc(&o).deleted.blobs);
	}
	atomic_store(&racing, false);
	pthread_join(publisher, NULL);
	pthread_join(reader, NULL);
	print_message(
		"%u published, %u too late; %u blobs deleted; %u read whole, %u pruned "
		"meanwhile\n",
		published, too_late, pruned, read_whole, read_pruned);
	assert_true(pruned > 0);
	fixture_check(&f);
	gc_all(3, true);
	assert_int_equal(fixture_check(&f), 3);
	assert_int_equal(gc(&o).needed.blobs, fixture_count(&f, "blobs/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists_then_deletes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_is_young_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_dry_run_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_grace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_base_stays_with_its_delta, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_passes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing_goes_when_a_revision_cannot_be_read, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_revision_above_the_newest_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_publisher_takes_blobs_off_the_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_publisher_that_comes_too_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_killed_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_raced, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
