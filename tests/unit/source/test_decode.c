/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include "source/decode.h"

struct fixture {
	struct blob_codec *codec;
	struct sample base, p;
	struct bytes plain, delta;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->codec = blob_codec_new();
	f->base = sample_new(4000, 1);
	f->p = sample_new(4000, 1);
	f->p.data[100] ^= 1;
	f->p.want = want_chunk(sample_span(&f->p));
	assert_int_equal(blob_encode(f->codec, sample_span(&f->p), 3, &f->plain), 0);
	assert_int_equal(blob_encode_delta(f->codec, sample_span(&f->p),
				 &f->base.want.digest, sample_span(&f->base), 3, &f->delta),
		0);
}

static void teardown(struct fixture *f)
{
	blob_codec_free(f->codec);
	free(f->base.data);
	free(f->p.data);
	bytes_release(&f->plain);
	bytes_release(&f->delta);
}

static struct decode stored_chunk(const struct fixture *f, struct span stored)
{
	return (struct decode){BLOB_CHUNK, f->p.want.digest, f->p.size, stored};
}

/* Head and content; anything but the right bytes must be ERR_CORRUPT and blamed. */
static int open_all(const struct fixture *f, const struct decode *p, struct span base)
{
	struct blob_buffer *a = NULL;
	struct blob_head head;
	struct trouble t = {0};
	bool wrong = false;
	int rc = decode_head(p, &head, &t);

	if (!rc) {
		rc = decode_content(p, &head, f->codec,
			head.has_base ? base : (struct span){0}, &a, &wrong, &t);
		assert_true(rc == 0 || wrong);
	}
	if (rc) {
		assert_null(a);
		assert_int_equal(rc, ERR_CORRUPT);
		assert_true(t.text[0] != '\0');
		return rc;
	}
	assert_true(span_equal(blob_buffer_span(a), sample_span(&f->p)));
	blob_buffer_put(a);
	return 0;
}

static void right_blobs_open(void **state)
{
	struct decode p;
	struct fixture f;

	(void)state;
	setup(&f);
	p = stored_chunk(&f, span_of_bytes(&f.plain));
	assert_int_equal(open_all(&f, &p, (struct span){0}), 0);
	p = stored_chunk(&f, span_of_bytes(&f.delta));
	assert_int_equal(open_all(&f, &p, sample_span(&f.base)), 0);
	teardown(&f);
}

static void no_truncation_opens(void **state)
{
	struct decode p;
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t size = 0; size < f.plain.size; size++) {
		p = stored_chunk(&f, span_of(f.plain.data, size));
		assert_int_equal(open_all(&f, &p, (struct span){0}), ERR_CORRUPT);
	}
	for (size_t size = 0; size < f.delta.size; size++) {
		p = stored_chunk(&f, span_of(f.delta.data, size));
		assert_int_equal(open_all(&f, &p, sample_span(&f.base)), ERR_CORRUPT);
	}
	teardown(&f);
}

/* A flip may be harmless (a checksum flag, say), but never gives other bytes. */
static void flips_never_give_other_bytes(void **state)
{
	unsigned refused = 0;
	struct decode p;
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t bit = 0; bit < 8 * f.delta.size; bit++) {
		f.delta.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		p = stored_chunk(&f, span_of_bytes(&f.delta));
		refused += open_all(&f, &p, sample_span(&f.base)) != 0;
		f.delta.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Those in the digest of the base are for others to notice. */
	assert_true(refused > 4 * (f.delta.size - 40));
	teardown(&f);
}

static void sizes_are_bounded(void **state)
{
	struct blob_head head;
	struct decode p;
	struct fixture f;

	(void)state;
	setup(&f);
	p = stored_chunk(&f, span_of_bytes(&f.plain));
	for (int off = -1; off <= 1; off += 2) {
		p.size = f.p.size + (uint64_t)off;
		assert_int_equal(decode_head(&p, &head, NULL), ERR_CORRUPT);
	}
	p.size = UINT64_MAX;
	assert_int_equal(decode_head(&p, &head, NULL), ERR_CORRUPT);
	assert_true(decode_stored_max(BLOB_CHUNK, UINT64_MAX) <= BLOB_SIZE_MAX);
	assert_true(decode_stored_max(BLOB_PAGE, 0) <= BLOB_SIZE_MAX);
	assert_true(decode_stored_max(BLOB_CHUNK, f.p.size) >= f.plain.size);
	teardown(&f);
}

/* As a base: any size, but plain. As a page: no delta. */
static void only_chunks_have_bases(void **state)
{
	struct blob_head head;
	struct decode p;
	struct fixture f;

	(void)state;
	setup(&f);
	p = stored_chunk(&f, span_of_bytes(&f.plain));
	p.size = 0;
	assert_int_equal(open_all(&f, &p, (struct span){0}), 0);
	p.stored = span_of_bytes(&f.delta);
	assert_int_equal(decode_head(&p, &head, NULL), ERR_CORRUPT);
	p.kind = BLOB_PAGE;
	assert_int_equal(decode_head(&p, &head, NULL), ERR_CORRUPT);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_blobs_open),
		cmocka_unit_test(no_truncation_opens),
		cmocka_unit_test(flips_never_give_other_bytes),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(only_chunks_have_bases),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
