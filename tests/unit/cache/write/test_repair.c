/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cache/meta/victims.h"
#include "cache/write/repair.h"
#include "unit/await.h"
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

	assert_int_equal(directory_open(&other, w->path, DEADLINE_NONE, NULL), 0);
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

/* Of object 1, three chunks, the books know one; its file has all of them. */
static void keep_half(struct writing *w)
{
	struct object *o = sample_object_of(&w->directory, 1, dead_instance(1), 3);
	struct change mark = books_mark(1, 3, 0, 1000);

	mark.instance = dead_instance(1);
	writing_fill_file(o->fd, 3);
	books_apply_one(w->x.metadata, mark);
	atomic_store(&o->recorded, true);
	object_put(o);
}

static void mark_dead(struct writing *w, uint64_t ordinal)
{
	struct change mark = books_mark(1, 3, ordinal, 1000);

	mark.instance = dead_instance(1);
	books_apply_one(w->x.metadata, mark);
}

/* What a killed process wrote and did not note takes room: that counts, until it is noted
 * or gone; and what is kept stays. */
static void test_what_the_dead_wrote(void **state)
{
	struct writing *w = *state;
	struct object_id name = sample_id(1);
	struct object_record r;
	uint64_t disk;

	keep_half(w);
	writing_keep(w, 2, 2, 1000);
	disk = object_file_cost(&w->directory, &name, dead_instance(1));
	assert_true(disk >= 3 * SAMPLE_CHUNK);
	assert_int_equal(books_totals(w->x.metadata).cost, 3 * SAMPLE_CHUNK);
	for (unsigned i = 0; i < 2; i++) {
		repair_run(&w->x);
		assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
		assert_int_equal(r.cost, disk);
		assert_int_equal(r.resident, SAMPLE_CHUNK);
		assert_int_equal(books_totals(w->x.metadata).cost, disk + 2 * SAMPLE_CHUNK);
		assert_int_equal(books_totals(w->x.metadata).resident, 3 * SAMPLE_CHUNK);
	}
	/* The same chunks again, by somebody else: the record stays one that is believed.
	 */
	for (unsigned i = 1; i < 3; i++)
		mark_dead(w, i);
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_int_equal(r.present, 3);
	assert_in_range(r.cost, 3 * SAMPLE_CHUNK, 3 * (SAMPLE_CHUNK + 8192));
	books_apply_one(w->x.metadata,
		(struct change){
			.kind = CHANGE_LOSE, .object = name, .instance = dead_instance(1)});
	assert_int_equal(books_totals(w->x.metadata).cost, 2 * SAMPLE_CHUNK);
}

/* What was noted twice meanwhile is seen for what it is. */
static void test_measured_again(void **state)
{
	struct writing *w = *state;
	struct object_id name = sample_id(1);
	struct object_record r;
	uint64_t disk;

	keep_half(w);
	repair_run(&w->x);
	disk = object_file_cost(&w->directory, &name, dead_instance(1));
	mark_dead(w, 1);
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_true(r.cost > disk + 8192);
	repair_run(&w->x);
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_int_equal(r.cost, disk);
	assert_int_equal(books_totals(w->x.metadata).cost, disk);
	/* A rotten chunk goes: never less than is resident. */
	books_apply_one(w->x.metadata, (struct change){.kind = CHANGE_MEASURE,
					       .object = name,
					       .instance = dead_instance(1),
					       .size = 0});
	books_apply_one(w->x.metadata, (struct change){.kind = CHANGE_DROP,
					       .object = name,
					       .instance = dead_instance(1),
					       .ordinal = 0,
					       .size = SAMPLE_CHUNK});
	assert_int_equal(books_record(w->x.metadata, 1, &r), 0);
	assert_int_equal(r.cost, SAMPLE_CHUNK);
	assert_int_equal(books_totals(w->x.metadata).cost, SAMPLE_CHUNK);
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
		WRITING_TEST(test_what_the_dead_wrote),
		WRITING_TEST(test_measured_again),
		WRITING_TEST(test_rotten_records),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
