/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "unit/await.h"
#include "unit/write_samples.h"

#define MIB (UINT64_C(1) << 20)

static void test_marks_are_in_the_books(void **state)
{
	struct writing *w = *state;
	struct object *o = writing_object(w, 1, 3);
	struct object_record r;
	bool more;

	writing_mark(w, o, 1);
	assert_int_equal(writing_reserved(w).used, 3 * SAMPLE_CHUNK);
	assert_false(atomic_load(&o->recorded));
	assert_int_equal(writing_commit(w, &more), 0);
	assert_false(more);
	assert_true(atomic_load(&o->recorded));
	assert_false(atomic_load(&o->gone));
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_int_equal(r.present, 3);
	assert_true(r.instance == o->instance);
	assert_true(r.generation == atomic_load(&w->x.generation));
	/* No longer reserved, and no longer to be written. */
	assert_int_equal(writing_reserved(w).used, 0);
	assert_int_equal(writing_reserved(w).leased, WRITING_LEASE - 3 * SAMPLE_CHUNK);
	assert_int_equal(books_lease(w->x.metadata, w->directory.user),
		WRITING_LEASE - 3 * SAMPLE_CHUNK);
	object_put(o);
	assert_true(writing_has(w, 1));
}

/* Somebody removed its file before it was recorded: no record leads to nothing. */
static void test_no_record_without_a_file(void **state)
{
	struct writing *w = *state;
	struct object *o = writing_object(w, 1, 3);
	bool more;

	writing_mark(w, o, 1);
	assert_int_equal(object_file_remove(&w->directory, &o->id, o->instance), 0);
	assert_int_equal(writing_commit(w, &more), 0);
	assert_false(books_has_record(w->x.metadata, 1));
	assert_true(atomic_load(&o->gone));
	assert_false(writing_is_open(w, 1));
	assert_int_equal(writing_reserved(w).used, 0);
	object_put(o);
}

/* Another process was first: ours is not in the books, and its file goes. */
static void test_another_instance_is_there(void **state)
{
	struct writing *w = *state;
	struct object *o = writing_object(w, 1, 3);
	bool more;

	writing_mark(w, o, 1);
	books_add(w->x.metadata, 1, 3, 1000);
	assert_int_equal(writing_commit(w, &more), 0);
	assert_true(atomic_load(&o->gone));
	assert_false(atomic_load(&o->recorded));
	assert_false(writing_is_open(w, 1));
	object_put(o);
	assert_false(writing_has_file(w, 1));
}

/* What is known of the object is no longer so: it is to be opened anew. */
static void test_drop_and_lose(void **state)
{
	struct writing *w = *state;
	struct object *dropped = writing_object(w, 1, 3), *lost = writing_object(w, 2, 3);
	struct want want = writing_want(dropped, 1, 1);
	bool more;

	writing_mark(w, dropped, 1);
	writing_mark(w, lost, 2);
	assert_int_equal(writing_commit(w, &more), 0);
	write_queue_drop(w->x.queue, dropped, &want);
	write_queue_lose(w->x.queue, lost, &lost->id, lost->instance);
	assert_int_equal(writing_commit(w, &more), 0);
	assert_true(atomic_load(&dropped->gone));
	assert_false(writing_is_open(w, 1));
	assert_true(writing_has(w, 1));
	assert_false(books_has_chunk(w->x.metadata, 1, 1));
	assert_true(atomic_load(&lost->gone));
	assert_false(writing_is_open(w, 2));
	assert_false(writing_has(w, 2));
	object_put(dropped);
	object_put(lost);
	assert_true(writing_has(w, 1));
}

static void test_forgetting(void **state)
{
	struct writing *w = *state;
	struct object *o = writing_object(w, 1, 3), *used = writing_object(w, 2, 3);
	struct work work;

	writing_mark(w, used, 2);
	writing_commit_all(w);
	writing_mark(w, o, 1);
	write_queue_use(w->x.queue, used, 2000);
	write_queue_urge(w->x.queue);
	write_queue_take(w->x.queue, &work);
	commit_forget(&w->x, &work.batch);
	assert_true(atomic_load(&o->gone));
	assert_false(writing_is_open(w, 1));
	/* Of a use, nothing has to be forgotten. */
	assert_false(atomic_load(&used->gone));
	assert_true(writing_is_open(w, 2));
	assert_int_equal(writing_reserved(w).used, 0);
	assert_int_equal(writing_reserved(w).leased, WRITING_LEASE - 3 * SAMPLE_CHUNK);
	assert_int_equal(write_queue_reserve(w->x.queue, WRITING_LEASE), ERR_NO_SPACE);
	write_queue_done(w->x.queue, &work.batch, ERR_IO, false);
	object_put(o);
	object_put(used);
	assert_false(writing_has(w, 1));
}

static void put_page(struct writing *w, unsigned number)
{
	struct blob_buffer *page = sample_page(number, 100);

	assert_int_equal(write_queue_put_page(w->x.queue, page), 0);
	blob_buffer_put(page);
}

static void test_pages(void **state)
{
	struct writing *w = *state;
	struct digest name = sample_digest(1);

	put_page(w, 1);
	put_page(w, 2);
	writing_commit_all(w);
	assert_int_equal(books_count(w->x.metadata, TABLE_PAGES), 2);
	/* A rotten one is verified again when it has been put again. */
	verified_pages_add(w->x.verified, &name);
	write_queue_drop_page(w->x.queue, &name);
	writing_commit_all(w);
	assert_int_equal(books_count(w->x.metadata, TABLE_PAGES), 1);
	assert_false(verified_pages_has(w->x.verified, &name));
}

