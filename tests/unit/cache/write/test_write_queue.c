/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>

#include "unit/await.h"
#include "unit/object_samples.h"
#include "cache/write/write_queue.h"

#define OPS_AT_ONCE 4096

/* What is there, without waiting for more to come together. */
static struct work take(struct write_queue *q)
{
	struct work work;

	write_queue_urge(q);
	write_queue_take(q, &work);
	return work;
}

static void done(struct write_queue *q, struct work *work, int rc)
{
	write_queue_done(q, &work->batch, rc, false);
}

static struct write_queue *new_queue(void)
{
	struct write_queue *q;

	assert_int_equal(write_queue_new(&q), 0);
	return q;
}

static void test_order_of_arrival(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct want w = {.ordinal = 2,
		.start = 2 * SAMPLE_CHUNK,
		.size = SAMPLE_CHUNK,
		.digest = sample_digest(9)};
	static const enum change_kind kinds[] = {CHANGE_MARK, CHANGE_USE, CHANGE_TRUST,
		CHANGE_DROP, CHANGE_LOSE, CHANGE_LOSE};
	const struct change *op;
	struct work work;

	assert_int_equal(write_queue_mark(q, o, &w), 0);
	write_queue_use(q, o, 1234);
	write_queue_trust(q, o);
	write_queue_drop(q, o, &w);
	write_queue_lose(q, o, &o->id, o->instance);
	write_queue_lose(q, NULL, &o->id, 77);
	assert_int_equal(atomic_load(&o->refs), 6);
	work = take(q);
	assert_true(work.commit);
	assert_false(work.stop);
	assert_int_equal(work.batch.changes.op_count, 6);
	op = work.batch.changes.ops;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(op[i].kind, kinds[i]);
		assert_int_equal(op[i].number, i);
		assert_int_equal(op[i].instance, i == 5 ? 77 : 1);
		assert_true(object_id_equal(&op[i].object, &o->id));
		assert_ptr_equal(work.batch.objects[i], i == 5 ? NULL : o);
	}
	assert_int_equal(op[0].ordinal, 2);
	assert_int_equal(op[0].start, 2 * SAMPLE_CHUNK);
	assert_int_equal(op[0].size, SAMPLE_CHUNK);
	assert_true(digest_equal(&op[0].chunk, &w.digest));
	assert_int_equal(op[0].object_size, o->size);
	assert_int_equal(op[0].chunks, 3);
	assert_int_equal(op[1].seconds, 1234);
	assert_int_equal(op[3].ordinal, 2);
	done(q, &work, 0);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	write_queue_free(q);
}

/* What is pending when the queue goes is let go of. */
static void test_freed_with_things_in_it(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct blob_buffer *page = sample_page(1, 5);

	write_queue_use(q, o, 1);
	assert_int_equal(write_queue_put_page(q, page), 0);
	write_queue_drop_page(q, blob_buffer_digest(page));
	assert_int_equal(write_queue_pin(q, "pin", &o->id), 0);
	blob_buffer_put(page);
	write_queue_free(q);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	write_queue_free(NULL);
}

struct flusher {
	struct write_queue *queue;
	pthread_t thread;
	atomic_bool over;
	int rc;
};

static void *flush_now(void *arg)
{
	struct flusher *f = arg;

	f->rc = write_queue_flush(f->queue);
	atomic_store(&f->over, true);
	return NULL;
}

/* Nothing is to be taken any more. Returns when it waits. */
static void start_flush(struct flusher *f, struct write_queue *q)
{
	struct work work;

	*f = (struct flusher){.queue = q};
	assert_int_equal(pthread_create(&f->thread, NULL, flush_now, f), 0);
	/* It urges, and holds the lock until it waits. */
	do {
		write_queue_take(q, &work);
	} while (work.idle);
	assert_int_equal(work.batch.changes.op_count, 0);
}

static int end_flush(struct flusher *f)
{
	pthread_join(f->thread, NULL);
	return f->rc;
}

