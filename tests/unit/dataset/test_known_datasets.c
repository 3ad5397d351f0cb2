/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include <sys/file.h>

#include "dataset/known_datasets.h"
#include "dataset/known_keys.h"

#define URL "https://example.org/data"

struct fixture {
	char directory[PATH_SIZE_MAX];
	char keys[PATH_SIZE_MAX + 32], file[PATH_SIZE_MAX + 32];
	struct digest ids[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	make_temporary(f->directory);
	snprintf(f->keys, sizeof f->keys, "%s/known_keys", f->directory);
	snprintf(f->file, sizeof f->file, "%s/known_datasets", f->directory);
	f->ids[0] = digest_of("a", 1);
	f->ids[1] = digest_of("b", 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	remove_tree(f->directory);
	free(f);
	return 0;
}

static void set_file(struct fixture *f, const char *text)
{
	assert_int_equal(
		io_replace_file(AT_FDCWD, f->file, span_of_string(text), 0600, 0), 0);
}

static void note(struct fixture *f, const char *url, int id, uint64_t revision,
	const char *tag, int64_t created)
{
	struct accepted a = {url, f->ids[id], revision, tag, created};
	struct trouble t = {0};

	if (known_datasets_note(f->keys, &a, &t))
		fail_msg("%s", t.text);
}

static int look(
	struct fixture *f, int id, uint64_t *revision, int64_t *created, struct trouble *t)
{
	struct known_datasets k;
	int rc = known_datasets_load(f->keys, &k, t);

	if (rc)
		return rc;
	*revision = 0;
	*created = -1;
	rc = known_datasets_revision(&k, &f->ids[id], revision, t);
	if (rc == ERR_ABSENT || !rc)
		rc = known_datasets_tag(&k, &f->ids[id], "stable", created, t);
	known_datasets_release(&k);
	return rc;
}

static void nothing_is_lowered(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;
	uint64_t revision;
	int64_t created;

	assert_int_equal(look(f, 0, &revision, &created, NULL), ERR_ABSENT);
	note(f, URL, 0, 5, "stable", 1000);
	note(f, URL, 1, 7, NULL, 0);
	note(f, URL, 0, 4, "stable", 999);
	note(f, URL, 0, 0, NULL, 0);
	assert_int_equal(look(f, 0, &revision, &created, NULL), 0);
	assert_int_equal(revision, 5);
	assert_int_equal(created, 1000);
	note(f, URL, 0, 6, "stable", 1001);
	assert_int_equal(look(f, 0, &revision, &created, NULL), 0);
	assert_int_equal(revision, 6);
	assert_int_equal(created, 1001);
	assert_int_equal(look(f, 1, &revision, &created, NULL), ERR_ABSENT);
	assert_int_equal(revision, 7);
	/* What is known is not written again. */
	assert_int_equal(stat(f->file, &before), 0);
	assert_int_equal(before.st_mode & 0777, 0600);
	note(f, URL, 0, 6, "stable", 1001);
	assert_int_equal(stat(f->file, &after), 0);
	assert_true(before.st_ino == after.st_ino);
}

static void a_url_holds_one(void **state)
{
	struct fixture *f = *state;
	struct known_datasets k;
	struct digest id;

	note(f, URL, 0, 1, NULL, 0);
	note(f, URL "/2", 1, 1, NULL, 0);
	note(f, URL, 1, 1, NULL, 0);
	assert_int_equal(known_datasets_load(f->keys, &k, NULL), 0);
	assert_int_equal(known_datasets_by_url(&k, URL, &id, NULL), 0);
	assert_true(digest_equal(&id, &f->ids[1]));
	assert_int_equal(known_datasets_by_url(&k, URL "/", &id, NULL), ERR_ABSENT);
	assert_int_equal(known_datasets_by_url(&k, "https://example.org/dat", &id, NULL),
		ERR_ABSENT);
	known_datasets_release(&k);
}

/* Nothing that a URL has in it makes a line of its own. */
static void a_url_is_a_word(void **state)
{
	struct fixture *f = *state;
	struct accepted a = {.url = "https://x/\nhttps://y/", .id = f->ids[0]};

	assert_int_equal(known_datasets_note(f->keys, &a, NULL), ERR_INVALID);
	a.url = "https://x/ y";
	assert_int_equal(known_datasets_note(f->keys, &a, NULL), ERR_INVALID);
	assert_int_not_equal(access(f->file, F_OK), 0);
}

static void forgotten(void **state)
{
	struct fixture *f = *state;
	struct known_datasets k;
	uint64_t revision;
	int64_t created;
	struct digest id;

	assert_int_equal(known_datasets_forget(f->keys, URL, NULL), ERR_ABSENT);
	set_file(f, "# mine\nno newline at the end");
	note(f, URL, 0, 5, "stable", 1000);
	note(f, URL "/2", 1, 6, "stable", 1000);
	assert_int_equal(known_datasets_forget(f->keys, URL, NULL), 0);
	assert_int_equal(look(f, 0, &revision, &created, NULL), ERR_ABSENT);
	assert_int_equal(revision, 0);
	assert_int_equal(look(f, 1, &revision, &created, NULL), 0);
	assert_int_equal(revision, 6);
	assert_int_equal(known_datasets_load(f->keys, &k, NULL), 0);
	assert_int_equal(known_datasets_by_url(&k, URL, &id, NULL), ERR_ABSENT);
	assert_memory_equal(k.text.data, "# mine\nno newline at the end\n", 29);
	/* It is known that it was forgotten. */
	assert_int_equal(known_datasets_revision(&k, &f->ids[0], &revision, NULL), 0);
	known_datasets_release(&k);
	assert_int_equal(known_datasets_forget(f->keys, URL, NULL), ERR_ABSENT);
}

/* A line that cannot be understood must not count as none. */
static void damage_is_not_ignorance(void **state)
{
	static const char *const values[] = {"", " ", "-1", "+1", "1 ", "1x", "0x1",
		"9007199254740993", "18446744073709551617", "99999999999999999999999999"};
	struct fixture *f = *state;
	char hex[DIGEST_HEX_SIZE], text[512];
	uint64_t revision;
	int64_t created;

	digest_to_hex(&f->ids[0], hex);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct accepted a = {URL, f->ids[0], 5, NULL, 0};
		struct trouble t = {0};

		snprintf(text, sizeof text, "dataset %s %s\n", hex, values[i]);
		set_file(f, text);
		assert_int_equal(look(f, 0, &revision, &created, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, f->file));
		assert_int_equal(known_datasets_note(f->keys, &a, NULL), ERR_CORRUPT);
		/* Others do not mind. */
		note(f, URL, 1, 3, NULL, 0);
		assert_int_equal(look(f, 1, &revision, &created, NULL), ERR_ABSENT);
		assert_int_equal(revision, 3);
	}
	snprintf(text, sizeof text, "url %s %.63s\n", URL, hex);
	set_file(f, text);
	assert_int_equal(known_datasets_forget(f->keys, URL, NULL), ERR_CORRUPT);
	assert_int_equal(truncate(f->file, KNOWN_DATASETS_SIZE_MAX + 1), 0);
	assert_int_equal(look(f, 0, &revision, &created, NULL), ERR_LIMIT);
}

/* Wherever the file is cut within a line, and when it is written over: nobody takes that
 * for a file that knows nothing. */
static void cut_or_written_over(void **state)
{
	struct fixture *f = *state;
	struct bytes whole = {0};
	uint64_t revision;
	int64_t created;

	note(f, URL, 0, 1234, "stable", 5678);
	note(f, "https://b.example/", 1, 7, NULL, 0);
	assert_int_equal(io_read_file(AT_FDCWD, f->file, 10000, &whole), 0);
	for (size_t n = whole.size - 1; n > 0; n--) {
		if (whole.data[n - 1] == '\n')
			continue;
		assert_int_equal(truncate(f->file, (off_t)n), 0);
		assert_int_equal(look(f, 1, &revision, &created, NULL), ERR_CORRUPT);
	}
	memset(whole.data, 0, whole.size);
	assert_int_equal(
		io_replace_file(AT_FDCWD, f->file, span_of_bytes(&whole), 0600, 0), 0);
	assert_int_equal(look(f, 0, &revision, &created, NULL), ERR_CORRUPT);
	bytes_release(&whole);
}

struct noting {
	struct fixture *f;
	int id;
};

static void *note_many(void *arg)
{
	const struct noting *n = arg;

	for (uint64_t i = 1; i <= 50; i++)
		note(n->f, n->id ? URL "/1" : URL "/0", n->id, i, "stable", (int64_t)i);
	return NULL;
}

/* None of two who write at once undoes what the other wrote. */
static void two_at_once(void **state)
{
	struct noting n[2] = {{*state, 0}, {*state, 1}};
	pthread_t threads[2];
	uint64_t revision;
	int64_t created;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, note_many, &n[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(look(*state, i, &revision, &created, NULL), 0);
		assert_int_equal(revision, 50);
		assert_int_equal(created, 50);
	}
}

/* Nobody is at its other end. */
static void a_fifo_is_refused(void **state)
{
	struct fixture *f = *state;
	struct known_datasets known;
	struct trouble t = {0};

	set_file(f, "");
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	assert_int_equal(known_datasets_load(f->keys, &known, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "FIFO"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_lowered),
		TEST(a_url_holds_one),
		TEST(a_url_is_a_word),
		TEST(forgotten),
		TEST(damage_is_not_ignorance),
		TEST(cut_or_written_over),
		TEST(a_fifo_is_refused),
		TEST(two_at_once),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
