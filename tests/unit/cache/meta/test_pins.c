/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/pins.h"
#include "unit/meta_samples.h"

static bool has_pin(struct books *b, unsigned number)
{
	struct object_id name = sample_id(number);
	MDB_txn *txn;
	bool has, looked;

	assert_int_equal(metadata_read(b->metadata, &txn), 0);
	has = pins_has(b->metadata, txn, &name);
	metadata_read_end(b->metadata, txn);
	assert_int_equal(pins_look(b->metadata, &name, &looked), 0);
	assert_int_equal(looked, has);
	return has;
}

static uint64_t unpin(struct books *b, const char *name)
{
	uint64_t removed;

	assert_int_equal(pins_remove_some(b->metadata, DEADLINE_NONE, name, &removed), 0);
	return removed;
}

/* The name after `after` has so many objects. */
static void assert_next(
	struct books *b, const char *after, const char *name, uint64_t objects)
{
	struct pin_count next;

	assert_int_equal(pins_next(b->metadata, after, &next), 0);
	assert_string_equal(next.name, name);
	assert_int_equal(next.objects, objects);
}

static void test_a_pinned_object_is_not_in_the_order(void **state)
{
	struct books *b = *state;

	books_add(b->metadata, 1, 2, 1000);
	assert_true(books_has_use(b->metadata, 1, 1000));
	books_pin(b->metadata, "pin", 1);
	assert_true(has_pin(b, 1));
	assert_false(books_has_use(b->metadata, 1, 1000));
	/* Used meanwhile, it comes back where it belongs by now. */
	books_apply_one(b->metadata, books_change(CHANGE_USE, 1, 0, 2000));
	assert_int_equal(unpin(b, "pin"), 1);
	assert_false(has_pin(b, 1));
	assert_int_equal(books_count(b->metadata, TABLE_USE), 1);
	assert_true(books_has_use(b->metadata, 1, 2000));
	assert_int_equal(unpin(b, "pin"), 0);
}

/* A pin is for what will be there, too. */
static void test_pinned_before_it_is_there(void **state)
{
	struct books *b = *state;

	books_pin(b->metadata, "pin", 1);
	assert_true(has_pin(b, 1));
	books_add(b->metadata, 1, 2, 1000);
	assert_int_equal(books_count(b->metadata, TABLE_USE), 0);
	assert_int_equal(unpin(b, "pin"), 1);
	assert_true(books_has_use(b->metadata, 1, 1000));
}

static void test_two_pins_on_one_object(void **state)
{
	struct books *b = *state;

	books_add(b->metadata, 1, 1, 1000);
	books_pin(b->metadata, "a", 1);
	books_pin(b->metadata, "b", 1);
	books_pin(b->metadata, "b", 1);
	assert_int_equal(unpin(b, "b"), 1);
	assert_true(has_pin(b, 1));
	assert_false(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(unpin(b, "a"), 1);
	assert_false(has_pin(b, 1));
	assert_true(books_has_use(b->metadata, 1, 1000));
	assert_int_equal(books_count(b->metadata, TABLE_PINS), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PINNED), 0);
}

static void test_names_in_order(void **state)
{
	struct books *b = *state;
	char longest[PIN_NAME_MAX + 1];
	struct pin_count next;

	memset(longest, 'z', PIN_NAME_MAX);
	longest[PIN_NAME_MAX] = 0;
	assert_int_equal(pins_next(b->metadata, "", &next), ERR_ABSENT);
	for (unsigned i = 0; i < 3; i++)
		books_pin(b->metadata, "ab", i);
	books_pin(b->metadata, "a", 1);
	books_pin(b->metadata, "\xff", 1);
	books_pin(b->metadata, longest, 1);
	books_pin(b->metadata, longest, 2);
	assert_next(b, "", "a", 1);
	assert_next(b, "a", "ab", 3);
	assert_next(b, "ab", longest, 2);
	assert_next(b, longest, "\xff", 1);
	assert_int_equal(pins_next(b->metadata, "\xff", &next), ERR_ABSENT);
	/* A name that is the beginning of another one is not that one. */
	assert_int_equal(unpin(b, "a"), 1);
	assert_int_equal(unpin(b, longest), 2);
	assert_next(b, "", "ab", 3);
	assert_next(b, "ab", "\xff", 1);
}

static void test_a_part_at_a_time(void **state)
{
	struct books *b = *state;
	struct pin_change pins[1500];
	struct changes c = {.pins = pins, .pin_count = 1500};
	uint64_t first;

	for (unsigned i = 0; i < 1500; i++)
		pins[i] = (struct pin_change){(char *)(uintptr_t) "pin", sample_id(i)};
	books_apply(b->metadata, &c);
	assert_next(b, "", "pin", 1500);
	first = unpin(b, "pin");
	assert_true(first > 0 && first < 1500);
	assert_next(b, "", "pin", 1500 - first);
	assert_int_equal(unpin(b, "pin"), 1500 - first);
	assert_int_equal(unpin(b, "pin"), 0);
	assert_int_equal(books_count(b->metadata, TABLE_PINNED), 0);
}

static void put_key(struct books *b, struct span key)
{
	assert_int_equal(sample_put_raw(b->metadata, TABLE_PINS, key, span_of("", 0)), 0);
}

/* Keys that are no name, NUL and digest; and counts that are not to be read. */
static void test_hostile_rows(void **state)
{
	struct books *b = *state;
	struct object_id name = sample_id(1);
	uint8_t junk[500];
	struct pin_count next;

	memset(junk, 'x', sizeof junk);
	put_key(b, span_of(junk, 1));
	put_key(b, span_of(junk, sizeof junk));
	junk[400] = 0; /* a name that is too long, its NUL and a digest */
	put_key(b, span_of(junk, 401 + DIGEST_SIZE));
	junk[0] = 0; /* no name */
	put_key(b, span_of(junk, 1 + DIGEST_SIZE));
	assert_int_equal(pins_next(b->metadata, "", &next), ERR_ABSENT);
	books_add(b->metadata, 1, 1, 1000);
	books_pin(b->metadata, "p", 1);
	assert_next(b, "", "p", 1);
	assert_int_equal(sample_put_raw(b->metadata, TABLE_PINNED, span_of_object(&name),
				 span_of(junk, 20)),
		0);
	assert_true(has_pin(b, 1));
	assert_int_equal(unpin(b, "p"), 1);
	assert_false(has_pin(b, 1));
	assert_true(books_has_use(b->metadata, 1, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_a_pinned_object_is_not_in_the_order),
		BOOKS_TEST(test_pinned_before_it_is_there),
		BOOKS_TEST(test_two_pins_on_one_object),
		BOOKS_TEST(test_names_in_order),
		BOOKS_TEST(test_a_part_at_a_time),
		BOOKS_TEST(test_hostile_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