/* More than one transaction bears: in their order, and a flush waits for the last. */
static void test_more_than_one_batch(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	const unsigned count = 2 * OPS_AT_ONCE + 100;
	struct work work[3];
	struct flusher f;
	unsigned at = 0;

	for (unsigned i = 0; i < count; i++)
		write_queue_use(q, o, i);
	for (unsigned k = 0; k < 3; k++) {
		const struct changes *c = &work[k].batch.changes;

		work[k] = take(q);
		assert_true(work[k].commit);
		assert_int_equal(c->op_count, k < 2 ? OPS_AT_ONCE : 100);
		assert_int_equal(work[k].batch.goal, k < 2 ? 0 : count);
		for (size_t i = 0; i < c->op_count; i++) {
			assert_int_equal(c->ops[i].seconds, at++);
			assert_int_equal(c->ops[i].number, i);
			assert_ptr_equal(work[k].batch.objects[i], o);
		}
	}
	start_flush(&f, q);
	for (unsigned k = 0; k < 3; k++) {
		assert_false(atomic_load(&f.over));
		done(q, &work[k], 0);
	}
	assert_int_equal(end_flush(&f), 0);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	write_queue_free(q);
}

static void test_flush(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	static const int results[] = {0, ERR_NO_SPACE, 0};
	struct flusher f;

	/* Nothing was handed over. */
	assert_int_equal(write_queue_flush(q), 0);
	/* A failure is told to those who wait for it, not to the next. */
	for (size_t i = 0; i < 3; i++) {
		struct work work;

		write_queue_use(q, o, 1);
		work = take(q);
		start_flush(&f, q);
		done(q, &work, results[i]);
		assert_int_equal(end_flush(&f), results[i]);
	}
	object_put(o);
	write_queue_free(q);
}

/* The batch cannot be tried: whoever flushes is told, and what was handed over waits. */
static void test_stalled(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct flusher f;
	struct work work;

	write_queue_use(q, o, 1);
	work = take(q);
	start_flush(&f, q);
	write_queue_stalled(q);
	assert_int_equal(end_flush(&f), ERR_TIMEOUT);
	assert_int_equal(atomic_load(&o->refs), 2);
	start_flush(&f, q);
	done(q, &work, 0);
	assert_int_equal(end_flush(&f), 0);
	object_put(o);
	write_queue_free(q);
}

/* What was lost stays lost, whatever becomes of what came after it. */
static void test_a_failure_before_a_stall(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct work lost, stalled;
	struct flusher f;

	write_queue_use(q, o, 1);
	lost = take(q);
	write_queue_use(q, o, 2);
	stalled = take(q);
	start_flush(&f, q);
	done(q, &lost, ERR_IO);
	write_queue_stalled(q);
	done(q, &stalled, 0);
	assert_int_equal(end_flush(&f), ERR_IO);
	/* Given up in the end: lost as well. */
	write_queue_use(q, o, 3);
	lost = take(q);
	start_flush(&f, q);
	done(q, &lost, ERR_TIMEOUT);
	assert_int_equal(end_flush(&f), ERR_TIMEOUT);
	object_put(o);
	write_queue_free(q);
}

static void test_pages_are_found_until_done(void **state)
{
	struct write_queue *q = new_queue();
	struct blob_buffer *page = sample_page(1, 5), *other = sample_page(2, 5), *found;
	struct digest name = *blob_buffer_digest(page);
	struct work work;

	(void)state;
	assert_null(write_queue_find_page(q, &name));
	assert_int_equal(write_queue_put_page(q, page), 0);
	assert_int_equal(write_queue_put_page(q, page), 0);
	assert_null(write_queue_find_page(q, blob_buffer_digest(other)));
	for (int i = 0; i < 2; i++) {
		found = write_queue_find_page(q, &name);
		assert_ptr_equal(found, page);
		blob_buffer_put(found);
		if (i == 0)
			work = take(q);
	}
	assert_int_equal(work.batch.changes.page_count, 1);
	assert_ptr_equal(work.batch.changes.pages[0], page);
	/* While it is being committed, it is not put once more. */
	assert_int_equal(write_queue_put_page(q, page), 0);
	assert_int_equal(write_queue_put_page(q, other), 0);
	done(q, &work, 0);
	assert_null(write_queue_find_page(q, &name));
	work = take(q);
	assert_int_equal(work.batch.changes.page_count, 1);
	assert_ptr_equal(work.batch.changes.pages[0], other);
	done(q, &work, 0);
	blob_buffer_put(page);
	blob_buffer_put(other);
	write_queue_free(q);
}

