/* SPDX-License-Identifier: MIT */
/*
 * What happens in LMDB when its file is no longer what it was, and what the books do then.
 * Where LMDB is left in the middle of a write, or the process ends, it is that of a child.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "cache/meta/free_pages.h"
#include "cache/meta/guard.h"
#include "unit/await.h"
#include "unit/meta_samples.h"

#define PAGES 200

static int put_pages(MDB_txn *txn, void *arg)
{
	static uint8_t value[20000];
	int rc = 0;

	for (unsigned i = 0; i < PAGES && !rc; i++) {
		memset(value, (int)i + 1, sizeof value);
		rc = table_put(arg, txn, TABLE_PAGES, span_of(&i, sizeof i),
			span_of(value, sizeof value), span_of(NULL, 0));
	}
	return rc;
}

static struct metadata *filled(const char *directory)
{
	struct metadata *m = books_open(directory, 0);

	books_write(m, put_pages, m);
	return m;
}

static bool is_marked(const char *directory)
{
	char path[512];

	snprintf(path, sizeof path, "%s/" GUARD_MARK, directory);
	return access(path, F_OK) == 0;
}

static void cut(const char *directory, off_t size)
{
	char path[512];

	snprintf(path, sizeof path, "%s/data.mdb", directory);
	assert_int_equal(truncate(path, size), 0);
}

/* As who sets it aside. */
static void begin_anew(const char *directory)
{
	static const char *const files[] = {
		"data.mdb", "lock.mdb", "write.lock", GUARD_MARK};
	char path[512];

	for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, files[i]);
		unlink(path);
	}
}

static void check_useless(struct metadata *m)
{
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), ERR_CORRUPT);
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_pages, m), ERR_CORRUPT);
	assert_int_equal(metadata_bytes(m), 0);
	assert_int_equal(free_pages_bytes(m), 0);
	metadata_check_readers(m);
	assert_int_not_equal(metadata_sync(m), 0);
}

static void test_the_file_ends_under_a_read(void **state)
{
	struct metadata *m = filled(*state);
	struct span value;
	unsigned i = 7;
	MDB_txn *txn;

	cut(*state, 8192);
	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(
		table_get(m, txn, TABLE_PAGES, span_of(&i, sizeof i), &value), ERR_CORRUPT);
	metadata_read_end(m, txn);
	assert_int_equal(metadata_state(m), METADATA_DAMAGED);
	assert_true(is_marked(*state));
	check_useless(m);

	assert_int_equal(metadata_shut(m), 0);
	begin_anew(*state);
	assert_int_equal(metadata_reopen(m, DEADLINE_NONE, NULL), 0);
	assert_int_equal(metadata_look(m), METADATA_SOUND);
	books_write(m, put_pages, m);
	assert_int_equal(books_count(m, TABLE_PAGES), PAGES);
	metadata_close(m);
}

static void test_the_file_ends_under_a_value(void **state)
{
	struct metadata *m = filled(*state);
	uint8_t seen[20000];
	struct span value;
	unsigned i = 7;
	MDB_txn *txn;

	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(table_get(m, txn, TABLE_PAGES, span_of(&i, sizeof i), &value), 0);
	assert_int_equal(metadata_state(m), METADATA_SOUND);
	cut(*state, 8192);
	memcpy(seen, value.data, sizeof seen);
	assert_int_equal(seen[10000], 0);
	assert_int_equal(metadata_state(m), METADATA_DAMAGED);
	assert_true(is_marked(*state));
	metadata_read_end(m, txn);
	check_useless(m);
	metadata_close(m);
}

/* The child's exit status, or 128 and its signal. */
static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int write_on_a_short_file(const char *directory)
{
	struct metadata *m = filled(directory);

	cut(directory, 8192);
	if (metadata_write(m, DEADLINE_NONE, put_pages, m) != ERR_CORRUPT ||
		!is_marked(directory))
		return 1;
	if (metadata_shut(m))
		return 2;
	begin_anew(directory);
	if (metadata_reopen(m, DEADLINE_NONE, NULL) ||
		metadata_write(m, DEADLINE_NONE, put_pages, m))
		return 3;
	metadata_close(m);
	return 0;
}

static void test_the_file_ends_under_a_write(void **state)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(write_on_a_short_file(*state));
	assert_int_equal(status_of(pid), 0);
}

/* Another process has it open, and finds the mark before it asks for LMDB's lock. */
static void test_others_find_the_mark(void **state)
{
	struct metadata *m = filled(*state);
	pid_t pid = fork();

	if (pid == 0) {
		struct metadata *own = books_open(*state, 0);

		metadata_damaged(own);
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(metadata_state(m), METADATA_SOUND);
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_pages, m), ERR_CORRUPT);
	assert_int_equal(metadata_state(m), METADATA_DAMAGED);
	metadata_close(m);
}

