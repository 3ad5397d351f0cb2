/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "cache/write/evicted_watch.h"
#include "cache/write/evictor.h"
#include "cache/write/leftovers.h"
#include "unit/await.h"
#include "unit/write_samples.h"

static void wait_until_closed(struct writing *w, unsigned number)
{
	AWAIT(!writing_is_open(w, number));
}

/* As another process throws it out. */
static void lose_elsewhere(struct writing *w, unsigned number)
{
	struct change op = books_change(CHANGE_LOSE, number, 1, 0);

	op.instance = writing_instance(w, number);
	books_apply_one(w->x.metadata, op);
}

static void keep_open(struct writing *w, unsigned number)
{
	struct object *o = writing_object(w, number, 3);

	writing_mark(w, o, number);
	writing_commit_all(w);
	object_put(o);
}

/* Nobody else looks here: there is no writer. */
static void test_what_is_told_is_let_go(void **state)
{
	struct writing *w = *state;
	struct evicted_watch *watch = evicted_watch_new(&w->x);

	if (!watch)
		skip();
	for (unsigned i = 1; i <= 3; i++)
		keep_open(w, i);
	lose_elsewhere(w, 1);
	assert_true(writing_is_open(w, 1));
	directory_tell_evicted(&w->directory);
	wait_until_closed(w, 1);
	assert_true(writing_is_open(w, 2));
	/* And again. */
	lose_elsewhere(w, 3);
	directory_tell_evicted(&w->directory);
	wait_until_closed(w, 3);
	assert_true(writing_is_open(w, 2));
	leftovers_finish(&w->x, LEFTOVERS_ALL);
	assert_false(writing_has_file(w, 1));
	assert_false(writing_has_file(w, 3));
	evicted_watch_free(watch);
}

/* Told by an evictor that finds the file held, whoever that is. */
static void test_an_evictor_tells(void **state)
{
	struct writing *w = *state;
	struct stat before, after;
	struct evictor_goal goal = {.cost = 1};
	struct evictor_result out;
	char *path;
	int fd;

	assert_int_equal(fstat(w->directory.evicted_fd, &before), 0);
	writing_keep(w, 1, 3, 1000);
	writing_keep(w, 2, 3, 1001);
	usleep(20000);
	assert_int_equal(evictor_run(&w->x, &goal, &out), 0);
	assert_int_equal(fstat(w->directory.evicted_fd, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	path = sample_file_path(&w->directory, 2, writing_instance(w, 2));
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(evictor_run(&w->x, &goal, &out), 0);
	assert_int_equal(fstat(w->directory.evicted_fd, &after), 0);
	assert_true(before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
		    before.st_mtim.tv_nsec != after.st_mtim.tv_nsec);
	close(fd);
	free(path);
}

static void test_ends_at_once(void **state)
{
	struct writing *w = *state;

	for (int i = 0; i < 20; i++)
		evicted_watch_free(evicted_watch_new(&w->x));
	evicted_watch_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_what_is_told_is_let_go),
		WRITING_TEST(test_an_evictor_tells),
		WRITING_TEST(test_ends_at_once),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
