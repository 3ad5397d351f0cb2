/* SPDX-License-Identifier: MIT */
/*
 * A schedule with its servers, for the tests of what decides about it: who goes next, who
 * is asked for again. Nothing is sent, and time is a number.
 */
#ifndef CAIRN_TESTS_SCHEDULE_FIXTURE_H
#define CAIRN_TESTS_SCHEDULE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/admission.h"
#include "net/retry.h"
#include "net/schedule.h"
#include "util/clock.h"

#define START (1000 * NS_PER_SECOND)
#define MS NS_PER_MS

struct fixture {
	struct schedule s;
	struct origins origins;
	struct mirrors *one, *two; /* with one mirror, with two */
	struct fetch fetches[300];
	unsigned count;
	int64_t now;
};

static inline int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);

	schedule_init(&x->s, 1000);
	origins_init(&x->origins, 4);
	assert_int_equal(mirrors_new("http://one.test/", &x->one, NULL), 0);
	assert_int_equal(mirrors_new("http://a.test/", &x->two, NULL), 0);
	assert_int_equal(mirrors_add(x->two, "http://b.test/"), 0);
	x->now = START;
	*state = x;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *x = *state;

	origins_release(&x->origins);
	mirrors_free(x->one);
	mirrors_free(x->two);
	free(x);
	return 0;
}

static inline struct fetch *add(
	struct fixture *x, struct mirrors *m, enum fetch_priority priority, uint64_t cost)
{
	struct fetch *f = &x->fetches[x->count++];

	f->mirrors = m;
	f->priority = priority;
	f->cost = cost;
	f->deadline = x->now + 100 * NS_PER_SECOND;
	snprintf(f->path, sizeof f->path, "f%u", x->count);
	schedule_add(&x->s, f);
	return f;
}

/* What begins now, or NULL; counted at its server as the fetcher does. */
static inline struct fetch *pick(struct fixture *x, struct admission *a)
{
	struct admission own;

	a = a ? a : &own;
	if (!admission_pick(&x->s, &x->origins, x->now, a))
		return NULL;
	origin_begin(a->origin, x->now);
	return a->fetch;
}

static inline struct try_result result(
	enum try_outcome outcome, enum trouble_rank rank, int error, const char *words)
{
	struct try_result v = {.outcome = outcome, .rank = rank};

	trouble_set(&v.trouble, error, "%s", words);
	return v;
}

static inline void retry(
	struct fixture *x, const struct admission *a, const struct try_result *v)
{
	origin_end(a->origin);
	if (v->unwell)
		mirrors_failed(a->fetch->mirrors, a->mirror, v->fault, x->now);
	retry_fetch(&x->s, a->fetch, a->mirror, v, x->now);
}

/* Moves time to the next sweep. */
static inline void sweep(struct fixture *x)
{
	assert_true(x->s.sweep_at != DEADLINE_NONE);
	if (x->s.sweep_at > x->now)
		x->now = x->s.sweep_at;
	schedule_sweep(&x->s, x->now, false);
}

static inline void assert_ended(
	struct fixture *x, struct fetch *f, int error, const char *words)
{
	assert_ptr_equal(schedule_next_ended(&x->s), f);
	assert_int_equal(f->error, error);
	if (!strstr(f->trouble.text, words))
		fail_msg("\"%s\" lacks \"%s\"", f->trouble.text, words);
	assert_int_equal(f->state.held, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
