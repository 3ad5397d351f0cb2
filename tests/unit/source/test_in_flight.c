/* SPDX-License-Identifier: MIT */
/* Who joins, leaves and outlasts whom, with a server that answers when it is told to. */
#include "unit/await.h"
#include "unit/gate_server.h"

struct fixture {
	struct small_store store;
	struct small_reader reader;
	struct gate_server *server;
	struct source *source;
};

static void setup(struct fixture *f)
{
	store_init(&f->store);
	reader_init(&f->reader, false);
	f->server = gate_new(f->store.directory);
	gate_set(f->server, true);
	assert_int_equal(source_new(f->reader.engine, f->server->url, &f->source, NULL), 0);
}

static void teardown(struct fixture *f)
{
	source_free(f->source);
	reader_release(&f->reader);
	gate_free(f->server);
	store_release(&f->store);
}

static void begin(
	struct fixture *f, struct test_waiter *w, const struct want *want, int64_t wait)
{
	test_waiter_init(w);
	assert_int_equal(source_want(f->source, want, 1, FETCH_DEMAND,
				 clock_monotonic() + wait, &w->waiter),
		0);
}

struct joiner {
	struct fixture *f;
	const struct sample *sample;
	bool right;
};

static void *join_fetch(void *arg)
{
	struct joiner *j = arg;
	struct test_waiter w;

	begin(j->f, &w, &j->sample->want, TESTED_DEADLINE);
	j->right = test_waiter_wait(&w, 1) == 0 &&
		   span_equal(waiter_content(&w.waiter, &j->sample->want.digest),
			   sample_span(j->sample));
	test_waiter_release(&w);
	return NULL;
}

static void many_threads_cost_one_request(void **state)
{
	struct sample p = sample_new(40000, 1);
	struct joiner joiners[32];
	pthread_t threads[32];
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	for (int i = 0; i < 32; i++) {
		joiners[i] = (struct joiner){&f, &p, false};
		assert_int_equal(
			pthread_create(&threads[i], NULL, join_fetch, &joiners[i]), 0);
	}
	gate_await(f.server, 1);
	usleep(50000);
	gate_set(f.server, false);
	for (int i = 0; i < 32; i++) {
		pthread_join(threads[i], NULL);
		assert_true(joiners[i].right || cache_has(f.reader.cache, &p.want));
	}
	assert_int_equal(gate_requests(f.server), 1);
	teardown(&f);
	free(p.data);
}

static void each_has_its_own_deadline(void **state)
{
	struct sample p = sample_new(1000, 2);
	struct test_waiter hasty, test_waiter;
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	begin(&f, &test_waiter, &p.want, TESTED_DEADLINE);
	gate_await(f.server, 1);
	begin(&f, &hasty, &p.want, 100 * NS_PER_MS);
	assert_int_equal(test_waiter_wait(&hasty, 1), ERR_TIMEOUT);
	assert_int_equal(test_waiter_count(&test_waiter), 0);
	gate_set(f.server, false);
	assert_int_equal(test_waiter_wait(&test_waiter, 1), 0);
	test_waiter_release(&hasty);
	test_waiter_release(&test_waiter);
	teardown(&f);
	free(p.data);
}

/* Wants the same blob anew, with more time, when it hears that its time is up. */
struct retrying {
	struct test_waiter hasty, patient;
	struct fixture *f;
	const struct want *want;
};

static void want_again(struct waiter *waiter)
{
	struct retrying *r = (struct retrying *)((char *)waiter -
						 offsetof(struct retrying, hasty.waiter));

	begin(r->f, &r->patient, r->want, TESTED_DEADLINE);
	test_waiter_ready(waiter);
}

static void who_comes_at_the_end_has_its_own_deadline(void **state)
{
	struct sample p = sample_new(1000, 4);
	struct fixture f;
	struct retrying r = {.f = &f, .want = &p.want};

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	test_waiter_init(&r.hasty);
	r.hasty.waiter.ready = want_again;
	assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
				 clock_monotonic() + 100 * NS_PER_MS, &r.hasty.waiter),
		0);
	assert_int_equal(test_waiter_wait(&r.hasty, 1), ERR_TIMEOUT);
	gate_set(f.server, false);
	assert_int_equal(test_waiter_wait(&r.patient, 1), 0);
	test_waiter_release(&r.hasty);
	test_waiter_release(&r.patient);
	teardown(&f);
	free(p.data);
}

static void a_silent_server_times_out(void **state)
{
	struct sample p = sample_new(1000, 3);
	int64_t begun = clock_monotonic();
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	begin(&f, &w, &p.want, 200 * NS_PER_MS);
	assert_int_equal(test_waiter_wait(&w, 1), ERR_TIMEOUT);
	assert_non_null(strstr(w.waiter.trouble.text, f.server->url));
	assert_true(clock_monotonic() - begun >= 200 * NS_PER_MS);
	assert_true(clock_monotonic() - begun < TESTED_DEADLINE / 2);
	test_waiter_release(&w);
	teardown(&f);
	free(p.data);
}