static void test_rot_asks_for_repair(void **state)
{
	struct writing *w = *state;
	struct object *o = writing_object(w, 1, 3);
	struct work work;

	writing_mark(w, o, 1);
	writing_commit_all(w);
	assert_int_equal(
		sample_flip_raw(w->x.metadata, TABLE_OBJECTS, span_of_object(&o->id), 9),
		0);
	write_queue_use(w->x.queue, o, 2000);
	writing_commit_all(w);
	assert_true(atomic_load(&o->gone));
	write_queue_take(w->x.queue, &work);
	assert_true(work.repair);
	object_put(o);
}

static void test_more_to_purge(void **state)
{
	struct writing *w = *state;
	struct object_id name = sample_id(1);
	bool more;

	books_add_instance(w->x.metadata, 1, 5, 3000, 1000);
	write_queue_lose(w->x.queue, NULL, &name, 5);
	assert_int_equal(writing_commit(w, &more), 0);
	assert_true(more);
	writing_commit_all(w);
	assert_int_equal(books_count(w->x.metadata, TABLE_CHUNKS), 0);
}

/* Demands in place of the reserve that would wait for its answer here. */
static int demand(struct writing *w, uint64_t bytes)
{
	struct reservation *r = write_queue_reservation(w->x.queue);

	reservation_demand(r, bytes);
	writing_commit_all(w);
	return reservation_await(r, bytes, 0);
}

/* The quota that has room for `bytes` more than there are. */
static void leave_room(struct writing *w, uint64_t bytes)
{
	struct space s = {.m = w->x.metadata,
		.limits.quota = MIB,
		.totals.cost = MIB,
		.disk_free = UINT64_MAX};
	uint64_t overhead = space_deficit(&s, 0);

	/* What follows may make the metadata a little larger. */
	books_set_limits(w->x.metadata,
		overhead + 512 * 1024 + books_totals(w->x.metadata).cost + bytes, 0);
}

static void give_up_lease(struct writing *w)
{
	reservation_shrink(write_queue_reservation(w->x.queue));
	assert_int_equal(
		space_give_up_lease(w->x.metadata, DEADLINE_NONE, w->directory.user), 0);
}

static void test_room_is_made_for_a_demand(void **state)
{
	struct writing *w = *state;

	give_up_lease(w);
	for (unsigned i = 0; i < 4; i++)
		writing_keep(w, i, 16, 1000 + i);
	leave_room(w, 0);
	assert_int_equal(demand(w, 3 * MIB / 2), 0);
	/* The oldest went for it, and no more of them than were needed. */
	assert_false(writing_has(w, 0));
	assert_true(writing_has(w, 3));
	assert_int_equal(writing_reserved(w).used, 3 * MIB / 2);
	assert_int_equal(
		books_lease(w->x.metadata, w->directory.user), writing_reserved(w).leased);
	reservation_cancel(write_queue_reservation(w->x.queue), 3 * MIB / 2);
}

/* More than all of it: nothing goes in vain, and it is not asked for again at once. */
static void test_a_demand_that_is_too_much(void **state)
{
	struct writing *w = *state;

	give_up_lease(w);
	for (unsigned i = 0; i < 3; i++)
		writing_keep(w, i, 16, 1000 + i);
	leave_room(w, 0);
	assert_int_equal(demand(w, 20 * MIB), ERR_NO_SPACE);
	for (unsigned i = 0; i < 3; i++)
		assert_true(writing_has(w, i));
	assert_int_equal(write_queue_reserve(w->x.queue, 1), ERR_NO_SPACE);
	assert_int_equal(writing_reserved(w).leased, 0);
}

/* Before anything is thrown out, a dead user's lease lapses; then what it wrote without a
 * record is looked for. */
static void test_leases_of_the_dead_go_first(void **state)
{
	struct writing *w = *state;
	struct work work;

	give_up_lease(w);
	writing_keep(w, 1, 16, 1000);
	books_put_lease(w->x.metadata, 77, 8 * MIB);
	leave_room(w, 8 * MIB);
	assert_int_equal(demand(w, 3 * MIB), 0);
	assert_true(writing_has(w, 1));
	assert_int_equal(books_lease(w->x.metadata, 77), 0);
	write_queue_take(w->x.queue, &work);
	assert_true(work.repair);
	reservation_cancel(write_queue_reservation(w->x.queue), 3 * MIB);
}

static void test_room_is_made_for_pages(void **state)
{
	struct writing *w = *state;

	give_up_lease(w);
	for (unsigned i = 0; i < 4; i++)
		writing_keep(w, i, 16, 1000 + i);
	books_set_limits(w->x.metadata,
		books_totals(w->x.metadata).cost + metadata_bytes(w->x.metadata) + 2 * MIB,
		0);
	put_page(w, 1);
	writing_commit_all(w);
	assert_int_equal(books_count(w->x.metadata, TABLE_PAGES), 1);
	assert_false(writing_has(w, 0));
	assert_true(writing_has(w, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_marks_are_in_the_books),
		WRITING_TEST(test_no_record_without_a_file),
		WRITING_TEST(test_another_instance_is_there),
		WRITING_TEST(test_drop_and_lose),
		WRITING_TEST(test_forgetting),
		WRITING_TEST(test_pages),
		WRITING_TEST(test_rot_asks_for_repair),
		WRITING_TEST(test_more_to_purge),
		WRITING_TEST(test_room_is_made_for_a_demand),
		WRITING_TEST(test_a_demand_that_is_too_much),
		WRITING_TEST(test_leases_of_the_dead_go_first),
		WRITING_TEST(test_room_is_made_for_pages),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
