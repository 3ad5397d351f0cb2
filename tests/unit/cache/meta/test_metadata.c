/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit/await.h"
#include "unit/other_process.h"
#include "util/lmdb_page.h"

static struct metadata *open_small(const char *path)
{
	struct metadata *m;
	struct trouble t = {0};

	if (metadata_open(path, 256 << 10, DEADLINE_NONE, NULL, &m, &t))
		fail_msg("%s", t.text);
	return m;
}

struct put {
	struct metadata *metadata;
	unsigned first, count;
	size_t size;
	unsigned calls;
};

static int put_some(MDB_txn *txn, void *arg)
{
	struct put *p = arg;
	uint8_t value[4000];
	int rc = 0;

	p->calls++;
	for (unsigned i = p->first; i < p->first + p->count && !rc; i++) {
		memset(value, (int)(i % 251), sizeof value);
		rc = table_put(p->metadata, txn, TABLE_PAGES, span_of(&i, sizeof i),
			span_of("head", 4), span_of(value, p->size));
	}
	return rc;
}

/* 0 when it is there and right. */
static int look(struct metadata *m, MDB_txn *txn, unsigned i, size_t size)
{
	struct span value;
	int rc = table_get(m, txn, TABLE_PAGES, span_of(&i, sizeof i), &value);

	if (rc)
		return rc;
	if (value.size != size + 4 || memcmp(value.data, "head", 4) != 0)
		return 1;
	for (size_t k = 4; k < value.size; k++)
		if (value.data[k] != i % 251)
			return 1;
	return 0;
}