static uint64_t fetches(struct fixture *f)
{
	struct fetcher_counters counters;

	fetcher_count(engine_fetcher(f->reader.engine), &counters);
	return counters.active + counters.queued;
}

static void wait_for_idle(struct fixture *f)
{
	AWAIT(fetches(f) == 0);
}

/* What is on the wire is finished and kept, though nobody waits for it any more. */
static void the_last_to_leave_leaves_it_to_be_kept(void **state)
{
	struct sample p = sample_new(1000, 4);
	struct test_waiter a, b;
	struct fetcher_counters counters;
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	begin(&f, &a, &p.want, TESTED_DEADLINE);
	begin(&f, &b, &p.want, TESTED_DEADLINE);
	gate_await(f.server, 1);
	assert_true(source_forget(f.source, &a.waiter));
	usleep(50000);
	fetcher_count(engine_fetcher(f.reader.engine), &counters);
	assert_int_equal(counters.active, 1);
	assert_true(source_forget(f.source, &b.waiter));
	usleep(50000);
	gate_set(f.server, false);
	wait_for_idle(&f);
	AWAIT(cache_has(f.reader.cache, &p.want));
	assert_int_equal(gate_requests(f.server), 1);
	assert_int_equal(test_waiter_count(&a) + test_waiter_count(&b), 0);
	test_waiter_release(&a);
	test_waiter_release(&b);
	teardown(&f);
	free(p.data);
}

/* A program that a timer interrupts every few milliseconds, and that asks again. */
static void who_is_interrupted_again_and_again_gets_it(void **state)
{
	struct sample p = sample_new(1000, 9);
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	for (int i = 0; i < 30; i++) {
		begin(&f, &w, &p.want, TESTED_DEADLINE);
		usleep(5000);
		assert_true(source_forget(f.source, &w.waiter));
		test_waiter_release(&w);
	}
	gate_set(f.server, false);
	while (!cache_has(f.reader.cache, &p.want)) {
		begin(&f, &w, &p.want, TESTED_DEADLINE);
		usleep(5000);
		source_forget(f.source, &w.waiter);
		test_waiter_release(&w);
	}
	assert_int_equal(gate_requests(f.server), 1);
	teardown(&f);
	free(p.data);
}

/* Whoever comes when the last has just left is served, by the old fetch or a new one. */
static void coming_after_the_last_left_works(void **state)
{
	struct sample p = sample_new(1000, 5);
	struct test_waiter a, b;
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	for (int i = 0; i < 20; i++) {
		begin(&f, &a, &p.want, TESTED_DEADLINE);
		if (i % 2)
			usleep(1000);
		assert_true(source_forget(f.source, &a.waiter));
		test_waiter_release(&a);
	}
	begin(&f, &b, &p.want, TESTED_DEADLINE);
	gate_set(f.server, false);
	assert_int_equal(test_waiter_wait(&b, 1), 0);
	test_waiter_release(&b);
	teardown(&f);
	free(p.data);
}

/* One of two wants fails, at the deadline, until which it is asked for again: the other's
 * fetch goes on for those who still want it. */
static void a_failure_leaves_others_alone(void **state)
{
	struct sample p = sample_new(1000, 6), q = sample_new(1000, 7);
	struct want wants[2] = {p.want, q.want};
	struct test_waiter both, one;
	struct fixture f;

	(void)state;
	setup(&f);
	store_put(&f.store, sample_span(&p));
	test_waiter_init(&both);
	assert_int_equal(source_want(f.source, wants, 2, FETCH_DEMAND,
				 clock_monotonic() + 3 * NS_PER_SECOND, &both.waiter),
		0);
	begin(&f, &one, &p.want, TESTED_DEADLINE);
	gate_set(f.server, false);
	assert_int_equal(test_waiter_wait(&both, 1), ERR_ABSENT);
	assert_int_equal(test_waiter_wait(&one, 1), 0);
	test_waiter_release(&both);
	test_waiter_release(&one);
	teardown(&f);
	free(p.data);
	free(q.data);
}

/* A delta and its base each find their waiters' deadlines. */
static void a_delta_times_out_with_its_base(void **state)
{
	struct sample base = sample_new(20000, 8), p = sample_new(20000, 8);
	struct test_waiter hasty, test_waiter;
	struct fixture f;

	(void)state;
	setup(&f);
	p.data[7] ^= 1;
	p.want = want_chunk(sample_span(&p));
	store_put(&f.store, sample_span(&base));
	store_put_delta(&f.store, sample_span(&p), sample_span(&base));
	gate_set(f.server, false);
	begin(&f, &test_waiter, &p.want, TESTED_DEADLINE);
	begin(&f, &hasty, &p.want, 300 * NS_PER_MS);
	gate_await(f.server, 1);
	gate_set(f.server, true);
	(void)test_waiter_wait(&hasty, 1);
	gate_set(f.server, false);
	assert_int_equal(test_waiter_wait(&test_waiter, 1), 0);
	test_waiter_release(&hasty);
	test_waiter_release(&test_waiter);
	teardown(&f);
	free(base.data);
	free(p.data);
}

