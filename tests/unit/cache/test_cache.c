/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "cache/write/writer.h"
#include "cache/meta/records.h"
#include "cache/meta/settings.h"
#include "cache/meta/space.h"
#include "cache/objects/meta_directory.h"
#include "cache/insert.h"
#include "cache/inspect.h"
#include "cache/objects/object_files.h"
#include "cache/state.h"
#include "unit/await.h"
#include "unit/cache_samples.h"
#include "util/clock.h"
#include "util/io.h"

static int setup(void **state)
{
	*state = sample_directory();
	return 0;
}

static int teardown(void **state)
{
	/* What a test that failed left mounted. */
	umount2(*state, MNT_DETACH);
	sample_remove(*state);
	return 0;
}

static void test_chunks_persist(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample one = sample_make(1, 1), many = sample_make(2, 20);

	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	sample_put_all(c, &one);
	sample_put_all(c, &many);
	assert_int_equal(sample_read(c, &one), 0);
	assert_int_equal(sample_read(c, &many), 0);
	cache_close(c);

	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &one), 0);
	assert_int_equal(sample_read(c, &many), 0);
	cache_close(c);
	sample_release(&one);
	sample_release(&many);
}

static int try_open(const char *directory, struct trouble *t)
{
	struct cache_options options = {.directory = directory};
	struct cache *c;
	int rc = cache_open(&options, &c, t);

	if (!rc)
		cache_close(c);
	return rc;
}