static void test_put_and_get(void **state)
{
	struct metadata *m = open_small(*state);
	struct put p = {m, 0, 10, 100, 0};
	MDB_txn *txn;

	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	assert_int_equal(metadata_read(m, &txn), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(look(m, txn, i, 100), 0);
	assert_int_equal(look(m, txn, 10, 100), ERR_ABSENT);
	assert_int_equal(table_count(m, txn, TABLE_PAGES), 10);
	metadata_read_end(m, txn);
	metadata_close(m);
}

static int refuse(MDB_txn *txn, void *arg)
{
	int rc = put_some(txn, arg);

	return rc ? rc : ERR_INVALID;
}

static void test_an_error_aborts(void **state)
{
	struct metadata *m = open_small(*state);
	struct put p = {m, 0, 1, 100, 0};
	MDB_txn *txn;

	assert_int_equal(metadata_write(m, DEADLINE_NONE, refuse, &p), ERR_INVALID);
	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(look(m, txn, 0, 100), ERR_ABSENT);
	metadata_read_end(m, txn);
	metadata_close(m);
}

/* Whoever holds the lock writes; nobody else does. */
static void test_locked(void **state)
{
	struct metadata *m = open_small(*state);
	struct put p = {m, 0, 1, 100, 0};
	MDB_txn *txn;

	assert_int_equal(metadata_lock(m, DEADLINE_NONE), 0);
	assert_int_equal(metadata_lock(m, 0), ERR_TIMEOUT);
	assert_int_equal(metadata_write(m, 0, put_some, &p), ERR_TIMEOUT);
	assert_int_equal(p.calls, 0);
	assert_int_equal(metadata_write_locked(m, put_some, &p), 0);
	assert_int_equal(metadata_lock(m, 0), ERR_TIMEOUT);
	metadata_unlock(m);
	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(look(m, txn, 0, 100), 0);
	metadata_read_end(m, txn);
	assert_int_equal(metadata_write(m, 0, put_some, &p), 0);
	metadata_close(m);
}

static void test_rot_is_noticed(void **state)
{
	struct metadata *m = open_small(*state);
	struct put p = {m, 7, 1, 50, 0};
	unsigned key = 7;
	struct span value;
	MDB_txn *txn;

	for (size_t byte = 0; byte < 8 + 4 + 50; byte++) {
		assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
		assert_int_equal(
			sample_flip_raw(m, TABLE_PAGES, span_of(&key, sizeof key), byte),
			0);
		assert_int_equal(metadata_read(m, &txn), 0);
		assert_int_equal(look(m, txn, 7, 50), ERR_CORRUPT);
		metadata_read_end(m, txn);
	}
	for (size_t size = 0; size < 8; size++) {
		assert_int_equal(sample_put_raw(m, TABLE_PAGES, span_of(&key, sizeof key),
					 span_of("1234567", size)),
			0);
		assert_int_equal(metadata_read(m, &txn), 0);
		assert_int_equal(table_get_unchecked(m, txn, TABLE_PAGES,
					 span_of(&key, sizeof key), &value),
			ERR_CORRUPT);
		metadata_read_end(m, txn);
	}
	metadata_close(m);
}

static void test_map_grows(void **state)
{
	struct metadata *m = open_small(*state);
	MDB_txn *txn;
	unsigned calls = 0;

	for (unsigned round = 0; round < 8; round++) {
		struct put p = {m, round * 200, 200, 3900, 0};

		assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
		calls += p.calls;
	}
	assert_true(calls > 8);
	assert_int_equal(metadata_read(m, &txn), 0);
	for (unsigned i = 0; i < 1600; i++)
		assert_int_equal(look(m, txn, i, 3900), 0);
	metadata_read_end(m, txn);
	metadata_close(m);
}

struct reader {
	struct metadata *metadata;
	atomic_bool stop;
	unsigned reads, wrong;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;

	/* Once at least, however late a busy machine lets it begin. */
	while (!r->reads || !atomic_load(&r->stop)) {
		MDB_txn *txn, *nested;

		r->reads++;
		if (metadata_read(r->metadata, &txn)) {
			r->wrong++;
			continue;
		}
		for (unsigned i = 0; i < 200; i++)
			r->wrong += look(r->metadata, txn, i, 3900) != 0;
		/* One thread may hold two of them, whatever goes on meanwhile. */
		if (metadata_read_within(r->metadata, &nested))
			r->wrong++;
		else
			metadata_read_end(r->metadata, nested);
		metadata_read_end(r->metadata, txn);
	}
	return NULL;
}

static void test_map_grows_under_readers(void **state)
{
	struct metadata *m = open_small(*state);
	struct put p = {m, 0, 200, 3900, 0};
	struct reader readers[3];
	pthread_t threads[3];

	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	for (int i = 0; i < 3; i++) {
		readers[i] = (struct reader){.metadata = m};
		pthread_create(&threads[i], NULL, read_on, &readers[i]);
	}
	for (unsigned round = 1; round < 8; round++) {
		p = (struct put){m, round * 200, 200, 3900, 0};
		assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	}
	for (int i = 0; i < 3; i++) {
		atomic_store(&readers[i].stop, true);
		pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].wrong, 0);
	}
	metadata_close(m);
}

static int grow_in_child(const char *path)
{
	struct metadata *m;
	struct put p;

	if (metadata_open(path, 256 << 10, DEADLINE_NONE, NULL, &m, NULL))
		return 1;
	p = (struct put){m, 1000, 1000, 3900, 0};
	if (metadata_write(m, DEADLINE_NONE, put_some, &p))
		return 2;
	metadata_close(m);
	return 0;
}

static void test_another_process_grows_the_map(void **state)
{
	struct metadata *m;
	struct put p;
	MDB_txn *txn;
	int go[2], status;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0)
		_exit(read(go[0], &byte, 1) == 1 ? grow_in_child(*state) : 3);
	m = open_small(*state);
	p = (struct put){m, 0, 10, 100, 0};
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(metadata_read(m, &txn), 0);
	for (unsigned i = 1000; i < 2000; i++)
		assert_int_equal(look(m, txn, i, 3900), 0);
	metadata_read_end(m, txn);
	p = (struct put){m, 10, 10, 100, 0};
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	metadata_close(m);
	close(go[0]);
	close(go[1]);
}

