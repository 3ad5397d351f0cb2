/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>

#include "cache/write/writer.h"
#include "unit/await.h"
#include "unit/other_process.h"
#include "unit/write_samples.h"

static struct writer *start_writer(struct writing *w)
{
	struct writer *writer;

	assert_int_equal(writer_new(&w->x, &writer), 0);
	return writer;
}

/* More than two transactions bear; the last one is the latest use. */
static void use_often(struct writing *w, struct object *o, int64_t latest)
{
	for (int64_t i = 9000; i-- > 0;)
		write_queue_use(w->x.queue, o, latest - i);
}

/* Freed at once, it has committed all that was handed over. */
static void test_commits_all_before_it_ends(void **state)
{
	struct writing *w = *state;
	struct blob_buffer *page = sample_page(1, 10);
	int64_t latest = clock_realtime() / NS_PER_SECOND + 100000;
	struct object *objects[20];
	struct object_record r;

	for (unsigned i = 0; i < 20; i++) {
		objects[i] = writing_object(w, i, 3);
		writing_mark(w, objects[i], i);
	}
	assert_int_equal(write_queue_put_page(w->x.queue, page), 0);
	assert_int_equal(write_queue_pin(w->x.queue, "pin", &objects[0]->id), 0);
	use_often(w, objects[1], latest);
	writer_free(start_writer(w));
	writer_free(NULL);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(atomic_load(&objects[i]->recorded));
		object_put(objects[i]);
		assert_true(writing_has(w, i));
	}
	assert_int_equal(books_count(w->x.metadata, TABLE_PAGES), 1);
	assert_int_equal(books_count(w->x.metadata, TABLE_PINS), 1);
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_int_equal(r.last_use, latest);
	assert_null(write_queue_find_page(w->x.queue, blob_buffer_digest(page)));
	blob_buffer_put(page);
}

/* What an earlier transaction left to do is done without being asked for. */
static void test_goes_on_while_there_is_more(void **state)
{
	struct writing *w = *state;
	struct object_id name = sample_id(1);
	struct writer *writer;

	books_add_instance(w->x.metadata, 1, 5, 5000, 1000);
	writer = start_writer(w);
	write_queue_lose(w->x.queue, NULL, &name, 5);
	assert_int_equal(write_queue_flush(w->x.queue), 0);
	AWAIT(books_count(w->x.metadata, TABLE_CHUNKS) == 0);
	writer_free(writer);
}

static void test_repairs_when_asked(void **state)
{
	struct writing *w = *state;
	struct writer *writer = start_writer(w);

	books_put_lease(w->x.metadata, 77, 1000);
	write_queue_ask_repair(w->x.queue);
	AWAIT(books_lease(w->x.metadata, 77) == 0);
	writer_free(writer);
}

struct keeper {
	struct writing *w;
	unsigned number;
	int rc;
};

static void *keep_objects(void *arg)
{
	struct keeper *k = arg;

	for (unsigned i = 0; i < 50 && !k->rc; i++) {
		unsigned number = k->number * 1000 + i;
		struct object *o = writing_object(k->w, number, 1);
		struct want want = writing_want(o, number, 0);

		k->rc = write_queue_reserve(k->w->x.queue, SAMPLE_CHUNK);
		if (!k->rc)
			k->rc = write_queue_mark(k->w->x.queue, o, &want);
		if (!k->rc && i % 10 == 9)
			k->rc = write_queue_flush(k->w->x.queue);
		write_queue_use(k->w->x.queue, o, clock_realtime() / NS_PER_SECOND + i);
		object_put(o);
	}
	return NULL;
}

