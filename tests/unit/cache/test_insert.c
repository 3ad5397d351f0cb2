/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/wait.h>

#include "unit/await.h"
#include "unit/cache_samples.h"

static void test_copy_from_elsewhere(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample many = sample_make(1, 5), one = sample_make(2, 1);
	struct want w = sample_want(c, &many, 3);
	uint8_t *got = malloc(CHUNK_SIZE_MAX), expected[SAMPLE_CHUNK];

	assert_int_equal(cache_copy_chunk(c, &w.digest, got, w.size), ERR_ABSENT);
	sample_put_all(c, &many);
	sample_put_all(c, &one);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(cache_copy_chunk(c, &w.digest, got, w.size), 0);
	sample_fill(1, 3, expected, w.size);
	assert_memory_equal(got, expected, w.size);
	assert_int_equal(cache_copy_chunk(c, &w.digest, got, w.size - 1), ERR_ABSENT);
	/* A chunk that is an object. */
	assert_int_equal(cache_copy_chunk(c, &one.ref.digest, got, one.ref.size), 0);
	sample_fill(2, 0, expected, one.ref.size);
	assert_memory_equal(got, expected, one.ref.size);
	assert_int_equal(
		cache_copy_chunk(c, &one.ref.digest, got, one.ref.size + 1), ERR_ABSENT);
	/* An object of several is no chunk. */
	assert_int_equal(
		cache_copy_chunk(c, &many.ref.digest, got, many.ref.size), ERR_ABSENT);
	free(got);
	cache_close(c);
	sample_release(&many);
	sample_release(&one);
}

static void test_rot_is_not_copied(void **state)
{
	struct cache *c = sample_open(*state, 0);
	struct sample s = sample_make(3, 4);
	struct want w = sample_want(c, &s, 1);
	uint8_t got[SAMPLE_CHUNK];
	char *path;
	int fd;

	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	path = sample_object_path(*state, &s.ref.digest);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "rot", 3, SAMPLE_CHUNK + 9), 3);
	close(fd);
	free(path);
	assert_int_equal(cache_copy_chunk(c, &w.digest, got, w.size), ERR_ABSENT);
	assert_false(cache_has(c, &w));
	assert_int_equal(cache_flush(c), 0);
	assert_false(cache_has(c, &w));
	cache_close(c);
	sample_release(&s);
}

/* As a dataset says that gives an honest object's digest to other chunks. */
static struct sample make_lie(const struct sample *honest, unsigned number, uint32_t count)
{
	struct sample lie = sample_make(number, count);

	lie.ref.digest = honest->ref.digest;
	lie.id = object_id_of(&lie.ref);
	return lie;
}

static void assert_both(struct cache *c, const struct sample *a, const struct sample *b)
{
	struct cache_verify v = {.repair = true};

	assert_int_equal(sample_read(c, a), 0);
	assert_int_equal(sample_read(c, b), 0);
	assert_int_equal(cache_verify(c, &v), 0);
	assert_int_equal(v.bad, 0);
	assert_true(v.bytes >= a->ref.size + b->ref.size);
}

/* Neither the liar nor the honest one keeps the other out, whoever comes first, however
 * alike their lists are, and the end of one is not that of the other. */
static void check_lie(void **state, uint32_t count, bool lie_first)
{
	struct sample honest = sample_make(1, 3), lie = make_lie(&honest, 2, count);
	const struct sample *first = lie_first ? &lie : &honest;
	const struct sample *second = lie_first ? &honest : &lie;
	struct cache *c = sample_open(*state, 0);
	struct cache_object o;
	uint64_t freed;

	assert_false(object_id_equal(&honest.id, &lie.id));
	assert_int_equal(cache_pin(c, "pin", &honest.id), 0);
	sample_put_all(c, first);
	sample_put_all(c, second);
	assert_both(c, &honest, &lie);
	cache_close(c);
	c = sample_open(*state, 0);
	assert_both(c, &honest, &lie);
	assert_int_equal(cache_find_object(c, &lie.id, &o), 0);
	assert_false(o.pinned);
	assert_int_equal(cache_find_object(c, &honest.id, &o), 0);
	assert_true(o.pinned);
	assert_int_equal(cache_evict_object(c, &lie.id, false, &freed), 0);
	assert_int_equal(sample_read(c, &lie), ERR_PENDING);
	assert_int_equal(sample_read(c, &honest), 0);
	assert_int_equal(cache_evict_object(c, &honest.id, true, &freed), 0);
	cache_close(c);
	sample_release(&honest);
	sample_release(&lie);
}

static void test_a_lie_is_another_object(void **state)
{
	check_lie(state, 3, true);
	check_lie(state, 3, false);
	check_lie(state, 5, true);
	check_lie(state, 2, false);
}

/* What one process puts, another that has the object open finds. */
static void test_another_process_fills(void **state)
{
	struct sample s = sample_make(4, 4);
	int go[2], done[2];
	struct cache *c;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		c = sample_open_in_child(*state, 0);
		for (uint32_t i = 1; i < 4; i++)
			if (sample_put(c, &s, i))
				_exit(2);
		cache_flush(c);
		if (write(done[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(3);
		/* And throws it out, while the other one has it open. */
		uint64_t freed;

		if (cache_evict_object(c, &s.id, false, &freed) || freed != s.ref.size)
			_exit(4);
		cache_close(c);
		_exit(0);
	}
	c = sample_open(*state, 0);
	assert_int_equal(sample_put(c, &s, 0), 0);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(read(done[0], &byte, 1), 1);
	assert_int_equal(sample_read(c, &s), 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Noticed within about a second; until then what is open is read. */
	AWAIT(sample_read(c, &s) != 0);
	assert_int_equal(sample_read(c, &s), ERR_PENDING);
	sample_put_all(c, &s);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

/* A repair by one process reaches another that believes in its own marks. */
static void test_another_process_repairs(void **state)
{
	struct sample s = sample_make(5, 4);
	struct cache *c = NULL;
	char *path, byte = 0;
	int go[2], status, fd;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		struct cache_verify v = {.repair = true};

		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		c = sample_open_in_child(*state, 0);
		if (cache_verify(c, &v) || v.bad != 1)
			_exit(2);
		cache_close(c);
		_exit(0);
	}
	c = sample_open(*state, 0);
	sample_put_all(c, &s);
	assert_int_equal(cache_flush(c), 0);
	path = sample_object_path(*state, &s.ref.digest);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "rot", 3, SAMPLE_CHUNK + 9), 3);
	close(fd);
	free(path);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	AWAIT(sample_read(c, &s) == ERR_PENDING);
	assert_int_equal(sample_put(c, &s, 1), 0);
	assert_int_equal(sample_read(c, &s), 0);
	cache_close(c);
	sample_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE_TEST(test_copy_from_elsewhere),
		SAMPLE_TEST(test_rot_is_not_copied),
		SAMPLE_TEST(test_a_lie_is_another_object),
		SAMPLE_TEST(test_another_process_fills),
		SAMPLE_TEST(test_another_process_repairs),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
