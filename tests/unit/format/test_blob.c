/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "format/blob.h"
#include "util/error.h"

#define LEVEL 3
#define DELTA_HEAD_SIZE 40

static int set_up(void **state)
{
	*state = blob_codec_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	blob_codec_free(*state);
	return 0;
}

/* Lines of words that compress as program text does; the same for the same seed. */
static struct bytes make_text(size_t size, uint32_t seed)
{
	static const char *const words[] = {
		"stone ", "path ", "return ", "int ", "mark\n", "leaf->", "size;\n", "0x"};
	struct bytes b = {0};

	while (b.size < size) {
		char number[16];

		seed = seed * 1664525 + 1013904223;
		if (seed >> 29 == 7)
			snprintf(number, sizeof(number), "%x", seed);
		assert_int_equal(bytes_append_string(
					 &b, seed >> 29 == 7 ? number : words[seed >> 29]),
			0);
	}
	b.size = size;
	return b;
}

/* Decodes copies of exactly the right sizes, so that sanitizers see a step beyond. */
static int decode(
	struct blob_codec *c, struct span stored, struct span base, struct span content)
{
	struct digest name = digest_of(content.data, content.size);
	uint8_t *copy = malloc(stored.size + !stored.size);
	uint8_t *out = malloc(content.size + !content.size);
	int rc;

	if (stored.size)
		memcpy(copy, stored.data, stored.size);
	rc = blob_decode(c, span_of(copy, stored.size), base, &name, out, content.size);
	if (!rc)
		assert_true(span_equal(span_of(out, content.size), content));
	free(copy);
	free(out);
	return rc;
}

static void test_plain_round_trip(void **state)
{
	static const size_t sizes[] = {
		0, 1, 2, 100, 65536, 1000000, CHUNK_SIZE_MAX, PAGE_SIZE_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes text = make_text(sizes[i], 1), out = {0};
		struct blob_head head;

		assert_int_equal(blob_encode(*state, span_of_bytes(&text), LEVEL, &out), 0);
		assert_true(out.size <= BLOB_SIZE_MAX);
		assert_int_equal(blob_head_decode(span_of_bytes(&out), sizes[i], &head), 0);
		assert_int_equal(head.size, sizes[i]);
		assert_false(head.has_base);
		assert_int_equal(decode(*state, span_of_bytes(&out), span_of(NULL, 0),
					 span_of_bytes(&text)),
			0);
		bytes_release(&text);
		bytes_release(&out);
	}
}

static void test_what_does_not_compress_fits_the_cap(void **state)
{
	struct bytes noise = {0}, out = {0};
	uint64_t x = 88172645463325252u;

	assert_int_equal(bytes_reserve(&noise, PAGE_SIZE_MAX), 0);
	for (; noise.size < PAGE_SIZE_MAX; noise.size += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(noise.data + noise.size, &x, 8);
	}
	assert_int_equal(blob_encode(*state, span_of_bytes(&noise), LEVEL, &out), 0);
	assert_true(out.size <= BLOB_SIZE_MAX);
	assert_int_equal(decode(*state, span_of_bytes(&out), span_of(NULL, 0),
				 span_of_bytes(&noise)),
		0);
	bytes_release(&noise);
	bytes_release(&out);
}

static void test_encoding_appends_and_holds_to_the_cap(void **state)
{
	struct bytes out = {0}, large = {0};
	struct digest base = {{0}};

	assert_int_equal(bytes_append_string(&out, "kept"), 0);
	assert_int_equal(blob_encode(*state, span_of("x", 1), LEVEL, &out), 0);
	assert_true(out.size > 4);
	assert_memory_equal(out.data, "kept", 4);
	assert_int_equal(decode(*state, span_of(out.data + 4, out.size - 4),
				 span_of(NULL, 0), span_of("x", 1)),
		0);
	out.size = 4;
	large = make_text(PAGE_SIZE_MAX + 1, 1);
	assert_int_equal(
		blob_encode(*state, span_of_bytes(&large), LEVEL, &out), ERR_LIMIT);
	assert_int_equal(blob_encode_delta(*state, span_of("x", 1), &base,
				 span_of_bytes(&large), LEVEL, &out),
		ERR_LIMIT);
	assert_int_equal(out.size, 4);
	bytes_release(&out);
	bytes_release(&large);
}

