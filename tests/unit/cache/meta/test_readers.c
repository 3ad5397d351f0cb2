/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/readers.h"
#include "cache/meta/space.h"
#include "unit/other_process.h"

#define MIB (UINT64_C(1) << 20)
#define QUOTA (32 * MIB)

/* A `run`: begins to read, and goes no further. */
static int hold_a_read(struct other_process *p, const char *directory)
{
	struct metadata *m;
	MDB_txn *txn;

	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL) ||
		metadata_read(m, &txn))
		return 1;
	other_process_pause(p);
	metadata_read_end(m, txn);
	other_process_pause(p);
	metadata_close(m);
	return 0;
}

struct reading {
	struct other_process other;
	char *directory;
	struct metadata *m;
};

/* The other one reads in the books, which have a quota. */
static struct reading reading_begin(void)
{
	struct reading r = {.directory = sample_directory()};

	r.m = books_open(r.directory, 0);
	books_set_limits(r.m, QUOTA, 0);
	books_add(r.m, 1, 1, 1000);
	metadata_close(r.m);
	other_process_start(&r.other, hold_a_read, r.directory);
	r.m = books_open(r.directory, 0);
	return r;
}

static void reading_end(struct reading *r)
{
	metadata_close(r->m);
	sample_remove(r->directory);
}

static struct readers_lag lag_of(struct metadata *m)
{
	struct readers_lag lag;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(readers_look(m, txn, &lag), 0);
	metadata_read_end(m, txn);
	return lag;
}

static void test_nobody_lags(void **state)
{
	struct books *b = *state;
	struct readers_lag lag;

	for (unsigned i = 0; i < 150; i++)
		books_set_limits(b->metadata, QUOTA, i);
	lag = lag_of(b->metadata);
	assert_true(lag.commits == 0 && lag.held == 0);
}

static void test_who_lags(void **state)
{
	struct reading r = reading_begin();
	struct readers_lag lag;

	(void)state;
	/* One that just takes his time. */
	for (unsigned i = 0; i < 50; i++)
		books_set_limits(r.m, QUOTA, i);
	assert_int_equal(lag_of(r.m).commits, 0);
	for (unsigned i = 0; i < 100; i++)
		books_set_limits(r.m, QUOTA, i);
	lag = lag_of(r.m);
	assert_in_range(lag.commits, 150, 160);
	assert_int_equal(lag.pid, r.other.pid);
	assert_true(lag.held > 150 * 4096);
	assert_true(lag.held <= free_pages_bytes(r.m));
	/* It is dead: nothing is held any more, without anybody having to wait. */
	other_process_kill(&r.other);
	assert_int_equal(lag_of(r.m).commits, 0);
	reading_end(&r);
}

/* Writes to the books for as long as they let it: gives the number of commits. */
static unsigned fill_books(struct metadata *m, struct outcome *o)
{
	unsigned i = 0;

	do {
		struct blob_buffer *page = sample_page(i % 8, 300);
		struct digest name = sample_digest(i % 8);
		struct changes c = {.disk_free = UINT64_MAX,
			.user = 9,
			.pages = &page,
			.page_count = 1,
			.rotten = &name,
			.rotten_count = 1,
			.renew = true,
			.leased = i ? o->leased : 0,
			.demand = MIB};

		*o = books_commit(m, &c);
		blob_buffer_put(page);
	} while (++i < 300 && o->pages_kept);
	return i;
}

static struct outcome ask(struct metadata *m, uint64_t leased)
{
	struct change use = books_change(CHANGE_USE, 1, 0, 0);
	struct changes c = {.disk_free = UINT64_MAX,
		.user = 9,
		.ops = &use,
		.op_count = 1,
		.renew = true,
		.leased = leased,
		.demand = MIB};

	use.seconds = 2000 + clock_realtime() % 1000;
	return books_commit(m, &c);
}

/* It stops the growth, not the cache: what is known stays readable, what would be new is
 * not kept, and nothing is thrown out for that. */
static void test_growth_stops(void **state)
{
	struct reading r = reading_begin();
	struct outcome o;
	uint64_t size;

	(void)state;
	assert_int_equal(kill(r.other.pid, SIGSTOP), 0);
	assert_in_range(fill_books(r.m, &o), 50, 299);
	assert_int_equal(o.growth, GROWTH_READER);
	assert_int_equal(o.reader, r.other.pid);
	assert_false(o.granted && !o.leased);
	assert_int_equal(o.short_of, 0);
	size = metadata_bytes(r.m);
	assert_true(size < QUOTA / 4);
	for (unsigned i = 0; i < 500; i++) {
		o = ask(r.m, 0);
		assert_int_equal(o.growth, GROWTH_READER);
		assert_false(o.granted);
		assert_int_equal(o.short_of, 0);
	}
	assert_int_equal(metadata_bytes(r.m), size);
	assert_true(books_has_record(r.m, 1));
	/* It goes on: at once, all is as before. */
	assert_int_equal(kill(r.other.pid, SIGCONT), 0);
	other_process_go_on(&r.other);
	o = ask(r.m, 0);
	assert_int_equal(o.growth, GROWTH_FREE);
	assert_true(o.granted);
	fill_books(r.m, &o);
	assert_true(o.pages_kept);
	assert_true(metadata_bytes(r.m) < size + MIB);
	assert_int_equal(other_process_finish(&r.other), 0);
	reading_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOKS_TEST(test_nobody_lags),
		cmocka_unit_test(test_who_lags),
		cmocka_unit_test(test_growth_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