static void touch(const char *directory, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void test_refuses_directories(void **state)
{
	struct trouble t = {0};
	struct stat st;
	char path[512];

	/* Empty but open to others: made ours. */
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(try_open(*state, &t), 0);
	assert_int_equal(stat(*state, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* A cache that somebody opened to others. */
	assert_int_equal(chmod(*state, 0750), 0);
	assert_int_equal(try_open(*state, &t), ERR_DENIED);
	assert_non_null(strstr(t.text, "chmod 700"));
	assert_int_equal(chmod(*state, 0700), 0);
	/* A directory that holds something else. */
	snprintf(path, sizeof path, "%s/lock", (char *)*state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(try_open(*state, &t), ERR_INVALID);
}

static void test_refuses_links_within(void **state)
{
	struct trouble t = {0};
	char path[512];

	touch(*state, "lock");
	snprintf(path, sizeof path, "%s/objects", (char *)*state);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_not_equal(try_open(*state, &t), 0);
	assert_true(t.text[0]);
}

static int put_newer_layout(MDB_txn *txn, void *arg)
{
	struct cache *c = arg;
	struct layout_record layout = {CACHE_LAYOUT + 1, LAYOUT_ORDER};

	return setting_put(c->metadata, txn, SETTING_LAYOUT, &layout, sizeof layout);
}

static void test_refuses_newer_layout(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct trouble t = {0};

	assert_int_equal(
		metadata_write(c->metadata, DEADLINE_NONE, put_newer_layout, c), 0);
	cache_close(c);
	assert_int_equal(try_open(*state, &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "newer"));
}

static uint64_t count_object_files(const char *directory)
{
	char command[512], text[64] = "";
	FILE *p;

	snprintf(command, sizeof command, "find %s/objects -type f | wc -l", directory);
	p = popen(command, "r");
	assert_non_null(fgets(text, sizeof text, p));
	pclose(p);
	return strtoull(text, NULL, 10);
}

/* Waits until what the committer does in the background is done. */
static void wait_for_files(const char *directory, uint64_t count)
{
	AWAIT(count_object_files(directory) == count);
}

static void damage_metadata(const char *directory, bool cut)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/meta/data.mdb", directory);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (cut) {
		assert_int_equal(ftruncate(fd, 8192), 0);
	} else {
		for (off_t at = 0; at < st.st_size; at += 8)
			assert_int_equal(pwrite(fd, "garbage!", 8, at), 8);
	}
	close(fd);
}

static void begins_anew(const char *directory, bool cut)
{
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(3, 4);
	char path[512];

	sample_put_all(c, &s);
	cache_close(c);
	damage_metadata(directory, cut);
	c = sample_open(directory, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	snprintf(path, sizeof path, "%s/meta.damaged", directory);
	assert_int_equal(access(path, F_OK), 0);
	/* The object's file has no record any more. */
	wait_for_files(directory, 0);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

static void test_damaged_metadata(void **state)
{
	begins_anew(*state, false);
	begins_anew(*state, true);
	begins_anew(*state, false);
}

/* What a file system's repair leaves under a name may be no file; a FIFO would have LMDB
 * wait for its other end. */
static void test_odd_metadata(void **state)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "write.lock"};
	char path[512];

	for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
		cache_close(sample_open(*state, 0));
		snprintf(path, sizeof path, "%s/meta/%s", (char *)*state, names[i / 2]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(i % 2 ? mkdir(path, 0700) : mkfifo(path, 0600), 0);
	}
	cache_close(sample_open(*state, 0));
}

/* Nor does what lies in the way of setting it aside keep anybody from it. */
static void test_aside_taken(void **state)
{
	char path[512];

	snprintf(path, sizeof path, "%s/meta.damaged", (char *)*state);
	cache_close(sample_open(*state, 0));
	close(open(path, O_CREAT | O_WRONLY, 0600));
	damage_metadata(*state, false);
	cache_close(sample_open(*state, 0));
	/* As a file that NFS keeps for who has it open. */
	snprintf(path, sizeof path, "%s/meta.damaged/.kept", (char *)*state);
	assert_int_equal(mkdir(path, 0700), 0);
	damage_metadata(*state, false);
	cache_close(sample_open(*state, 0));
	snprintf(path, sizeof path, "%s/meta.damaged.1/data.mdb", (char *)*state);
	assert_int_equal(access(path, F_OK), 0);
}

static struct cache *open_as_set(const char *directory)
{
	struct cache_options options = {.directory = directory};
	struct cache *c = NULL;

	assert_int_equal(cache_open(&options, &c, NULL), 0);
	return c;
}

static void limits_are(const char *directory, uint64_t quota, uint64_t floor)
{
	struct cache *c = open_as_set(directory);
	struct cache_info info;

	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.quota, quota);
	assert_int_equal(info.floor, floor);
	cache_close(c);
}

static void write_limits(const char *directory, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/limits", directory);
	file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

/* Quota and floor stay what they were set to, when the books that had them are lost. */
static void test_limits_outlive_the_books(void **state)
{
	static const char *const others[] = {"", "quota 1", "quota 1\nfloor -1\n",
		"quota 99999999999999999999999\nfloor 1\n", "quota 1\nfloor 2\n\n",
		"floor 1\nquota 2\n", "quota 01\nfloor 1\n"};
	struct cache_options options = {.directory = *state,
		.set_quota = true,
		.quota = UINT64_C(77) << 20,
		.set_floor = true,
		.floor = 12345};
	struct cache *c = NULL;

	assert_int_equal(cache_open(&options, &c, NULL), 0);
	cache_close(c);
	damage_metadata(*state, false);
	limits_are(*state, options.quota, 12345);
	/* One of them is set as the books are begun anew. */
	damage_metadata(*state, false);
	options.set_quota = false;
	options.floor = 54321;
	assert_int_equal(cache_open(&options, &c, NULL), 0);
	cache_close(c);
	limits_are(*state, options.quota, 54321);
	/* What is not ours is not believed. */
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		write_limits(*state, others[i]);
		damage_metadata(*state, false);
		limits_are(*state, 0, CACHE_FLOOR_DEFAULT);
	}
}

static void test_marked_damaged(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(4, 2);

	sample_put_all(c, &s);
	/* Or what is on its way is put into the books that are begun anew. */
	cache_flush(c);
	meta_directory_mark_damaged(&c->directory);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	cache_close(c);
	c = sample_open(*state, 0);
	sample_put_all(c, &s);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

static void cut_metadata(const char *directory)
{
	char path[512];

	snprintf(path, sizeof path, "%s/meta/data.mdb", directory);
	assert_int_equal(truncate(path, 8192), 0);
}

static void put_again(struct cache *c, const struct sample *s)
{
	usleep(10000);
	for (uint32_t i = 0; i < s->count; i++)
		(void)sample_put(c, s, i);
	cache_flush(c);
}

/* Until the books were begun anew, and what is put stays there. */
static void wait_until_kept(const char *directory, struct cache *c, struct sample *s)
{
	struct space space;
	char path[512];

	snprintf(path, sizeof path, "%s/meta.damaged", directory);
	do
		put_again(c, s);
	/* What was open before is read meanwhile, with or without books. */
	while (access(path, F_OK) != 0 || sample_read(c, s) != 0 ||
		space_look(c->metadata, 0, &space) || !space.totals.resident);
}

/* How many objects the books know: none while they make room for others. */
static uint64_t objects_known(struct cache *c)
{
	uint64_t count = 0;
	MDB_txn *txn;

	if (!metadata_read(c->metadata, &txn)) {
		count = table_count(c->metadata, txn, TABLE_OBJECTS);
		metadata_read_end(c->metadata, txn);
	}
	return count;
}

/* Another process cuts off the file of the books. What is read is as if it were not there,
 * until it is put again; nobody closes the cache. */
static void test_damaged_while_in_use(void **state)
{
	struct cache *c = sample_open(*state, (uint64_t)1 << 30);
	struct sample s = sample_make(5, 4);
	struct space space;

	sample_put_all(c, &s);
	cache_flush(c);
	cut_metadata(*state);
	wait_until_kept(*state, c, &s);
	/* What the cache was told still holds. */
	while (space_look(c->metadata, 0, &space) || !space.limits.quota)
		cache_flush(c);
	assert_int_equal(space.limits.quota, (uint64_t)1 << 30);
	/* What was open is looked at a moment later, and then put anew. */
	while (objects_known(c) == 0)
		wait_until_kept(*state, c, &s);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* Two processes have it open: one of them sets it aside, both have the new one. */
/* LMDB's locks are in a file of their own, which is mapped too. */
static void test_locks_lost_while_in_use(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(5, 4);
	char path[512];

	sample_put_all(c, &s);
	cache_flush(c);
	snprintf(path, sizeof path, "%s/meta/lock.mdb", (char *)*state);
	assert_int_equal(truncate(path, 0), 0);
	wait_until_kept(*state, c, &s);
	cache_close(c);
	sample_release(&s);
}

static void test_damaged_in_another_process(void **state)
{
	struct sample s = sample_make(6, 4);
	struct cache *c;
	char path[512], byte;
	int go[2], ready[2], status;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		c = sample_open(*state, 0);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(1);
		wait_until_kept(*state, c, &s);
		cache_close(c);
		_exit(0);
	}
	close(go[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	c = sample_open(*state, 0);
	sample_put_all(c, &s);
	cache_flush(c);
	cut_metadata(*state);
	close(go[1]);
	wait_until_kept(*state, c, &s);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	snprintf(path, sizeof path, "%s/meta/damaged", (char *)*state);
	assert_int_not_equal(access(path, F_OK), 0);
	sample_release(&s);
}

/* Another process has it open. Somebody removes one of LMDB's two files: who comes then is
 * not to make another in its place, beside which the other would write on. */
static void test_half_of_metadata_gone(void **state)
{
	static const char *const halves[] = {"data.mdb", "lock.mdb"};
	struct sample s = sample_make(6, 4);
	char path[512], byte;
	struct cache *c;
	int go[2], ready[2], status;

	for (size_t i = 0; i < 2; i++) {
		pid_t pid;

		assert_int_equal(pipe(go), 0);
		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			close(go[1]);
			c = sample_open(*state, 0);
			sample_put_all(c, &s);
			cache_flush(c);
			if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 0)
				_exit(1);
			wait_until_kept(*state, c, &s);
			cache_close(c);
			_exit(0);
		}
		close(go[0]);
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		snprintf(path, sizeof path, "%s/meta/%s", (char *)*state, halves[i]);
		assert_int_equal(unlink(path), 0);
		snprintf(path, sizeof path, "%s/meta.damaged", (char *)*state);
		c = sample_open(*state, 0);
		assert_int_equal(access(path, F_OK), 0);
		close(go[1]);
		wait_until_kept(*state, c, &s);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(sample_read(c, &s), 0);
		cache_close(c);
		snprintf(path, sizeof path, "rm -r %s/meta.damaged", (char *)*state);
		assert_int_equal(system(path), 0);
	}
	sample_release(&s);
}

/* All of it: the one who has it open begins others, where all find them. */
static void test_metadata_gone(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(6, 4);
	char path[512];

	sample_put_all(c, &s);
	cache_flush(c);
	snprintf(path, sizeof path, "rm -r %s/meta", (char *)*state);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof path, "%s/meta/data.mdb", (char *)*state);
	AWAIT(access(path, F_OK) == 0);
	do
		put_again(c, &s);
	while (objects_known(c) == 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

static int count_file(void *ctx, const struct object_id *id, uint64_t instance)
{
	(void)id, (void)instance;
	++*(unsigned *)ctx;
	return 0;
}

/* What was kept under the books that were damaged is in no others: it does not go on taking
 * room that nobody counts, though its maker lives. */
static void test_nothing_left_of_damaged_metadata(void **state)
{
	const struct timespec tick = {.tv_nsec = 10000000};
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(6, 4), other = sample_make(7, 4);
	unsigned files = 0;

	sample_put_all(c, &other);
	sample_put_all(c, &s);
	cache_flush(c);
	assert_int_equal(object_file_each(&c->directory, count_file, &files), 0);
	assert_int_equal(files, 2);
	meta_directory_mark_damaged(&c->directory);
	wait_until_kept(*state, c, &s);
	while (files != objects_known(c)) {
		nanosleep(&tick, NULL);
		files = 0;
		assert_int_equal(object_file_each(&c->directory, count_file, &files), 0);
	}
	cache_close(c);
	sample_release(&other);
	sample_release(&s);
}

static off_t size_of_metadata(const char *directory)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof path, "%s/meta/data.mdb", directory);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* The next who comes alone makes it smaller; who does not come alone, does not. */
static void test_compacted_when_mostly_free(void **state)
{
	struct cache *c = sample_open(*state, 0);
	uint64_t freed;
	off_t full;
	int status;
	pid_t pid;

	for (unsigned i = 0; i < 100; i++) {
		struct blob_buffer *page = sample_page(i, 500);

		assert_int_equal(cache_put_page(c, page), 0);
		blob_buffer_put(page);
	}
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(cache_clear(c, &freed), 0);
	full = size_of_metadata(*state);
	assert_true(full > 2 << 20);
	pid = fork();
	if (pid == 0) {
		cache_close(sample_open_in_child(*state, 0));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(size_of_metadata(*state) >= full);
	cache_close(c);
	cache_close(sample_open(*state, 0));
	assert_true(size_of_metadata(*state) < full / 4);
}

/* Puts until it is killed, telling how many objects are committed. */
static void fill_until_killed(const char *directory, int out)
{
	struct cache *c = sample_open_in_child(directory, 0);

	for (unsigned i = 0;; i++) {
		struct sample s = sample_make(100 + i, 4);

		for (uint32_t k = 0; k < s.count; k++)
			if (sample_put(c, &s, k))
				_exit(1);
		sample_release(&s);
		if (i % 8 == 7 && (cache_flush(c) || write(out, &i, sizeof i) != sizeof i))
			_exit(1);
	}
}

static void test_killed_while_filling(void **state)
{
	unsigned committed = 0;
	struct cache_info info;
	struct cache *c;
	int out[2];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0)
		fill_until_killed(*state, out[1]);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			read(out[0], &committed, sizeof committed), sizeof committed);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out[0]);
	close(out[1]);

	c = sample_open(*state, 0);
	for (unsigned i = 0; i <= committed; i++) {
		struct sample s = sample_make(100 + i, 4);

		assert_int_equal(sample_read(c, &s), 0);
		sample_release(&s);
	}
	/* Later ones are there or not, but never wrong. */
	for (unsigned i = committed + 1; i < committed + 50; i++) {
		struct sample s = sample_make(100 + i, 4);
		int rc = sample_read(c, &s);

		assert_true(rc == 0 || rc == ERR_PENDING);
		sample_release(&s);
	}
	assert_int_equal(cache_info(c, &info), 0);
	wait_for_files(*state, info.objects);
	cache_close(c);
}