/* More than the lease, from several threads: it grows, and adds up in the end. */
static void test_many_threads(void **state)
{
	struct writing *w = *state;
	struct reservation_view v;
	struct keeper keepers[4];
	pthread_t threads[4];
	struct writer *writer;

	reservation_shrink(write_queue_reservation(w->x.queue));
	writer = start_writer(w);
	for (unsigned i = 0; i < 4; i++) {
		keepers[i] = (struct keeper){w, i, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, keep_objects, &keepers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(keepers[i].rc, 0);
	}
	assert_int_equal(write_queue_flush(w->x.queue), 0);
	writer_free(writer);
	v = writing_reserved(w);
	assert_int_equal(v.used, 0);
	assert_int_equal(v.demand, 0);
	assert_int_equal(books_lease(w->x.metadata, w->directory.user), v.leased);
	assert_int_equal(books_count(w->x.metadata, TABLE_OBJECTS), 200);
	assert_int_equal(books_totals(w->x.metadata).cost, 200 * SAMPLE_CHUNK);
}

/* One thing that somebody waits for. */
struct waiter {
	struct writing *w;
	pthread_t thread;
	int (*what)(struct writing *w);
	int rc;
};

static void *wait_for_it(void *arg)
{
	struct waiter *t = arg;

	t->rc = t->what(t->w);
	return NULL;
}

static void start_waiter(
	struct waiter *t, struct writing *w, int (*what)(struct writing *w))
{
	*t = (struct waiter){.w = w, .what = what};
	assert_int_equal(pthread_create(&t->thread, NULL, wait_for_it, t), 0);
}

static int end_waiter(struct waiter *t)
{
	pthread_join(t->thread, NULL);
	return t->rc;
}

static int flush(struct writing *w)
{
	return write_queue_flush(w->x.queue);
}

static int reserve_too_much(struct writing *w)
{
	return write_queue_reserve(w->x.queue, 2 * WRITING_LEASE);
}

/* The state is a directory: the other process is made before anything is opened. */
static struct writing *open_with(struct other_process *other, const char *directory)
{
	struct writing *w = calloc(1, sizeof *w);
	char *meta = NULL;

	w->path = strdup(directory);
	assert_int_equal(directory_open(&w->directory, directory, DEADLINE_NONE, NULL), 0);
	assert_int_equal(meta_directory_open(&w->directory, &meta, NULL), 0);
	directory_close(&w->directory);
	other_process_start(other, hold_books, meta);
	free(meta);
	writing_open(w, NULL);
	books_set_limits(w->x.metadata, 0, 0);
	return w;
}

static void close_writing(struct writing *w)
{
	writing_close(w);
	free(w->path);
	free(w);
}

/* Once it can be tried. */
static int flush_at_last(struct writing *w)
{
	int rc;

	do {
		rc = write_queue_flush(w->x.queue);
	} while (rc == ERR_TIMEOUT);
	return rc;
}

/* While another process, which holds the books, is stopped: nobody waits for longer than
 * he says, what can be done without the books goes on, and nothing is lost. */
static void hand_over_while_stopped(struct writing *w)
{
	struct blob_buffer *page = sample_page(1, 10), *found;
	struct waiter flushing, reserving;

	assert_int_equal(write_queue_put_page(w->x.queue, page), 0);
	start_waiter(&flushing, w, flush);
	start_waiter(&reserving, w, reserve_too_much);
	/* From the lease, without the books. */
	assert_int_equal(write_queue_reserve(w->x.queue, 1000), 0);
	reservation_cancel(write_queue_reservation(w->x.queue), 1000);
	assert_int_equal(end_waiter(&flushing), ERR_TIMEOUT);
	end_waiter(&reserving);
	assert_true(reserving.rc == ERR_TIMEOUT || reserving.rc == ERR_NO_SPACE);
	/* A page is found before it is committed, and one is handed over meanwhile, too. */
	found = write_queue_find_page(w->x.queue, blob_buffer_digest(page));
	assert_ptr_equal(found, page);
	blob_buffer_put(found);
	blob_buffer_put(page);
	page = sample_page(2, 10);
	assert_int_equal(write_queue_put_page(w->x.queue, page), 0);
	blob_buffer_put(page);
	assert_false(books_has_record(w->x.metadata, 1));
}

/* The marks of object 1 are handed over to a writer while `other` is stopped. */
static struct writer *start_stalled(
	struct writing *w, struct other_process *other, struct object *o)
{
	other_process_go_on(other);
	kill(other->pid, SIGSTOP);
	writing_mark(w, o, 1);
	return start_writer(w);
}

static void assert_kept_at_last(struct writing *w, struct writer *writer, struct object *o)
{
	assert_int_equal(flush_at_last(w), 0);
	writer_free(writer);
	assert_true(atomic_load(&o->recorded));
	assert_false(atomic_load(&o->gone));
	object_put(o);
	assert_true(writing_has(w, 1));
	assert_int_equal(writing_reserved(w).used, 0);
}

/* It goes on, and so do we: all is in the books. */
static void test_a_stopped_process_stops_no_one(void **state)
{
	struct other_process other;
	struct writing *w = open_with(&other, *state);
	struct object *o = writing_object(w, 1, 3);
	struct writer *writer = start_stalled(w, &other, o);

	hand_over_while_stopped(w);
	kill(other.pid, SIGCONT);
	assert_int_equal(other_process_finish(&other), 0);
	assert_kept_at_last(w, writer, o);
	assert_int_equal(books_count(w->x.metadata, TABLE_PAGES), 2);
	assert_true(books_has_key(w->x.metadata, TABLE_URLS, span_of_string("held")));
	close_writing(w);
}

/* The same when it never goes on. */
static void test_a_stopped_process_is_killed(void **state)
{
	struct other_process other;
	struct writing *w = open_with(&other, *state);
	struct object *o = writing_object(w, 1, 3);
	struct writer *writer = start_stalled(w, &other, o);

	usleep(50000);
	assert_false(books_has_record(w->x.metadata, 1));
	other_process_kill(&other);
	assert_kept_at_last(w, writer, o);
	assert_false(books_has_key(w->x.metadata, TABLE_URLS, span_of_string("held")));
	close_writing(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_commits_all_before_it_ends),
		WRITING_TEST(test_goes_on_while_there_is_more),
		WRITING_TEST(test_repairs_when_asked),
		WRITING_TEST(test_many_threads),
		SAMPLE_TEST(test_a_stopped_process_stops_no_one),
		SAMPLE_TEST(test_a_stopped_process_is_killed),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
