/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/write/housekeeping.h"
#include "unit/await.h"
#include "unit/write_samples.h"

/* Object `number`, open and in the books; with a reference. */
static struct object *open_object(struct writing *w, unsigned number)
{
	struct object *o = writing_object(w, number, 3);

	writing_mark(w, o, number);
	writing_commit_all(w);
	return o;
}

/* As another process does it: the books know, this process does not. */
static void elsewhere(struct writing *w, enum change_kind kind, unsigned number)
{
	struct change op = books_change(kind, number, 1, 0);

	op.instance = writing_instance(w, number);
	books_apply_one(w->x.metadata, op);
}

static void test_what_others_threw_out_is_let_go(void **state)
{
	struct writing *w = *state;
	struct object *lost = open_object(w, 1), *dropped = open_object(w, 2);
	struct object *fine = open_object(w, 3), *new = writing_object(w, 4, 3);
	struct housekeeping h = {0};

	housekeeping_run(&h, &w->x);
	assert_false(atomic_load(&lost->gone));
	elsewhere(w, CHANGE_LOSE, 1);
	elsewhere(w, CHANGE_DROP, 2);
	housekeeping_run(&h, &w->x);
	assert_true(atomic_load(&lost->gone));
	assert_false(writing_is_open(w, 1));
	assert_true(atomic_load(&dropped->gone));
	assert_false(writing_is_open(w, 2));
	assert_false(atomic_load(&fine->gone));
	assert_true(writing_is_open(w, 3));
	/* One that has no record yet is not missing in the books. */
	assert_false(atomic_load(&new->gone));
	assert_true(writing_is_open(w, 4));
	assert_int_equal(atomic_load(&lost->refs), 1);
	object_put(lost);
	object_put(dropped);
	object_put(fine);
	object_put(new);
}

/* All that is open was opened with too much trust. */
static void test_a_new_epoch(void **state)
{
	struct writing *w = *state;
	struct object *o = open_object(w, 1), *new = writing_object(w, 2, 3);
	struct trust_epoch epoch = write_context_epoch(&w->x);
	struct housekeeping h = {0};

	housekeeping_run(&h, &w->x);
	assert_false(atomic_load(&o->gone));
	assert_int_equal(trust_epoch_failed(w->x.metadata, DEADLINE_NONE, &epoch), 0);
	housekeeping_run(&h, &w->x);
	assert_true(write_context_epoch(&w->x).generation == epoch.generation);
	assert_true(atomic_load(&o->gone));
	assert_true(atomic_load(&new->gone));
	assert_false(writing_is_open(w, 1));
	assert_true(books_has_record(w->x.metadata, 1));
	object_put(o);
	object_put(new);
}

static void test_rotten_totals_ask_for_repair(void **state)
{
	struct writing *w = *state;
	struct housekeeping h = {0};
	struct work work;

	writing_keep(w, 1, 3, 1000);
	assert_int_equal(sample_flip_raw(w->x.metadata, TABLE_SETTINGS,
				 span_of_string(SETTING_TOTALS), 9),
		0);
	housekeeping_run(&h, &w->x);
	write_queue_take(w->x.queue, &work);
	assert_true(work.repair);
}

/* A lease that nobody draws from, from one look to the next, is given back. */
static void test_an_idle_lease(void **state)
{
	struct writing *w = *state;
	struct reservation *r = write_queue_reservation(w->x.queue);
	struct housekeeping h = {0};

	assert_false(housekeeping_run(&h, &w->x));
	assert_true(housekeeping_run(&h, &w->x));
	assert_int_equal(reservation_draw(r, 1000), 0);
	assert_false(housekeeping_run(&h, &w->x));
	reservation_cancel(r, 1000);
	assert_true(housekeeping_run(&h, &w->x));
	reservation_commit(r, 0, WRITING_LEASE - 1);
	assert_false(housekeeping_run(&h, &w->x));
	assert_true(housekeeping_run(&h, &w->x));
	reservation_shrink(r);
	assert_false(housekeeping_run(&h, &w->x));
	assert_false(housekeeping_run(&h, &w->x));
}

static void test_when_it_is_due(void **state)
{
	struct writing *w = *state;
	struct housekeeping h = {0};

	assert_true(housekeeping_is_due(&h));
	housekeeping_run(&h, &w->x);
	assert_true(h.next > clock_monotonic() - 60 * NS_PER_SECOND);
	assert_true(h.next <= clock_monotonic() + NS_PER_SECOND);
	h.next = clock_monotonic() + 3600 * NS_PER_SECOND;
	assert_false(housekeeping_is_due(&h));
	h.next = clock_monotonic();
	assert_true(housekeeping_is_due(&h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_what_others_threw_out_is_let_go),
		WRITING_TEST(test_a_new_epoch),
		WRITING_TEST(test_rotten_totals_ask_for_repair),
		WRITING_TEST(test_an_idle_lease),
		WRITING_TEST(test_when_it_is_due),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