/* As if the machine had lost its power: another boot, and nothing was synced. */
static int put_other_boot(MDB_txn *txn, void *arg)
{
	struct cache *c = arg;
	struct trust_epoch other = {c->write.boot + 1, atomic_load(&c->write.generation)};

	return trust_epoch_mark(c->metadata, txn, &other);
}

static void lose_power(const char *directory)
{
	struct cache *c = sample_open_in_child(directory, 0);

	if (metadata_write(c->metadata, DEADLINE_NONE, put_other_boot, c))
		_exit(1);
	cache_close(c);
	/* A clean close has synced and said so: say otherwise again. */
	c = sample_open_in_child(directory, 0);
	if (metadata_write(c->metadata, DEADLINE_NONE, put_other_boot, c))
		_exit(1);
	metadata_sync(c->metadata);
	_exit(0);
}

static void in_child(void (*run)(const char *directory), const char *directory)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run(directory);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void overwrite(const char *path, off_t offset, size_t size)
{
	static const uint8_t zeros[SAMPLE_CHUNK];
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, zeros, size, offset), (ssize_t)size);
	close(fd);
}

static void test_lost_power(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample good = sample_make(5, 8), bad = sample_make(6, 8),
		      one = sample_make(7, 1);
	uint64_t generation = c->write.generation;
	struct attempt a;
	uint8_t buffer[100];
	char *path;

	sample_put_all(c, &good);
	sample_put_all(c, &bad);
	sample_put_all(c, &one);
	cache_close(c);
	in_child(lose_power, *state);
	path = sample_object_path(*state, &bad.ref.digest);
	overwrite(path, 3 * SAMPLE_CHUNK, 4096);
	free(path);
	path = sample_object_path(*state, &one.ref.digest);
	overwrite(path, 0, 10);
	free(path);

	c = sample_open(*state, 0);
	assert_int_not_equal(c->write.generation, generation);
	assert_int_equal(sample_read(c, &good), 0);
	/* Even a read that does not touch the bytes that were lost. */
	attempt_begin(&a, c, NULL);
	assert_int_equal(
		attempt_read(&a, &bad.ref, 3 * SAMPLE_CHUNK + 9000, buffer, sizeof buffer),
		ERR_PENDING);
	assert_int_equal(a.want_count, 1);
	assert_int_equal(a.wants[0].ordinal, 3);
	attempt_end(&a);
	assert_int_equal(sample_read(c, &bad), ERR_PENDING);
	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	/* Brought again at once, and after the drop is committed. */
	assert_int_equal(sample_put(c, &bad, 3), 0);
	assert_int_equal(sample_read(c, &bad), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &bad), 0);
	assert_int_equal(sample_put(c, &one, 0), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &one), 0);
	cache_close(c);

	/* What was checked is trusted from then on. */
	c = sample_open(*state, 0);
	assert_int_equal(sample_read(c, &good), 0);
	assert_int_equal(sample_read(c, &bad), 0);
	assert_int_equal(sample_read(c, &one), 0);
	cache_close(c);
	sample_release(&good);
	sample_release(&bad);
	sample_release(&one);
}

