/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/gate_server.h"

struct fixture {
	struct small_store store;
	struct small_reader reader;
	struct source *source;
	struct sample samples[3];
};

static void setup(struct fixture *f)
{
	store_init(&f->store);
	reader_init(&f->reader, false);
	assert_int_equal(source_new(f->reader.engine, f->store.url, &f->source, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		f->samples[i] = sample_new(2000, 10 + i);
		store_put(&f->store, sample_span(&f->samples[i]));
	}
}

static void teardown(struct fixture *f)
{
	source_free(f->source);
	reader_release(&f->reader);
	store_release(&f->store);
	for (unsigned i = 0; i < 3; i++)
		free(f->samples[i].data);
}

static void want(struct fixture *f, unsigned sample, struct waiter *t)
{
	assert_int_equal(source_want(f->source, &f->samples[sample].want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, t),
		0);
}

static void forgetting_what_was_never_wanted(void **state)
{
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	test_waiter_init(&w);
	assert_false(source_forget(f.source, &w.waiter));
	test_waiter_release(&w);
	teardown(&f);
}

static void forgetting_after_ready_says_so(void **state)
{
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	test_waiter_init(&w);
	want(&f, 0, &w.waiter);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_false(source_forget(f.source, &w.waiter));
	test_waiter_release(&w);
	teardown(&f);
}

/* A ready() that takes its time. */
struct slow {
	struct test_waiter test_waiter;
	atomic_bool begun, ended;
	struct fixture *again; /* wants sample 1 on the way, if set */
	unsigned runs;
};

static void slow_ready(struct waiter *waiter)
{
	struct slow *s = (struct slow *)((char *)waiter -
					 offsetof(struct slow, test_waiter.waiter));

	atomic_store(&s->begun, true);
	usleep(100000);
	if (s->again && s->runs++ == 0)
		want(s->again, 1, waiter);
	atomic_store(&s->ended, true);
}

static void slow_init(struct slow *s)
{
	memset(s, 0, sizeof(*s));
	test_waiter_init(&s->test_waiter);
	s->test_waiter.waiter.ready = slow_ready;
}

static void forgetting_waits_for_ready(void **state)
{
	struct fixture f;
	struct slow s;

	(void)state;
	setup(&f);
	slow_init(&s);
	want(&f, 0, &s.test_waiter.waiter);
	while (!atomic_load(&s.begun))
		usleep(1000);
	assert_false(source_forget(f.source, &s.test_waiter.waiter));
	assert_true(atomic_load(&s.ended));
	test_waiter_release(&s.test_waiter);
	teardown(&f);
}

/* ready() wants something else, from a server that never answers: forgotten too. */
static void forgetting_a_waiter_that_wants_again(void **state)
{
	struct gate_server *g;
	struct source *real;
	struct fixture f;
	struct slow s;

	(void)state;
	setup(&f);
	slow_init(&s);
	real = f.source;
	g = gate_new(f.store.directory);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	s.again = &f;
	want(&f, 0, &s.test_waiter.waiter);
	while (!atomic_load(&s.begun))
		usleep(1000);
	gate_set(g, true);
	assert_true(source_forget(f.source, &s.test_waiter.waiter));
	assert_int_equal(s.runs, 1);
	test_waiter_release(&s.test_waiter);
	source_free(f.source);
	gate_free(g);
	f.source = real;
	teardown(&f);
}

/* Wants one after the other, on one waiter, keeping all that came. */
struct chain {
	struct test_waiter test_waiter;
	struct fixture *f;
	unsigned step;
};

static void chain_ready(struct waiter *waiter)
{
	struct chain *c = (struct chain *)((char *)waiter -
					   offsetof(struct chain, test_waiter.waiter));

	if (++c->step < 3)
		want(c->f, c->step, waiter);
	else
		test_waiter_ready(waiter);
}

static void a_waiter_keeps_what_it_was_given(void **state)
{
	struct fixture f;
	struct chain c = {0};

	(void)state;
	setup(&f);
	test_waiter_init(&c.test_waiter);
	c.test_waiter.waiter.ready = chain_ready;
	c.f = &f;
	want(&f, 0, &c.test_waiter.waiter);
	assert_int_equal(test_waiter_wait(&c.test_waiter, 1), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_true(span_equal(
			waiter_content(&c.test_waiter.waiter, &f.samples[i].want.digest),
			sample_span(&f.samples[i])));
	test_waiter_release(&c.test_waiter);
	teardown(&f);
}

static void who_wants_it_kept_gets_no_buffers(void **state)
{
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	test_waiter_init(&w);
	w.waiter.wants_kept = true;
	want(&f, 0, &w.waiter);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_int_equal(w.waiter.buffers.count, 0);
	assert_true(cache_has(f.reader.cache, &f.samples[0].want));
	test_waiter_release(&w);
	teardown(&f);
}

/* A request that answers and ends in its ready(), as those of fs/ do. */
struct request {
	struct waiter waiter;
	atomic_uint *answered;
};

static void answer(struct waiter *waiter)
{
	struct request *r = (struct request *)waiter;

	atomic_fetch_add(r->answered, 1);
	waiter_release(waiter);
	free(r);
}

static void a_waiter_may_end_in_ready(void **state)
{
	atomic_uint answered = 0;
	struct fixture f;

	(void)state;
	setup(&f);
	for (unsigned i = 0; i < 300; i++) {
		struct request *r = calloc(1, sizeof(*r));

		r->waiter.ready = answer;
		r->answered = &answered;
		want(&f, i % 3, &r->waiter);
	}
	source_free(f.source);
	assert_int_equal(atomic_load(&answered), 300);
	f.source = NULL;
	teardown(&f);
}

/* The error of the last time is gone when it wants again. */
static void a_waiter_starts_afresh(void **state)
{
	struct want missing = want_chunk(span_of_string("not in the store"));
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &missing, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), ERR_ABSENT);
	assert_int_equal(w.waiter.trouble.code, ERR_ABSENT);
	want(&f, 0, &w.waiter);
	assert_int_equal(test_waiter_wait(&w, 2), 0);
	assert_int_equal(w.waiter.trouble.code, 0);
	test_waiter_release(&w);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgetting_what_was_never_wanted),
		cmocka_unit_test(forgetting_after_ready_says_so),
		cmocka_unit_test(forgetting_waits_for_ready),
		cmocka_unit_test(forgetting_a_waiter_that_wants_again),
		cmocka_unit_test(a_waiter_keeps_what_it_was_given),
		cmocka_unit_test(who_wants_it_kept_gets_no_buffers),
		cmocka_unit_test(a_waiter_may_end_in_ready),
		cmocka_unit_test(a_waiter_starts_afresh),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
