/* SPDX-License-Identifier: MIT */
/* What reading has to do with keeping, while the cache cannot be written to: another
 * process was stopped in the middle of its own transaction. */
#include "unit/await.h"
#include "unit/gate_server.h"

#include <lmdb.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>

#include "source/engine.h"

#define COUNT 12
#define SIZE 60000 /* bytes of a sample */

struct fixture {
	struct small_store store;
	struct small_reader reader;
	struct source *source;
	pid_t stopped; /* holds LMDB's lock; 0: nobody does */
	struct sample samples[COUNT];
};

/* Begins a transaction in the cache's environment and stops. */
static void hold_lock(const char *directory)
{
	char path[PATH_SIZE_MAX + 16];
	MDB_env *env;
	MDB_txn *txn;

#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not leave it behind */
#endif
	snprintf(path, sizeof path, "%s/cache/meta", directory);
	if (mdb_env_create(&env) || mdb_env_open(env, path, MDB_NOTLS, 0600) ||
		mdb_txn_begin(env, NULL, 0, &txn))
		_exit(1);
	raise(SIGSTOP);
	mdb_txn_abort(txn);
	_exit(0);
}

static void stop_neighbour(struct fixture *f)
{
	int status;

	f->stopped = fork();
	assert_true(f->stopped >= 0);
	if (f->stopped == 0)
		hold_lock(f->reader.directory);
	assert_int_equal(waitpid(f->stopped, &status, WUNTRACED), f->stopped);
	assert_true(WIFSTOPPED(status));
}

static void continue_neighbour(struct fixture *f)
{
	int status;

	kill(f->stopped, SIGCONT);
	assert_int_equal(waitpid(f->stopped, &status, 0), f->stopped);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	f->stopped = 0;
}

static void start(struct fixture *f)
{
	assert_int_equal(source_new(f->reader.engine, f->store.url, &f->source, NULL), 0);
}

/* `memory` 0: the engine's own. */
static void setup(struct fixture *f, bool no_space, uint64_t memory)
{
	memset(f, 0, sizeof *f);
	store_init(&f->store);
	reader_init(&f->reader, no_space);
	engine_free(f->reader.engine);
	f->reader.memory = memory;
	reader_start(&f->reader);
	start(f);
	for (unsigned i = 0; i < COUNT; i++) {
		f->samples[i] = sample_new(SIZE, 500 + i);
		store_put(&f->store, sample_span(&f->samples[i]));
	}
}

static void teardown(struct fixture *f)
{
	assert_int_equal(f->stopped, 0);
	source_free(f->source);
	reader_release(&f->reader);
	store_release(&f->store);
	for (unsigned i = 0; i < COUNT; i++)
		free(f->samples[i].data);
}

static void begin(struct fixture *f, struct test_waiter *w, const struct want *wants,
	unsigned count, enum fetch_priority priority)
{
	assert_int_equal(source_want(f->source, wants, count, priority,
				 clock_monotonic() + TESTED_DEADLINE, &w->waiter),
		0);
}

