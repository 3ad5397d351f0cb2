/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <config.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/thread.h"
#include "util/workers.h"
#include "unit/await.h"

static unsigned threads_left = 1000;

/* In the place of util's. */
int thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int rc;

	(void)name;
	if (!threads_left)
		return ERR_NO_THREADS;
	threads_left--;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(out, NULL, run, arg) ? ERR_NO_THREADS : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* What the jobs of one test write to. */
struct trace {
	pthread_mutex_t trace_mtx;
	char names[64]; /* trace_mtx */
	size_t count;	/* trace_mtx */
	sem_t begun, go;
	atomic_int sum;
	struct workers *workers;
};

struct step {
	struct job job;
	struct trace *trace;
	char name;
	int more; /* jobs to add in a row */
};

static void trace_init(struct trace *trace)
{
	memset(trace, 0, sizeof(*trace));
	pthread_mutex_init(&trace->trace_mtx, NULL);
	sem_init(&trace->begun, 0, 0);
	sem_init(&trace->go, 0, 0);
}

static void trace_release(struct trace *trace)
{
	pthread_mutex_destroy(&trace->trace_mtx);
	sem_destroy(&trace->begun);
	sem_destroy(&trace->go);
}

static struct step *step_new(struct trace *trace, char name, void (*run)(struct job *))
{
	struct step *step = calloc(1, sizeof(*step));

	step->job.run = run;
	step->trace = trace;
	step->name = name;
	return step;
}

static void run_note(struct job *job)
{
	struct step *step = (struct step *)job;
	struct trace *trace = step->trace;

	pthread_mutex_lock(&trace->trace_mtx);
	trace->names[trace->count++] = step->name;
	pthread_mutex_unlock(&trace->trace_mtx);
	free(step);
}

/* Holds its worker until the test lets go. */
static void run_gate(struct job *job)
{
	struct step *step = (struct step *)job;
	struct trace *trace = step->trace;

	sem_post(&trace->begun);
	sem_wait(&trace->go);
	free(step);
}

static void add(struct workers *w, struct trace *trace, char name, int urgent)
{
	workers_add(w, &step_new(trace, name, run_note)->job, urgent);
}

static void test_first_in_first_out_urgent_before(void **state)
{
	struct trace trace;
	struct workers *w;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new("test", 1, &w), 0);
	workers_add(w, &step_new(&trace, 0, run_gate)->job, 0);
	sem_wait(&trace.begun);
	assert_false(workers_are_behind(w));
	add(w, &trace, 'c', 0);
	assert_true(workers_are_behind(w));
	add(w, &trace, 'd', 0);
	add(w, &trace, 'a', 1);
	add(w, &trace, 'e', 0);
	add(w, &trace, 'b', 1);
	sem_post(&trace.go);
	workers_free(w);
	assert_string_equal(trace.names, "abcde");
	trace_release(&trace);
}

/* Two threads are held up: a third job runs all the same, and a fourth after it. */
static void test_a_spare_thread_steps_in(void **state)
{
	struct trace trace;
	struct workers *w;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new_spared("test", 2, 1, &w), 0);
	for (int i = 0; i < 2; i++) {
		workers_add(w, &step_new(&trace, 0, run_gate)->job, 0);
		sem_wait(&trace.begun);
	}
	for (int i = 0; i < 2; i++) {
		workers_add(w, &step_new(&trace, 0, run_gate)->job, 0);
		sem_wait(&trace.begun);
		sem_post(&trace.go);
	}
	sem_post(&trace.go);
	sem_post(&trace.go);
	workers_free(w);
	trace_release(&trace);
}

static void test_free_runs_what_is_queued(void **state)
{
	struct trace trace;
	struct workers *w;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new("a-very-long-name", 3, &w), 0);
	for (int i = 0; i < 50; i++)
		add(w, &trace, 'x', i & 1);
	workers_free(w);
	assert_int_equal(trace.count, 50);
	trace_release(&trace);
}