static void test_rotten_pages_and_pins(void **state)
{
	struct write_queue *q = new_queue();
	struct digest one = sample_digest(1);
	struct object_id two = sample_id(2);
	char name[] = "pin";
	struct work work;

	(void)state;
	write_queue_drop_page(q, &one);
	assert_int_equal(write_queue_pin(q, name, &two), 0);
	name[0] = 'x'; /* it was copied */
	work = take(q);
	assert_int_equal(work.batch.changes.rotten_count, 1);
	assert_true(digest_equal(&work.batch.changes.rotten[0], &one));
	assert_int_equal(work.batch.changes.pin_count, 1);
	assert_string_equal(work.batch.changes.pins[0].name, "pin");
	assert_true(object_id_equal(&work.batch.changes.pins[0].object, &two));
	done(q, &work, 0);
	write_queue_free(q);
}

static void test_what_there_is_to_do(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct work work;

	write_queue_ask_repair(q);
	write_queue_take(q, &work);
	assert_true(work.repair);
	assert_false(work.commit);
	assert_false(work.idle);
	/* Somebody waits for a transaction, though there is nothing to put into it. */
	write_queue_urge(q);
	write_queue_take(q, &work);
	assert_true(work.commit);
	assert_false(work.repair);
	write_queue_done(q, &work.batch, 0, true);
	/* More is left from the last one. */
	write_queue_take(q, &work);
	assert_true(work.commit);
	done(q, &work, 0);
	write_queue_use(q, o, 1);
	assert_false(write_queue_is_stopped(q));
	write_queue_stop(q);
	assert_true(write_queue_is_stopped(q));
	write_queue_take(q, &work);
	assert_true(work.commit);
	assert_true(work.stop);
	done(q, &work, 0);
	write_queue_take(q, &work);
	assert_false(work.commit);
	assert_true(work.stop);
	object_put(o);
	write_queue_free(q);
}

/* Who puts pages, pins or reserves, from a thread of its own. */
struct putter {
	struct write_queue *queue;
	pthread_t thread;
	atomic_bool over;
	int rc;
};

/* A page of a mebibyte. */
static struct blob_buffer *large_page(unsigned number)
{
	struct digest name = sample_digest(number);
	struct blob_buffer *page = blob_buffer_new(BLOB_PAGE, &name, 1 << 20);

	assert_non_null(page);
	memset(blob_buffer_data(page), 0, 1 << 20);
	return page;
}

static void put_pages(struct write_queue *q, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct blob_buffer *page = large_page(i);

		assert_int_equal(write_queue_put_page(q, page), 0);
		blob_buffer_put(page);
	}
}

static void *put_one_page(void *arg)
{
	struct putter *p = arg;
	struct digest name = sample_digest(1000);
	struct blob_buffer *page = blob_buffer_new(BLOB_PAGE, &name, 10);

	p->rc = page ? write_queue_put_page(p->queue, page) : ERR_NO_MEMORY;
	if (page)
		blob_buffer_put(page);
	atomic_store(&p->over, true);
	return NULL;
}

static void *pin_one(void *arg)
{
	struct putter *p = arg;
	struct object_id name = sample_id(1000);

	p->rc = write_queue_pin(p->queue, "pin", &name);
	atomic_store(&p->over, true);
	return NULL;
}

