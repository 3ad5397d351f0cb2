/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/gate_server.h"

#include "net/mirrors.h"

/* A store that lies, the same as it should be, and a reader that asks the first first. */
struct fixture {
	struct small_store bad, good;
	struct small_reader reader;
	struct source *source;
};

static void setup(struct fixture *f, bool with_good)
{
	store_init(&f->bad);
	store_init(&f->good);
	reader_init(&f->reader, false);
	assert_int_equal(source_new(f->reader.engine, f->bad.url, &f->source, NULL), 0);
	if (with_good)
		assert_int_equal(mirrors_add(source_mirrors(f->source), f->good.url), 0);
}

static void teardown(struct fixture *f)
{
	source_free(f->source);
	reader_release(&f->reader);
	store_release(&f->bad);
	store_release(&f->good);
}

static void blob_bytes(struct small_store *s, const struct digest *name, struct bytes *out)
{
	char path[BLOB_PATH_SIZE];

	blob_path(name, path);
	store_read(s, path, out);
}

/* With `stored` in the bad store: alone it is corrupt (and says what and where), with a
 * good mirror nobody notices. */
static void check_wrong(const struct want *want, struct span content, struct span stored)
{
	char hex[DIGEST_HEX_SIZE], url[2 * PATH_SIZE_MAX];
	struct trouble t = {0};
	struct fixture f;

	digest_to_hex(&want->digest, hex);
	setup(&f, false);
	store_blob(&f.bad, &want->digest, stored);
	assert_int_equal(want_one(f.source, want, &t), ERR_CORRUPT);
	snprintf(url, sizeof(url), "%s/blobs/%.2s/%s", f.bad.url, hex, hex + 2);
	assert_non_null(strstr(t.text, url));
	assert_true(reader_logged(&f.reader, url));
	assert_false(cache_has(f.reader.cache, want));
	/* Once more, past all caches on the way, in case that one of them is to blame. */
	assert_int_equal(reader_requests(&f.reader), 2);
	teardown(&f);

	setup(&f, true);
	store_blob(&f.bad, &want->digest, stored);
	store_put(&f.good, content);
	assert_int_equal(want_one(f.source, want, NULL), 0);
	assert_true(cache_has(f.reader.cache, want));
	teardown(&f);
}

static void flipped_bits_are_noticed(void **state)
{
	struct sample p = sample_new(3000, 1);
	struct bytes stored = {0};
	struct blob_codec *codec = blob_codec_new();

	(void)state;
	assert_int_equal(blob_encode(codec, sample_span(&p), 3, &stored), 0);
	for (size_t at = 0; at < stored.size; at += stored.size / 4) {
		stored.data[at] ^= 0x10;
		check_wrong(&p.want, sample_span(&p), span_of_bytes(&stored));
		stored.data[at] ^= 0x10;
	}
	bytes_release(&stored);
	blob_codec_free(codec);
	free(p.data);
}

static void truncation_is_noticed(void **state)
{
	struct sample p = sample_new(3000, 2);
	struct bytes stored = {0};
	struct blob_codec *codec = blob_codec_new();

	(void)state;
	assert_int_equal(blob_encode(codec, sample_span(&p), 3, &stored), 0);
	for (size_t size = 0; size < stored.size; size += 1 + stored.size / 3)
		check_wrong(&p.want, sample_span(&p), span_of(stored.data, size));
	check_wrong(&p.want, sample_span(&p), span_of(stored.data, stored.size - 1));
	bytes_release(&stored);
	blob_codec_free(codec);
	free(p.data);
}

static void anything_else_is_noticed(void **state)
{
	static const char page[] = "<!DOCTYPE html><title>Please sign in</title>";
	struct sample p = sample_new(3000, 3), q = sample_new(3000, 4);
	struct bytes stored = {0};
	struct blob_codec *codec = blob_codec_new();

	(void)state;
	check_wrong(&p.want, sample_span(&p), span_of_string(page));
	/* A good blob, but of another name; and one of another length. */
	assert_int_equal(blob_encode(codec, sample_span(&q), 3, &stored), 0);
	check_wrong(&p.want, sample_span(&p), span_of_bytes(&stored));
	bytes_clear(&stored);
	assert_int_equal(blob_encode(codec, span_of(p.data, p.size - 1), 3, &stored), 0);
	check_wrong(&p.want, sample_span(&p), span_of_bytes(&stored));
	bytes_release(&stored);
	blob_codec_free(codec);
	free(p.data);
	free(q.data);
}

