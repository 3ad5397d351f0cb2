/* SPDX-License-Identifier: MIT */
#include "unit/cache_samples.h"

#include "cache/file_map.h"
#include "format/extent_list_builder.h"

#define RUNS 9000
#define STRIDE 7 /* each begins so many bytes behind the one before, and has 1 to 4 */
#define HEAD 3	 /* bytes of hole before the first */

/* A file of RUNS runs, whose lists are put into the cache as they are built. */
struct mapped {
	struct cache *cache;
	struct entry entry;
	unsigned lists, withheld; /* the list of that number is not put; 0: all are */
	struct digest names[8];
	uint64_t firsts[8]; /* where in the file they begin */
};

static struct extent run_at(uint64_t i)
{
	return (struct extent){HEAD + i * STRIDE, 1 + i % 4};
}

/* The list's first run is where it says. */
static uint64_t put_list(
	struct cache *c, const struct digest *name, struct span text, bool here)
{
	struct bytes packed = {0};
	struct extent_list l;
	struct blob_buffer *a;

	assert_int_equal(extent_list_decode(text, &packed, NULL), 0);
	assert_int_equal(extent_list_view(span_of_bytes(&packed), &l), 0);
	a = blob_buffer_new(BLOB_EXTENTS, name, packed.size);
	memcpy(blob_buffer_data(a), packed.data, packed.size);
	if (here)
		assert_int_equal(cache_put_page(c, a), 0);
	blob_buffer_put(a);
	bytes_release(&packed);
	return l.span.first;
}

static int emit(void *ctx, const struct digest *name, struct span text)
{
	struct mapped *m = ctx;
	unsigned i = m->lists++;

	assert_true(i < 8);
	m->names[i] = *name;
	m->firsts[i] = put_list(m->cache, name, text, m->lists != m->withheld);
	return 0;
}

static void build(struct mapped *m)
{
	struct extent_list_builder *b = extent_list_builder_new();
	struct extents_made made;

	extent_list_builder_reset(b, emit, m);
	for (uint64_t i = 0; i < RUNS; i++)
		assert_int_equal(extent_list_builder_add(b, run_at(i)), 0);
	assert_int_equal(extent_list_builder_finish(b, &made), 0);
	extent_list_builder_free(b);
	/* what is read at the very moment of a commit may be missed */
	assert_int_equal(cache_flush(m->cache), 0);
	assert_true(m->lists >= 4); /* leaves and the root */
	m->entry = (struct entry){.type = ENTRY_FILE,
		.size = HEAD + RUNS * STRIDE + 100,
		.has_content = true,
		.offset = 10,
		.object = {.size = made.size + 20},
		.run_list = made.list};
}

/* What the piece at `offset` is, without any list. */
static struct piece expected(const struct entry *e, uint64_t offset)
{
	uint64_t i = offset < HEAD ? 0 : (offset - HEAD) / STRIDE, before = e->offset;
	struct extent run = run_at(i);

	if (offset >= run.offset + run.size && i < RUNS)
		run = run_at(++i);
	if (i >= RUNS)
		return (struct piece){.hole = true, .size = e->size - offset};
	if (offset < run.offset)
		return (struct piece){.hole = true, .size = run.offset - offset};
	before += i / 4 * 10 + (i % 4) * (i % 4 + 1) / 2;
	return (struct piece){.size = run.offset + run.size - offset,
		.object_offset = before + offset - run.offset};
}