static void *reserve_some(void *arg)
{
	struct putter *p = arg;

	p->rc = write_queue_reserve(p->queue, 1000);
	atomic_store(&p->over, true);
	return NULL;
}

static void start(struct putter *p, struct write_queue *q, void *(*run)(void *))
{
	*p = (struct putter){.queue = q};
	assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
}

static int end(struct putter *p)
{
	pthread_join(p->thread, NULL);
	return p->rc;
}

#define PINS_AT_ONCE 4096

static void pin_many(struct write_queue *q)
{
	for (unsigned i = 0; i < PINS_AT_ONCE; i++) {
		struct object_id name = sample_id(i);

		assert_int_equal(write_queue_pin(q, "pin", &name), 0);
	}
}

/* Too much is pending: whoever puts waits until it is not. */
static void test_putting_waits_and_is_let_go(void **state)
{
	struct write_queue *pages = new_queue(), *pins = new_queue(),
			   *stopped = new_queue();
	struct putter page, pin, other;
	struct work work;

	(void)state;
	put_pages(pages, 33);
	pin_many(pins);
	put_pages(stopped, 33);
	start(&page, pages, put_one_page);
	start(&pin, pins, pin_one);
	start(&other, stopped, put_one_page);
	usleep(20000);
	assert_false(atomic_load(&page.over));
	assert_false(atomic_load(&pin.over));
	assert_false(atomic_load(&other.over));
	work = take(pages);
	assert_int_equal(work.batch.changes.page_count, 33);
	/* Taken is not done. */
	usleep(10000);
	assert_false(atomic_load(&page.over));
	done(pages, &work, 0);
	assert_int_equal(end(&page), 0);
	work = take(pins);
	done(pins, &work, 0);
	assert_int_equal(end(&pin), 0);
	write_queue_stop(stopped);
	assert_int_equal(end(&other), 0);
	write_queue_free(pages);
	write_queue_free(pins);
	write_queue_free(stopped);
}

/* Nobody writes: all who wait are told so, sooner or later. */
static void test_all_waits_are_bounded(void **state)
{
	struct write_queue *pages = new_queue(), *pins = new_queue(), *lease = new_queue();
	struct putter page, pin, reserve;

	(void)state;
	put_pages(pages, 33);
	pin_many(pins);
	start(&page, pages, put_one_page);
	start(&pin, pins, pin_one);
	start(&reserve, lease, reserve_some);
	assert_int_equal(end(&page), ERR_TIMEOUT);
	assert_int_equal(end(&pin), ERR_TIMEOUT);
	assert_int_equal(end(&reserve), ERR_TIMEOUT);
	assert_int_equal(reservation_view(write_queue_reservation(lease)).demand, 0);
	assert_int_equal(reservation_view(write_queue_reservation(lease)).used, 0);
	write_queue_free(pages);
	write_queue_free(pins);
	write_queue_free(lease);
}

static void test_reserving(void **state)
{
	struct write_queue *q = new_queue();
	struct reservation *r = write_queue_reservation(q);
	struct putter p;
	struct work work;

	(void)state;
	/* It demands, urges, and waits for the answer. */
	start(&p, q, reserve_some);
	do {
		write_queue_take(q, &work);
	} while (work.idle);
	assert_true(work.commit);
	assert_int_equal(reservation_view(r).demand, 1000);
	assert_false(atomic_load(&p.over));
	reservation_commit(r, 0, 1500);
	assert_int_equal(end(&p), 0);
	assert_int_equal(reservation_view(r).demand, 0);
	assert_int_equal(reservation_view(r).used, 1000);
	done(q, &work, 0);
	/* From what is left, without asking. */
	assert_int_equal(write_queue_reserve(q, 500), 0);
	start(&p, q, reserve_some);
	do {
		write_queue_take(q, &work);
	} while (work.idle);
	reservation_deny(r);
	assert_int_equal(end(&p), ERR_NO_SPACE);
	assert_int_equal(write_queue_reserve(q, 1), ERR_NO_SPACE);
	done(q, &work, 0);
	write_queue_free(q);
}

