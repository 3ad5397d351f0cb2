/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/gate_server.h"

struct fixture {
	struct small_store store;
	struct small_reader reader;
	struct source *source;
};

static void setup(struct fixture *f, bool no_space)
{
	store_init(&f->store);
	reader_init(&f->reader, no_space);
	assert_int_equal(source_new(f->reader.engine, f->store.url, &f->source, NULL), 0);
}

static void teardown(struct fixture *f)
{
	source_free(f->source);
	reader_release(&f->reader);
	store_release(&f->store);
}

static void a_chunk_is_brought_and_kept(void **state)
{
	struct sample p = sample_new(100000, 1);
	struct fixture f;
	struct test_waiter w;
	struct span got;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	got = waiter_content(&w.waiter, &p.want.digest);
	assert_true(span_equal(got, sample_span(&p)));
	test_waiter_release(&w);
	/* The second time there is nothing to ask. */
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	assert_true(cache_has(f.reader.cache, &p.want));
	assert_int_equal(reader_requests(&f.reader), 1);
	teardown(&f);
	free(p.data);
}

static void a_full_cache_still_serves(void **state)
{
	struct sample p = sample_new(100000, 2);
	struct fixture f;
	struct test_waiter w;

	(void)state;
	setup(&f, true);
	store_put(&f.store, sample_span(&p));
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_true(span_equal(waiter_content(&w.waiter, &p.want.digest), sample_span(&p)));
	assert_false(cache_has(f.reader.cache, &p.want));
	test_waiter_release(&w);
	teardown(&f);
	free(p.data);
}

/* The same bytes at a second place are copied, and put there too. */
static void a_chunk_is_copied_within_the_cache(void **state)
{
	struct sample p = sample_new(50000, 3);
	struct want elsewhere = p.want;
	struct fixture f;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	elsewhere.object.digest = digest_of("another", 7);
	elsewhere.object.layout = digest_of("list", 4);
	elsewhere.object_size = 2 * p.size;
	elsewhere.chunks = 2;
	elsewhere.ordinal = 1;
	elsewhere.start = p.size;
	assert_false(cache_has(f.reader.cache, &elsewhere));
	assert_int_equal(want_one(f.source, &elsewhere, NULL), 0);
	assert_true(cache_has(f.reader.cache, &elsewhere));
	assert_int_equal(reader_requests(&f.reader), 1);
	teardown(&f);
	free(p.data);
}

