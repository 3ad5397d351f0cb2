/* SPDX-License-Identifier: MIT */
/*
 * Containers that share a cache may have processes of one number, by which LMDB tells
 * readers apart. Needs root, for process namespaces.
 */
#include <config.h>

#ifdef __linux__
#include <sched.h>
#endif

#include "cache/meta/readers.h"
#include "unit/other_process.h"

typedef int (*run_fn)(struct other_process *p, const char *directory);

#define NO_NAMESPACE 103

/* As the first process of a namespace of its own; gives what it returned. */
static int run_as_first(struct other_process *p, const char *directory, run_fn run)
{
#ifdef CLONE_NEWPID
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return NO_NAMESPACE;
	pid = fork();
	if (pid == 0)
		_exit(getpid() == 1 ? run(p, directory) : NO_NAMESPACE);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
#else
	(void)p, (void)directory, (void)run;
#endif
	return NO_NAMESPACE;
}

/* In a child, since a namespace is for all later children of who made it. */
static int run_to_the_end(const char *directory, run_fn run)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run_as_first(NULL, directory, run));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int do_nothing(struct other_process *p, const char *directory)
{
	(void)p, (void)directory;
	return 0;
}

static void need_namespaces(void)
{
	if (run_to_the_end("", do_nothing) == 0)
		return;
	print_message("needs root and process namespaces\n");
	skip();
}

static int put_first(MDB_txn *txn, void *m)
{
	return table_put_key(m, txn, TABLE_URLS, span_of_string("first"));
}

static int put_second(MDB_txn *txn, void *m)
{
	return table_put_key(m, txn, TABLE_URLS, span_of_string("second"));
}

/* It sees what was there when it began, whoever writes meanwhile. */
static int read_for_long(struct other_process *p, const char *directory)
{
	struct metadata *m;
	MDB_txn *txn;

	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL) ||
		metadata_write(m, DEADLINE_NONE, put_first, m) || metadata_read(m, &txn))
		return 1;
	other_process_pause(p);
	if (!table_has_key(m, txn, TABLE_URLS, span_of_string("first")) ||
		table_has_key(m, txn, TABLE_URLS, span_of_string("second")))
		return 2;
	metadata_read_end(m, txn);
	metadata_close(m);
	return 0;
}

static int read_for_long_as_first(struct other_process *p, const char *directory)
{
	return run_as_first(p, directory, read_for_long);
}

static int read_and_die(struct other_process *p, const char *directory)
{
	struct metadata *m;
	MDB_txn *txn;

	(void)p;
	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL) ||
		metadata_read(m, &txn))
		return 1;
	return 0; /* and exits so */
}

static int only_open(struct other_process *p, const char *directory)
{
	struct metadata *m;

	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL))
		return 1;
	other_process_pause(p);
	metadata_close(m);
	return 0;
}

enum coming { COMING_REFUSED, COMING_LET_IN, COMING_HELD_UP, COMING_FAILED };

/* Writes more than who lags may hold up. */
static int come_and_write(struct other_process *p, const char *directory)
{
	struct readers_lag lag;
	struct trouble t = {0};
	struct metadata *m;
	MDB_txn *txn;
	int rc = metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, &t);

	(void)p;
	if (rc == ERR_BUSY && strstr(t.text, "in another container"))
		return COMING_REFUSED;
	for (unsigned i = 0; i < 150 && !rc; i++)
		rc = metadata_write(m, DEADLINE_NONE, put_second, m);
	if (rc || metadata_read(m, &txn) || readers_look(m, txn, &lag))
		return COMING_FAILED;
	metadata_read_end(m, txn);
	metadata_close(m);
	return lag.commits ? COMING_HELD_UP : COMING_LET_IN;
}

/* Refused; and the one that lives goes on undisturbed. */
static void test_one_that_lives(void **state)
{
	struct other_process reader;

	need_namespaces();
	other_process_start(&reader, read_for_long_as_first, *state);
	assert_int_equal(run_to_the_end(*state, come_and_write), COMING_REFUSED);
	/* Nor does one that may write what it wants. */
	assert_int_equal(come_and_write(NULL, *state), COMING_HELD_UP);
	assert_int_equal(other_process_finish(&reader), 0);
	assert_int_equal(run_to_the_end(*state, come_and_write), COMING_LET_IN);
}

/* While others keep the table of readers: what it read when it was killed is not taken for
 * a read of the one that lives, which would never end. */
static void test_one_that_was_killed(void **state)
{
	struct other_process keeper;

	need_namespaces();
	other_process_start(&keeper, only_open, *state);
	assert_int_equal(run_to_the_end(*state, read_and_die), 0);
	assert_int_equal(run_to_the_end(*state, come_and_write), COMING_LET_IN);
	assert_int_equal(other_process_finish(&keeper), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_one_that_lives),
		SAMPLE_TEST(test_one_that_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