/* lock.mdb begins with a magic number and its format, which differs between LMDBs. */
static int open_with_another_lmdb(const char *directory)
{
	const uint32_t format = 1;
	struct metadata *m;
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/lock.mdb", directory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (pwrite(fd, &format, sizeof format, 4) != sizeof format)
		return 1;
	close(fd);
	return metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL) == ERR_CORRUPT
		       ? 0
		       : 2;
}

/* It is in order for those who use it. */
static void test_another_lmdb_marks_nothing(void **state)
{
	struct metadata *m = filled(*state);
	pid_t pid = fork();

	if (pid == 0)
		_exit(open_with_another_lmdb(*state));
	assert_int_equal(status_of(pid), 0);
	assert_false(is_marked(*state));
	assert_int_equal(metadata_look(m), METADATA_SOUND);
	metadata_close(m);
}

static int touch_nothing(void *arg)
{
	volatile char *nowhere = arg;

	return nowhere[0];
}

/* Where there was memory, and is none. */
static void *unmapped_page(void)
{
	void *page = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page, 65536);
	return page;
}

/* Not within what processors call canonical. */
static void *no_address(void)
{
	return (void *)(uintptr_t)0x5555555555555555; /* NOLINT: it is none */
}

static int end_in_abort(void *arg)
{
	(void)arg;
	abort();
}

static int wait_for_kill(void *arg)
{
	(void)arg;
	kill(getppid(), SIGUSR1);
	pause();
	return 0;
}

enum end {
	READS_NOWHERE,
	WRITES_BY_NULL,
	WRITES_ASTRAY,
	WRITES_BY_NO_ADDRESS,
	ABORTS,
	IS_KILLED,
	CRASHES_ELSEWHERE,
	WRITES_TO_THE_MAP,
	ABORTS_ELSEWHERE
};

/* By a mistake of our own: the map is only to be read. */
static int write_to_map(struct guard *g)
{
	static const char map[65536] __attribute__((aligned(65536)));
	volatile char *wrong = (volatile char *)(uintptr_t)map; /* NOLINT */

	guard_set_map(g, map, sizeof map);
	alarm(10);
	*wrong = 1;
	return 10;
}

static int end_as(enum end end, const char *directory)
{
	struct guard *g;
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	if (guard_new(directory, &g))
		return 1;
	switch (end) {
	case READS_NOWHERE:
		return guard_call(g, touch_nothing, NULL) == MDB_CORRUPTED ? 0 : 2;
	case WRITES_BY_NULL:
		guard_write_begin(g);
		return guard_call(g, touch_nothing, NULL) == MDB_CORRUPTED ? 0 : 3;
	case WRITES_ASTRAY:
		guard_write_begin(g);
		return guard_call(g, touch_nothing, unmapped_page()) ? 4 : 3;
	case WRITES_BY_NO_ADDRESS:
		guard_write_begin(g);
		return guard_call(g, touch_nothing, no_address()) ? 4 : 3;
	case ABORTS:
		return guard_call(g, end_in_abort, NULL) ? 5 : 6;
	case IS_KILLED:
		return guard_call(g, wait_for_kill, NULL) ? 7 : 8;
	case CRASHES_ELSEWHERE:
		return touch_nothing(NULL);
	case WRITES_TO_THE_MAP:
		return write_to_map(g);
	case ABORTS_ELSEWHERE:
		abort();
	}
	return 9;
}

struct end_run {
	enum end end;
	const char *directory;
};

static void *end_thread(void *arg)
{
	const struct end_run *r = arg;

	_exit(end_as(r->end, r->directory));
}

