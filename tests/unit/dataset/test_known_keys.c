/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/small_store.h"

#include "dataset/known_keys.h"
#include "unit/stop_child.h"

#define URL "https://example.org/data"

struct fixture {
	char directory[PATH_SIZE_MAX];
	char file[PATH_SIZE_MAX + 32];
	struct public_key keys[2];
};

static void setup(struct fixture *f)
{
	make_temporary(f->directory);
	/* Its directories are missing, too. */
	snprintf(f->file, sizeof(f->file), "%s/a/b/known_keys", f->directory);
	for (int i = 0; i < 2; i++) {
		struct private_key *key;

		assert_int_equal(private_key_generate(&key), 0);
		f->keys[i] = private_key_public(key);
		private_key_free(key);
	}
}

static void teardown(struct fixture *f)
{
	remove_tree(f->directory);
}

static void set_file(struct fixture *f, const char *text)
{
	snprintf(f->file, sizeof(f->file), "%s/known_keys", f->directory);
	assert_int_equal(
		io_replace_file(AT_FDCWD, f->file, span_of_string(text), 0600, 0), 0);
}

static void what_was_added_is_found(void **state)
{
	struct public_key key;
	struct stat st;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(known_keys_lookup(f.file, URL, &key, NULL), ERR_ABSENT);
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[0], NULL), 0);
	assert_int_equal(known_keys_add(f.file, URL "/2", &f.keys[1], NULL), 0);
	assert_int_equal(known_keys_lookup(f.file, URL, &key, NULL), 0);
	assert_true(public_key_equal(&key, &f.keys[0]));
	assert_int_equal(known_keys_lookup(f.file, URL "/2", &key, NULL), 0);
	assert_true(public_key_equal(&key, &f.keys[1]));
	assert_int_equal(known_keys_lookup(f.file, "https://example.org/dat", &key, NULL),
		ERR_ABSENT);
	assert_int_equal(stat(f.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	teardown(&f);
}

static void a_key_is_never_replaced(void **state)
{
	struct trouble t = {0};
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[0], NULL), 0);
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[0], NULL), 0);
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[1], &t), ERR_EXISTS);
	assert_non_null(strstr(t.text, URL));
	assert_int_equal(known_keys_lookup(f.file, URL, &key, NULL), 0);
	assert_true(public_key_equal(&key, &f.keys[0]));
	teardown(&f);
}

static void peoples_lines_are_kept(void **state)
{
	char spelt[PUBLIC_KEY_TEXT_SIZE], text[1024];
	struct bytes after = {0};
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	public_key_to_text(&f.keys[0], spelt);
	snprintf(text, sizeof(text),
		"# mine\n\n  %s\t%s \r\nnonsense\nhttps://other/ x y z", URL, spelt);
	set_file(&f, text);
	assert_int_equal(known_keys_lookup(f.file, URL, &key, NULL), 0);
	assert_true(public_key_equal(&key, &f.keys[0]));
	assert_int_equal(known_keys_add(f.file, URL "/2", &f.keys[1], NULL), 0);
	assert_int_equal(known_keys_lookup(f.file, URL "/2", &key, NULL), 0);
	assert_int_equal(io_read_file(AT_FDCWD, f.file, 10000, &after), 0);
	assert_memory_equal(after.data, text, strlen(text));
	bytes_release(&after);
	teardown(&f);
}

/* A line of the URL that cannot be understood must not count as none. */
static void forgetting_one_leaves_all_others(void **state)
{
	struct bytes text = {0};
	struct fixture f;

	(void)state;
	setup(&f);
	set_file(&f, "\n# mine\n\n" URL " nonsense\n\n" URL "/2 x\n# no end");
	assert_int_equal(known_keys_remove(f.file, URL, NULL), 0);
	assert_int_equal(io_read_file(AT_FDCWD, f.file, 1000, &text), 0);
	assert_int_equal(bytes_append(&text, "", 1), 0);
	assert_string_equal((char *)text.data, "\n# mine\n\n\n" URL "/2 x\n# no end\n");
	bytes_release(&text);
	assert_int_equal(known_keys_remove(f.file, URL, NULL), ERR_ABSENT);
	teardown(&f);
}

static void damage_is_not_ignorance(void **state)
{
	static const char *const lines[] = {
		URL "\n",
		URL " \n",
		URL " ed25519:short\n",
		URL " ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= x\n",
	};
	struct trouble t;
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		set_file(&f, lines[i]);
		t = (struct trouble){0};
		assert_int_equal(known_keys_lookup(f.file, URL, &key, &t), ERR_CORRUPT);
		assert_non_null(strstr(t.text, "line 1"));
		assert_int_equal(
			known_keys_add(f.file, URL, &f.keys[0], NULL), ERR_CORRUPT);
	}
	teardown(&f);
}

static int count_key(void *ctx, struct span url, const struct public_key *key)
{
	(void)url, (void)key;
	++*(int *)ctx;
	return 0;
}

/* A disk that was cut off leaves blocks of zeros. */
static void a_nul_is_passed_over(void **state)
{
	static const char zeros[] = "\0\0 \n\0";
	struct fixture f;
	int count = 0;

	(void)state;
	setup(&f);
	set_file(&f, "");
	assert_int_equal(io_replace_file(AT_FDCWD, f.file,
				 span_of(zeros, sizeof(zeros) - 1), 0600, 0),
		0);
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[0], NULL), 0);
	assert_int_equal(known_keys_each(f.file, count_key, &count, NULL), 0);
	assert_int_equal(count, 1);
	teardown(&f);
}