/* Fills and reads at random, with every byte compared. */
static void fill_and_read(const char *directory)
{
	struct cache *c = sample_open_in_child(directory, UINT64_C(20) << 20);
	unsigned seed = (unsigned)getpid(), hits = 0;
	struct sample samples[40];

	for (unsigned i = 0; i < 40; i++)
		samples[i] = sample_make(200 + i, 1 + i % 12);
	for (unsigned i = 0; i < 600; i++) {
		struct sample *s = &samples[(unsigned)rand_r(&seed) % 40];
		int rc = sample_put(c, s, (unsigned)rand_r(&seed) % s->count);

		if (rc && rc != ERR_NO_SPACE && rc != ERR_BUSY)
			_exit(2);
		rc = sample_read(c, &samples[(unsigned)rand_r(&seed) % 40]);
		if (rc == SAMPLE_WRONG)
			_exit(3);
		if (rc && rc != ERR_PENDING)
			_exit(4);
		hits += rc == 0;
	}
	cache_close(c);
	_exit(hits > 20 ? 0 : 5);
}

struct sampler {
	const char *directory;
	bool disk; /* of the whole file system, which is the cache's own */
	atomic_bool stop;
	uint64_t most;
	unsigned count;
};

static uint64_t sampled;

static int add_usage(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)path, (void)flag, (void)ftw;
	sampled += (uint64_t)st->st_blocks * 512;
	return 0;
}

