/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "cache/write/repair.h"
#include "unit/write_samples.h"

#define DEAD 77 /* a user that there is not; ours is random */

static uint64_t dead_instance(unsigned number)
{
	return (uint64_t)DEAD << 32 | number;
}

static void make_file(struct writing *w, unsigned number, uint64_t instance)
{
	struct object_id name = sample_id(number);
	int fd;

	assert_int_equal(object_file_create(&w->directory, &name, instance, 1000, &fd), 0);
	close(fd);
}

static void test_leases_of_the_dead(void **state)
{
	struct writing *w = *state;

	books_put_lease(w->x.metadata, DEAD, 1000);
	books_put_lease(w->x.metadata, w->directory.user, 2000);
	repair_run(&w->x);
	assert_int_equal(books_lease(w->x.metadata, DEAD), 0);
	assert_int_equal(books_lease(w->x.metadata, w->directory.user), 2000);
}

/* Files that no record knows, of those who cannot make one any more. */
static void test_files_that_are_left_over(void **state)
{
	struct writing *w = *state;

	make_file(w, 1, dead_instance(1));
	make_file(w, 2, dead_instance(2));
	books_add_instance(w->x.metadata, 2, dead_instance(2), 3, 1000);
	make_file(w, 3, dead_instance(3));
	books_add_instance(w->x.metadata, 3, dead_instance(30), 3, 1000);
	make_file(w, 4, writing_instance(w, 4));
	repair_run(&w->x);
	assert_false(sample_has_file(&w->directory, 1, dead_instance(1)));
	assert_true(sample_has_file(&w->directory, 2, dead_instance(2)));
	assert_false(sample_has_file(&w->directory, 3, dead_instance(3)));
	assert_true(writing_has_file(w, 4));
}

static void test_a_user_that_lives(void **state)
{
	struct writing *w = *state;
	struct directory other;
	uint64_t instance;

	assert_int_equal(directory_open(&other, w->path, NULL), 0);
	instance = (uint64_t)other.user << 32 | 1;
	make_file(w, 1, instance);
	books_put_lease(w->x.metadata, other.user, 1000);
	repair_run(&w->x);
	assert_true(sample_has_file(&w->directory, 1, instance));
	assert_int_equal(books_lease(w->x.metadata, other.user), 1000);
	directory_close(&other);
	repair_run(&w->x);
	assert_false(sample_has_file(&w->directory, 1, instance));
	assert_int_equal(books_lease(w->x.metadata, other.user), 0);
}

/* The log has one line of each. */
static void test_rotten_records(void **state)
{
	struct writing *w = *state;
	struct object_id rotten = sample_id(1);
	struct log *log;
	char *path = NULL, text[1024] = "";
	FILE *file;

	assert_true(asprintf(&path, "%s/log", w->path) > 0);
	log = log_new_file(LOG_LEVEL_INFO, path);
	w->x.log = log;
	writing_keep(w, 1, 3, 1000);
	writing_keep(w, 2, 3, 1000);
	make_file(w, 5, dead_instance(5));
	assert_int_equal(
		sample_flip_raw(w->x.metadata, TABLE_OBJECTS, span_of_object(&rotten), 9),
		0);
	repair_run(&w->x);
	assert_false(books_has_record(w->x.metadata, 1));
	assert_true(writing_has(w, 2));
	assert_int_equal(books_totals(w->x.metadata).cost, 3 * SAMPLE_CHUNK);
	w->x.log = NULL;
	log_free(log);
	file = fopen(path, "r");
	assert_true(fread(text, 1, sizeof text - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "threw out 1 rotten records"));
	assert_non_null(strstr(text, "removed 1 files that were left over"));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_leases_of_the_dead),
		WRITING_TEST(test_files_that_are_left_over),
		WRITING_TEST(test_a_user_that_lives),
		WRITING_TEST(test_rotten_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