static void odd_bytes_do_no_harm(void **state)
{
	uint8_t noise[4096];
	struct public_key key;
	struct fixture f;

	(void)state;
	setup(&f);
	set_file(&f, "");
	for (uint64_t seed = 0; seed < 50; seed++) {
		fill_noise(noise, sizeof(noise), seed);
		assert_int_equal(io_replace_file(AT_FDCWD, f.file,
					 span_of(noise, sizeof(noise)), 0600, 0),
			0);
		assert_int_equal(known_keys_lookup(f.file, URL, &key, NULL), ERR_ABSENT);
	}
	teardown(&f);
}

static void urls_are_one_word(void **state)
{
	static const char *const urls[] = {"", "#x", "https://a b", "https://a\nb", "a\tb"};
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(
			known_keys_add(f.file, urls[i], &f.keys[0], NULL), ERR_INVALID);
	teardown(&f);
}

struct adder {
	struct fixture *f;
	int number;
};

static void *add_some(void *arg)
{
	struct adder *a = arg;
	char url[64];

	for (int i = 0; i < 5; i++) {
		snprintf(url, sizeof(url), "https://host%d/%d", a->number, i);
		assert_int_equal(
			known_keys_add(a->f->file, url, &a->f->keys[i % 2], NULL), 0);
	}
	return NULL;
}

/* Nobody is at its other end; nor is it replaced. */
static void a_fifo_is_refused(void **state)
{
	struct trouble t = {0};
	struct public_key key;
	struct fixture f;
	struct stat st;

	(void)state;
	setup(&f);
	snprintf(f.file, sizeof(f.file), "%s/known_keys", f.directory);
	assert_int_equal(mkfifo(f.file, 0600), 0);
	assert_int_equal(known_keys_lookup(f.file, URL, &key, &t), ERR_INVALID);
	assert_non_null(strstr(t.text, "known_keys"));
	assert_non_null(strstr(t.text, "FIFO"));
	assert_int_equal(known_keys_add(f.file, URL, &f.keys[0], &t), ERR_INVALID);
	assert_int_equal(stat(f.file, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	teardown(&f);
}

static void none_is_lost_in_a_crowd(void **state)
{
	struct adder adders[4];
	pthread_t threads[4];
	struct public_key key;
	struct fixture f;
	char url[64];

	(void)state;
	setup(&f);
	for (int i = 0; i < 4; i++) {
		adders[i] = (struct adder){&f, i};
		assert_int_equal(
			pthread_create(&threads[i], NULL, add_some, &adders[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 20; i++) {
		snprintf(url, sizeof(url), "https://host%d/%d", i / 5, i % 5);
		assert_int_equal(known_keys_lookup(f.file, url, &key, NULL), 0);
		assert_true(public_key_equal(&key, &f.keys[i % 5 % 2]));
	}
	teardown(&f);
}

static void the_users_file_is_the_default(void **state)
{
	struct public_key key;
	struct fixture f;
	char *path;

	(void)state;
	setup(&f);
	setenv("XDG_CONFIG_HOME", f.directory, 1);
	path = known_keys_file(NULL);
	assert_non_null(strstr(path, f.directory));
	assert_int_equal(known_keys_add(NULL, URL, &f.keys[0], NULL), 0);
	assert_int_equal(known_keys_lookup(path, URL, &key, NULL), 0);
	free(path);
	unsetenv("XDG_CONFIG_HOME");
	teardown(&f);
}

static void lock_and_wait(struct stop_child *c, void *arg)
{
	const struct fixture *f = arg;
	int fd;

	if (known_keys_lock(f->file, &fd, NULL))
		_exit(1);
	stop_child_say(c);
	stop_child_listen(c);
	stop_child_say(c);
	stop_child_listen(c);
	known_keys_unlock(fd);
}

/* Ctrl-Z in the middle of a change keeps nobody waiting. */
static void a_stop_waits_for_the_lock(void **state)
{
	struct stop_child c;
	struct fixture f;
	int fd;

	(void)state;
	setup(&f);
	stop_child_start(&c, lock_and_wait, &f);
	stop_child_hear(&c);
	kill(c.pid, SIGTSTP);
	stop_child_tell(&c);
	stop_child_hear(&c);
	stop_child_see_running(&c);
	stop_child_tell(&c);
	stop_child_see_stopped(&c);
	assert_int_equal(known_keys_lock(f.file, &fd, NULL), 0);
	known_keys_unlock(fd);
	kill(c.pid, SIGCONT);
	stop_child_end(&c);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found),
		cmocka_unit_test(a_key_is_never_replaced),
		cmocka_unit_test(peoples_lines_are_kept),
		cmocka_unit_test(forgetting_one_leaves_all_others),
		cmocka_unit_test(damage_is_not_ignorance),
		cmocka_unit_test(a_nul_is_passed_over),
		cmocka_unit_test(odd_bytes_do_no_harm),
		cmocka_unit_test(urls_are_one_word),
		cmocka_unit_test(a_fifo_is_refused),
		cmocka_unit_test(none_is_lost_in_a_crowd),
		cmocka_unit_test(the_users_file_is_the_default),
		cmocka_unit_test(a_stop_waits_for_the_lock),
	};

	stop_child_heed();
	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