/* `base` with three edits: bytes put in, changed and taken out. */
static struct bytes edit(const struct bytes *base)
{
	struct bytes b = {0};
	size_t third = base->size / 3;

	assert_int_equal(bytes_append(&b, base->data, third), 0);
	assert_int_equal(
		bytes_append_string(&b, "forty bytes that were not there before!!"), 0);
	assert_int_equal(bytes_append(&b, base->data + third, third), 0);
	assert_int_equal(bytes_append(&b, base->data + 2 * third + 17, third - 17), 0);
	memcpy(b.data + 1000, "changed in place", 16);
	return b;
}

static void test_a_delta_holds_little_but_the_edits(void **state)
{
	struct bytes base = make_text(1 << 20, 7), content = edit(&base), out = {0};
	struct digest base_name = digest_of(base.data, base.size);
	struct blob_head head;

	assert_int_equal(blob_encode_delta(*state, span_of_bytes(&content), &base_name,
				 span_of_bytes(&base), LEVEL, &out),
		0);
	assert_in_range(out.size, DELTA_HEAD_SIZE + 1, 512);
	assert_int_equal(blob_head_decode(span_of_bytes(&out), CHUNK_SIZE_MAX, &head), 0);
	assert_int_equal(head.size, content.size);
	assert_true(head.has_base);
	assert_true(digest_equal(&head.base, &base_name));
	assert_int_equal(decode(*state, span_of_bytes(&out), span_of_bytes(&base),
				 span_of_bytes(&content)),
		0);
	bytes_release(&base);
	bytes_release(&content);
	bytes_release(&out);
}

/* Matches must reach over the whole base and the whole content. */
static void test_a_delta_of_the_largest_sizes(void **state)
{
	struct bytes base = make_text(PAGE_SIZE_MAX, 9), content = {0}, out = {0};
	struct digest base_name = digest_of(base.data, base.size);

	/* The end first: the beginning is met again 8 MiB behind itself. */
	assert_int_equal(bytes_append(&content, base.data + 100, PAGE_SIZE_MAX - 100), 0);
	assert_int_equal(bytes_append(&content, base.data, 100), 0);
	assert_int_equal(blob_encode_delta(*state, span_of_bytes(&content), &base_name,
				 span_of_bytes(&base), LEVEL, &out),
		0);
	assert_true(out.size < 2048);
	assert_int_equal(decode(*state, span_of_bytes(&out), span_of_bytes(&base),
				 span_of_bytes(&content)),
		0);
	bytes_release(&base);
	bytes_release(&content);
	bytes_release(&out);
}

static void test_a_delta_needs_its_very_base(void **state)
{
	struct bytes base = make_text(10000, 3), other = make_text(10000, 4);
	struct bytes content = edit(&base), out = {0};
	struct digest base_name = digest_of(base.data, base.size);
	struct span stored;

	assert_int_equal(blob_encode_delta(*state, span_of_bytes(&content), &base_name,
				 span_of_bytes(&base), LEVEL, &out),
		0);
	stored = span_of_bytes(&out);
	assert_int_equal(
		decode(*state, stored, span_of_bytes(&other), span_of_bytes(&content)),
		ERR_CORRUPT);
	assert_int_equal(
		decode(*state, stored, span_of(base.data, 50), span_of_bytes(&content)),
		ERR_CORRUPT);
	assert_int_equal(decode(*state, stored, span_of(NULL, 0), span_of_bytes(&content)),
		ERR_CORRUPT);
	/* A failure leaves nothing in the codec that the next one would trip over. */
	assert_int_equal(
		decode(*state, stored, span_of_bytes(&base), span_of_bytes(&content)), 0);
	bytes_clear(&out);
	assert_int_equal(blob_encode(*state, span_of_bytes(&content), LEVEL, &out), 0);
	assert_int_equal(decode(*state, span_of_bytes(&out), span_of_bytes(&other),
				 span_of_bytes(&content)),
		0);
	bytes_release(&base);
	bytes_release(&other);
	bytes_release(&content);
	bytes_release(&out);
}