/* Files that somebody holds after they were removed are in it. */
static uint64_t usage_of_disk(const char *directory)
{
	struct statvfs st;

	return statvfs(directory, &st) ? 0 : (st.f_blocks - st.f_bfree) * st.f_frsize;
}

static void *sample_usage(void *arg)
{
	struct sampler *s = arg;

	while (!atomic_load(&s->stop)) {
		sampled = 0;
		if (s->disk)
			sampled = usage_of_disk(s->directory);
		else
			nftw(s->directory, add_usage, 16, FTW_PHYS);
		if (sampled > s->most)
			s->most = sampled;
		s->count++;
		usleep(5000);
	}
	return NULL;
}

static void test_two_processes_and_quota(void **state)
{
	struct sampler sampler = {.directory = *state};
	pthread_t thread;
	pid_t pids[2];
	int status;

	sampler.disk = mount("tmpfs", *state, "tmpfs", 0, "size=64m,mode=0700") == 0;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			fill_and_read(*state);
	}
	pthread_create(&thread, NULL, sample_usage, &sampler);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	atomic_store(&sampler.stop, true);
	pthread_join(thread, NULL);
	assert_true(sampler.count > 0);
	assert_true(sampler.most <= UINT64_C(20) << 20);
	assert_true(sampler.most > UINT64_C(8) << 20);
	if (sampler.disk)
		umount2(*state, MNT_DETACH);
}

