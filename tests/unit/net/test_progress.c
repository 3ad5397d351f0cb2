/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/progress.h"
#include "util/clock.h"

#define START (1000 * NS_PER_SECOND)
#define PATIENCE (60 * NS_PER_SECOND)
#define SIZE (UINT64_C(2) << 20)

static struct fetch begin(void)
{
	return (struct fetch){.deadline = START + PATIENCE, .patience = PATIENCE};
}

/* Until it is complete or its deadline is over: the time that it took, or 0. */
static int64_t receive(struct progress *p, struct fetch *f, uint64_t size, uint64_t rate)
{
	int64_t now = START;

	*p = (struct progress){0};
	progress_begin(p, now);
	for (uint64_t got = 0; got < size;) {
		now += NS_PER_SECOND;
		if (now >= f->deadline)
			return 0;
		got = got + rate < size ? got + rate : size;
		progress_note(p, f, got, now, now);
	}
	return now - START;
}

/* Half a megabit, alone and shared by fifteen; and a server that sends a little. */
static void test_a_slow_line_ends_and_a_trickle_does_not(void **state)
{
	static const struct {
		uint64_t size, rate;
		bool ends;
	} cases[] = {{SIZE, 62500, true}, {SIZE, 62500 / 15, true}, {SIZE, 1, false},
		{SIZE, 1000, false}, {1u << 30, 62500, true}, {50000, 1000, true}};
	struct progress p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fetch f = begin();
		bool ends = receive(&p, &f, cases[i].size, cases[i].rate) > 0;

		assert_int_equal(ends, cases[i].ends);
	}
}

static void test_a_trickle_holds_nobody_for_long(void **state)
{
	struct fetch f = begin();
	struct progress p;

	(void)state;
	assert_int_equal(receive(&p, &f, SIZE, 1), 0);
	assert_true(f.deadline < START + PATIENCE + NS_PER_SECOND);
	f = begin();
	assert_int_equal(receive(&p, &f, SIZE, PROGRESS_LEAST / 2), 0);
	assert_true(f.deadline <= START + 2 * PATIENCE);
}

/* Megabytes that came quickly are no reason to wait for more than the patience. */
static void test_never_longer_than_the_patience(void **state)
{
	struct fetch f = begin();
	struct progress p;

	(void)state;
	assert_true(receive(&p, &f, 100 << 20, 1 << 20) > 0);
	assert_int_equal(f.deadline, START + 100 * NS_PER_SECOND + PATIENCE);
}

static void test_what_comes_again_earns_nothing(void **state)
{
	struct fetch f = begin();
	struct progress p;
	int64_t deadline;

	(void)state;
	receive(&p, &f, 600000, 10000);
	deadline = f.deadline;
	for (int i = 1; i < 50; i++)
		progress_note(&p, &f, 10000u * (unsigned)i, START + 90 * NS_PER_SECOND,
			START + 90 * NS_PER_SECOND);
	assert_int_equal(f.deadline, deadline);
}

static void test_without_patience_it_stands(void **state)
{
	struct fetch f = {.deadline = START + PATIENCE};
	struct fetch endless = {.deadline = DEADLINE_NONE, .patience = PATIENCE};
	struct progress p;

	(void)state;
	receive(&p, &f, SIZE, 62500);
	assert_int_equal(f.deadline, START + PATIENCE);
	assert_true(receive(&p, &endless, SIZE, 62500) > 0);
	assert_int_equal(endless.deadline, DEADLINE_NONE);
}

/* Who waits for his turn has as long as those before him get on. */
static void test_the_queue(void **state)
{
	struct fetch first = begin(), queued = begin();
	struct progress p;
	int64_t took;

	(void)state;
	took = receive(&p, &first, SIZE, 20000);
	assert_true(took > PATIENCE);
	progress_renew(&p, &queued, START + took);
	assert_int_equal(queued.deadline, first.deadline);
	progress_renew(&p, &queued, START + took);
	assert_int_equal(queued.deadline, first.deadline);
	/* Behind a trickle he has not. */
	first = begin();
	queued = begin();
	receive(&p, &first, SIZE, 10);
	progress_renew(&p, &queued, START + PATIENCE);
	assert_true(queued.deadline < START + PATIENCE + NS_PER_SECOND);
	/* That tries begin, and that the line is idle between, is no progress. */
	queued = begin();
	progress_queue(&p, &queued);
	for (int i = 1; i < 100; i++)
		progress_begin(&p, START + i * NS_PER_SECOND);
	progress_renew(&p, &queued, START + 100 * NS_PER_SECOND);
	assert_int_equal(queued.deadline, START + PATIENCE);
	progress_complete(&p, START + 101 * NS_PER_SECOND);
	progress_renew(&p, &queued, START + 101 * NS_PER_SECOND);
	assert_int_equal(queued.deadline, START + PATIENCE + 2 * NS_PER_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slow_line_ends_and_a_trickle_does_not),
		cmocka_unit_test(test_a_trickle_holds_nobody_for_long),
		cmocka_unit_test(test_never_longer_than_the_patience),
		cmocka_unit_test(test_what_comes_again_earns_nothing),
		cmocka_unit_test(test_without_patience_it_stands),
		cmocka_unit_test(test_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
