/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include "cache/delta_base.h"

static void put(struct small_reader *r, const struct want *want, const struct sample *p)
{
	assert_int_equal(cache_put_chunk(r->cache, want, sample_span(p), false), 0);
	assert_int_equal(cache_flush(r->cache), 0);
}

static void check_recalled(struct small_reader *r, const struct sample *p)
{
	struct blob_buffer *a = NULL;

	assert_int_equal(delta_base_recall(r->cache, &p->want.digest, &a), 0);
	assert_true(span_equal(blob_buffer_span(a), sample_span(p)));
	assert_true(digest_equal(blob_buffer_digest(a), &p->want.digest));
	blob_buffer_put(a);
}

static void what_is_nowhere_is_absent(void **state)
{
	struct sample p = sample_new(1000, 1);
	struct blob_buffer *a = NULL;
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	assert_int_equal(delta_base_recall(r.cache, &p.want.digest, &a), ERR_ABSENT);
	assert_null(a);
	reader_release(&r);
	free(p.data);
}

static void an_object_of_its_own_is_recalled(void **state)
{
	struct sample p = sample_new(100000, 2);
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	put(&r, &p.want, &p);
	check_recalled(&r, &p);
	reader_release(&r);
	free(p.data);
}

static void a_chunk_of_an_object_is_recalled(void **state)
{
	struct sample p = sample_new(100000, 3);
	struct want want = p.want;
	struct blob_buffer *a = NULL;
	struct small_reader r;

	(void)state;
	reader_init(&r, false);
	want.object.digest = digest_of("object", 6);
	want.object.layout = digest_of("layout", 6);
	want.object_size = 3 * p.size;
	want.chunks = 3;
	want.ordinal = 1;
	want.start = p.size;
	put(&r, &want, &p);
	check_recalled(&r, &p);
	/* The object itself is no chunk. */
	assert_int_equal(delta_base_recall(r.cache, &want.object.digest, &a), ERR_ABSENT);
	reader_release(&r);
	free(p.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_nowhere_is_absent),
		cmocka_unit_test(an_object_of_its_own_is_recalled),
		cmocka_unit_test(a_chunk_of_an_object_is_recalled),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