static int64_t in_ms(int64_t ms)
{
	return clock_monotonic() + ms * NS_PER_MS;
}

/* A `run`: a stranger to cairn's own lock, who holds only LMDB's. */
static int hold_writer(struct other_process *p, const char *directory)
{
	MDB_env *env;
	MDB_txn *txn;

	other_process_pause(p);
	if (mdb_env_create(&env) || mdb_env_set_maxdbs(env, TABLE_COUNT) ||
		mdb_env_set_mapsize(env, 1 << 20) ||
		mdb_env_open(env, directory, 0, 0600) || mdb_txn_begin(env, NULL, 0, &txn))
		return 1;
	other_process_pause(p);
	mdb_txn_abort(txn);
	other_process_pause(p);
	mdb_env_close(env);
	return 0;
}

static void test_a_stranger_holds_lmdbs_lock(void **state)
{
	struct other_process other;
	struct put p = {NULL, 0, 1, 100, 0};
	struct metadata *m;
	MDB_txn *txn;

	other_process_start(&other, hold_writer, *state);
	m = p.metadata = open_small(*state);
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	other_process_go_on(&other);
	assert_int_equal(metadata_write(m, in_ms(10), put_some, &p), ERR_TIMEOUT);
	assert_int_equal(p.calls, 1);
	/* It is read meanwhile, and opened by others. */
	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(look(m, txn, 0, 100), 0);
	metadata_read_end(m, txn);
	other_process_go_on(&other);
	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	assert_int_equal(p.calls, 2);
	assert_int_equal(other_process_finish(&other), 0);
	metadata_close(m);
}

/* LMDB waits for it when all is to end: what it works on is left to it. */
static void test_a_stranger_holds_it_to_the_end(void **state)
{
	static struct put p = {NULL, 0, 1, 100, 0}; /* static: no leak */
	struct other_process other;

	other_process_start(&other, hold_writer, *state);
	p.metadata = open_small(*state);
	other_process_go_on(&other);
	kill(other.pid, SIGSTOP);
	assert_int_equal(metadata_write(p.metadata, in_ms(10), put_some, &p), ERR_TIMEOUT);
	metadata_close(p.metadata);
	other_process_kill(&other);
}

/* A `run`. */
static int open_again(struct other_process *p, const char *directory)
{
	struct metadata *m;

	other_process_pause(p);
	if (metadata_open(directory, 0, in_ms(20000), NULL, &m, NULL))
		return 1;
	metadata_close(m);
	return 0;
}

/* Nothing is to be written by whoever opens them once they are there. */
static void test_opening_waits_for_no_writer(void **state)
{
	struct other_process other;
	struct metadata *m;

	other_process_start(&other, open_again, *state);
	m = open_small(*state);
	assert_int_equal(metadata_lock(m, DEADLINE_NONE), 0);
	assert_int_equal(other_process_finish(&other), 0);
	metadata_unlock(m);
	metadata_close(m);
}

/* LMDB's table of readers begins with eight bytes, and its lock behind them. */
static int hold_readers(struct other_process *p, const char *directory)
{
	MDB_env *env;
	char *name;
	void *map;
	int fd;

	other_process_pause(p);
	if (mdb_env_create(&env) || mdb_env_open(env, directory, 0, 0600) ||
		asprintf(&name, "%s/lock.mdb", directory) < 0)
		return 1;
	fd = open(name, O_RDWR);
	free(name);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED ||
		pthread_mutex_lock((pthread_mutex_t *)(void *)((char *)map + 8)))
		return 2;
	other_process_pause(p);
	pthread_mutex_unlock((pthread_mutex_t *)(void *)((char *)map + 8));
	other_process_pause(p);
	return 0;
}