static void test_lowered_quota(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct cache_info info;

	for (unsigned i = 0; i < 24; i++) {
		struct sample s = sample_make(300 + i, 8);

		sample_put_all(c, &s);
		sample_release(&s);
	}
	cache_close(c);
	c = sample_open(*state, UINT64_C(10) << 20);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.quota, UINT64_C(10) << 20);
	assert_true(info.resident > 0 && info.resident < UINT64_C(8) << 20);
	cache_close(c);
}

static void test_floor_above_disk(void **state)
{
	struct cache_options options = {
		.directory = *state, .set_floor = true, .floor = UINT64_MAX / 2};
	struct sample s = sample_make(8, 3);
	struct cache *c;
	struct trouble t;

	assert_int_equal(cache_open(&options, &c, &t), 0);
	assert_int_equal(sample_put(c, &s, 0), ERR_NO_SPACE);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	cache_close(c);
	sample_release(&s);
}

static void put_objects(struct cache *c, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		struct sample s = sample_make(i, 8);

		sample_put_all(c, &s);
		sample_release(&s);
	}
}

static struct cache *open_with(const struct cache_options *options)
{
	struct trouble t = {0};
	struct cache *c = NULL;

	if (cache_open(options, &c, &t))
		fail_msg("%s", t.text);
	return c;
}

static uint64_t resident(struct cache *c)
{
	struct cache_info info;

	assert_int_equal(cache_info(c, &info), 0);
	return info.resident;
}

/* Limits that throwing things out cannot meet: nothing goes, and nothing new is kept; nor
 * does it go later, whatever is asked for. */