static void test_any_zstd_reads_both_forms(void **state)
{
	struct bytes base = make_text(5000, 3), content = edit(&base), out = {0};
	struct digest base_name = digest_of(base.data, base.size);
	uint8_t *plain = malloc(content.size);
	ZSTD_DCtx *d = ZSTD_createDCtx();

	assert_int_equal(blob_encode(*state, span_of_bytes(&content), LEVEL, &out), 0);
	assert_int_equal(
		ZSTD_decompress(plain, content.size, out.data, out.size), content.size);
	assert_memory_equal(plain, content.data, content.size);
	bytes_clear(&out);
	assert_int_equal(blob_encode_delta(*state, span_of_bytes(&content), &base_name,
				 span_of_bytes(&base), LEVEL, &out),
		0);
	memset(plain, 0, content.size);
	assert_int_equal(ZSTD_decompress_usingDict(d, plain, content.size, out.data,
				 out.size, base.data, base.size),
		content.size);
	assert_memory_equal(plain, content.data, content.size);
	ZSTD_freeDCtx(d);
	free(plain);
	bytes_release(&base);
	bytes_release(&content);
	bytes_release(&out);
}

/* Every truncation, every flipped bit: refused, or (a bit that zstd ignores) still right.
 */
static void mangle(
	struct blob_codec *c, struct bytes *out, struct span base, struct span content)
{
	struct blob_head head;

	for (size_t size = 0; size < out->size; size++) {
		assert_int_equal(
			decode(c, span_of(out->data, size), base, content), ERR_CORRUPT);
		blob_head_decode(span_of(out->data, size), CHUNK_SIZE_MAX, &head);
	}
	for (size_t bit = 0; bit < 8 * out->size; bit++) {
		out->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (decode(c, span_of_bytes(out), base, content))
			assert_int_equal(
				decode(c, span_of_bytes(out), base, content), ERR_CORRUPT);
		blob_head_decode(span_of_bytes(out), CHUNK_SIZE_MAX, &head);
		out->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(decode(c, span_of_bytes(out), base, content), 0);
	assert_int_equal(bytes_append(out, "", 1), 0);
	assert_int_equal(decode(c, span_of_bytes(out), base, content), ERR_CORRUPT);
}

static void test_a_mangled_plain_blob(void **state)
{
	struct bytes content = make_text(1500, 5), out = {0};

	assert_int_equal(blob_encode(*state, span_of_bytes(&content), LEVEL, &out), 0);
	mangle(*state, &out, span_of(NULL, 0), span_of_bytes(&content));
	bytes_release(&content);
	bytes_release(&out);
}

static void test_a_mangled_delta_blob(void **state)
{
	struct bytes base = make_text(1500, 5), content = edit(&base), out = {0};
	struct digest base_name = digest_of(base.data, base.size);

	assert_int_equal(blob_encode_delta(*state, span_of_bytes(&content), &base_name,
				 span_of_bytes(&base), LEVEL, &out),
		0);
	mangle(*state, &out, span_of_bytes(&base), span_of_bytes(&content));
	bytes_release(&base);
	bytes_release(&content);
	bytes_release(&out);
}

static void test_the_announced_size_must_be_the_right_one(void **state)
{
	struct bytes content = make_text(1000, 5), out = {0};
	struct digest name = digest_of(content.data, content.size);
	uint8_t buffer[1001];
	struct blob_head head = {.size = 42};

	assert_int_equal(blob_encode(*state, span_of_bytes(&content), LEVEL, &out), 0);
	for (size_t size = 999; size <= 1001; size += 2)
		assert_int_equal(blob_decode(*state, span_of_bytes(&out), span_of(NULL, 0),
					 &name, buffer, size),
			ERR_CORRUPT);
	name.bytes[31] ^= 1;
	assert_int_equal(blob_decode(*state, span_of_bytes(&out), span_of(NULL, 0), &name,
				 buffer, 1000),
		ERR_CORRUPT);
	assert_int_equal(blob_head_decode(span_of_bytes(&out), 999, &head), ERR_LIMIT);
	assert_int_equal(head.size, 42);
	bytes_release(&content);
	bytes_release(&out);
}

static void put_u32(struct bytes *out, uint32_t value)
{
	uint8_t le[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
		(uint8_t)(value >> 24)};

	assert_int_equal(bytes_append(out, le, 4), 0);
}

/* One skippable frame of `size` zeros before a plain blob of "stones". */
static struct bytes with_skippable(struct blob_codec *c, uint32_t magic, uint32_t size)
{
	static const uint8_t zeros[64];
	struct bytes out = {0};

