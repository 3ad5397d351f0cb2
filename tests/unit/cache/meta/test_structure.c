/* SPDX-License-Identifier: MIT */
/*
 * What LMDB writes is sound, whatever was done to it; and what passes, however it was
 * damaged, LMDB can work with. CAIRN_LONG=1: thousands of damaged copies; CAIRN_SEED
 * repeats a run.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cache/meta/free_pages.h"
#include "util/structure.h"
#include "unit/meta_samples.h"

#define DAMAGES 40
#define DAMAGES_LONG 5000
#define KEYS 3000u

static uint64_t dice_state = 1;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % sides;
}

static int change_some(MDB_txn *txn, void *arg)
{
	static const enum table tables[] = {
		TABLE_PAGES, TABLE_OBJECTS, TABLE_CHUNKS, TABLE_USE};
	static uint8_t value[40000];
	struct metadata *m = arg;
	int rc = 0;

	for (unsigned i = 0; i < 200 && !rc; i++) {
		enum table table = tables[dice(4)];
		unsigned k = dice(KEYS);
		struct digest key = sample_digest(k);
		struct span s = span_of(key.bytes, 1 + k % DIGEST_SIZE);
		size_t size = dice(8) ? dice(300) : dice(sizeof value);

		if (dice(3) == 0)
			rc = table_delete(m, txn, table, s);
		else
			rc = table_put(
				m, txn, table, s, span_of(value, size), span_of(NULL, 0));
	}
	return rc;
}

static void change(struct metadata *m, unsigned times)
{
	while (times--)
		books_write(m, change_some, m);
}

static void test_nothing_yet(void **state)
{
	struct structure s = {1, 1};

	assert_int_equal(structure_check(*state, &s), 0);
	assert_int_equal(s.bytes, 0);
	metadata_close(books_open(*state, 0));
	assert_int_equal(structure_check(*state, &s), 0);
	assert_true(s.bytes > 0);
}

static int drop_all(MDB_txn *txn, void *arg)
{
	return mdb_drop(txn, metadata_table(arg, TABLE_CHUNKS), 0);
}

static void test_what_lmdb_writes_passes(void **state)
{
	struct metadata *m = books_open(*state, 0);
	struct structure s;
	MDB_txn *reader;

	for (unsigned i = 0; i < 40; i++) {
		if (i == 10)
			assert_int_equal(metadata_read(m, &reader), 0);
		if (i == 30)
			metadata_read_end(m, reader);
		if (i == 20)
			books_write(m, drop_all, m);
		change(m, 1);
		assert_int_equal(structure_check(*state, &s), 0);
		assert_int_equal(s.bytes, metadata_bytes(m));
		assert_int_equal(s.free, free_pages_bytes(m));
	}
	metadata_close(m);
}

static char *file_of(const char *directory)
{
	char *path;

	assert_true(asprintf(&path, "%s/data.mdb", directory) > 0);
	return path;
}

static void *load(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	void *data;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

static void save(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* In the places that LMDB believes, mostly. */
static void damage(uint8_t *data, size_t size)
{
	unsigned times = 1 + dice(3), pages = (unsigned)(size / 4096);

	while (times--) {
		uint8_t *page = data + 4096 * (size_t)(dice(3) ? dice(pages) : dice(20));
		unsigned at = dice(2) ? dice(64) : dice(4096);

		switch (dice(6)) {
		case 0:
			page[at] = (uint8_t)dice(256);
			break;
		case 1:
			memset(page, 0, 4096);
			break;
		case 2:
			memcpy(page, data + 4096 * (size_t)dice(pages), 4096);
			break;
		case 3:
			for (unsigned i = 0; i < 4096; i++)
				page[i] = (uint8_t)dice(256);
			break;
		default:
			page[at] ^= (uint8_t)(1 << dice(8));
		}
	}
}

/* All that the books do to LMDB. */
static void use_all(const char *directory)
{
	struct metadata *m;
	MDB_txn *txn;

	alarm(60);
	if (metadata_open(directory, 0, DEADLINE_NONE, NULL, &m, NULL))
		_exit(0);
	for (unsigned t = 0; t < TABLE_COUNT && !metadata_read(m, &txn); t++) {
		struct table_cursor c = {0};
		struct span key;
		MDB_val raw;

		while (!table_next(m, txn, t, span_of(NULL, 0), &c, &key, &raw))
			(void)table_value(&raw, &key);
		table_cursor_close(&c);
		metadata_read_end(m, txn);
	}
	free_pages_bytes(m);
	for (unsigned i = 0; i < 10; i++)
		if (metadata_write(m, DEADLINE_NONE, change_some, m))
			break;
	metadata_write(m, DEADLINE_NONE, drop_all, m);
	metadata_close(m);
	_exit(0);
}

static void use_in_child(const char *directory, unsigned number)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		use_all(directory);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("damage %u passed, and then status %d", number, status);
}

static void test_what_passes_can_be_used(void **dir)
{
	const char *seed = getenv("CAIRN_SEED");
	unsigned count = getenv("CAIRN_LONG") ? DAMAGES_LONG : DAMAGES, passed = 0;
	struct metadata *m = books_open(*dir, 0);
	char *path = file_of(*dir);
	uint8_t *data, *copy;
	size_t size;

	change(m, 15);
	metadata_close(m);
	data = load(path, &size);
	copy = malloc(size);
	dice_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)clock_realtime();
	printf("%u damaged copies, CAIRN_SEED=%llu\n", count,
		(unsigned long long)dice_state);
	for (unsigned i = 0; i < count; i++) {
		struct structure s;
		int rc;

		memcpy(copy, data, size);
		damage(copy, size);
		save(path, copy, dice(20) ? size : dice((unsigned)size));
		rc = structure_check(*dir, &s);
		assert_true(rc == 0 || rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED);
		if (!rc)
			use_in_child(*dir, i);
		passed += !rc;
	}
	printf("%u passed\n", passed);
	free(copy);
	free(data);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_nothing_yet),
		SAMPLE_TEST(test_what_lmdb_writes_passes),
		SAMPLE_TEST(test_what_passes_can_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
