/* SPDX-License-Identifier: MIT */
#include "cache/meta/records.h"
#include "unit/meta_samples.h"

static const struct digest name = {{1, 2, 3}};
static const struct object_id id = {{{1, 2, 3}}, {{4, 5}}};

struct put {
	struct metadata *metadata;
	const struct object_record *record;
};

static int put(MDB_txn *txn, void *arg)
{
	struct put *p = arg;
	struct chunk_record chunk = {4096, 100, name};
	struct place_record place = {id, 77, 5};
	int rc = object_record_put(p->metadata, txn, &id, p->record);

	if (!rc)
		rc = chunk_record_put(p->metadata, txn, 77, 5, &chunk);
	if (!rc)
		rc = place_record_put(p->metadata, txn, &name, &place);
	if (!rc)
		rc = lease_put(p->metadata, txn, 9, 12345);
	return rc;
}

/* The value of the object's record (heap). */
static struct bytes value_of(struct metadata *m)
{
	struct bytes copy = {0};
	struct span value;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(table_get(m, txn, TABLE_OBJECTS, span_of_object(&id), &value), 0);
	assert_int_equal(bytes_append(&copy, value.data, value.size), 0);
	metadata_read_end(m, txn);
	return copy;
}

static struct metadata *open_with_record(const char *path)
{
	uint64_t bitmap[2] = {3, 1};
	struct object_record r = {.size = 1 << 20,
		.chunks = 70,
		.instance = 77,
		.generation = 4,
		.last_use = 1000,
		.resident = 30000,
		.cost = 40960,
		.present = 3,
		.drops = 1,
		.bitmap = bitmap};
	struct put p = {.record = &r};

	assert_int_equal(metadata_open(path, 0, DEADLINE_NONE, NULL, &p.metadata, NULL), 0);
	assert_int_equal(metadata_write(p.metadata, DEADLINE_NONE, put, &p), 0);
	return p.metadata;
}

static void test_round_trip(void **state)
{
	struct metadata *m = open_with_record(*state);
	struct object_record r;
	struct chunk_record chunk;
	struct place_record place;
	uint64_t lease;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(object_record_get(m, txn, &id, &r), 0);
	assert_int_equal(r.size, 1 << 20);
	assert_int_equal(r.chunks, 70);
	assert_int_equal(r.instance, 77);
	assert_int_equal(r.generation, 4);
	assert_int_equal(r.last_use, 1000);
	assert_int_equal(r.resident, 30000);
	assert_int_equal(r.present, 3);
	assert_int_equal(r.drops, 1);
	assert_int_equal(r.bitmap[0], 3);
	assert_int_equal(r.bitmap[1], 1);
	object_record_release(&r);
	assert_int_equal(chunk_record_get(m, txn, 77, 5, &chunk), 0);
	assert_int_equal(chunk.start, 4096);
	assert_int_equal(chunk.size, 100);
	assert_int_equal(chunk_record_get(m, txn, 77, 6, &chunk), ERR_ABSENT);
	assert_int_equal(place_record_get(m, txn, &name, &place), 0);
	assert_int_equal(place.instance, 77);
	assert_int_equal(place.ordinal, 5);
	assert_int_equal(books_lease_get(m, txn, 9, &lease), 0);
	assert_int_equal(lease, 12345);
	metadata_read_end(m, txn);
	metadata_close(m);
}

static int decode(const struct bytes *b, size_t size)
{
	/* A buffer of just that size, so that a read beyond it is noticed. */
	uint8_t *exact = malloc(size ? size : 1);
	struct object_record r;
	int rc;

	memcpy(exact, b->data, size < b->size ? size : b->size);
	rc = object_record_decode(span_of(exact, size), &r);
	if (!rc)
		object_record_release(&r);
	free(exact);
	return rc;
}

static void test_hostile_records(void **state)
{
	struct metadata *m = open_with_record(*state);
	struct bytes value = value_of(m);
	static const uint64_t numbers[] = {0, 1, 63, 65, 1 << 24, (1 << 24) + 1,
		UINT64_C(1) << 50, UINT64_C(1) << 63, UINT64_MAX};

	assert_int_equal(decode(&value, value.size), 0);
	for (size_t size = 0; size < value.size; size++)
		assert_int_equal(decode(&value, size), ERR_CORRUPT);
	/* Any number in any field is refused or harmless. */
	for (size_t at = 0; at + 8 <= value.size; at += 8)
		for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
			uint64_t before;

			memcpy(&before, value.data + at, 8);
			memcpy(value.data + at, &numbers[i], 8);
			decode(&value, value.size);
			memcpy(value.data + at, &before, 8);
		}
	/* A bitmap that does not agree with the count, or has bits behind its end. */
	value.data[value.size - 16] = 7;
	assert_int_equal(decode(&value, value.size), ERR_CORRUPT);
	value.data[value.size - 16] = 1;
	value.data[value.size - 1] = 0x80;
	assert_int_equal(decode(&value, value.size), ERR_CORRUPT);
	bytes_release(&value);
	metadata_close(m);
}

static void test_hostile_rows(void **state)
{
	struct chunk_record chunk;
	struct place_record place;
	struct object_id object;
	struct metadata *m = open_with_record(*state);
	uint8_t key[USE_KEY_SIZE], chunk_name[CHUNK_KEY_SIZE];
	int64_t seconds;
	uint64_t lease;
	uint32_t user = 9;
	MDB_txn *txn;

	for (size_t size = 0; size < 100; size++) {
		uint8_t junk[100];

		memset(junk, 0xff, sizeof junk);
		assert_int_equal(
			chunk_record_decode(span_of(junk, size), &chunk), ERR_CORRUPT);
		assert_int_equal(use_key_decode(span_of(junk, size), &seconds, &object),
			ERR_CORRUPT);
		assert_int_equal(sample_put_raw(m, TABLE_PLACES, span_of_digest(&name),
					 span_of(junk, size)),
			0);
		assert_int_equal(sample_put_raw(m, TABLE_LEASES,
					 span_of(&user, sizeof user), span_of(junk, size)),
			0);
		assert_int_equal(sample_put_raw(m, TABLE_CHUNKS,
					 chunk_key(77, 5, chunk_name), span_of(junk, size)),
			0);
		assert_int_equal(metadata_read(m, &txn), 0);
		assert_int_equal(place_record_get(m, txn, &name, &place), ERR_CORRUPT);
		assert_int_equal(books_lease_get(m, txn, user, &lease), ERR_CORRUPT);
		assert_int_equal(chunk_record_get(m, txn, 77, 5, &chunk), ERR_CORRUPT);
		metadata_read_end(m, txn);
	}
	use_key(5, &id, key);
	assert_int_equal(use_key_decode(span_of(key, sizeof key), &seconds, &object), 0);
	assert_int_equal(seconds, 5);
	assert_true(object_id_equal(&object, &id));
	metadata_close(m);
}

static void test_cost(void **state)
{
	(void)state;
	assert_int_equal(chunk_cost(0, 1), 4096);
	assert_int_equal(chunk_cost(0, 4096), 4096);
	assert_int_equal(chunk_cost(4095, 2), 8192);
	assert_int_equal(chunk_cost(100, 4096), 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_round_trip),
		SAMPLE_TEST(test_hostile_records),
		SAMPLE_TEST(test_hostile_rows),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
