/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/stop_gate.h"
#include "util/thread.h"

/* To the thread alone, to end it; a SIGTSTP would be lost when a SIGCONT came. */
#define END_SIGNAL SIGURG

struct stop_gate {
	pthread_t thread;
	pthread_mutex_t gate_mtx; /* over all below */
	pthread_cond_t empty_cond;
	unsigned within;
	bool end;
	bool was_blocked; /* before, in the thread that made it */
};

static sigset_t stop_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	return set;
}

/* Does what the signal would have done, whatever that is: where it is ignored, or nobody
 * could continue us (setpgid(2), orphaned groups), nothing. */
static void let_it_stop(void)
{
	sigset_t set = stop_signal();

	kill(getpid(), SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *stop_gate_thread(void *arg)
{
	struct stop_gate *g = arg;
	sigset_t set = stop_signal();
	bool end = false;
	int number;

	sigaddset(&set, END_SIGNAL);
	while (!end) {
		if (sigwait(&set, &number))
			continue;
		pthread_mutex_lock(&g->gate_mtx);
		while (g->within && !g->end)
			pthread_cond_wait(&g->empty_cond, &g->gate_mtx);
		end = g->end;
		if (!end)
			let_it_stop();
		pthread_mutex_unlock(&g->gate_mtx);
	}
	return NULL;
}

/* Blocked here before: between the two, nothing stops the process. */
static int start_thread(struct stop_gate *g)
{
	sigset_t set = stop_signal(), before;
	int rc;

	pthread_sigmask(SIG_BLOCK, &set, &before);
	g->was_blocked = sigismember(&before, SIGTSTP);
	rc = thread_start(&g->thread, "cairn-stop", stop_gate_thread, g);
	if (rc)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct stop_gate *stop_gate_new(void)
{
	struct stop_gate *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	pthread_mutex_init(&g->gate_mtx, NULL);
	pthread_cond_init(&g->empty_cond, NULL);
	if (start_thread(g)) {
		pthread_cond_destroy(&g->empty_cond);
		pthread_mutex_destroy(&g->gate_mtx);
		free(g);
		return NULL;
	}
	return g;
}

void stop_gate_free(struct stop_gate *g)
{
	sigset_t set = stop_signal();

	if (!g)
		return;
	pthread_mutex_lock(&g->gate_mtx);
	g->end = true;
	pthread_cond_broadcast(&g->empty_cond);
	pthread_mutex_unlock(&g->gate_mtx);
	pthread_kill(g->thread, END_SIGNAL);
	pthread_join(g->thread, NULL);
	if (!g->was_blocked)
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_cond_destroy(&g->empty_cond);
	pthread_mutex_destroy(&g->gate_mtx);
	free(g);
}

void stop_gate_enter(struct stop_gate *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->gate_mtx);
	g->within++;
	pthread_mutex_unlock(&g->gate_mtx);
}

void stop_gate_leave(struct stop_gate *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->gate_mtx);
	if (--g->within == 0)
		pthread_cond_broadcast(&g->empty_cond);
	pthread_mutex_unlock(&g->gate_mtx);
}
