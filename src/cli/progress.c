/* SPDX-License-Identifier: MIT */
/*
 * Lock: progress_mtx, a leaf, which covers all of a progress but the bytes that are done.
 * What `done` of progress_watch() looks at must not need it.
 */
#include <config.h>

#include "cli/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/progress_line.h"
#include "cli/terminal.h"
#include "util/clock.h"
#include "util/io.h"
#include "util/thread.h"
#include "util/timed_wait.h"

#define QUIET (300 * NS_PER_MS) /* what is done by then needs no bar */
#define DRAW_EVERY_MS 200
#define SAMPLES 40 /* the rate is that of the last eight seconds */
#define NOTE_SIZE 128

struct sample {
	int64_t at;
	uint64_t done;
};

struct progress {
	const char *what;
	pthread_t thread;
	pthread_cond_t wake; /* it is over */
	bool over;
	int64_t next;	      /* not drawn before: CLOCK_MONOTONIC ns */
	unsigned drawn;	      /* columns that are on the terminal */
	uint64_t total, most; /* bytes; most: that were told of as done */
	char note[NOTE_SIZE];
	uint64_t (*done)(void *ctx);
	void *ctx;
	struct sample samples[SAMPLES]; /* a ring; the thread's */
	unsigned long sampled;
	atomic_uint_fast64_t set;
};

/* Of "^C", as terminals show it behind the line: so that it stays in the line. */
#define ECHO_COLUMNS 2

static pthread_mutex_t progress_mtx = PTHREAD_MUTEX_INITIALIZER;
static struct progress *shown; /* progress_mtx */
/* For the handler. */
static atomic_uint to_wipe;	/* columns; 0: nothing is on the terminal */
static atomic_bool interrupted; /* nothing is put there any more */

/* A job in the background leaves the terminal to others. */
static bool is_foreground(void)
{
	pid_t owner = tcgetpgrp(STDERR_FILENO);

	return owner < 0 || owner == getpgrp();
}

static bool has_terminal(void)
{
	return isatty(STDERR_FILENO) && is_foreground();
}

/* Below 0 until there are two samples. */
static double take_sample(struct progress *p, uint64_t done, int64_t now)
{
	struct sample *slot = &p->samples[p->sampled % SAMPLES];
	struct sample oldest = p->sampled < SAMPLES ? p->samples[0] : *slot;

	*slot = (struct sample){now, done};
	if (p->sampled++ == 0 || now <= oldest.at)
		return -1;
	return done > oldest.done
		       ? (double)(done - oldest.done) * 1e9 / (double)(now - oldest.at)
		       : 0;
}

/* Over what is there, and no further than to the last column but one: at the last, some
 * terminals wrap. Called locked. */
static void put_over(struct progress *p, const char *line)
{
	char text[PROGRESS_COLUMNS_MAX + 2];
	unsigned columns = terminal_columns(STDERR_FILENO), over = p->drawn;
	int n;

	if (over >= columns)
		over = columns - 1;
	n = snprintf(text, sizeof text, "\r%-*s", (int)over, line);
	if (n > 0 && !atomic_load(&interrupted))
		(void)io_write_full(STDERR_FILENO, text, (size_t)n);
	p->drawn = (unsigned)strlen(line);
	atomic_store(&to_wipe, p->drawn);
}

/* Called locked. */
static void wipe(struct progress *p)
{
	if (!p->drawn)
		return;
	put_over(p, "");
	(void)io_write_full(STDERR_FILENO, "\r", 1);
}

/* Called locked. */
static void draw(struct progress *p, int64_t now)
{
	char line[PROGRESS_COLUMNS_MAX + 1];
	unsigned columns;
	struct progress_state s = {
		.what = p->what,
		.note = p->note[0] ? p->note : NULL,
		.done = p->done ? p->done(p->ctx) : atomic_load(&p->set),
		.total = p->total,
	};

	/* What was estimated too low is no reason to tell of more than all; nor is what was
	 * lost on the way, and comes again, to go back. */
	if (s.total && s.done > s.total)
		s.done = s.total;
	if (s.done < p->most)
		s.done = p->most;
	p->most = s.done;
	s.rate = take_sample(p, s.done, now);
	if (!has_terminal() || now < p->next)
		return;
	columns = terminal_columns(STDERR_FILENO) - 1;
	progress_line(&s, columns > ECHO_COLUMNS ? columns - ECHO_COLUMNS : columns, line);
	put_over(p, line);
}