	put_u32(&out, magic);
	put_u32(&out, size);
	assert_int_equal(bytes_append(&out, zeros, size), 0);
	assert_int_equal(blob_encode(c, span_of_string("stones"), LEVEL, &out), 0);
	return out;
}

static void test_other_skippable_frames_are_corrupt(void **state)
{
	static const struct {
		uint32_t magic, size;
		int rc;
	} cases[] = {
		{0x184D2A5C, 32, 0},
		{0x184D2A5C, 31, ERR_CORRUPT},
		{0x184D2A5C, 33, ERR_CORRUPT},
		{0x184D2A5C, 0, ERR_CORRUPT},
		{0x184D2A5B, 32, ERR_CORRUPT},
		{0x184D2A50, 32, ERR_CORRUPT},
		{0x184D2A5F, 0, ERR_CORRUPT},
	};
	struct blob_head head;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes out = with_skippable(*state, cases[i].magic, cases[i].size);

		assert_int_equal(decode(*state, span_of_bytes(&out), span_of_string("base"),
					 span_of_string("stones")),
			cases[i].rc);
		assert_int_equal(
			blob_head_decode(span_of_bytes(&out), 100, &head), cases[i].rc);
		bytes_release(&out);
	}
}

static void test_there_is_one_frame_and_nothing_behind(void **state)
{
	struct bytes out = {0}, one = {0};
	struct span none = span_of(NULL, 0);

	assert_int_equal(blob_encode(*state, span_of_string("sto"), LEVEL, &out), 0);
	assert_int_equal(blob_encode(*state, span_of_string("nes"), LEVEL, &out), 0);
	assert_int_equal(
		decode(*state, span_of_bytes(&out), none, span_of_string("stones")),
		ERR_CORRUPT);
	assert_int_equal(decode(*state, span_of_bytes(&out), none, span_of_string("sto")),
		ERR_CORRUPT);
	bytes_release(&out);
	/* Two delta heads; a skippable frame at the end; only a delta head. */
	one = with_skippable(*state, 0x184D2A5C, 32);
	assert_int_equal(bytes_append(&out, one.data, DELTA_HEAD_SIZE), 0);
	assert_int_equal(decode(*state, span_of_bytes(&out), none, none), ERR_CORRUPT);
	assert_int_equal(bytes_append(&out, one.data, one.size), 0);
	assert_int_equal(
		decode(*state, span_of_bytes(&out), none, span_of_string("stones")),
		ERR_CORRUPT);
	assert_int_equal(bytes_append(&one, out.data, DELTA_HEAD_SIZE), 0);
	assert_int_equal(
		decode(*state, span_of_bytes(&one), none, span_of_string("stones")),
		ERR_CORRUPT);
	bytes_release(&one);
	bytes_release(&out);
}