/* A few bytes that become 2 MiB, as they say or although they say less. */
static void bombs_are_defused(void **state)
{
	struct sample p = sample_new(3000, 5);
	const uint32_t said = 1u << 21, less = 3000;
	struct bytes stored = {0};
	uint8_t *zeros = calloc(1, said);
	struct blob_codec *codec = blob_codec_new();
	size_t at = 4;

	(void)state;
	assert_int_equal(blob_encode(codec, span_of(zeros, said), 3, &stored), 0);
	assert_true(stored.size < 1000);
	check_wrong(&p.want, sample_span(&p), span_of_bytes(&stored));
	while (memcmp(stored.data + at, &said, 4))
		assert_true(++at < 16);
	memcpy(stored.data + at, &less, 4);
	check_wrong(&p.want, sample_span(&p), span_of_bytes(&stored));
	bytes_release(&stored);
	blob_codec_free(codec);
	free(zeros);
	free(p.data);
}

/* Longer than the longest stored form of 3000 bytes: it is not even taken in. */
static void long_files_are_broken_off(void **state)
{
	struct sample p = sample_new(3000, 6), q = sample_new(100000, 7);

	(void)state;
	check_wrong(&p.want, sample_span(&p), sample_span(&q));
	free(p.data);
	free(q.data);
}

/* The right bytes of a page that is none: no mirror has better ones, one request is
 * enough. */
static void a_page_that_is_none_is_corrupt(void **state)
{
	static const char text[] = "{\"cairn\":\"leaf\"}";
	struct trouble t = {0};
	struct want want;
	struct fixture f;

	(void)state;
	for (int kind = BLOB_PAGE; kind <= BLOB_EXTENTS; kind++) {
		setup(&f, true);
		want = (struct want){.kind = (enum blob_kind)kind, .size = PAGE_SIZE_MAX};
		want.digest = store_put(&f.bad, span_of_string(text));
		assert_int_equal(want_one(f.source, &want, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, f.bad.url));
		assert_int_equal(reader_requests(&f.reader), 1);
		teardown(&f);
	}
}

static void a_recipe_is_brought(void **state)
{
	struct bytes text = {0};
	struct want want = {.kind = BLOB_RECIPE, .size = PAGE_SIZE_MAX};
	struct recipe recipe;
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f, false);
	bytes_append_string(&text, "{\"cairn\":\"recipe\",\"chunks\":[");
	for (unsigned i = 0; i < OBJECT_LISTED_MAX + 1; i++) {
		struct digest d = digest_of(&i, sizeof(i));
		char hex[DIGEST_HEX_SIZE], row[128];

		digest_to_hex(&d, hex);
		snprintf(row, sizeof(row), "%s[\"%s\",%u]", i ? "," : "", hex, 1000 + i);
		bytes_append_string(&text, row);
	}
	bytes_append_string(&text, "]}");
	want.digest = store_put(&f.bad, span_of_bytes(&text));
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_int_equal(recipe_view(waiter_content(&w.waiter, &want.digest), &recipe), 0);
	assert_int_equal(recipe.count, OBJECT_LISTED_MAX + 1);
	test_waiter_release(&w);
	bytes_release(&text);
	teardown(&f);
}

/* A mirror that lacks it, one that lies, one that is right. */
static void the_last_mirror_has_it(void **state)
{
	struct sample p = sample_new(3000, 8);
	struct small_store empty;
	struct fixture f;

	(void)state;
	setup(&f, false);
	store_init(&empty);
	store_blob(&f.bad, &p.want.digest, span_of_string("nonsense"));
	store_put(&f.good, sample_span(&p));
	assert_int_equal(mirrors_add(source_mirrors(f.source), empty.url), 0);
	assert_int_equal(mirrors_add(source_mirrors(f.source), f.good.url), 0);
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	teardown(&f);
	store_release(&empty);
	free(p.data);
}

/* One lies, the other lacks it: the first is asked anew before that is final. */
static void a_liar_is_asked_once_more(void **state)
{
	struct sample p = sample_new(3000, 9);
	struct trouble t = {0};
	struct fixture f;

	(void)state;
	setup(&f, true);
	store_blob(&f.bad, &p.want.digest, span_of_string("nonsense"));
	assert_int_equal(want_one(f.source, &p.want, &t), ERR_CORRUPT);
	assert_non_null(strstr(t.text, f.bad.url));
	teardown(&f);
	free(p.data);
}

/* A cache on the way keeps the wrong bytes: asking past it helps. */
static void a_stale_cache_is_passed_by(void **state)
{
	struct sample p = sample_new(3000, 14);
	struct gate_server *g;
	struct fixture f;

	(void)state;
	setup(&f, false);
	store_blob(&f.bad, &p.want.digest, span_of_string("nonsense"));
	store_put(&f.good, sample_span(&p));
	g = gate_new(f.good.directory);
	g->stale = f.bad.directory;
	source_free(f.source);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	assert_int_equal(gate_requests(g), 2);
	teardown(&f);
	gate_free(g);
	free(p.data);
}