/* As many as there are; the spare ones are the first to be gone without. */
static void test_goes_on_with_fewer_threads(void **state)
{
	struct trace trace;
	struct workers *w;

	(void)state;
	for (unsigned left = 1; left <= 5; left++) {
		trace_init(&trace);
		threads_left = left;
		assert_int_equal(workers_new_spared("few", 3, 2, &w), 0);
		for (int i = 0; i < 50; i++)
			add(w, &trace, 'x', i & 1);
		workers_free(w);
		assert_int_equal(trace.count, 50);
		trace_release(&trace);
	}
	threads_left = 0;
	assert_int_equal(workers_new("none", 3, &w), ERR_NO_THREADS);
	threads_left = 1000;
}

static void test_free_of_an_idle_pool(void **state)
{
	struct workers *w;

	(void)state;
	assert_int_equal(workers_new("idle", 4, &w), 0);
	workers_free(w);
	workers_free(NULL);
}

static void run_chain(struct job *job)
{
	struct step *step = (struct step *)job;

	atomic_fetch_add(&step->trace->sum, 1);
	if (step->more-- > 0)
		workers_add(step->trace->workers, job, step->more & 1);
	else
		free(step);
}

static void test_jobs_add_jobs_even_while_the_pool_ends(void **state)
{
	struct trace trace;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new("chain", 2, &trace.workers), 0);
	for (int i = 0; i < 8; i++) {
		struct step *step = step_new(&trace, 0, run_chain);

		step->more = 500;
		workers_add(trace.workers, &step->job, 0);
	}
	workers_free(trace.workers);
	assert_int_equal(atomic_load(&trace.sum), 8 * 501);
	trace_release(&trace);
}

/* Two jobs that can end only when both have begun. */
static void test_jobs_run_side_by_side(void **state)
{
	struct trace trace;
	struct workers *w;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new("pair", 2, &w), 0);
	workers_add(w, &step_new(&trace, 0, run_gate)->job, 0);
	workers_add(w, &step_new(&trace, 0, run_gate)->job, 0);
	sem_wait(&trace.begun);
	sem_wait(&trace.begun);
	sem_post(&trace.go);
	sem_post(&trace.go);
	workers_free(w);
	trace_release(&trace);
}

static void run_look_around(struct job *job)
{
	struct step *step = (struct step *)job;
	sigset_t blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGINT) == 1)
		atomic_fetch_add(&step->trace->sum, 1);
#ifdef HAVE_PTHREAD_SETNAME_NP
	pthread_getname_np(pthread_self(), step->trace->names, sizeof(step->trace->names));
#endif
	free(step);
}

static void test_threads_are_named_and_leave_signals_alone(void **state)
{
	struct trace trace;
	struct workers *w;
	sigset_t blocked;

	(void)state;
	trace_init(&trace);
	assert_int_equal(workers_new("decoding-blobs", 1, &w), 0);
	workers_add(w, &step_new(&trace, 0, run_look_around)->job, 0);
	workers_free(w);
	assert_int_equal(atomic_load(&trace.sum), 1);
#ifdef HAVE_PTHREAD_SETNAME_NP
	assert_string_equal(trace.names, "decoding-b-0");
#endif
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	assert_int_equal(sigismember(&blocked, SIGTERM), 0);
	trace_release(&trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_first_out_urgent_before),
		cmocka_unit_test(test_a_spare_thread_steps_in),
		cmocka_unit_test(test_free_runs_what_is_queued),
		cmocka_unit_test(test_goes_on_with_fewer_threads),
		cmocka_unit_test(test_free_of_an_idle_pool),
		cmocka_unit_test(test_jobs_add_jobs_even_while_the_pool_ends),
		cmocka_unit_test(test_jobs_run_side_by_side),
		cmocka_unit_test(test_threads_are_named_and_leave_signals_alone),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
