/* SPDX-License-Identifier: MIT */
/*
 * A cache that was copied, or whose files were put back from a backup: what the books say
 * of a file was written to another one, so no byte is believed before it was hashed. Or
 * whose books were: what they do not know is nobody's, and counts in no quota.
 */
#include <config.h>

#include <sys/wait.h>

#include "unit/await.h"
#include "unit/cache_samples.h"

#define CHUNKS 8

/* A copy of the object's file, as it is now (heap). */
static char *copy_aside(const char *directory, const struct sample *s, const char *suffix)
{
	char *path = sample_object_path(directory, &s->id.digest), *copy, *command;

	assert_true(asprintf(&copy, "%s%s", directory, suffix) > 0);
	assert_true(asprintf(&command, "cp -p --sparse=always '%s' '%s'", path, copy) > 0);
	assert_int_equal(system(command), 0); /* NOLINT */
	free(command);
	free(path);
	return copy;
}

/* Puts it in the place of the object's file, and frees its name. */
static void put_back(const char *directory, const struct sample *s, char *copy)
{
	char *path = sample_object_path(directory, &s->id.digest);

	assert_int_equal(rename(copy, path), 0);
	free(path);
	free(copy);
}

static unsigned count_here(struct cache *c, const struct sample *s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		struct want w = sample_want(c, s, i);

		n += cache_has(c, &w);
	}
	return n;
}

static void reopen(struct cache **c, const char *directory)
{
	cache_close(*c);
	*c = sample_open(directory, 0);
}

/* Half of it is from before the books: none of the other half is zeros. */
static void test_books_are_newer(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(1, CHUNKS);
	char *copy;

	for (uint32_t i = 0; i < CHUNKS / 2; i++)
		assert_int_equal(sample_put(c, &s, i), 0);
	sample_put_on_disk(c, &s);
	copy = copy_aside(directory, &s, ".old");
	sample_put_all(c, &s);
	sample_put_on_disk(c, &s);
	cache_close(c);
	put_back(directory, &s, copy);
	c = sample_open(directory, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(count_here(c, &s), CHUNKS / 2);
	/* What is brought again is kept. */
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &s), 0);
	reopen(&c, directory);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* A whole copy is used, once it was hashed; then it is believed as any other. */
static void test_a_copy_is_used(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(1, CHUNKS);
	struct object *o;
	char *copy;

	sample_put_all(c, &s);
	sample_put_on_disk(c, &s);
	cache_close(c);
	copy = copy_aside(directory, &s, ".copy");
	put_back(directory, &s, copy);
	for (unsigned i = 0; i < 2; i++) {
		c = sample_open(directory, 0);
		assert_int_equal(sample_read(c, &s), 0);
		assert_int_equal(cache_flush(c), 0);
		o = open_objects_find(c->open_objects, &s.id);
		assert_non_null(o);
		assert_true(o->doubted == (i == 0));
		object_put(o);
		cache_close(c);
	}
	sample_release(&s);
}

/* Another object's file, of the same size. */
static void test_anothers_file(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample one = sample_make(1, CHUNKS), two = sample_make(101, CHUNKS);

	assert_int_equal(one.ref.size, two.ref.size);
	sample_put_all(c, &one);
	sample_put_all(c, &two);
	sample_put_on_disk(c, &one);
	sample_put_on_disk(c, &two);
	cache_close(c);
	put_back(directory, &one, sample_object_path(directory, &two.id.digest));
	c = sample_open(directory, 0);
	assert_int_equal(sample_read(c, &one), ERR_PENDING);
	assert_int_equal(sample_read(c, &two), ERR_PENDING);
	cache_close(c);
	sample_release(&one);
	sample_release(&two);
}

/* Under a process that has the old one open, which goes on for the moment. */
static void test_while_it_is_open(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(1, CHUNKS);
	char *copy;

	for (uint32_t i = 0; i < CHUNKS / 2; i++)
		assert_int_equal(sample_put(c, &s, i), 0);
	sample_put_on_disk(c, &s);
	copy = copy_aside(directory, &s, ".old");
	put_back(directory, &s, copy);
	/* Still written to what is open here, and seen by nobody else. */
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &s), 0);
	reopen(&c, directory);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(count_here(c, &s), CHUNKS / 2);
	cache_close(c);
	sample_release(&s);
}

/* No file at all: the object goes, and can be kept again. */
static void test_a_directory(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(1, CHUNKS);
	char *path;

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	cache_close(c);
	path = sample_object_path(directory, &s.id.digest);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	c = sample_open(directory, 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(cache_flush(c), 0);
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &s), 0);
	reopen(&c, directory);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	assert_int_equal(rmdir(path), 0);
	free(path);
	sample_release(&s);
}

/* Root may open all: then as somebody else. */
static int read_shut(struct cache *c, const struct sample *s, const char *path)
{
	int rc;

	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	rc = sample_read(c, s);
	assert_int_equal(cache_flush(c), 0);
	if (geteuid() != getuid())
		assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(chmod(path, 0600), 0);
	return rc;
}