/* Many threads that want and forget at random, some blobs missing, some wrong, some
 * deltas, some deadlines short. */
#define CROWD 6
#define CROWD_TURNS 150
#define CROWD_BLOBS 24

struct crowd {
	struct fixture f;
	struct sample samples[CROWD_BLOBS];
	atomic_uint served, failed, forgotten;
};

struct member {
	struct crowd *crowd;
	unsigned seed;
};

static bool is_missing(unsigned i)
{
	return i % 8 == 3;
}

static bool is_wrong(unsigned i)
{
	return i % 8 == 5;
}

static void crowd_turn(struct crowd *c, unsigned *seed)
{
	unsigned count = 1 + (unsigned)rand_r(seed) % 4;
	unsigned first = (unsigned)rand_r(seed) % CROWD_BLOBS;
	int64_t wait = rand_r(seed) % 10 ? TESTED_DEADLINE : NS_PER_MS;
	struct want wants[4];
	bool good = true;
	struct test_waiter w;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = (first + i) % CROWD_BLOBS;

		wants[i] = c->samples[at].want;
		good = good && !is_missing(at) && !is_wrong(at);
	}
	if (rand_r(seed) % 8 == 0)
		source_hint(c->f.source, wants, count, FETCH_PREFETCH);
	test_waiter_init(&w);
	assert_int_equal(source_want(c->f.source, wants, count,
				 (enum fetch_priority)(rand_r(seed) % FETCH_PRIORITIES),
				 clock_monotonic() + wait, &w.waiter),
		0);
	if (rand_r(seed) % 3 == 0)
		usleep((unsigned)rand_r(seed) % 300);
	if (rand_r(seed) % 3 == 0 && source_forget(c->f.source, &w.waiter)) {
		assert_int_equal(test_waiter_count(&w), 0);
		atomic_fetch_add(&c->forgotten, 1);
	} else if (test_waiter_wait(&w, 1) == 0) {
		assert_true(good);
		atomic_fetch_add(&c->served, 1);
	} else {
		if (good && (w.waiter.error != ERR_TIMEOUT || wait == TESTED_DEADLINE))
			fail_msg("%d, %s", w.waiter.error, w.waiter.trouble.text);
		atomic_fetch_add(&c->failed, 1);
	}
	/* ready() may still be on its way out. */
	assert_false(source_forget(c->f.source, &w.waiter));
	test_waiter_release(&w);
}

static void *crowd_member(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < CROWD_TURNS; i++)
		crowd_turn(m->crowd, &m->seed);
	return NULL;
}

static void fill_crowd(struct crowd *c)
{
	for (unsigned i = 0; i < CROWD_BLOBS; i++) {
		struct sample *p = &c->samples[i];

		*p = sample_new(3000 + i, 1000 + i);
		if (is_missing(i))
			continue;
		if (is_wrong(i))
			store_blob(
				&c->f.store, &p->want.digest, span_of_string("nonsense"));
		else if (i % 8 == 6)
			store_put_delta(&c->f.store, sample_span(p),
				sample_span(&c->samples[i - 6]));
		else
			store_put(&c->f.store, sample_span(p));
	}
}

static void a_crowd_gets_what_there_is(void **state)
{
	struct crowd *c = calloc(1, sizeof(*c));
	struct member members[CROWD];
	pthread_t threads[CROWD];

	(void)state;
	store_init(&c->f.store);
	/* Nothing is kept, so that everything is fetched again and again. */
	reader_init(&c->f.reader, true);
	assert_int_equal(
		source_new(c->f.reader.engine, c->f.store.url, &c->f.source, NULL), 0);
	fill_crowd(c);
	for (unsigned i = 0; i < CROWD; i++) {
		members[i] = (struct member){c, i + 1};
		assert_int_equal(
			pthread_create(&threads[i], NULL, crowd_member, &members[i]), 0);
	}
	for (unsigned i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c->served + c->failed + c->forgotten, CROWD * CROWD_TURNS);
	assert_true(c->served > 0 && c->failed > 0);
	source_free(c->f.source);
	reader_release(&c->f.reader);
	store_release(&c->f.store);
	for (unsigned i = 0; i < CROWD_BLOBS; i++)
		free(c->samples[i].data);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_threads_cost_one_request),
		cmocka_unit_test(each_has_its_own_deadline),
		cmocka_unit_test(who_comes_at_the_end_has_its_own_deadline),
		cmocka_unit_test(a_silent_server_times_out),
		cmocka_unit_test(the_last_to_leave_leaves_it_to_be_kept),
		cmocka_unit_test(who_is_interrupted_again_and_again_gets_it),
		cmocka_unit_test(coming_after_the_last_left_works),
		cmocka_unit_test(a_failure_leaves_others_alone),
		cmocka_unit_test(a_delta_times_out_with_its_base),
		cmocka_unit_test(a_crowd_gets_what_there_is),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