/* "stones" as another zstd might store it. */
static struct bytes foreign_frame(int content_size, int checksum)
{
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	struct bytes out = {0};

	assert_int_equal(bytes_reserve(&out, 100), 0);
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, content_size);
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, checksum);
	out.size = ZSTD_compress2(cctx, out.data, 100, "stones", 6);
	assert_false(ZSTD_isError(out.size));
	ZSTD_freeCCtx(cctx);
	return out;
}

static void test_frames_of_other_writers(void **state)
{
	struct bytes sizeless = foreign_frame(0, 0), summed = foreign_frame(1, 1);
	struct span none = span_of(NULL, 0), stones = span_of_string("stones");
	struct blob_head head;

	assert_int_equal(
		decode(*state, span_of_bytes(&sizeless), none, stones), ERR_CORRUPT);
	assert_int_equal(
		blob_head_decode(span_of_bytes(&sizeless), 100, &head), ERR_CORRUPT);
	assert_int_equal(decode(*state, span_of_bytes(&summed), none, stones), 0);
	bytes_release(&sizeless);
	bytes_release(&summed);
}

/* Magic, then a header that asks for a window of 2 GiB and announces 2^63 - 1 bytes. */
static void test_hostile_sizes(void **state)
{
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0xa8, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x01, 0x00, 0x00};
	struct bytes large = {0};
	struct blob_head head;

	assert_int_equal(
		blob_head_decode(span_of(frame, sizeof(frame)), PAGE_SIZE_MAX, &head),
		ERR_LIMIT);
	assert_int_equal(decode(*state, span_of(frame, sizeof(frame)), span_of(NULL, 0),
				 span_of_string("stones")),
		ERR_CORRUPT);
	large = make_text(BLOB_SIZE_MAX + 1, 1);
	assert_int_equal(
		blob_head_decode(span_of_bytes(&large), PAGE_SIZE_MAX, &head), ERR_LIMIT);
	bytes_release(&large);
}

/* The window of 2 GiB again, around six true bytes: harmless, as none is allocated. */
static void test_a_hostile_window_costs_nothing(void **state)
{
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x80, 0xa8, 0x06, 0x00,
		0x00, 0x00, 0x31, 0x00, 0x00, 's', 't', 'o', 'n', 'e', 's'};

	assert_int_equal(decode(*state, span_of(frame, sizeof(frame)), span_of(NULL, 0),
				 span_of_string("stones")),
		0);
}

static void test_where_a_blob_lies(void **state)
{
	struct digest abc = digest_of("abc", 3);
	char path[BLOB_PATH_SIZE];

	(void)state;
	blob_path(&abc, path);
	assert_string_equal(path,
		"blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#define WITH_CODEC(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CODEC(test_plain_round_trip),
		WITH_CODEC(test_what_does_not_compress_fits_the_cap),
		WITH_CODEC(test_encoding_appends_and_holds_to_the_cap),
		WITH_CODEC(test_a_delta_holds_little_but_the_edits),
		WITH_CODEC(test_a_delta_of_the_largest_sizes),
		WITH_CODEC(test_a_delta_needs_its_very_base),
		WITH_CODEC(test_any_zstd_reads_both_forms),
		WITH_CODEC(test_a_mangled_plain_blob),
		WITH_CODEC(test_a_mangled_delta_blob),
		WITH_CODEC(test_the_announced_size_must_be_the_right_one),
		WITH_CODEC(test_other_skippable_frames_are_corrupt),
		WITH_CODEC(test_there_is_one_frame_and_nothing_behind),
		WITH_CODEC(test_frames_of_other_writers),
		WITH_CODEC(test_hostile_sizes),
		WITH_CODEC(test_a_hostile_window_costs_nothing),
		cmocka_unit_test(test_where_a_blob_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