/* On a thread that leaves signals to others. */
static void run_thread(enum end end, const char *directory)
{
	struct end_run r = {end, directory};
	pthread_t thread;
	sigset_t set;

	/* Not cmocka's, which would go on with the test. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	sigfillset(&set);
	if (end >= IS_KILLED)
		sigdelset(&set, SIGABRT);
	if (end >= CRASHES_ELSEWHERE)
		sigdelset(&set, SIGSEGV);
	sigprocmask(SIG_SETMASK, &set, NULL);
	pthread_create(&thread, NULL, end_thread, &r);
	pthread_join(thread, NULL);
	_exit(99);
}

static int run_to_end(enum end end, const char *directory)
{
	sigset_t usr1;
	pid_t pid;
	int number;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	pid = fork();
	if (pid == 0)
		run_thread(end, directory);
	if (end == IS_KILLED) {
		assert_int_equal(sigwait(&usr1, &number), 0);
		kill(pid, SIGABRT);
	}
	return status_of(pid);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

/* A mark is left for what happened in LMDB, and for nothing else. */
static void test_marks(void **state)
{
	static const struct {
		enum end end;
		int status;
		bool marked;
	} ends[] = {
		{READS_NOWHERE, 0, true},
		{WRITES_BY_NULL, 0, true},
		{WRITES_ASTRAY, 128 + SIGSEGV, true},
		{WRITES_BY_NO_ADDRESS, 128 + SIGSEGV, true},
		{ABORTS, 128 + SIGABRT, true},
		{IS_KILLED, 128 + SIGABRT, false},
		{CRASHES_ELSEWHERE, 128 + SIGSEGV, false},
		{WRITES_TO_THE_MAP, 128 + SIGSEGV, false},
		{ABORTS_ELSEWHERE, 128 + SIGABRT, false},
	};

#ifdef IS_SANITIZED
	print_message("skipped: a sanitizer has signals of its own\n");
	return;
#endif
	for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		assert_int_equal(run_to_end(ends[i].end, *state), ends[i].status);
		assert_int_equal(is_marked(*state), ends[i].marked);
		begin_anew(*state);
	}
}

/* In place of libc's: a disk that fails where LMDB writes its first two pages. */
static bool meta_fails;

ssize_t failing_pwrite(int fd, const void *data, size_t size, off_t offset) __asm__(
	"pwrite");
ssize_t failing_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	if (meta_fails && offset < 8192) {
		errno = EIO;
		return -1;
	}
	return real(fd, data, size, offset);
}

static void test_a_write_of_the_first_pages_fails(void **state)
{
	struct metadata *m = filled(*state);
	MDB_txn *txn;

	meta_fails = true;
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_pages, m), ERR_IO);
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_pages, m), ERR_IO);
	assert_int_equal(metadata_state(m), METADATA_LOST);
	assert_int_equal(metadata_read(m, &txn), ERR_IO);
	assert_int_equal(metadata_shut(m), 0);
	meta_fails = false;
	assert_int_equal(metadata_reopen(m, DEADLINE_NONE, NULL), 0);
	assert_int_equal(metadata_look(m), METADATA_SOUND);
	assert_false(is_marked(*state));
	assert_int_equal(books_count(m, TABLE_PAGES), PAGES);
	books_write(m, put_pages, m);
	metadata_close(m);
}

/* In place of libc's: what one does who waits for another process. */
static void (*while_waiting)(void);

int nanosleep(const struct timespec *time, struct timespec *left)
{
	if (while_waiting)
		while_waiting();
	return clock_nanosleep(CLOCK_MONOTONIC, 0, time, left) ? -1 : 0;
}

static struct {
	struct metadata *m;
	int lock;
	unsigned times;
} comer;

static void come_in(void)
{
	MDB_txn *txn;

	comer.times++;
	assert_int_equal(metadata_read(comer.m, &txn), ERR_IO);
	assert_int_equal(metadata_write_locked(comer.m, put_pages, comer.m), ERR_IO);
	assert_int_equal(metadata_bytes(comer.m), 0);
	assert_int_equal(flock(comer.lock, LOCK_UN), 0);
}

/* Until it has its tables, it may have to be closed. */
static void test_nobody_is_in_what_is_being_opened(void **state)
{
	struct metadata *m = filled(*state);
	char path[512];

	assert_int_equal(metadata_shut(m), 0);
	snprintf(path, sizeof path, "%s/data.mdb", (char *)*state);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/write.lock", (char *)*state);
	comer.m = m;
	comer.lock = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(comer.lock, LOCK_EX), 0);
	while_waiting = come_in;
	assert_int_equal(metadata_reopen(m, DEADLINE_NONE, NULL), 0);
	while_waiting = NULL;
	assert_true(comer.times > 0);
	assert_int_equal(books_count(m, TABLE_PAGES), 0);
	close(comer.lock);
	metadata_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_the_file_ends_under_a_read),
		SAMPLE_TEST(test_the_file_ends_under_a_value),
		SAMPLE_TEST(test_the_file_ends_under_a_write),
		SAMPLE_TEST(test_others_find_the_mark),
		SAMPLE_TEST(test_another_lmdb_marks_nothing),
		SAMPLE_TEST(test_marks),
		SAMPLE_TEST(test_a_write_of_the_first_pages_fails),
		SAMPLE_TEST(test_nobody_is_in_what_is_being_opened),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
