/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>

#include "cache/objects/object_flush.h"
#include "unit/object_samples.h"

static void test_what_is_written_is_flushed(void **state)
{
	struct object *o = sample_object(*state, 1, 3);

	assert_true(object_is_flushed(o));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pwrite(o->fd, "bytes", 5, 0), 5);
		object_note_written(o);
		assert_false(object_is_flushed(o));
		assert_false(object_has_failed(o));
		object_begin_flush(o);
		assert_false(object_is_flushed(o));
		assert_int_equal(object_end_flush(o, i), 0);
		assert_true(object_is_flushed(o));
	}
	object_put(o);
}

/* Only what was there before the flush began is known to be on the disk. */
static void test_written_during_a_flush(void **state)
{
	struct object *o = sample_object(*state, 1, 3);

	object_note_written(o);
	object_begin_flush(o);
	object_note_written(o);
	assert_int_equal(object_end_flush(o, false), 0);
	assert_false(object_is_flushed(o));
	object_begin_flush(o);
	assert_int_equal(object_end_flush(o, false), 0);
	assert_true(object_is_flushed(o));
	object_put(o);
}

/* What another process brought is looked at like what we wrote; what was there when it was
 * opened is not. */
static void test_taken_over(void **state)
{
	struct object *o = sample_object(*state, 1, 3);
	struct object_record r = sample_record(1, 3);
	uint64_t bits = 1;

	r.bitmap = &bits;
	object_merge(o, &r);
	assert_false(object_is_flushed(o));
	object_set_flushed(o);
	object_merge(o, &r);
	assert_true(object_is_flushed(o));
	bits = 5;
	object_merge(o, &r);
	assert_false(object_is_flushed(o));
	object_put(o);
}

/* Once it has failed, no later flush is a success. */
static void test_a_failure_is_remembered(void **state)
{
	struct object *o = sample_object(*state, 1, 3);
	int fd = o->fd;

	object_note_written(o);
	object_begin_flush(o);
	/* A descriptor that nothing can be had of. */
	o->fd = open("/", O_PATH);
	assert_true(o->fd >= 0);
	assert_int_not_equal(object_end_flush(o, false), 0);
	close(o->fd);
	o->fd = fd;
	assert_true(object_has_failed(o));
	assert_false(object_is_flushed(o));
	object_begin_flush(o);
	assert_int_equal(object_end_flush(o, false), ERR_IO);
	assert_int_equal(object_end_flush(o, true), ERR_IO);
	assert_false(object_is_flushed(o));
	object_put(o);
}

static void test_no_file_any_more(void **state)
{
	struct object *o = sample_object(*state, 1, 3);

	object_note_written(o);
	assert_int_equal(object_file_remove(*state, &o->id, o->instance), 0);
	object_begin_flush(o);
	assert_int_equal(object_end_flush(o, false), 0);
	assert_true(object_is_flushed(o));
	object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(test_what_is_written_is_flushed),
		DIRECTORY_TEST(test_written_during_a_flush),
		DIRECTORY_TEST(test_taken_over),
		DIRECTORY_TEST(test_a_failure_is_remembered),
		DIRECTORY_TEST(test_no_file_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