/* Who was caught lying is not asked first any more, however slow the others are. */
static void a_liar_is_asked_last(void **state)
{
	struct sample p = sample_new(3000, 15);
	struct mirrors *mirrors;
	struct fixture f;
	int64_t wait;

	(void)state;
	setup(&f, true);
	mirrors = source_mirrors(f.source);
	store_blob(&f.bad, &p.want.digest, span_of_string("nonsense"));
	store_put(&f.good, sample_span(&p));
	mirrors_succeeded(mirrors, 0, NS_PER_MS, 1000);
	mirrors_succeeded(mirrors, 1, 100 * NS_PER_SECOND, 1000);
	assert_int_equal(mirrors_choose(mirrors, 0, clock_monotonic(), &wait), 0);
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	assert_int_equal(mirrors_choose(mirrors, 0, clock_monotonic(), &wait), 1);
	teardown(&f);
	free(p.data);
}

static void make_edited(const struct sample *base, struct sample *out)
{
	*out = sample_new(base->size + 100, 77);
	memcpy(out->data, base->data, base->size);
	memset(out->data + 1000, 'x', 50);
	out->want = want_chunk(sample_span(out));
}

static void a_delta_brings_its_base(void **state)
{
	struct sample base = sample_new(200000, 10), p;
	struct bytes stored = {0};
	struct test_waiter w;
	struct fixture f;

	(void)state;
	make_edited(&base, &p);
	setup(&f, false);
	store_put(&f.bad, sample_span(&base));
	store_put_delta(&f.bad, sample_span(&p), sample_span(&base));
	blob_bytes(&f.bad, &p.want.digest, &stored);
	assert_true(stored.size < 2000);
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_true(span_equal(waiter_content(&w.waiter, &p.want.digest), sample_span(&p)));
	/* The base is nobody's: it is not kept, nor given to who did not ask. */
	assert_false(cache_has(f.reader.cache, &base.want));
	assert_int_equal(w.waiter.buffers.count, 1);
	assert_int_equal(reader_requests(&f.reader), 2);
	test_waiter_release(&w);
	bytes_release(&stored);
	teardown(&f);
	free(base.data);
	free(p.data);
}

/* The base lies in the cache, alone or within an object: one request, for the delta. */
static void a_base_is_recalled(void **state)
{
	struct sample base = sample_new(200000, 17), p;
	struct want within;
	struct test_waiter w;
	struct fixture f;

	(void)state;
	make_edited(&base, &p);
	within = base.want;
	within.object.digest = digest_of("both", 4);
	within.object.layout = digest_of("list", 4);
	within.object_size = 2 * base.size;
	within.chunks = 2;
	within.ordinal = 1;
	within.start = base.size;
	for (int way = 0; way < 2; way++) {
		setup(&f, false);
		store_put(&f.bad, sample_span(&base));
		store_put_delta(&f.bad, sample_span(&p), sample_span(&base));
		assert_int_equal(want_one(f.source, way ? &within : &base.want, NULL), 0);
		assert_int_equal(cache_flush(f.reader.cache), 0);
		test_waiter_init(&w);
		assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
					 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
			0);
		assert_int_equal(test_waiter_wait(&w, 1), 0);
		assert_true(span_equal(
			waiter_content(&w.waiter, &p.want.digest), sample_span(&p)));
		assert_int_equal(reader_requests(&f.reader), 2);
		test_waiter_release(&w);
		teardown(&f);
	}
	free(base.data);
	free(p.data);
}

/* Both deltas wait for the base to be fetched once, or twice; both are had. */
static void two_deltas_share_a_base(void **state)
{
	struct sample base = sample_new(50000, 11), p, q = sample_new(50000, 11);
	struct want wants[2];
	struct test_waiter w;
	struct fixture f;

	(void)state;
	make_edited(&base, &p);
	q.data[5] ^= 1;
	q.want = want_chunk(sample_span(&q));
	wants[0] = p.want;
	wants[1] = q.want;
	setup(&f, false);
	store_put(&f.bad, sample_span(&base));
	store_put_delta(&f.bad, sample_span(&p), sample_span(&base));
	store_put_delta(&f.bad, sample_span(&q), sample_span(&base));
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, wants, 2, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	test_waiter_release(&w);
	teardown(&f);
	free(base.data);
	free(p.data);
	free(q.data);
}