static void test_limits_that_cannot_be_met(void **state)
{
	const struct cache_options limits[] = {
		{.directory = *state, .set_floor = true, .floor = UINT64_MAX / 2},
		{.directory = *state,
			.set_floor = true,
			.floor = 1,
			.set_quota = true,
			.quota = 4096},
		{.directory = *state,
			.set_floor = true,
			.floor = UINT64_MAX / 2,
			.set_quota = true,
			.quota = UINT64_C(1) << 40},
	};
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(8, 3);
	uint64_t before;

	put_objects(c, 300, 8);
	before = resident(c);
	cache_close(c);
	for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
		c = open_with(&limits[i]);
		assert_int_equal(resident(c), before);
		assert_int_equal(sample_put(c, &s, 0), ERR_NO_SPACE);
		assert_int_equal(sample_put(c, &s, 1), ERR_NO_SPACE);
		assert_int_equal(resident(c), before);
		cache_close(c);
	}
	c = sample_open(*state, 0);
	assert_int_equal(resident(c), before);
	assert_int_equal(sample_put(c, &s, 0), 0);
	cache_close(c);
	sample_release(&s);
}

/* What is pinned cannot go: a quota below it takes nothing of the rest. Then one that
 * leaves it room takes just the rest. */
static void test_quota_below_what_is_pinned(void **state)
{
	struct cache_options options = {
		.directory = *state, .set_quota = true, .quota = UINT64_C(4) << 20};
	struct cache *c = sample_open(*state, 0);
	uint64_t all, pinned;

	for (unsigned i = 0; i < 12; i++) {
		struct sample s = sample_make(300 + i, 8);

		assert_int_equal(cache_pin(c, "much", &s.id), 0);
		sample_release(&s);
	}
	put_objects(c, 300, 12);
	pinned = resident(c);
	put_objects(c, 400, 12);
	all = resident(c);
	cache_close(c);
	c = open_with(&options);
	assert_int_equal(resident(c), all);
	cache_close(c);
	options.quota = pinned + (UINT64_C(5) << 20);
	c = open_with(&options);
	assert_true(resident(c) >= pinned && resident(c) < all);
	cache_close(c);
}

/* Each is set by itself; a quota that is lowered holds although the floor cannot. */
static void test_a_quota_beside_a_hopeless_floor(void **state)
{
	struct cache_options options = {.directory = *state,
		.set_quota = true,
		.set_floor = true,
		.quota = UINT64_C(10) << 20,
		.floor = UINT64_MAX / 2};
	struct cache *c = sample_open(*state, 0);
	struct cache_info info;

	put_objects(c, 300, 24);
	cache_close(c);
	c = open_with(&options);
	assert_int_equal(cache_info(c, &info), 0);
	assert_true(info.resident > 0 && info.resident < UINT64_C(8) << 20);
	cache_close(c);
	options.set_quota = false;
	options.floor = 0;
	c = open_with(&options);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(info.quota, UINT64_C(10) << 20);
	assert_int_equal(info.floor, 0);
	cache_close(c);
}

/* Other files take the disk: a cache that is less than what is missing stays, one that is
 * enough makes room. */
static void test_a_disk_that_others_fill(void **state)
{
	struct cache_options options = {.directory = *state, .set_floor = true};
	uint64_t before, disk_free;
	struct cache_info info;
	struct cache *c;

	if (mount("tmpfs", *state, "tmpfs", 0, "size=64m,mode=0700"))
		skip();
	c = sample_open(*state, 0);
	put_objects(c, 300, 24);
	before = resident(c);
	assert_int_equal(cache_info(c, &info), 0);
	disk_free = info.disk_free;
	cache_close(c);
	options.floor = disk_free + before + (UINT64_C(4) << 20);
	c = open_with(&options);
	assert_int_equal(resident(c), before);
	cache_close(c);
	options.floor = disk_free + before / 2;
	c = open_with(&options);
	assert_int_equal(cache_info(c, &info), 0);
	assert_true(info.resident > 0 && info.resident < before);
	assert_true(info.disk_free >= options.floor);
	cache_close(c);
	umount2(*state, MNT_DETACH);
}