/* Wants of one waiter for one chunk at two places end in both. */
static void one_fetch_fills_all_places(void **state)
{
	struct sample p = sample_new(50000, 4);
	struct want wants[2] = {p.want, p.want};
	struct fixture f;
	struct test_waiter w;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	wants[0].object.digest = wants[1].object.digest = digest_of("both", 4);
	wants[0].object.layout = wants[1].object.layout = digest_of("list", 4);
	wants[0].object_size = wants[1].object_size = 2 * p.size;
	wants[0].chunks = wants[1].chunks = 2;
	wants[1].ordinal = 1;
	wants[1].start = p.size;
	test_waiter_init(&w);
	w.waiter.wants_kept = true;
	assert_int_equal(source_want(f.source, wants, 2, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	test_waiter_release(&w);
	assert_true(cache_has(f.reader.cache, &wants[0]));
	assert_true(cache_has(f.reader.cache, &wants[1]));
	assert_int_equal(reader_requests(&f.reader), 1);
	teardown(&f);
	free(p.data);
}

static void many_wants_make_a_waiter_ready_once(void **state)
{
	struct sample samples[WANTS_MAX];
	struct want wants[WANTS_MAX];
	struct fixture f;
	struct test_waiter w;

	(void)state;
	setup(&f, false);
	for (unsigned i = 0; i < WANTS_MAX; i++) {
		samples[i] = sample_new(1000 + i, 100 + i);
		wants[i] = samples[i].want;
		store_put(&f.store, sample_span(&samples[i]));
	}
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, wants, WANTS_MAX, FETCH_READAHEAD,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	for (unsigned i = 0; i < WANTS_MAX; i++) {
		assert_true(span_equal(waiter_content(&w.waiter, &wants[i].digest),
			sample_span(&samples[i])));
		free(samples[i].data);
	}
	source_free(f.source);
	assert_int_equal(test_waiter_count(&w), 1);
	test_waiter_release(&w);
	f.source = NULL;
	teardown(&f);
}

static void an_absent_blob_fails_the_waiter(void **state)
{
	struct sample p = sample_new(1000, 5), q = sample_new(1000, 6);
	struct want wants[2] = {p.want, q.want};
	struct trouble t = {0};
	struct fixture f;
	struct test_waiter w;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	assert_int_equal(want_one(f.source, &q.want, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, f.store.url));
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, wants, 2, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	assert_int_equal(test_waiter_wait(&w, 1), ERR_ABSENT);
	test_waiter_release(&w);
	teardown(&f);
	free(p.data);
	free(q.data);
}

struct lookup {
	struct digest page;
	unsigned tries;
	uint32_t count;
};

static int look_up(struct attempt *a, void *arg)
{
	struct lookup *l = arg;
	struct page page;
	int rc = attempt_page(a, &l->page, &page);

	l->tries++;
	if (!rc)
		l->count = page.count;
	return rc;
}

static void a_run_brings_pages(void **state)
{
	struct lookup l = {0};
	struct fixture f;

	(void)state;
	for (int no_space = 0; no_space < 2; no_space++) {
		setup(&f, no_space);
		l = (struct lookup){.page = store_tree(&f.store, 20)};
		assert_int_equal(
			source_run(f.source, look_up, &l, 0, FETCH_DEMAND, NULL), 0);
		assert_int_equal(l.count, 21);
		assert_int_equal(l.tries, 2);
		teardown(&f);
	}
}

static void a_run_reports_the_trouble(void **state)
{
	struct lookup l = {.page = digest_of("no page", 7)};
	struct trouble t = {0};
	struct fixture f;

	(void)state;
	setup(&f, false);
	assert_int_equal(
		source_run(f.source, look_up, &l, 0, FETCH_DEMAND, &t), ERR_ABSENT);
	assert_non_null(strstr(t.text, "blobs/"));
	teardown(&f);
}

static int refuse(struct attempt *a, void *arg)
{
	(void)a;
	(void)arg;
	return ERR_INVALID;
}

static void a_run_passes_the_steps_error_on(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	assert_int_equal(
		source_run(f.source, refuse, NULL, 0, FETCH_DEMAND, NULL), ERR_INVALID);
	teardown(&f);
}

static void *end_runs(void *arg)
{
	struct fixture *f = arg;

	source_end_runs(f->source);
	return NULL;
}

/* A server that never answers does not hold up who ends. */
static void the_end_ends_runs(void **state)
{
	struct lookup l = {0};
	struct gate_server *g;
	pthread_t thread;
	struct fixture f;

	(void)state;
	setup(&f, false);
	source_free(f.source);
	l.page = store_tree(&f.store, 20);
	g = gate_new(f.store.directory);
	gate_set(g, true);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, end_runs, &f), 0);
	assert_int_equal(
		source_run(f.source, look_up, &l, 300 * NS_PER_SECOND, FETCH_DEMAND, NULL),
		ERR_INTERRUPTED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* nor one that comes later, but for what is here */
	assert_int_equal(
		source_run(f.source, look_up, &l, 0, FETCH_DEMAND, NULL), ERR_INTERRUPTED);
	assert_int_equal(
		source_run(f.source, refuse, NULL, 0, FETCH_DEMAND, NULL), ERR_INVALID);
	teardown(&f);
	gate_free(g);
}

static bool is_asked_for(struct fixture *f, struct waiter *w, struct blob_wait *look)
{
	int64_t deadline;

	return source_look(f->source, w, look, 1, &deadline) == 1 &&
	       look->stage == BLOB_FETCHING;
}

static bool has_failed(struct fixture *f, struct waiter *w, struct blob_wait *look)
{
	int64_t deadline;

	return source_look(f->source, w, look, 1, &deadline) == 1 && look->trouble.code;
}

/* What somebody waits for: of whom it was asked, how often, and what came of that. */
static void a_wait_is_told(void **state)
{
	struct sample p = sample_new(30000, 21);
	struct gate_server *g;
	struct test_waiter w;
	struct blob_wait look;
	struct fixture f;
	int64_t until = clock_monotonic() + 300 * NS_PER_SECOND, deadline;

	(void)state;
	setup(&f, false);
	source_free(f.source);
	store_put(&f.store, sample_span(&p));
	g = gate_new(f.store.directory);
	gate_set(g, true);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	test_waiter_init(&w);
	assert_int_equal(source_look(f.source, &w.waiter, &look, 1, &deadline), 0);
	assert_int_equal(
		source_want(f.source, &p.want, 1, FETCH_DEMAND, until, &w.waiter), 0);
	AWAIT(is_asked_for(&f, &w.waiter, &look));
	assert_true(digest_equal(&look.digest, &p.want.digest));
	assert_int_equal(look.kind, BLOB_CHUNK);
	assert_string_equal(look.mirror, g->url);
	assert_int_equal(look.tries, 1);
	assert_int_equal(look.trouble.code, 0);
	assert_int_equal(source_look(f.source, &w.waiter, NULL, 0, &deadline), 1);
	assert_true(deadline == until);
	g->status = 503;
	gate_set(g, false);
	AWAIT(has_failed(&f, &w.waiter, &look));
	assert_non_null(strstr(look.trouble.text, "503"));
	assert_true(source_forget(f.source, &w.waiter));
	assert_int_equal(source_look(f.source, &w.waiter, &look, 1, &deadline), 0);
	test_waiter_release(&w);
	teardown(&f);
	gate_free(g);
	free(p.data);
}

static void a_hint_brings_it(void **state)
{
	struct sample p = sample_new(30000, 7);
	struct fixture f;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	source_hint(f.source, &p.want, 1, FETCH_PREFETCH);
	AWAIT(cache_has(f.reader.cache, &p.want));
	teardown(&f);
	free(p.data);
}

/* Hints for a server that never answers hold nothing up when the source goes. */
static void source_free_drops_hints(void **state)
{
	struct want wants[300];
	struct fixture f;
	struct gate_server *g;
	int64_t begun;

	(void)state;
	setup(&f, false);
	source_free(f.source);
	g = gate_new(f.store.directory);
	gate_set(g, true);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	for (unsigned i = 0; i < 300; i++) {
		wants[i] = want_chunk(span_of(&i, sizeof(i)));
		source_hint(f.source, &wants[i], 1, FETCH_READAHEAD);
	}
	gate_await(g, 1);
	begun = clock_monotonic();
	source_free(f.source);
	assert_true(clock_monotonic() - begun < TESTED_DEADLINE / 2);
	f.source = NULL;
	teardown(&f);
	gate_free(g);
}

/* Who joins a hint lifts it, and gets what it brings. */
static void a_hint_can_be_joined(void **state)
{
	struct sample p = sample_new(30000, 8);
	struct fixture f;
	struct gate_server *g;
	struct test_waiter w;

	(void)state;
	setup(&f, false);
	source_free(f.source);
	store_put(&f.store, sample_span(&p));
	g = gate_new(f.store.directory);
	gate_set(g, true);
	assert_int_equal(source_new(f.reader.engine, g->url, &f.source, NULL), 0);
	source_hint(f.source, &p.want, 1, FETCH_PREFETCH);
	gate_await(g, 1);
	test_waiter_init(&w);
	assert_int_equal(source_want(f.source, &p.want, 1, FETCH_DEMAND,
				 clock_monotonic() + TESTED_DEADLINE, &w.waiter),
		0);
	gate_set(g, false);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_int_equal(gate_requests(g), 1);
	test_waiter_release(&w);
	teardown(&f);
	gate_free(g);
	free(p.data);
}

/* What is here is served, and for the rest nobody is asked, not even for a moment. */
static void offline_asks_nobody(void **state)
{
	struct sample p = sample_new(1000, 9), q = sample_new(1000, 10);
	struct trouble t = {0};
	struct fixture f;

	(void)state;
	setup(&f, false);
	store_put(&f.store, sample_span(&p));
	store_put(&f.store, sample_span(&q));
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	source_free(f.source);
	assert_int_equal(source_new(f.reader.engine, f.store.url, &f.source, NULL), 0);
	source_go_offline(f.source);
	assert_int_equal(want_one(f.source, &p.want, NULL), 0);
	assert_int_equal(want_one(f.source, &q.want, &t), ERR_UNREACHABLE);
	assert_non_null(strstr(t.text, "no server is asked"));
	assert_int_equal(reader_requests(&f.reader), 1);
	teardown(&f);
	free(p.data);
	free(q.data);
}

static void a_bad_url_is_refused(void **state)
{
	struct trouble t = {0};
	struct source *s = NULL;
	struct fixture f;

	(void)state;
	setup(&f, false);
	assert_int_equal(source_new(f.reader.engine, "nonsense", &s, &t), ERR_INVALID);
	assert_null(s);
	assert_true(t.text[0] != '\0');
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chunk_is_brought_and_kept),
		cmocka_unit_test(a_full_cache_still_serves),
		cmocka_unit_test(a_chunk_is_copied_within_the_cache),
		cmocka_unit_test(one_fetch_fills_all_places),
		cmocka_unit_test(many_wants_make_a_waiter_ready_once),
		cmocka_unit_test(an_absent_blob_fails_the_waiter),
		cmocka_unit_test(a_run_brings_pages),
		cmocka_unit_test(a_run_reports_the_trouble),
		cmocka_unit_test(a_run_passes_the_steps_error_on),
		cmocka_unit_test(the_end_ends_runs),
		cmocka_unit_test(a_wait_is_told),
		cmocka_unit_test(a_hint_brings_it),
		cmocka_unit_test(source_free_drops_hints),
		cmocka_unit_test(a_hint_can_be_joined),
		cmocka_unit_test(offline_asks_nobody),
		cmocka_unit_test(a_bad_url_is_refused),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