/* Deltas that fill the budget leave room for their bases. */
static void deltas_do_not_starve_their_bases(void **state)
{
	enum { COUNT = 12 };
	struct sample base[COUNT], p[COUNT];
	struct want wants[COUNT];
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f, false);
	source_free(f.source);
	engine_free(f.reader.engine);
	f.reader.memory = 300000;
	reader_start(&f.reader);
	assert_int_equal(source_new(f.reader.engine, f.bad.url, &f.source, NULL), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		base[i] = sample_new(60000, 100 + i);
		make_edited(&base[i], &p[i]);
		wants[i] = p[i].want;
		store_put(&f.bad, sample_span(&base[i]));
		store_put_delta(&f.bad, sample_span(&p[i]), sample_span(&base[i]));
	}
	for (int priority = FETCH_DEMAND; priority <= FETCH_PREFETCH; priority++) {
		test_waiter_init(&w);
		assert_int_equal(source_want(f.source, &wants[priority * 4], 4,
					 (enum fetch_priority)priority,
					 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
			0);
		assert_int_equal(test_waiter_wait(&w, 1), 0);
		test_waiter_release(&w);
	}
	teardown(&f);
	for (unsigned i = 0; i < COUNT; i++) {
		free(base[i].data);
		free(p[i].data);
	}
}

/* No base, a base that is a delta, a base of other bytes: the mirror is to blame. */
static void a_delta_without_a_good_base_is_wrong(void **state)
{
	struct sample base = sample_new(50000, 12), p, q;
	struct trouble t = {0};
	struct fixture f;

	(void)state;
	make_edited(&base, &p);
	make_edited(&p, &q);
	for (int way = 0; way < 3; way++) {
		setup(&f, false);
		store_put_delta(&f.bad, sample_span(&q), sample_span(&p));
		if (way == 1) {
			store_put(&f.bad, sample_span(&base));
			store_put_delta(&f.bad, sample_span(&p), sample_span(&base));
		} else if (way == 2) {
			store_blob(&f.bad, &p.want.digest, span_of_string("nonsense"));
		}
		assert_int_equal(want_one(f.source, &q.want, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, "its base"));
		/* Another mirror has it plain. */
		assert_int_equal(mirrors_add(source_mirrors(f.source), f.good.url), 0);
		store_put(&f.good, sample_span(&q));
		assert_int_equal(want_one(f.source, &q.want, &t), 0);
		teardown(&f);
	}
	free(base.data);
	free(p.data);
	free(q.data);
}

/* A page may not be stored as a delta. */
static void a_delta_page_is_wrong(void **state)
{
	struct sample base = sample_new(1000, 13);
	struct bytes text = {0}, stored = {0};
	struct digest root;
	struct trouble t = {0};
	struct want want;
	struct fixture f;

	(void)state;
	setup(&f, false);
	root = store_tree(&f.bad, 3);
	want = want_page(&root);
	blob_bytes(&f.bad, &root, &stored);
	assert_int_equal(bytes_reserve(&text, 10000), 0);
	struct blob_head head;
	assert_int_equal(blob_head_decode(span_of_bytes(&stored), 10000, &head), 0);
	assert_int_equal(blob_decode(f.bad.codec, span_of_bytes(&stored), (struct span){0},
				 &root, text.data, head.size),
		0);
	assert_int_equal(want_one(f.source, &want, &t), 0);
	teardown(&f);

	setup(&f, false);
	store_put(&f.bad, sample_span(&base));
	store_put_delta(&f.bad, span_of(text.data, head.size), sample_span(&base));
	assert_int_equal(want_one(f.source, &want, &t), ERR_CORRUPT);
	bytes_release(&text);
	bytes_release(&stored);
	teardown(&f);
	free(base.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flipped_bits_are_noticed),
		cmocka_unit_test(truncation_is_noticed),
		cmocka_unit_test(anything_else_is_noticed),
		cmocka_unit_test(bombs_are_defused),
		cmocka_unit_test(long_files_are_broken_off),
		cmocka_unit_test(a_page_that_is_none_is_corrupt),
		cmocka_unit_test(a_recipe_is_brought),
		cmocka_unit_test(the_last_mirror_has_it),
		cmocka_unit_test(a_liar_is_asked_once_more),
		cmocka_unit_test(a_stale_cache_is_passed_by),
		cmocka_unit_test(a_liar_is_asked_last),
		cmocka_unit_test(a_delta_brings_its_base),
		cmocka_unit_test(a_base_is_recalled),
		cmocka_unit_test(two_deltas_share_a_base),
		cmocka_unit_test(deltas_do_not_starve_their_bases),
		cmocka_unit_test(a_delta_without_a_good_base_is_wrong),
		cmocka_unit_test(a_delta_page_is_wrong),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