static void test_a_stranger_holds_the_readers(void **state)
{
	struct other_process other;
	MDB_txn *one, *two;
	struct metadata *m;

	other_process_start(&other, hold_readers, *state);
	m = open_small(*state);
	assert_int_equal(metadata_read(m, &one), 0);
	metadata_read_end(m, one);
	other_process_go_on(&other);
	/* A transaction that is there already is used on; a new one is waited for in vain.
	 */
	assert_int_equal(metadata_read(m, &one), 0);
	assert_int_equal(metadata_read(m, &two), ERR_TIMEOUT);
	metadata_read_end(m, one);
	assert_int_equal(metadata_read(m, &one), 0);
	other_process_go_on(&other);
	while (metadata_read(m, &two))
		usleep(1000);
	metadata_read_end(m, two);
	metadata_read_end(m, one);
	assert_int_equal(other_process_finish(&other), 0);
	metadata_close(m);
}

static void test_walk(void **state)
{
	struct metadata *m = open_small(*state);
	struct table_cursor cursor = {0};
	struct put p = {m, 0, 5, 10, 0};
	struct span key, value;
	unsigned n = 0;
	MDB_txn *txn;
	MDB_val raw;

	assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
	assert_int_equal(metadata_read(m, &txn), 0);
	while (!table_next(m, txn, TABLE_PAGES, span_of(NULL, 0), &cursor, &key, &raw)) {
		assert_int_equal(table_value(&raw, &value), 0);
		assert_int_equal(value.size, 14);
		n++;
	}
	assert_int_equal(n, 5);
	table_cursor_close(&cursor);
	metadata_read_end(m, txn);
	metadata_close(m);
}

#ifndef __has_feature /* clang's */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                       \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ADDRESSES_ARE_COUNTED 0 /* a sanitizer needs more of them than there is memory */
#else
#define ADDRESSES_ARE_COUNTED 1
#endif

static int fill_in_little_space(const char *directory)
{
	const struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
	struct metadata *m;
	struct put p;

	if (setrlimit(RLIMIT_AS, &limit) ||
		metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL))
		return 1;
	p = (struct put){m, 0, 100, 3900, 0};
	if (metadata_write(m, DEADLINE_NONE, put_some, &p))
		return 2;
	metadata_close(m);
	return 0;
}