/* It is not thrown out for that, and somebody is told. */
static void test_may_not_be_opened(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample s = sample_make(1, CHUNKS);
	char *path, *log, text[4096] = "";
	FILE *f;

	sample_put_all(c, &s);
	sample_put_on_disk(c, &s);
	reopen(&c, directory);
	path = sample_object_path(directory, &s.id.digest);
	assert_true(asprintf(&log, "%s/log", directory) > 0);
	c->log = log_new_file(LOG_LEVEL_INFO, log);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(read_shut(c, &s, path), ERR_PENDING);
	assert_int_equal(sample_read(c, &s), 0);
	log_free(c->log);
	c->log = NULL;
	f = fopen(log, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, "permission denied"));
	assert_int_equal(unlink(log), 0);
	cache_close(c);
	free(path);
	free(log);
	sample_release(&s);
}

static void run(const char *directory, const char *command)
{
	char *whole;

	assert_true(asprintf(&whole, "cd '%s' && %s", directory, command) > 0);
	assert_int_equal(system(whole), 0); /* NOLINT */
	free(whole);
}

static unsigned count_files(const char *directory)
{
	char *command;
	unsigned n = 0;
	FILE *p;

	assert_true(asprintf(&command, "find '%s/objects' -type f | wc -l", directory) > 0);
	p = popen(command, "r"); /* NOLINT */
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%u", &n), 1); /* NOLINT */
	pclose(p);
	free(command);
	return n;
}

/* One object, of which the books are kept; then another. How they are put back. */
static void put_back_books(const char *directory, const char *keep, const char *restore)
{
	struct cache *c = sample_open(directory, 0);
	struct sample one = sample_make(1, CHUNKS), two = sample_make(101, CHUNKS);

	sample_put_all(c, &one);
	sample_put_on_disk(c, &one);
	cache_close(c);
	run(directory, keep);
	c = sample_open(directory, 0);
	sample_put_all(c, &two);
	sample_put_on_disk(c, &two);
	cache_close(c);
	assert_int_equal(count_files(directory), 2);
	run(directory, restore);
	sample_release(&one);
	sample_release(&two);
}

/* The first is there, and is hashed: more than the books know may have been done to it. The
 * other's file is nobody's, and goes. */
static void look_at_both(const char *directory, bool first)
{
	struct cache *c = sample_open(directory, 0);
	struct sample one = sample_make(1, CHUNKS), two = sample_make(101, CHUNKS);
	struct object *o;

	assert_int_equal(sample_read(c, &one), first ? 0 : ERR_PENDING);
	assert_int_equal(sample_read(c, &two), ERR_PENDING);
	o = first ? open_objects_find(c->open_objects, &one.id) : NULL;
	assert_true(!first || (o && o->doubted));
	object_put(o);
	cache_close(c);
	assert_int_equal(count_files(directory), first);
	/* Once. */
	c = sample_open(directory, 0);
	assert_true(c->write.generation > 0 && trust_epoch_is_clean(c->metadata));
	sample_put_all(c, &two);
	cache_close(c);
	c = sample_open(directory, 0);
	assert_int_equal(sample_read(c, &two), 0);
	cache_close(c);
	sample_release(&one);
	sample_release(&two);
}

static void test_books_are_older(void **state)
{
	const char *directory = *state;

	put_back_books(directory, "cp -a meta old", "rm -r meta && mv old meta");
	look_at_both(directory, true);
}

/* Its inode and all its times but one are as they were. */
static void test_books_are_older_in_place(void **state)
{
	const char *directory = *state;

	put_back_books(directory, "cp -a meta old", "cp -a old/. meta/");
	look_at_both(directory, true);
}

/* The very file. */
static void test_books_are_moved_back(void **state)
{
	const char *directory = *state;

	put_back_books(
		directory, "mv meta old && cp -a old meta", "rm -r meta && mv old meta");
	look_at_both(directory, true);
}

static void test_books_are_gone(void **state)
{
	const char *directory = *state;

	put_back_books(directory, "true", "rm -r meta");
	look_at_both(directory, false);
}

/* Who was killed has noted nothing at his end. */
static void test_books_are_older_than_a_killed_one(void **state)
{
	const char *directory = *state;
	struct cache *c = sample_open(directory, 0);
	struct sample two = sample_make(101, CHUNKS);
	int status;
	pid_t pid;

	cache_close(c);
	run(directory, "cp -a meta old");
	pid = fork();
	if (pid == 0) {
		c = sample_open_in_child(directory, 0);
		for (uint32_t i = 0; i < CHUNKS; i++)
			if (sample_put(c, &two, i))
				_exit(102);
		_exit(cache_flush(c) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_files(directory), 1);
	run(directory, "cp -a old/. meta/");
	sample_release(&two);
	look_at_both(directory, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_books_are_newer),
		SAMPLE_TEST(test_a_copy_is_used),
		SAMPLE_TEST(test_anothers_file),
		SAMPLE_TEST(test_while_it_is_open),
		SAMPLE_TEST(test_a_directory),
		SAMPLE_TEST(test_may_not_be_opened),
		SAMPLE_TEST(test_books_are_older),
		SAMPLE_TEST(test_books_are_older_in_place),
		SAMPLE_TEST(test_books_are_moved_back),
		SAMPLE_TEST(test_books_are_gone),
		SAMPLE_TEST(test_books_are_older_than_a_killed_one),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