/* A reader gets the bytes of sample `i`. */
static void read_sample(struct fixture *f, unsigned i)
{
	const struct sample *p = &f->samples[i];
	struct test_waiter w;

	test_waiter_init(&w);
	begin(f, &w, &p->want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_true(span_equal(waiter_content(&w.waiter, &p->want.digest), sample_span(p)));
	test_waiter_release(&w);
}

/* All samples, as a prefetch wants them. */
static void begin_prefetch(struct fixture *f, struct test_waiter *w)
{
	struct want wants[COUNT];

	for (unsigned i = 0; i < COUNT; i++)
		wants[i] = f->samples[i].want;
	test_waiter_init(w);
	w->waiter.wants_kept = true;
	begin(f, w, wants, COUNT, FETCH_PREFETCH);
}

static void assert_all_kept(struct fixture *f)
{
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(cache_has(f->reader.cache, &f->samples[i].want));
}

static void a_reader_does_not_wait_for_it(void **state)
{
	struct test_waiter kept;
	struct fixture f;

	(void)state;
	setup(&f, false, 0);
	stop_neighbour(&f);
	test_waiter_init(&kept);
	kept.waiter.wants_kept = true;
	begin(&f, &kept, &f.samples[0].want, 1, FETCH_PREFETCH);
	read_sample(&f, 0);
	/* Nor who comes now; and nobody fetches it again. */
	for (int i = 0; i < 5; i++)
		read_sample(&f, 0);
	assert_int_equal(reader_requests(&f.reader), 1);
	/* The first try to keep it has not even come to an end. */
	assert_false(reader_logged(&f.reader, "cannot be kept"));
	assert_int_equal(test_waiter_count(&kept), 0);
	assert_false(cache_has(f.reader.cache, &f.samples[0].want));
	continue_neighbour(&f);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	assert_int_equal(kept.waiter.buffers.count, 0);
	assert_true(cache_has(f.reader.cache, &f.samples[0].want));
	test_waiter_release(&kept);
	teardown(&f);
}

/* More of them than there are threads; and a page, and a delta with its base. */
static void others_are_brought_meanwhile(void **state)
{
	struct sample delta;
	struct digest root;
	struct want want;
	struct test_waiter kept, w;
	struct fixture f;

	(void)state;
	setup(&f, false, 0);
	delta = sample_new(SIZE, 500);
	delta.data[7] ^= 1;
	delta.want = want_chunk(sample_span(&delta));
	store_put_delta(&f.store, sample_span(&delta), sample_span(&f.samples[0]));
	root = store_tree(&f.store, 3);
	want = want_page(&root);
	stop_neighbour(&f);
	begin_prefetch(&f, &kept);
	for (unsigned i = 0; i < COUNT; i++)
		read_sample(&f, i);
	test_waiter_init(&w);
	begin(&f, &w, &want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_int_equal(w.waiter.buffers.count, 1);
	begin(&f, &w, &delta.want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 2), 0);
	assert_true(span_equal(
		waiter_content(&w.waiter, &delta.want.digest), sample_span(&delta)));
	test_waiter_release(&w);
	for (unsigned i = 0; i < COUNT; i++)
		assert_false(cache_has(f.reader.cache, &f.samples[i].want));
	assert_int_equal(test_waiter_count(&kept), 0);
	continue_neighbour(&f);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	assert_all_kept(&f);
	test_waiter_release(&kept);
	teardown(&f);
	free(delta.data);
}

static void source_free_waits_for_it(void **state)
{
	struct digest root;
	struct want want;
	struct test_waiter w;
	struct fixture f;

	(void)state;
	setup(&f, false, 0);
	root = store_tree(&f.store, 3);
	want = want_page(&root);
	for (unsigned i = 0; i < COUNT; i++)
		read_sample(&f, i);
	test_waiter_init(&w);
	begin(&f, &w, &want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	test_waiter_release(&w);
	source_free(f.source);
	assert_all_kept(&f);
	assert_true(cache_has(f.reader.cache, &want));
	start(&f);
	teardown(&f);
}

/* Readers are let through however little memory there is; the oldest is not kept. */
static void what_readers_have_had_is_given_up(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false, 4 * SIZE);
	stop_neighbour(&f);
	for (unsigned i = 0; i < COUNT; i++)
		read_sample(&f, i);
	assert_true(keep_queue_given_up(engine_keeps(f.reader.engine)) > 0);
	assert_true(reader_logged(&f.reader, "too much waits to be written"));
	read_sample(&f, COUNT - 1);
	continue_neighbour(&f);
	teardown(&f);
}

/* A prefetch waits, a reader does not: for one of the same blobs neither. */
static void a_prefetch_waits_for_it(void **state)
{
	struct sample other = sample_new(SIZE, 499);
	struct test_waiter kept, w;
	struct fixture f;

	(void)state;
	setup(&f, false, 4 * SIZE);
	store_put(&f.store, sample_span(&other));
	stop_neighbour(&f);
	begin_prefetch(&f, &kept);
	test_waiter_init(&w);
	begin(&f, &w, &other.want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	test_waiter_release(&w);
	for (unsigned i = 0; i < COUNT; i++)
		read_sample(&f, i);
	assert_int_equal(test_waiter_count(&kept), 0);
	continue_neighbour(&f);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	assert_all_kept(&f);
	test_waiter_release(&kept);
	teardown(&f);
	free(other.data);
}

static struct want elsewhere(const struct sample *p)
{
	struct want w = p->want;

	w.object.digest = digest_of(p->data, p->size / 2);
	w.object.layout = digest_of("list", 4);
	w.object_size = 2 * p->size;
	w.chunks = 2;
	w.ordinal = 1;
	w.start = p->size;
	return w;
}

/* Copies within the cache are no fetches, which the memory could be charged to. */
static void copies_wait_for_it(void **state)
{
	struct want wants[COUNT];
	struct test_waiter kept, w;
	struct fixture f;

	(void)state;
	setup(&f, false, 4 * SIZE);
	begin_prefetch(&f, &kept);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	test_waiter_release(&kept);
	/* Opened anew, it has no space granted in advance. */
	source_free(f.source);
	reader_reopen(&f.reader);
	start(&f);
	stop_neighbour(&f);
	for (unsigned i = 0; i < COUNT; i++)
		wants[i] = elsewhere(&f.samples[i]);
	test_waiter_init(&kept);
	kept.waiter.wants_kept = true;
	begin(&f, &kept, wants, COUNT, FETCH_PREFETCH);
	for (unsigned i = 0; i < COUNT; i++) {
		test_waiter_init(&w);
		begin(&f, &w, &wants[i], 1, FETCH_DEMAND);
		assert_int_equal(test_waiter_wait(&w, 1), 0);
		assert_true(span_equal(waiter_content(&w.waiter, &wants[i].digest),
			sample_span(&f.samples[i])));
		test_waiter_release(&w);
	}
	assert_int_equal(test_waiter_count(&kept), 0);
	continue_neighbour(&f);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(cache_has(f.reader.cache, &wants[i]));
	assert_int_equal(reader_requests(&f.reader), 0);
	test_waiter_release(&kept);
	teardown(&f);
}

/* Hints for copies that wait hold nothing up when the source goes. */
static void source_free_drops_copies(void **state)
{
	struct test_waiter kept;
	struct fixture f;
	struct want want;

	(void)state;
	setup(&f, false, 4 * SIZE);
	begin_prefetch(&f, &kept);
	assert_int_equal(test_waiter_wait(&kept, 1), 0);
	test_waiter_release(&kept);
	for (unsigned i = 0; i < COUNT; i++) {
		want = elsewhere(&f.samples[i]);
		source_hint(f.source, &want, 1, FETCH_READAHEAD);
	}
	teardown(&f);
}

static void who_wants_it_kept_is_told_that_it_is_not(void **state)
{
	const struct want *want;
	struct test_waiter kept, w;
	struct digest root;
	struct want page;
	struct fixture f;
	char hex[DIGEST_HEX_SIZE];

	(void)state;
	setup(&f, true, 0);
	want = &f.samples[0].want;
	test_waiter_init(&kept);
	test_waiter_init(&w);
	kept.waiter.wants_kept = true;
	begin(&f, &kept, want, 1, FETCH_PREFETCH);
	begin(&f, &w, want, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 1), 0);
	assert_true(span_equal(
		waiter_content(&w.waiter, &want->digest), sample_span(&f.samples[0])));
	assert_int_equal(test_waiter_wait(&kept, 1), ERR_NO_SPACE);
	digest_to_hex(&want->digest, hex);
	assert_non_null(strstr(kept.waiter.trouble.text, hex));
	assert_non_null(strstr(kept.waiter.trouble.text, "cannot be kept"));
	/* One of several is enough; who only reads is not told. */
	root = store_tree(&f.store, 3);
	page = want_page(&root);
	begin(&f, &w, &page, 1, FETCH_DEMAND);
	assert_int_equal(test_waiter_wait(&w, 2), 0);
	test_waiter_release(&kept);
	test_waiter_release(&w);
	begin_prefetch(&f, &kept);
	assert_int_equal(test_waiter_wait(&kept, 1), ERR_NO_SPACE);
	test_waiter_release(&kept);
	teardown(&f);
}

/* Two want one chunk kept, at two places, and one of them cannot be. */
static void each_is_told_of_its_own_place(void **state)
{
	struct test_waiter good, bad;
	struct want impossible;
	struct fixture f;

	(void)state;
	setup(&f, false, 0);
	impossible = elsewhere(&f.samples[0]);
	impossible.object_size = impossible.start; /* it would end beyond the object */
	test_waiter_init(&good);
	test_waiter_init(&bad);
	good.waiter.wants_kept = bad.waiter.wants_kept = true;
	begin(&f, &good, &f.samples[0].want, 1, FETCH_PREFETCH);
	begin(&f, &bad, &impossible, 1, FETCH_PREFETCH);
	assert_int_equal(test_waiter_wait(&good, 1), 0);
	assert_int_equal(test_waiter_wait(&bad, 1), ERR_INVALID);
	assert_true(cache_has(f.reader.cache, &f.samples[0].want));
	test_waiter_release(&good);
	test_waiter_release(&bad);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_does_not_wait_for_it),
		cmocka_unit_test(others_are_brought_meanwhile),
		cmocka_unit_test(source_free_waits_for_it),
		cmocka_unit_test(what_readers_have_had_is_given_up),
		cmocka_unit_test(a_prefetch_waits_for_it),
		cmocka_unit_test(copies_wait_for_it),
		cmocka_unit_test(source_free_drops_copies),
		cmocka_unit_test(who_wants_it_kept_is_told_that_it_is_not),
		cmocka_unit_test(each_is_told_of_its_own_place),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
