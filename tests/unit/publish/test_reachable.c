/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/extent_list_builder.h"
#include "format/page_builder.h"
#include "format/recipe.h"
#include "publish/reachable.h"
#include "publish/store_memory.h"

#define FILES 12000		  /* an inner page over leaves */
#define CHUNKS (RECIPE_ROWS + 50) /* a recipe of two levels */
#define LARGE 6000		  /* the file that has it */
#define BYTES ((FILES - 1) * 9 + CHUNKS * 1000)

static struct store *store;
static struct blob_codec *codec;
static struct digest recipe_root;
static unsigned pages_put;

struct met {
	atomic_uint count[BLOB_EXTENTS + 1]; /* by kind */
	atomic_uint sum;		     /* of the chunks' first bytes */
	atomic_uint damaged;
	uint32_t last; /* number of the last file; in order, with one job */
	bool in_order;
	struct digest leave_out;
	int stop;
};

static int set_up(void **state)
{
	(void)state;
	store = store_memory_new();
	codec = blob_codec_new();
	pages_put = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	blob_codec_free(codec);
	return 0;
}

static int emit(void *ctx, const struct digest *name, struct span text)
{
	struct bytes stored = {0};

	pages_put++;
	if (ctx)
		*(struct digest *)ctx = *name;
	assert_int_equal(blob_encode(codec, text, 1, &stored), 0);
	assert_int_equal(store_write_blob(store, name, span_of_bytes(&stored), NULL), 0);
	bytes_release(&stored);
	return 0;
}

/* One whose first bytes are the number. */
static struct digest number(uint32_t i)
{
	struct digest d = digest_of(&i, sizeof i);

	memcpy(d.bytes, &i, sizeof i);
	return d;
}

static void make_recipe(void)
{
	struct chunk_ref *chunks = calloc(CHUNKS, sizeof *chunks);

	for (uint32_t i = 0; i < CHUNKS; i++)
		chunks[i] = (struct chunk_ref){number(1000000 + i), 1000};
	assert_int_equal(recipe_build(chunks, CHUNKS, emit, NULL, &recipe_root), 0);
	free(chunks);
}

static struct manifest make_tree(unsigned changed)
{
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	struct manifest m = {.profile = number(77), .profile_size = 5};
	struct page_builder *b;
	uint64_t entries, bytes;
	char name[16];