static void test_maps_every_byte(void **state)
{
	struct mapped m = {.cache = sample_open(*state, 0)};
	struct attempt a;

	build(&m);
	attempt_begin(&a, m.cache, NULL);
	for (uint64_t at = 0; at < m.entry.size; at++) {
		struct piece want = expected(&m.entry, at), got;
		uint64_t data = 0, hole = 0;
		int rc;

		assert_int_equal(file_map(&a, &m.entry, at, &got), 0);
		assert_int_equal(got.hole, want.hole);
		assert_int_equal(got.size, want.size);
		assert_int_equal(got.object_offset, want.hole ? 0 : want.object_offset);
		rc = file_seek(&a, &m.entry, at, true, &data);
		assert_int_equal(
			rc, want.hole && at + want.size == m.entry.size ? ERR_ABSENT : 0);
		if (!rc)
			assert_int_equal(data, want.hole ? at + want.size : at);
		assert_int_equal(file_seek(&a, &m.entry, at, false, &hole), 0);
		assert_int_equal(hole, want.hole ? at : at + want.size);
	}
	assert_int_equal(
		file_seek(&a, &m.entry, m.entry.size, true, &(uint64_t){0}), ERR_ABSENT);
	assert_int_equal(
		file_seek(&a, &m.entry, m.entry.size, false, &(uint64_t){0}), ERR_ABSENT);
	assert_int_equal(attempt_end(&a), 0);
	assert_int_equal(a.want_count, 0);
	cache_close(m.cache);
}

static void test_reads(void **state)
{
	struct mapped m = {.cache = sample_open(*state, 0)};
	uint64_t data, chunks;
	uint8_t *got, *object;
	struct sample s;
	struct attempt a;
	size_t done;

	build(&m);
	data = m.entry.object.size;
	chunks = (data + SAMPLE_CHUNK - 1) / SAMPLE_CHUNK;
	s = sample_make(3, (unsigned)chunks + 1);
	m.entry.object = s.ref;
	sample_put_all(m.cache, &s);
	got = malloc(m.entry.size);
	object = malloc(s.ref.size);
	memset(got, 0xee, m.entry.size);
	attempt_begin(&a, m.cache, NULL);
	assert_int_equal(file_read(&a, &m.entry, 0, got, m.entry.size, &done), 0);
	assert_int_equal(done, m.entry.size);
	assert_int_equal(attempt_read(&a, &s.ref, 0, object, s.ref.size), 0);
	attempt_end(&a);
	for (uint64_t at = 0; at < m.entry.size; at++) {
		struct piece piece = expected(&m.entry, at);

		assert_int_equal(got[at], piece.hole ? 0 : object[piece.object_offset]);
	}
	free(got);
	free(object);
	sample_release(&s);
	cache_close(m.cache);
}

static void test_missing_lists_are_noted(void **state)
{
	struct mapped m = {.cache = sample_open(*state, 0), .withheld = 2};
	uint64_t at = 0, out;
	struct piece piece;
	struct attempt a;

	build(&m);
	attempt_begin(&a, m.cache, NULL);
	assert_int_equal(file_map(&a, &m.entry, 0, &piece), 0);
	assert_int_equal(file_map(&a, &m.entry, m.entry.size - 1, &piece), 0);
	assert_int_equal(a.want_count, 0);
	assert_int_equal(file_map(&a, &m.entry, m.firsts[1], &piece), ERR_PENDING);
	assert_int_equal(a.want_count, 1);
	assert_int_equal(a.wants[0].kind, BLOB_EXTENTS);
	assert_true(digest_equal(&a.wants[0].digest, &m.names[1]));
	assert_int_equal(file_seek(&a, &m.entry, m.firsts[1], true, &out), ERR_PENDING);
	/* where it begins, the list above says */
	assert_int_equal(file_map(&a, &m.entry, m.firsts[1] - 1, &piece), 0);
	assert_int_equal(file_map(&a, &m.entry, m.firsts[2], &piece), 0);
	/* all of them, from the first on: that one is passed */
	assert_int_equal(file_map_bring(&a, &m.entry, &at, m.entry.size), ERR_PENDING);
	assert_true(at <= m.firsts[1] && at > m.firsts[1] - STRIDE);
	assert_int_equal(a.want_count, 1);
	at = 0; /* those of the file's beginning are here */
	assert_int_equal(file_map_bring(&a, &m.entry, &at, 100), 0);
	assert_true(at >= 100);
	attempt_end(&a);
	cache_close(m.cache);
}