/* Does it wait for the books? False: it was answered without them. */
static bool asks_the_books(struct putter *p, struct write_queue *q)
{
	struct reservation *r = write_queue_reservation(q);
	bool asks = false;

	start(p, q, reserve_some);
	while (!asks && !atomic_load(&p->over)) {
		asks = reservation_view(r).demand > 0;
		usleep(1000);
	}
	return asks;
}

/* That the books cannot be written to, only the first one waits to find out; once they
 * can, with success or not, they are asked again. */
static void test_reserving_while_stalled(void **state)
{
	struct write_queue *q = new_queue();
	static const int results[] = {0, ERR_NO_SPACE};
	struct object *o = sample_object(*state, 1, 3);
	struct putter p;

	for (size_t i = 0; i < 2; i++) {
		struct work work;

		write_queue_use(q, o, 1);
		work = take(q);
		write_queue_stalled(q);
		assert_false(asks_the_books(&p, q));
		assert_int_equal(end(&p), ERR_TIMEOUT);
		done(q, &work, results[i]);
		assert_true(asks_the_books(&p, q));
		reservation_commit(write_queue_reservation(q), 0, 1000 * (i + 1));
		assert_int_equal(end(&p), 0);
	}
	object_put(o);
	write_queue_free(q);
}

struct handing {
	struct write_queue *queue;
	struct object *object;
	unsigned number;
	int rc;
};

static void *hand_over(void *arg)
{
	struct handing *h = arg;

	for (unsigned i = 0; i < 500 && !h->rc; i++) {
		unsigned number = h->number * 1000 + i;
		struct digest name = sample_digest(number);
		struct blob_buffer *page = blob_buffer_new(BLOB_PAGE, &name, 10), *found;

		write_queue_use(h->queue, h->object, i);
		h->rc = write_queue_put_page(h->queue, page);
		blob_buffer_put(page);
		found = write_queue_find_page(h->queue, &name);
		if (found)
			blob_buffer_put(found);
		if (i % 100 == 0)
			h->rc = write_queue_flush(h->queue);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	struct write_queue *q = new_queue();
	struct object *o = sample_object(*state, 1, 3);
	struct handing handing[4];
	pthread_t threads[4];
	size_t ops = 0, pages = 0;
	struct work work;

	for (unsigned i = 0; i < 4; i++) {
		handing[i] = (struct handing){q, o, i, 0};
		assert_int_equal(
			pthread_create(&threads[i], NULL, hand_over, &handing[i]), 0);
	}
	while (ops < 4 * 500 || pages < 4 * 500) {
		write_queue_take(q, &work);
		ops += work.batch.changes.op_count;
		pages += work.batch.changes.page_count;
		if (work.commit)
			done(q, &work, 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(handing[i].rc, 0);
	}
	assert_int_equal(ops, 4 * 500);
	assert_int_equal(pages, 4 * 500);
	assert_int_equal(atomic_load(&o->refs), 1);
	object_put(o);
	write_queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIRECTORY_TEST(test_order_of_arrival),
		DIRECTORY_TEST(test_freed_with_things_in_it),
		DIRECTORY_TEST(test_more_than_one_batch),
		DIRECTORY_TEST(test_flush),
		DIRECTORY_TEST(test_stalled),
		DIRECTORY_TEST(test_a_failure_before_a_stall),
		cmocka_unit_test(test_pages_are_found_until_done),
		cmocka_unit_test(test_rotten_pages_and_pins),
		DIRECTORY_TEST(test_what_there_is_to_do),
		cmocka_unit_test(test_putting_waits_and_is_let_go),
		cmocka_unit_test(test_all_waits_are_bounded),
		cmocka_unit_test(test_reserving),
		DIRECTORY_TEST(test_reserving_while_stalled),
		DIRECTORY_TEST(test_many_threads),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