/* Wipes the line for whoever has the terminal next, and does what the signal does by
 * itself. Async-signal-safe. */
static void on_ctrl_c(int number)
{
	char text[PROGRESS_COLUMNS_MAX + ECHO_COLUMNS + 2];
	unsigned columns = atomic_load(&to_wipe);

	atomic_store(&interrupted, true);
	if (columns && is_foreground()) {
		columns += ECHO_COLUMNS;
		memset(text, ' ', columns + 2);
		text[0] = text[columns + 1] = '\r';
		(void)!write(STDERR_FILENO, text, columns + 2);
	}
	raise(number);
}

/* Unless it is ignored. A second one ends the process at once, whatever the terminal does.
 */
static void handle_interrupts(void (*from)(int), void (*to)(int))
{
	const struct sigaction action = {
		.sa_handler = to, .sa_flags = SA_RESTART | SA_RESETHAND | SA_NODEFER};
	struct sigaction now;

	if (!sigaction(SIGINT, NULL, &now) && now.sa_handler == from)
		sigaction(SIGINT, &action, NULL);
}

static void *progress_run(void *arg)
{
	struct progress *p = arg;

	pthread_mutex_lock(&progress_mtx);
	while (!p->over) {
		draw(p, clock_monotonic());
		timed_wait(&p->wake, &progress_mtx, DRAW_EVERY_MS);
	}
	pthread_mutex_unlock(&progress_mtx);
	return NULL;
}

struct progress *progress_new(const char *what)
{
	struct progress *p;

	if (!has_terminal() || !(p = calloc(1, sizeof *p)))
		return NULL;
	p->what = what;
	p->next = clock_monotonic() + QUIET;
	timed_wait_init(&p->wake);
	if (thread_start(&p->thread, "cairn-progress", progress_run, p)) {
		pthread_cond_destroy(&p->wake);
		free(p);
		return NULL;
	}
	pthread_mutex_lock(&progress_mtx);
	shown = p;
	pthread_mutex_unlock(&progress_mtx);
	handle_interrupts(SIG_DFL, on_ctrl_c);
	return p;
}

void progress_watch(struct progress *p, uint64_t (*done)(void *ctx), void *ctx)
{
	if (!p)
		return;
	pthread_mutex_lock(&progress_mtx);
	p->done = done;
	p->ctx = ctx;
	p->most = 0;
	pthread_mutex_unlock(&progress_mtx);
}

void progress_set(struct progress *p, uint64_t done)
{
	if (p)
		atomic_store(&p->set, done);
}

void progress_set_total(struct progress *p, uint64_t total)
{
	if (!p)
		return;
	pthread_mutex_lock(&progress_mtx);
	p->total = total;
	pthread_mutex_unlock(&progress_mtx);
}

void progress_say(struct progress *p, const char *words)
{
	if (!p)
		return;
	pthread_mutex_lock(&progress_mtx);
	snprintf(p->note, sizeof p->note, "%s", words ? words : "");
	pthread_mutex_unlock(&progress_mtx);
}

void progress_hide(void)
{
	pthread_mutex_lock(&progress_mtx);
	if (shown) {
		wipe(shown);
		shown->next = clock_monotonic() + QUIET;
	}
	pthread_mutex_unlock(&progress_mtx);
}

void progress_end(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&progress_mtx);
	shown = NULL;
	p->over = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&progress_mtx);
	pthread_join(p->thread, NULL);
	wipe(p);
	handle_interrupts(on_ctrl_c, SIG_DFL);
	pthread_cond_destroy(&p->wake);
	free(p);
}