	assert_int_equal(page_builder_new(emit, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	for (uint32_t i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%06u", i);
		e = (struct entry){.type = ENTRY_FILE, .mode = 0644, .links = 1, .size = 9};
		e.name = span_of_string(name);
		e.has_content = true;
		e.object = (struct object_ref){.digest = number(i), .size = 9};
		if (i == LARGE) {
			e.size = e.object.size = CHUNKS * UINT64_C(1000);
			e.object.form = OBJECT_RECIPE;
			e.object.recipe = recipe_root;
		}
		if (i < changed)
			e.mode = 0600;
		e.content = e.object.digest;
		assert_int_equal(page_builder_add(b, &e, NULL), 0);
	}
	assert_int_equal(page_builder_finish(b, &m.root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
	return m;
}

static int meet(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct met *m = ctx;
	uint32_t first;

	(void)t;
	atomic_fetch_add(&m->count[blob->kind], 1);
	if (digest_equal(&blob->digest, &m->leave_out))
		return REACHABLE_LEAVE_OUT;
	memcpy(&first, blob->digest.bytes, sizeof first);
	if (blob->kind != BLOB_CHUNK)
		return m->stop;
	atomic_fetch_add(&m->sum, first);
	assert_int_equal(blob->size, first == 77 && blob->size == 5 ? 5
				     : first >= 1000000		    ? 1000
								    : 9);
	return 0;
}

static int meet_in_order(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct met *m = ctx;
	uint32_t first;

	memcpy(&first, blob->digest.bytes, sizeof first);
	if (blob->kind == BLOB_CHUNK && blob->size == 9) {
		m->in_order = m->in_order && first >= m->last;
		m->last = first;
	}
	return meet(ctx, blob, t);
}

static int on_damage(
	void *ctx, const struct reached *blob, int rc, const struct trouble *why)
{
	(void)blob;
	assert_int_equal(why->code, rc);
	assert_true(why->text[0] != '\0');
	atomic_fetch_add(&((struct met *)ctx)->damaged, 1);
	return 0;
}

static unsigned sum_of_all(void)
{
	unsigned sum = 77;

	for (unsigned i = 0; i < FILES; i++)
		sum += i == LARGE ? 0 : i;
	for (unsigned i = 0; i < CHUNKS; i++)
		sum += 1000000 + i;
	return sum;
}

static void expect_all(struct met *m)
{
	assert_int_equal(m->count[BLOB_CHUNK], FILES - 1 + CHUNKS + 1);
	assert_int_equal(m->count[BLOB_RECIPE], 3);
	assert_int_equal(m->count[BLOB_PAGE] + 3, pages_put);
	assert_int_equal(m->sum, sum_of_all());
}

static void test_tells_of_all_in_order(void **state)
{
	struct met met = {.in_order = true};
	struct manifest m;

	(void)state;
	make_recipe();
	m = make_tree(0);
	assert_int_equal(reachable_each(store, &m, meet_in_order, &met, NULL), 0);
	expect_all(&met);
	assert_true(met.in_order);
}

static void test_several_threads_tell_the_same(void **state)
{
	struct manifest m;

	(void)state;
	make_recipe();
	m = make_tree(0);
	for (unsigned jobs = 2; jobs < 9; jobs += 3) {
		struct met met = {.stop = 0};
		const struct reachable_options o = {
			.store = store, .jobs = jobs, .each = meet, .ctx = &met};

		assert_int_equal(reachable_walk(&o, &m, NULL), 0);
		expect_all(&met);
	}
}

static void test_leaves_out_what_was_met(void **state)
{
	struct met met = {.stop = 0}, less = {.stop = 0};
	struct reachable_options o = {.store = store, .jobs = 3, .each = meet, .ctx = &met};
	struct manifest m, after;

	(void)state;
	make_recipe();
	m = make_tree(0);
	o.seen = seen_digests_new(1 << 20);
	assert_int_equal(reachable_walk(&o, &m, NULL), 0);
	expect_all(&met);
	after = make_tree(3);
	o.ctx = &less;
	assert_int_equal(reachable_walk(&o, &after, NULL), 0);
	assert_int_equal(less.count[BLOB_PAGE], 2); /* the root and a leaf */
	assert_int_equal(less.count[BLOB_RECIPE], 0);
	assert_in_range(less.count[BLOB_CHUNK], 64, 1025);
	seen_digests_free(o.seen);
	less = (struct met){.leave_out = after.root};
	assert_int_equal(reachable_each(store, &after, meet, &less, NULL), 0);
	assert_int_equal(less.count[BLOB_PAGE] + less.count[BLOB_CHUNK], 2);
}

static void test_stops_when_it_is_told(void **state)
{
	struct met met = {.stop = ERR_INTERRUPTED};
	struct reachable_options o = {.store = store, .jobs = 4, .each = meet, .ctx = &met};
	struct manifest m;

	(void)state;
	m = make_tree(0);
	assert_int_equal(reachable_walk(&o, &m, NULL), ERR_INTERRUPTED);
	assert_int_equal(met.count[BLOB_PAGE], 1);
}

/* The recipe of the large file, and the first leaf. */
static void test_damage(void **state)
{
	struct met met = {.stop = 0};
	struct reachable_options o = {.store = store, .jobs = 2, .each = meet, .ctx = &met};
	struct trouble t = {0};
	struct manifest m;

	(void)state;
	make_recipe();
	m = make_tree(0);
	assert_int_equal(store_remove_blob(store, &recipe_root, NULL), 0);
	assert_int_equal(reachable_walk(&o, &m, &t), ERR_ABSENT);
	assert_true(t.text[0] != '\0');
	met = (struct met){.stop = 0};
	o.damaged = on_damage;
	assert_int_equal(reachable_walk(&o, &m, &t), 0);
	assert_int_equal(met.damaged, 1);
	assert_int_equal(met.count[BLOB_RECIPE], 1);
	assert_int_equal(met.count[BLOB_CHUNK], FILES);
	assert_int_equal(met.count[BLOB_PAGE] + 3, pages_put);
}

/* A store may be hostile: a page that is its own grandchild would be walked for ever. */
static void test_what_is_said_must_fit(void **state)
{
	static const char leaf[] =
		"{\"cairn\":\"inner\",\"level\":%u,\"columns\":[\"page\",\"parent\","
		"\"name\","
		"\"entries\",\"bytes\"],\"children\":[[\"%s\",\"\",\"f%06u\",%u,%u]]}";
	struct met met = {.stop = 0};
	struct trouble t = {0};
	char hex[DIGEST_HEX_SIZE], text[512];
	struct manifest m;

	(void)state;
	make_recipe();
	m = make_tree(0); /* its level is 1 */
	digest_to_hex(&m.root, hex);
	for (unsigned i = 0; i < 3; i++) { /* level, entries, bytes */
		snprintf(text, sizeof text, leaf, i == 0 ? 3 : 2, hex, FILES - 1,
			i == 1 ? FILES : FILES + 1, i == 2 ? 5 : BYTES);
		m.root = digest_of(text, strlen(text));
		emit(NULL, &m.root, span_of_string(text));
		assert_int_equal(reachable_each(store, &m, meet, &met, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, "not what is said of it"));
	}
	snprintf(text, sizeof text, leaf, 2, hex, FILES - 1, FILES + 1, BYTES);
	m.root = digest_of(text, strlen(text));
	emit(NULL, &m.root, span_of_string(text));
	assert_int_equal(reachable_each(store, &m, meet, &met, &t), 0);
}

static void test_seen_digests_forget_but_never_lie(void **state)
{
	struct seen_digests *s = seen_digests_new(0); /* the least */
	const struct digest zero = {{0}};
	unsigned again = 0;

	(void)state;
	assert_false(seen_digests_meet(s, &zero));
	assert_false(seen_digests_meet(s, &zero));
	for (uint32_t i = 0; i < 5000; i++) {
		struct digest d = digest_of(&i, sizeof i);

		assert_false(seen_digests_meet(s, &d));
		assert_true(seen_digests_meet(s, &d));
	}
	for (uint32_t i = 0; i < 5000; i++) {
		struct digest d = digest_of(&i, sizeof i);

		again += seen_digests_meet(s, &d);
	}
	assert_in_range(again, 0, 4999);
	seen_digests_clear(s);
	assert_false(seen_digests_meet(s, &(struct digest){{1}}));
	seen_digests_free(s);
}

/* A revision of a file whose runs stand in a list; the entry says `more` runs and bytes
 * than there are. */
static struct manifest make_sparse(uint64_t more)
{
	struct entry e = {.type = ENTRY_DIRECTORY, .mode = 0755, .links = 2};
	struct extent_list_builder *runs = extent_list_builder_new();
	struct extents_made made;
	struct manifest m = {.revision = 1};
	struct page_builder *b;
	uint64_t entries, bytes;

	extent_list_builder_reset(runs, emit, NULL);
	for (uint64_t i = 0; i < 9000; i++)
		assert_int_equal(
			extent_list_builder_add(runs, (struct extent){3 * i, 1}), 0);
	assert_int_equal(extent_list_builder_finish(runs, &made), 0);
	extent_list_builder_free(runs);
	made.list.count += more;
	made.list.size += more;
	assert_int_equal(page_builder_new(emit, NULL, &b), 0);
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	e = (struct entry){.type = ENTRY_FILE,
		.links = 1,
		.name = span_of_string("image"),
		.size = 30000,
		.has_content = true,
		.object = {.digest = number(5), .size = 9 + made.list.size},
		.run_list = made.list};
	assert_int_equal(page_builder_add(b, &e, NULL), 0);
	assert_int_equal(page_builder_finish(b, &m.root, &entries, &bytes, NULL), 0);
	page_builder_free(b);
	return m;
}

static int meet_kind(void *ctx, const struct reached *blob, struct trouble *t)
{
	struct met *m = ctx;

	(void)t;
	atomic_fetch_add(&m->count[blob->kind], 1);
	return 0;
}

static void test_lists_of_extents(void **state)
{
	struct manifest m = make_sparse(0);
	struct met met = {.stop = 0};
	struct trouble t = {0};

	(void)state;
	assert_int_equal(reachable_each(store, &m, meet_kind, &met, &t), 0);
	assert_int_equal(met.count[BLOB_PAGE], 1);
	assert_int_equal(met.count[BLOB_CHUNK], 1);
	assert_int_equal(met.count[BLOB_EXTENTS], pages_put - 1);
	assert_true(met.count[BLOB_EXTENTS] >= 4);
	m = make_sparse(1);
	assert_int_equal(reachable_each(store, &m, meet_kind, &met, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, "the list of extents "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_tells_of_all_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_several_threads_tell_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_leaves_out_what_was_met, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_stops_when_it_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists_of_extents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_is_said_must_fit, set_up, tear_down),
		cmocka_unit_test(test_seen_digests_forget_but_never_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
