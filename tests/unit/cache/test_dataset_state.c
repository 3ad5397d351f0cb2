/* SPDX-License-Identifier: MIT */
#include "cache/dataset_state.h"
#include "unit/await.h"
#include "unit/cache_samples.h"
#include "format/manifest.h"

static struct dataset_record make(uint64_t revision)
{
	struct dataset_record s = {.name = strdup("photos"),
		.url = strdup("https://example.org/photos"),
		.etag = "\"abc\"",
		.revision = revision,
		.highest = revision,
		.accepted = 1700000000,
		.root = {{9, 8, 7}}};

	assert_int_equal(bytes_append_string(&s.manifest, "{\"some\": \"text\"}\n"), 0);
	return s;
}

static void assert_same(const struct dataset_record *a, const struct dataset_record *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->url, b->url);
	assert_string_equal(a->etag, b->etag);
	assert_int_equal(a->revision, b->revision);
	assert_int_equal(a->accepted, b->accepted);
	assert_true(digest_equal(&a->root, &b->root));
	assert_true(span_equal(span_of_bytes(&a->manifest), span_of_bytes(&b->manifest)));
	assert_true(span_equal(span_of_bytes(&a->tag), span_of_bytes(&b->tag)));
}

static void test_save_and_load(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct dataset_record s = make(5), got;
	struct digest id = digest_of("id", 2), found;

	assert_int_equal(cache_dataset_load(c, &id, &got), ERR_ABSENT);
	assert_int_equal(cache_dataset_by_url(c, s.url, &found), ERR_ABSENT);
	assert_int_equal(cache_dataset_save(c, &id, &s), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(cache_dataset_load(c, &id, &got), 0);
	assert_same(&s, &got);
	assert_int_equal(got.highest, 5);
	dataset_record_release(&got);
	assert_int_equal(cache_dataset_by_url(c, s.url, &found), 0);
	assert_true(digest_equal(&found, &id));
	/* An older one may be accepted (a tag), but the highest stays. */
	s.revision = s.highest = 3;
	assert_int_equal(cache_dataset_save(c, &id, &s), 0);
	assert_int_equal(cache_dataset_load(c, &id, &got), 0);
	assert_int_equal(got.revision, 3);
	assert_int_equal(got.highest, 5);
	dataset_record_release(&got);
	assert_int_equal(bytes_append_string(&s.tag, "{\"tag\": 1}\n"), 0);
	assert_int_equal(cache_dataset_save(c, &id, &s), 0);
	assert_int_equal(cache_dataset_load(c, &id, &got), 0);
	assert_same(&s, &got);
	dataset_record_release(&got);
	dataset_record_release(&s);
	cache_close(c);
}

static int see(void *ctx, const struct cache_dataset *d)
{
	unsigned *count = ctx;

	assert_string_equal(d->name, "photos");
	assert_string_equal(d->url, "https://example.org/photos");
	assert_int_equal(d->revision, d->highest);
	(*count)++;
	return 0;
}

static void test_each_and_rot(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct dataset_record got;
	struct digest ids[5];
	unsigned count = 0;

	for (unsigned i = 0; i < 5; i++) {
		struct dataset_record s = make(i + 1);

		ids[i] = digest_of(&i, sizeof i);
		assert_int_equal(cache_dataset_save(c, &ids[i], &s), 0);
		dataset_record_release(&s);
	}
	/* What a tag is on is no dataset. */
	got = make(9);
	assert_int_equal(bytes_append_string(&got.tag, "{}"), 0);
	ids[0] = digest_of("tag", 3);
	assert_int_equal(cache_dataset_save(c, &ids[0], &got), 0);
	dataset_record_release(&got);
	assert_int_equal(cache_each_dataset(c, see, &count), 0);
	assert_int_equal(count, 5);
	assert_int_equal(
		sample_flip_raw(c->metadata, TABLE_DATASETS, span_of_digest(&ids[2]), 30),
		0);
	assert_int_equal(cache_dataset_load(c, &ids[2], &got), ERR_ABSENT);
	count = 0;
	assert_int_equal(cache_each_dataset(c, see, &count), 0);
	assert_int_equal(count, 4);
	/* It can be saved again. */
	got = make(9);
	assert_int_equal(cache_dataset_save(c, &ids[2], &got), 0);
	dataset_record_release(&got);
	assert_int_equal(cache_dataset_load(c, &ids[2], &got), 0);
	dataset_record_release(&got);
	cache_close(c);
}

static int decode(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct dataset_record s;
	int rc;

	memcpy(exact, data, size);
	rc = dataset_record_decode(span_of(exact, size), &s);
	if (!rc)
		dataset_record_release(&s);
	free(exact);
	return rc;
}

static void test_hostile_values(void **state)
{
	struct dataset_record s = make(7);
	struct bytes value = {0};

	(void)state;
	assert_int_equal(dataset_record_encode(&s, &value), 0);
	assert_int_equal(decode(value.data, value.size), 0);
	for (size_t size = 0; size < value.size; size++)
		assert_int_equal(decode(value.data, size), ERR_CORRUPT);
	/* Any byte may be anything: an error or a value, but no harm. */
	for (size_t i = 0; i < value.size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			value.data[i] ^= (uint8_t)(1 << bit);
			decode(value.data, value.size);
			value.data[i] ^= (uint8_t)(1 << bit);
		}
	bytes_release(&value);
	s.revision = REVISION_MAX + 1;
	assert_int_equal(dataset_record_encode(&s, &value), ERR_LIMIT);
	s.revision = 1;
	memset(s.etag, 'e', sizeof s.etag);
	assert_int_equal(dataset_record_encode(&s, &value), ERR_LIMIT);
	bytes_release(&value);
	dataset_record_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_save_and_load),
		SAMPLE_TEST(test_each_and_rot),
		cmocka_unit_test(test_hostile_values),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