/* As under `ulimit -v`: the map is smaller then. */
static void test_little_address_space(void **state)
{
	int status;
	pid_t pid;

	if (!ADDRESSES_ARE_COUNTED) {
		print_message("skipped: built with a sanitizer\n");
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(fill_in_little_space(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* There is no more address space for a larger map: nothing new is kept, what is there is
 * read. */
static int grow_in_vain(const char *directory)
{
	struct rlimit limit = {0, 0};
	struct metadata *m;
	struct put p;
	MDB_txn *txn;
	long pages;
	FILE *f;

	if (metadata_open(directory, 16 << 20, DEADLINE_NONE, NULL, &m, NULL))
		return 1;
	p = (struct put){m, 0, 10, 3900, 0};
	if (metadata_write(m, DEADLINE_NONE, put_some, &p))
		return 2;
	f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld", &pages) != 1)
		return 3;
	fclose(f);
	limit.rlim_cur = limit.rlim_max = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) +
					  (8 << 20);
	if (setrlimit(RLIMIT_AS, &limit))
		return 4;
	p = (struct put){m, 10, 5000, 3900, 0};
	if (metadata_write(m, DEADLINE_NONE, put_some, &p) != ERR_NO_SPACE)
		return 5;
	if (metadata_state(m) != METADATA_SOUND || metadata_read(m, &txn) ||
		look(m, txn, 5, 3900) || look(m, txn, 10, 3900) != ERR_ABSENT)
		return 6;
	metadata_read_end(m, txn);
	metadata_close(m);
	return 0;
}

static void test_no_space_for_a_larger_map(void **state)
{
	int status;
	pid_t pid;

	if (!ADDRESSES_ARE_COUNTED) {
		print_message("skipped: built with a sanitizer\n");
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(grow_in_vain(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Somebody who knows only LMDB's own lock, and makes the file longer just before its length
 * is set. */
static struct {
	const char *path;
	struct stat file;
	pid_t pid;
} stranger;

static int grow_by_hand(const char *path)
{
	uint8_t value[4000] = {1};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	int rc = mdb_env_create(&env);

	mdb_env_set_maxdbs(env, 1);
	mdb_env_set_mapsize(env, 16 << 20);
	rc = rc ? rc : mdb_env_open(env, path, 0, 0600);
	rc = rc ? rc : mdb_txn_begin(env, NULL, 0, &txn);
	rc = rc ? rc : mdb_dbi_open(txn, "pages", 0, &table);
	for (unsigned i = 0; i < 500 && !rc; i++) {
		MDB_val k = {sizeof i, &i}, v = {sizeof value, value};

		rc = mdb_put(txn, table, &k, &v, 0);
	}
	rc = rc ? rc : mdb_txn_commit(txn);
	mdb_env_close(env);
	return rc;
}

/* In place of libc's: gives a stranger time to write before it. */
int ftruncate(int fd, off_t size)
{
	struct pollfd ended;
	struct stat st;
	char name[64];
	int done[2];

	if (stranger.path && !stranger.pid && fstat(fd, &st) == 0 &&
		st.st_ino == stranger.file.st_ino) {
		assert_int_equal(pipe(done), 0);
		stranger.pid = fork();
		if (stranger.pid == 0)
			_exit(grow_by_hand(stranger.path) != 0);
		close(done[1]);
		/* Where it has to wait for us, this is in vain. */
		ended = (struct pollfd){.fd = done[0]};
		poll(&ended, 1, 200);
		close(done[0]);
	}
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return truncate(name, size);
}

static void test_nothing_is_cut_off(void **state)
{
	struct metadata *m = open_small(*state);
	char path[256];
	struct stat st;
	MDB_txn *txn;
	int status;

	snprintf(path, sizeof path, "%s/data.mdb", (char *)*state);
	metadata_close(m);
	assert_int_equal(stat(path, &stranger.file), 0);
	/* Too short, so that there is something to mend. */
	assert_int_equal(truncate(path, stranger.file.st_size - 1), 0);
	stranger.path = *state;
	m = open_small(*state);
	stranger.path = NULL;
	assert_true(stranger.pid > 0);
	assert_int_equal(waitpid(stranger.pid, &status, 0), stranger.pid);
	assert_int_equal(status, 0);
	assert_int_equal(metadata_read(m, &txn), 0);
	assert_int_equal(table_count(m, txn, TABLE_PAGES), 500);
	metadata_read_end(m, txn);
	assert_int_equal(stat(path, &st), 0);
	assert_true((uint64_t)st.st_size >= metadata_bytes(m));
	metadata_close(m);
}

static void read_meta(int fd, size_t head, struct lmdb_meta *out)
{
	off_t at = (off_t)head * sysconf(_SC_PAGESIZE) + (off_t)sizeof(struct lmdb_page);

	assert_int_equal(pread(fd, out, sizeof *out, at), sizeof *out);
}

/* All rows of the tree of free pages say so; it has one page. */
static void set_free_pages(int fd, size_t number)
{
	struct lmdb_meta metas[2], *newer;
	struct lmdb_node node;
	uint8_t page[4096];
	size_t count;

	for (size_t i = 0; i < 2; i++)
		read_meta(fd, i, &metas[i]);
	newer = &metas[metas[0].txn < metas[1].txn];
	assert_true(newer->dbs[0].depth == 1 && newer->dbs[0].entries > 0);
	assert_int_equal(
		pread(fd, page, sizeof page, (off_t)newer->dbs[0].root * 4096), 4096);
	for (size_t i = 0; i < newer->dbs[0].entries; i++) {
		uint8_t *list = (uint8_t *)(uintptr_t)lmdb_page_node(page, i, &node) +
				sizeof node + node.key_size;

		memcpy(&count, list, sizeof count);
		for (size_t k = 0; k < count; k++) {
			size_t free_page = number - k;

			memcpy(list + (k + 1) * sizeof count, &free_page, sizeof free_page);
		}
	}
	assert_int_equal(
		pwrite(fd, page, sizeof page, (off_t)newer->dbs[0].root * 4096), 4096);
}

/* Neither a limit of the process nor a fault of the disk, which would come again for ever:
 * the file is damaged. */
static void test_a_free_page_beyond_any_file(void **state)
{
	static const size_t numbers[] = {(size_t)1 << 50, ((size_t)1 << 51) + 10000};
	char path[256];

	if (sysconf(_SC_PAGESIZE) != 4096)
		skip();
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct metadata *m;
		int fd;

		snprintf(path, sizeof path, "%s/%zu", (char *)*state, i);
		assert_int_equal(mkdir(path, 0700), 0);
		m = open_small(path);
		for (unsigned k = 0; k < 4; k++) {
			struct put p = {m, 0, 10, 1000, 0};

			assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some, &p), 0);
		}
		strcat(path, "/data.mdb");
		fd = open(path, O_RDWR | O_CLOEXEC);
		set_free_pages(fd, numbers[i]);
		close(fd);
		assert_int_equal(metadata_write(m, DEADLINE_NONE, put_some,
					 &(struct put){m, 0, 1, 1000, 0}),
			ERR_CORRUPT);
		assert_int_equal(metadata_state(m), METADATA_DAMAGED);
		metadata_close(m);
	}
}

/* The same of the last page in use; and nothing is made so long. */
static void test_a_last_page_beyond_all_reason(void **state)
{
	static const unsigned shifts[] = {20, 30, 40, 50};
	struct trouble t = {0};
	struct lmdb_meta meta;
	struct metadata *m;
	char path[256];
	struct stat st;

	for (unsigned i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
		int fd;

		snprintf(path, sizeof path, "%s/%u", (char *)*state, i);
		assert_int_equal(mkdir(path, 0700), 0);
		metadata_close(open_small(path));
		strcat(path, "/data.mdb");
		fd = open(path, O_RDWR | O_CLOEXEC);
		for (size_t head = 0; head < 2; head++) {
			read_meta(fd, head, &meta);
			meta.last_page = (size_t)1 << shifts[i];
			assert_int_equal(pwrite(fd, &meta, sizeof meta,
						 (off_t)head * sysconf(_SC_PAGESIZE) +
							 (off_t)sizeof(struct lmdb_page)),
				sizeof meta);
		}
		*strrchr(path, '/') = '\0';
		assert_int_equal(
			metadata_open(path, 256 << 10, DEADLINE_NONE, NULL, &m, &t),
			ERR_CORRUPT);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(st.st_size < 1 << 30);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_put_and_get),
		SAMPLE_TEST(test_an_error_aborts),
		SAMPLE_TEST(test_locked),
		SAMPLE_TEST(test_rot_is_noticed),
		SAMPLE_TEST(test_map_grows),
		SAMPLE_TEST(test_map_grows_under_readers),
		SAMPLE_TEST(test_another_process_grows_the_map),
		SAMPLE_TEST(test_a_stranger_holds_lmdbs_lock),
		SAMPLE_TEST(test_a_stranger_holds_it_to_the_end),
		SAMPLE_TEST(test_opening_waits_for_no_writer),
		SAMPLE_TEST(test_a_stranger_holds_the_readers),
		SAMPLE_TEST(test_walk),
		SAMPLE_TEST(test_little_address_space),
		SAMPLE_TEST(test_no_space_for_a_larger_map),
		SAMPLE_TEST(test_nothing_is_cut_off),
		SAMPLE_TEST(test_a_free_page_beyond_any_file),
		SAMPLE_TEST(test_a_last_page_beyond_all_reason),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
