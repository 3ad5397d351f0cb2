/* SPDX-License-Identifier: MIT */
/*
 * For tests: another process, which goes on from one point to the next when it is told to,
 * so that what it holds can be looked at, or it can be stopped or killed, meanwhile.
 */
#ifndef CAIRN_TESTS_OTHER_PROCESS_H
#define CAIRN_TESTS_OTHER_PROCESS_H

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/meta_samples.h"

struct other_process {
	pid_t pid;
	int told[2], tells[2];
};

/* In the child: here we are; returns when it is told to go on. */
static inline void other_process_pause(struct other_process *p)
{
	char byte = 0;

	if (write(p->tells[1], &byte, 1) != 1 || read(p->told[0], &byte, 1) != 1)
		_exit(102);
}

/* Before anything is opened that does not bear a fork. `run` pauses first of all when it
 * is ready. */
static inline void other_process_start(struct other_process *p,
	int (*run)(struct other_process *p, const char *directory), const char *directory)
{
	char byte;

	assert_int_equal(pipe(p->told), 0);
	assert_int_equal(pipe(p->tells), 0);
	p->pid = fork();
	if (p->pid == 0) {
		/* When the test ends, its read ends. */
		close(p->told[1]);
		_exit(run(p, directory));
	}
	close(p->told[0]);
	close(p->tells[1]);
	assert_int_equal(read(p->tells[0], &byte, 1), 1);
}

static inline void other_process_tell(struct other_process *p)
{
	assert_int_equal(write(p->told[1], "", 1), 1);
}

/* It goes on, to its next pause. */
static inline void other_process_go_on(struct other_process *p)
{
	char byte;

	other_process_tell(p);
	assert_int_equal(read(p->tells[0], &byte, 1), 1);
}

/* What it returned; -1: a signal ended it. */
static inline int other_process_wait(struct other_process *p)
{
	int status = 0;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	close(p->told[1]);
	close(p->tells[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* It goes on, to its end. */
static inline int other_process_finish(struct other_process *p)
{
	other_process_tell(p);
	return other_process_wait(p);
}

static inline void other_process_kill(struct other_process *p)
{
	kill(p->pid, SIGKILL);
	other_process_wait(p);
}

struct held_books {
	struct other_process *process;
	struct metadata *metadata;
};

static inline int hold_books_now(MDB_txn *txn, void *arg)
{
	struct held_books *h = arg;

	other_process_pause(h->process);
	return table_put_key(h->metadata, txn, TABLE_URLS, span_of_string("held"));
}

/* A `run`: opens the books, and pauses; then within a transaction that
 * writes a key, "held", to the table of URLs. */
static inline int hold_books(struct other_process *p, const char *directory)
{
	struct held_books h = {.process = p};

	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &h.metadata, NULL))
		return 1;
	other_process_pause(p);
	if (metadata_write(h.metadata, DEADLINE_NONE, hold_books_now, &h))
		return 2;
	metadata_close(h.metadata);
	return 0;
}

#endif