/* None is here: the root, then as many as there are. */
static void test_brings_many_at_a_time(void **state)
{
	struct cache *empty = sample_open(*state, 0);
	struct mapped m = {.cache = empty};
	struct digest root;
	struct attempt a;
	uint64_t at = 0;

	build(&m);
	root = m.entry.run_list.digest;
	m.entry.run_list.digest = digest_of("none", 4);
	attempt_begin(&a, empty, NULL);
	assert_int_equal(file_map_bring(&a, &m.entry, &at, m.entry.size), ERR_PENDING);
	assert_true(at == 0 && a.want_count == 1);
	m.entry.run_list.digest = root;
	assert_int_equal(file_map_bring(&a, &m.entry, &at, m.entry.size), 0);
	assert_int_equal(at, m.entry.size);
	attempt_end(&a);
	cache_close(empty);
}

/* The text of a list, put under its digest. */
static struct digest put_text(struct cache *c, const char *text)
{
	struct digest name = digest_of(text, strlen(text));

	put_list(c, &name, span_of_string(text), true);
	return name;
}

static void test_lies(void **state)
{
	/* what is said of a list of runs at 0 and 10, of a byte each */
	static const char *const parts[] = {"0,12,2,2", "1,11,2,2", "0,11,3,3", "0,11,2,3"};
	struct cache *c = sample_open(*state, 0);
	struct mapped m = {.cache = c};
	struct digest leaf = put_text(c, "{\"cairn\":\"extents\",\"runs\":[[0,1],[10,1]]}");
	char hex[DIGEST_HEX_SIZE], text[512];
	struct piece piece;
	struct attempt a;

	build(&m);
	digest_to_hex(&leaf, hex);
	for (size_t i = 0; i < 4; i++) {
		struct entry e = m.entry;

		snprintf(text, sizeof text,
			"{\"cairn\":\"extents\",\"level\":1,\"parts\":[[\"%s\",%s],[\"%s\","
			"20,9000,4095,4096]]}",
			hex, parts[i], hex);
		e.run_list.digest = put_text(c, text);
		e.run_list.count = 4095 + (i == 2 ? 3 : 2);
		e.run_list.size = 4096 + (i >= 2 ? 3 : 2);
		assert_int_equal(cache_flush(c), 0);
		attempt_begin(&a, c, NULL);
		assert_int_equal(file_map(&a, &e, 2, &piece), ERR_CORRUPT);
		attempt_end(&a);
	}
	/* nor is the root what its entry says */
	attempt_begin(&a, c, NULL);
	m.entry.run_list.count++;
	assert_int_equal(file_map(&a, &m.entry, 0, &piece), ERR_CORRUPT);
	m.entry.run_list.count--;
	m.entry.size = RUNS * STRIDE - 10;
	assert_int_equal(file_map(&a, &m.entry, 0, &piece), ERR_CORRUPT);
	attempt_end(&a);
	cache_close(c);
}

/* Files whose entry says it all need no list. */
static void test_others(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct entry e = {.type = ENTRY_FILE,
		.size = 100,
		.has_content = true,
		.object = {.size = 100}};
	struct piece piece;
	struct attempt a;
	uint64_t at = 0;

	attempt_begin(&a, c, NULL);
	assert_int_equal(file_map(&a, &e, 40, &piece), 0);
	assert_true(!piece.hole && piece.size == 60 && piece.object_offset == 40);
	assert_int_equal(file_seek(&a, &e, 40, false, &at), 0);
	assert_int_equal(at, 100);
	at = 0;
	assert_int_equal(file_map_bring(&a, &e, &at, 100), 0);
	assert_int_equal(at, 100);
	attempt_end(&a);
	cache_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_maps_every_byte),
		SAMPLE_TEST(test_reads),
		SAMPLE_TEST(test_missing_lists_are_noted),
		SAMPLE_TEST(test_brings_many_at_a_time),
		SAMPLE_TEST(test_lies),
		SAMPLE_TEST(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
