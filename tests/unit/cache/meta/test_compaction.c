/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/meta/compaction.h"
#include "unit/meta_samples.h"
#include "unit/stop_child.h"

#define ROWS 300u
#define LEFT 20u

static int put_rows(MDB_txn *txn, void *arg)
{
	static uint8_t value[6000];
	int rc = 0;

	for (unsigned i = 0; i < ROWS && !rc; i++) {
		memset(value, (int)i, sizeof value);
		rc = table_put(arg, txn, TABLE_PAGES, span_of(&i, sizeof i),
			span_of(value, sizeof value), span_of(NULL, 0));
	}
	return rc;
}

static int delete_rows(MDB_txn *txn, void *arg)
{
	int rc = 0;

	for (unsigned i = LEFT; i < ROWS && !rc; i++)
		rc = table_delete(arg, txn, TABLE_PAGES, span_of(&i, sizeof i));
	return rc;
}

static void make_mostly_free(const char *directory)
{
	struct metadata *m = books_open(directory, 0);

	books_write(m, put_rows, m);
	books_write(m, delete_rows, m);
	metadata_close(m);
}

static struct structure look(const char *directory)
{
	struct structure s;

	assert_int_equal(structure_check(directory, &s), 0);
	return s;
}

static void check_rows(const char *directory)
{
	struct metadata *m = books_open(directory, 0);
	struct span value;
	MDB_txn *txn;

	assert_int_equal(books_count(m, TABLE_PAGES), LEFT);
	assert_int_equal(metadata_read(m, &txn), 0);
	for (unsigned i = 0; i < LEFT; i++) {
		assert_int_equal(
			table_get(m, txn, TABLE_PAGES, span_of(&i, sizeof i), &value), 0);
		assert_int_equal(value.size, 6000);
		assert_int_equal(value.data[value.size - 1], i);
	}
	metadata_read_end(m, txn);
	metadata_close(m);
}

static bool is_left_over(const char *directory)
{
	char path[512];

	snprintf(path, sizeof path, "%s/data.new", directory);
	return access(path, F_OK) == 0;
}

static void test_is_due(void **state)
{
	struct structure s = {4 << 20, 3 << 20};

	(void)state;
	assert_true(compaction_is_due(&s));
	s.free = 2 << 20;
	assert_false(compaction_is_due(&s));
	s = (struct structure){400 << 10, 300 << 10};
	assert_false(compaction_is_due(&s));
}

static void test_what_is_free_goes(void **state)
{
	struct structure before, after;

	make_mostly_free(*state);
	before = look(*state);
	assert_true(compaction_is_due(&before));
	assert_int_equal(compaction_run(*state), 0);
	after = look(*state);
	assert_true(after.bytes <= before.bytes - before.free + 65536);
	assert_false(compaction_is_due(&after));
	assert_false(is_left_over(*state));
	check_rows(*state);
}

/* In place of libc's: the disk is full, or the process is killed before the n-th call. */
static unsigned kill_before;
static bool disk_is_full;

static void count_down(void)
{
	if (kill_before && --kill_before == 0)
		raise(SIGKILL);
}

ssize_t write(int fd, const void *data, size_t size)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (fd > 2)
		count_down();
	if (fd > 2 && disk_is_full) {
		errno = ENOSPC;
		return -1;
	}
	return real(fd, data, size);
}

int fsync(int fd)
{
	count_down();
	(void)fd;
	return 0;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	static int (*real)(int, const char *, int, const char *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "renameat");
	count_down();
	return real(from_fd, from, to_fd, to);
}

static void test_a_full_disk(void **state)
{
	uint64_t bytes;

	make_mostly_free(*state);
	bytes = look(*state).bytes;
	disk_is_full = true;
	assert_int_equal(compaction_run(*state), ERR_NO_SPACE);
	disk_is_full = false;
	assert_false(is_left_over(*state));
	assert_true(look(*state).bytes == bytes);
	check_rows(*state);
}

static void test_killed_anywhere(void **state)
{
	int status = -1;

	make_mostly_free(*state);
	for (unsigned n = 1; status; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			kill_before = n;
			_exit(compaction_run(*state) ? 1 : 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(status == 0 ||
			    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		(void)look(*state);
		check_rows(*state);
	}
	assert_false(is_left_over(*state));
}

/* What LMDB itself takes of the environment: as whoever opens it first (alone), or has it
 * open (shared). */
static void hold_as_a_stranger(struct stop_child *c, void *directory, short how)
{
	struct flock lock = {.l_type = how, .l_whence = SEEK_SET, .l_len = 1};
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/lock.mdb", (const char *)directory);
	fd = open(path, O_RDWR);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock))
		_exit(1);
	stop_child_say(c);
	stop_child_listen(c);
}

static void open_it(struct stop_child *c, void *directory)
{
	hold_as_a_stranger(c, directory, F_WRLCK);
}

static void have_it_open(struct stop_child *c, void *directory)
{
	hold_as_a_stranger(c, directory, F_RDLCK);
}

/* It is stopped, with the table of readers locked, too, for all that is known. */
static void see_that_nobody_waits(
	void *directory, void (*hold)(struct stop_child *c, void *directory))
{
	struct stop_child c;
	uint64_t bytes;

	make_mostly_free(directory);
	bytes = look(directory).bytes;
	stop_child_start(&c, hold, directory);
	stop_child_hear(&c);
	kill(c.pid, SIGTSTP);
	stop_child_see_stopped(&c);
	assert_int_equal(compaction_run(directory), ERR_BUSY);
	assert_false(is_left_over(directory));
	assert_true(look(directory).bytes == bytes);
	kill(c.pid, SIGCONT);
	stop_child_tell(&c);
	stop_child_end(&c);
	assert_int_equal(compaction_run(directory), 0);
	check_rows(directory);
}

static void test_a_stranger_opens_it(void **state)
{
	see_that_nobody_waits(*state, open_it);
}

static void test_a_stranger_has_it_open(void **state)
{
	see_that_nobody_waits(*state, have_it_open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_is_due),
		SAMPLE_TEST(test_what_is_free_goes),
		SAMPLE_TEST(test_a_full_disk),
		SAMPLE_TEST(test_killed_anywhere),
		SAMPLE_TEST(test_a_stranger_opens_it),
		SAMPLE_TEST(test_a_stranger_has_it_open),
	};

	stop_child_heed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