/* Not a byte is left when the cache is made: that is an error, and no SIGBUS. */
static void test_disk_full_from_the_start(void **state)
{
	struct cache_options options = {.directory = *state};
	struct cache *c;
	struct trouble t = {0};
	char block[4096] = {0}, path[256];
	int fd;

	if (mount("tmpfs", *state, "tmpfs", 0, "size=1m,mode=0700"))
		skip();
	snprintf(path, sizeof path, "%s/fill", (char *)*state);
	options.directory = strcat(strcpy(block, *state), "/cache");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	close(fd);
	assert_int_equal(cache_open(&options, &c, &t), ERR_NO_SPACE);
}

/* Puts what may find no room: whether all of it is there now. */
static bool put_what_fits(struct cache *c, const struct sample *s)
{
	int rc;

	for (uint32_t k = 0; k < s->count; k++) {
		rc = sample_put(c, s, k);
		assert_true(rc == 0 || rc == ERR_NO_SPACE);
	}
	rc = sample_read(c, s);
	assert_true(rc == 0 || rc == ERR_PENDING);
	return rc == 0;
}

/* A disk smaller than what is put: the oldest go, and whoever asks for the newest again
 * finds it there soon. */
static void test_disk_full(void **state)
{
	struct cache *c;

	if (mount("tmpfs", *state, "tmpfs", 0, "size=8m,mode=0700"))
		skip();
	c = sample_open(*state, 0);
	for (unsigned i = 0; i < 60; i++) {
		struct sample s = sample_make(400 + i, 6);

		AWAIT(put_what_fits(c, &s));
		sample_release(&s);
	}
	cache_close(c);
	c = sample_open(*state, 0);
	for (unsigned i = 0; i < 60; i++) {
		struct sample s = sample_make(400 + i, 6);
		int rc = sample_read(c, &s);

		assert_true(rc == 0 || rc == ERR_PENDING);
		sample_release(&s);
	}
	cache_close(c);
	assert_int_equal(umount(*state), 0);
}

/* Somebody else fills the disk: nothing is kept, nothing is wrong, and what there is
 * can be looked at and thrown out. */
static void test_disk_filled_by_others(void **state)
{
	static const uint8_t block[4096];
	struct sample s = sample_make(9, 8), t = sample_make(10, 30);
	struct cache_info info;
	char path[512];
	struct cache *c;
	uint64_t freed;
	int fd;

	if (mount("tmpfs", *state, "tmpfs", 0, "size=8m,mode=0700"))
		skip();
	c = sample_open(*state, 0);
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	snprintf(path, sizeof path, "%s/filler", (char *)*state);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	close(fd);
	for (uint32_t i = 0; i < t.count; i++) {
		int rc = sample_put(c, &t, i);

		assert_true(rc == 0 || rc == ERR_NO_SPACE);
	}
	for (unsigned i = 0; i < 5; i++) {
		struct blob_buffer *page = sample_page(i, 1000);

		cache_put_page(c, page);
		blob_buffer_put(page);
	}
	cache_flush(c);
	assert_int_not_equal(sample_read(c, &s), SAMPLE_WRONG);
	assert_int_not_equal(sample_read(c, &t), SAMPLE_WRONG);
	assert_int_equal(cache_info(c, &info), 0);
	assert_int_equal(cache_evict_to(c, 0, &freed), 0);
	assert_int_equal(unlink(path), 0);
	cache_close(c);
	c = sample_open(*state, 0);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	assert_int_equal(umount(*state), 0);
	sample_release(&s);
	sample_release(&t);
}

/* To LeakSanitizer: whoever jumps out of a fault in LMDB leaves what it was working on. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:liblmdb";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chunks_persist, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_links_within, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_newer_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_limits_outlive_the_books, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aside_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marked_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_compacted_when_mostly_free, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_locks_lost_while_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_while_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_damaged_in_another_process, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_half_of_metadata_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metadata_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_nothing_left_of_damaged_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_while_filling, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_power, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_two_processes_and_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lowered_quota, setup, teardown),
		cmocka_unit_test_setup_teardown(test_floor_above_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_limits_that_cannot_be_met, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_quota_below_what_is_pinned, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_quota_beside_a_hopeless_floor, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_a_disk_that_others_fill, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_disk_full_from_the_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_disk_filled_by_others, setup, teardown),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
