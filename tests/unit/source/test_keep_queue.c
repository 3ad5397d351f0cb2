/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <string.h>

#include "source/keep_queue.h"
#include "unit/await.h"

struct fixture;

/* Something to keep, and the job that would make it. */
struct thing {
	struct keep_item item; /* first: run() gets the thing from it */
	struct job job;
	struct fixture *fixture;
	bool nested; /* runs the queue from within */
};

struct fixture {
	struct workers *workers;
	struct keep_queue *queue;
	sem_t resumed; /* a job has run */
	struct thing things[8];
	char ran[16]; /* the numbers of those that were run, in order */
};

static void run_thing(struct keep_item *item)
{
	struct thing *t = (struct thing *)item;
	struct fixture *f = t->fixture;

	if (t->nested)
		keep_queue_run(f->queue);
	f->ran[strlen(f->ran)] = (char)('0' + (t - f->things));
	keep_queue_leave(f->queue, item);
}

static void resume_thing(struct job *job)
{
	struct thing *t = (struct thing *)((char *)job - offsetof(struct thing, job));

	sem_post(&t->fixture->resumed);
}

/* 100 bytes, one thread that keeps. */
static void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	sem_init(&f->resumed, 0, 0);
	assert_int_equal(workers_new("test", 1, &f->workers), 0);
	assert_int_equal(keep_queue_new(100, 1, f->workers, &f->queue), 0);
	for (int i = 0; i < 8; i++)
		f->things[i] = (struct thing){
			{.run = run_thing}, {.run = resume_thing}, f, false};
}

static void teardown(struct fixture *f)
{
	workers_free(f->workers);
	keep_queue_free(f->queue);
	sem_destroy(&f->resumed);
}

static struct thing *add(struct fixture *f, int i, uint64_t bytes)
{
	return (struct thing *)keep_queue_add(f->queue, &f->things[i].item, bytes);
}

static void items_are_run_in_order(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_false(keep_queue_is_behind(f.queue));
	for (int i = 0; i < 3; i++)
		assert_null(add(&f, i, 20));
	assert_true(keep_queue_is_behind(f.queue));
	keep_queue_run(f.queue);
	assert_string_equal(f.ran, "012");
	assert_false(keep_queue_is_behind(f.queue));
	teardown(&f);
}

/* Who comes when enough keep leaves it to them. */
static void no_more_than_so_many_keep(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.things[0].nested = true;
	assert_null(add(&f, 0, 20));
	assert_null(add(&f, 1, 20));
	keep_queue_run(f.queue);
	assert_string_equal(f.ran, "01");
	teardown(&f);
}

static void the_oldest_is_given_up(void **state)
{
	struct fixture f;
	struct thing *given_up;

	(void)state;
	setup(&f);
	f.things[0].item.insists = true;
	for (int i = 0; i < 4; i++)
		assert_null(add(&f, i, 25));
	given_up = add(&f, 4, 30);
	/* 130 bytes: the first is insisted on, the two after it make 80 of them. */
	assert_ptr_equal(given_up, &f.things[2]);
	assert_ptr_equal(given_up->item.next, &f.things[1]);
	assert_null(f.things[1].item.next);
	assert_int_equal(keep_queue_given_up(f.queue), 2);
	keep_queue_leave(f.queue, &f.things[1].item);
	keep_queue_leave(f.queue, &f.things[2].item);
	keep_queue_run(f.queue);
	assert_string_equal(f.ran, "034");
	teardown(&f);
}

static void the_newest_stays(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_null(add(&f, 0, 500));
	assert_ptr_equal(add(&f, 1, 500), &f.things[0]);
	keep_queue_leave(f.queue, &f.things[0].item);
	f.things[2].item.insists = true;
	assert_null(add(&f, 2, 500));
	keep_queue_run(f.queue);
	assert_string_equal(f.ran, "12");
	teardown(&f);
}

static void who_is_insisted_on_comes_again(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_null(add(&f, 0, 60));
	assert_ptr_equal(add(&f, 1, 60), &f.things[0]);
	keep_queue_add_again(f.queue, &f.things[0].item);
	assert_int_equal(keep_queue_given_up(f.queue), 0);
	/* It is not given up once more, and nothing else is left. */
	assert_ptr_equal(add(&f, 2, 60), &f.things[1]);
	keep_queue_leave(f.queue, &f.things[1].item);
	keep_queue_run(f.queue);
	assert_string_equal(f.ran, "02");
	teardown(&f);
}

static bool enter(struct fixture *f, int i, uint64_t bytes)
{
	return keep_queue_enter(f->queue, &f->things[i].item, bytes, &f->things[i].job);
}

/* Two wait; as one leaves both are let in, one after the other, and charged. */
static void who_enters_a_full_queue_waits(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_true(enter(&f, 0, 90));
	assert_true(enter(&f, 1, 90));
	assert_false(enter(&f, 2, 90));
	assert_false(enter(&f, 3, 90));
	assert_int_equal(f.things[2].item.bytes, 0);
	keep_queue_leave(f.queue, &f.things[0].item);
	sem_wait(&f.resumed);
	assert_int_equal(f.things[2].item.bytes, 90);
	assert_int_equal(f.things[3].item.bytes, 0);
	keep_queue_leave(f.queue, &f.things[1].item);
	sem_wait(&f.resumed);
	assert_int_equal(f.things[3].item.bytes, 90);
	/* What was charged before is not charged again. */
	assert_null(add(&f, 2, 1000));
	keep_queue_run(f.queue);
	keep_queue_leave(f.queue, &f.things[3].item);
	assert_true(enter(&f, 4, 1));
	keep_queue_leave(f.queue, &f.things[4].item);
	teardown(&f);
}

static void who_waits_can_withdraw(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_false(keep_queue_withdraw(f.queue, &f.things[0].item));
	assert_true(enter(&f, 0, 100));
	assert_false(keep_queue_withdraw(f.queue, &f.things[0].item));
	for (int i = 1; i < 4; i++)
		assert_false(enter(&f, i, 100));
	assert_true(keep_queue_withdraw(f.queue, &f.things[3].item));
	assert_true(keep_queue_withdraw(f.queue, &f.things[1].item));
	assert_false(keep_queue_withdraw(f.queue, &f.things[1].item));
	assert_false(enter(&f, 4, 100));
	keep_queue_leave(f.queue, &f.things[0].item);
	sem_wait(&f.resumed);
	assert_int_equal(f.things[2].item.bytes, 100);
	keep_queue_leave(f.queue, &f.things[2].item);
	sem_wait(&f.resumed);
	assert_int_equal(f.things[4].item.bytes, 100);
	keep_queue_leave(f.queue, &f.things[4].item);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_run_in_order),
		cmocka_unit_test(no_more_than_so_many_keep),
		cmocka_unit_test(the_oldest_is_given_up),
		cmocka_unit_test(the_newest_stays),
		cmocka_unit_test(who_is_insisted_on_comes_again),
		cmocka_unit_test(who_enters_a_full_queue_waits),
		cmocka_unit_test(who_waits_can_withdraw),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
