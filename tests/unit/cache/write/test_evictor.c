/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>

#include "cache/write/evictor.h"
#include "cache/write/leftovers.h"
#include "unit/await.h"
#include "unit/write_samples.h"

#define COST ((uint64_t)4 * SAMPLE_CHUNK) /* of each object here */

static void keep_some(struct writing *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		writing_keep(w, i, 4, 1000 + i);
}

static struct evictor_result evict(struct writing *w, uint64_t cost, uint64_t resident)
{
	struct evictor_goal goal = {.cost = cost, .resident = resident};
	struct evictor_result out;

	assert_int_equal(evictor_run(&w->x, &goal, &out), 0);
	return out;
}

/* Of objects 0..count-1, those in `kept` (a bit each) are there. */
static void assert_kept(struct writing *w, unsigned count, unsigned kept)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(writing_has(w, i), kept >> i & 1);
}

static void test_the_oldest_go(void **state)
{
	struct writing *w = *state;
	struct evictor_result out;

	keep_some(w, 5);
	out = evict(w, 0, 0);
	assert_int_equal(out.cost, 0);
	assert_kept(w, 5, 0x1f);
	out = evict(w, COST + 1, 0);
	assert_int_equal(out.cost, 2 * COST);
	assert_int_equal(out.resident, 2 * COST);
	assert_kept(w, 5, 0x1c);
	/* In bytes of chunks, not of the disk. */
	out = evict(w, 0, COST);
	assert_int_equal(out.resident, COST);
	assert_kept(w, 5, 0x18);
	/* More than there is. */
	out = evict(w, 100 * COST, 0);
	assert_int_equal(out.cost, 2 * COST);
	assert_kept(w, 5, 0);
	assert_int_equal(evict(w, COST, 0).cost, 0);
}

static void test_more_than_one_transaction(void **state)
{
	struct writing *w = *state;
	struct evictor_result out;

	for (unsigned i = 0; i < 70; i++)
		writing_keep(w, i, 1, 1000 + i);
	out = evict(w, 66 * SAMPLE_CHUNK, 0);
	assert_int_equal(out.cost, 66 * SAMPLE_CHUNK);
	assert_false(writing_has(w, 65));
	assert_true(writing_has(w, 66));
}

static void test_pinned_objects_stay(void **state)
{
	struct writing *w = *state;

	keep_some(w, 3);
	books_pin(w->x.metadata, "pin", 1);
	assert_int_equal(evict(w, 100 * COST, 0).cost, 2 * COST);
	assert_kept(w, 3, 2);
}

static int lend(struct writing *w, unsigned number)
{
	struct object_id name = sample_id(number);
	uint64_t instance = writing_instance(w, number);
	uint64_t file = sample_file_number(&w->directory, number, instance);
	int fd;

	assert_int_equal(object_file_lend(&w->directory, &name, instance, 4 * SAMPLE_CHUNK,
				 file, &fd),
		0);
	return fd;
}

/* Their space would not become free. */
static void test_lent_objects_are_passed_over(void **state)
{
	struct writing *w = *state;
	int fd;

	keep_some(w, 3);
	fd = lend(w, 0);
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_kept(w, 3, 5);
	assert_int_equal(evict(w, 100 * COST, 0).cost, COST);
	assert_kept(w, 3, 1);
	assert_int_equal(evict(w, COST, 0).cost, 0);
	close(fd);
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_kept(w, 3, 0);
}

/* As the oldest, but in use here: open it, in the table. */
static struct object *open_kept(struct writing *w, unsigned number)
{
	struct object_record r = sample_record(writing_instance(w, number), 4);
	struct object_id name = sample_id(number);
	struct object *o = object_new(&w->directory, &name, &r, r.generation);

	assert_non_null(o);
	atomic_store(&o->recorded, true);
	assert_int_equal(
		object_file_open(&w->directory, &name, r.instance, r.size, &o->fd), 0);
	return open_objects_add(w->x.open_objects, o);
}

/* Those in use go when nothing else is left; whoever reads goes on. */
static void test_busy_objects_go_last(void **state)
{
	struct writing *w = *state;
	struct object *o;
	uint8_t byte;

	keep_some(w, 3);
	o = open_kept(w, 0);
	assert_int_equal(evict(w, 2 * COST, 0).cost, 2 * COST);
	assert_kept(w, 3, 1);
	assert_false(atomic_load(&o->gone));
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_kept(w, 3, 0);
	assert_true(atomic_load(&o->gone));
	assert_false(writing_is_open(w, 0));
	assert_int_equal(pread(o->fd, &byte, 1, 1000), 1);
	assert_int_equal(byte, 0x5a);
	object_put(o);
}

/* Open, but not used for long: in its turn. */
static void test_open_objects_are_forgotten(void **state)
{
	struct writing *w = *state;
	struct object *o;

	keep_some(w, 2);
	o = open_kept(w, 0);
	atomic_store(&o->touched, clock_monotonic() - 3600 * NS_PER_SECOND);
	object_put(o);
	assert_true(writing_is_open(w, 0));
	assert_int_equal(evict(w, 1, 0).cost, COST);
	assert_kept(w, 2, 2);
	assert_false(writing_is_open(w, 0));
}

static void test_a_record_without_a_file(void **state)
{
	struct writing *w = *state;
	struct object_id name = sample_id(0);

	keep_some(w, 2);
	assert_int_equal(
		object_file_remove(&w->directory, &name, writing_instance(w, 0)), 0);
	assert_int_equal(evict(w, 1, 0).cost, COST);
	assert_kept(w, 2, 2);
}

static int remove_one(struct writing *w, unsigned number, bool even_pinned)
{
	struct object_id name = sample_id(number);
	struct evictor_result out = {0};
	int rc = evictor_remove(&w->x, &name, even_pinned, &out);

	assert_int_equal(out.cost, rc ? 0 : COST);
	assert_int_equal(out.resident, rc ? 0 : COST);
	return rc;
}

static void test_just_that_object(void **state)
{
	struct writing *w = *state;
	struct object *o;
	int fd;

	keep_some(w, 4);
	assert_int_equal(remove_one(w, 77, true), ERR_ABSENT);
	assert_int_equal(remove_one(w, 2, false), 0);
	assert_kept(w, 4, 0xb);
	books_pin(w->x.metadata, "pin", 1);
	assert_int_equal(remove_one(w, 1, false), ERR_BUSY);
	assert_int_equal(remove_one(w, 1, true), 0);
	fd = lend(w, 3);
	assert_int_equal(remove_one(w, 3, true), ERR_BUSY);
	close(fd);
	assert_kept(w, 4, 9);
	/* That it is in use here is no reason. */
	o = open_kept(w, 0);
	assert_int_equal(remove_one(w, 0, false), 0);
	assert_true(atomic_load(&o->gone));
	object_put(o);
	assert_kept(w, 4, 8);
}

static void test_dead_users(void **state)
{
	struct writing *w = *state;
	struct directory other;
	uint32_t dead[EVICTOR_DEAD_MAX];

	assert_int_equal(directory_open(&other, w->path, DEADLINE_NONE, NULL), 0);
	assert_int_equal(evictor_find_dead(&w->x, dead), 0);
	books_put_lease(w->x.metadata, w->directory.user, 1000);
	books_put_lease(w->x.metadata, other.user, 1000);
	assert_int_equal(evictor_find_dead(&w->x, dead), 0);
	directory_close(&other);
	assert_int_equal(evictor_find_dead(&w->x, dead), 1);
	assert_int_equal(dead[0], other.user);
	for (uint32_t i = 1; i <= 5; i++)
		books_put_lease(w->x.metadata, i, 1000);
	assert_int_equal(evictor_find_dead(&w->x, dead), 6);
}

/* What they wrote and did not commit has no record, and is looked for. */
static void test_leases_of_the_dead_end(void **state)
{
	struct writing *w = *state;
	struct work work;

	books_put_lease(w->x.metadata, w->directory.user, 1000);
	assert_int_equal(evictor_end_leases(&w->x), 0);
	write_queue_urge(w->x.queue);
	write_queue_take(w->x.queue, &work);
	assert_false(work.repair);
	books_put_lease(w->x.metadata, 77, 1000);
	assert_int_equal(evictor_end_leases(&w->x), 0);
	assert_int_equal(books_lease(w->x.metadata, 77), 0);
	assert_int_equal(books_lease(w->x.metadata, w->directory.user), 1000);
	write_queue_take(w->x.queue, &work);
	assert_true(work.repair);
}

static struct victims_sum victims(struct writing *w)
{
	struct space s;

	assert_int_equal(space_look(w->x.metadata, 0, &s), 0);
	return s.victims;
}

/* Where the file system frees at once, no victim is left; where it cannot yet, since
 * another process has the file open, the file keeps its name, its space is to come, and
 * that is found out by anybody. When it takes long, it is no longer awaited. */
static void test_victims_until_their_space_is_free(void **state)
{
	struct writing *w = *state;
	char *path;
	int fd;

	if (!writing_move_to_tmpfs(w, "16m"))
		skip();
	keep_some(w, 4);
	assert_int_equal(evict(w, 2 * COST, 0).cost, 2 * COST);
	assert_int_equal(books_count(w->x.metadata, TABLE_VICTIMS), 0);
	path = sample_file_path(&w->directory, 2, writing_instance(w, 2));
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(evict(w, 1, 0).cost, COST);
	assert_kept(w, 4, 8);
	assert_true(writing_has_file(w, 2));
	assert_int_equal(victims(w).held, COST);
	leftovers_finish(&w->x, LEFTOVERS_HELD);
	assert_int_equal(victims(w).held, COST);
	close(fd);
	leftovers_finish(&w->x, LEFTOVERS_HELD);
	assert_false(writing_has_file(w, 2));
	assert_int_equal(books_count(w->x.metadata, TABLE_VICTIMS), 0);
	free(path);
}

static void set_immutable(struct writing *w, unsigned number, bool on)
{
	char command[512], *path;

	path = sample_file_path(&w->directory, number, writing_instance(w, number));
	snprintf(
		command, sizeof command, "chattr %ci %s 2>/dev/null", on ? '+' : '-', path);
	free(path);
	if (system(command) && on)
		skip();
}

/* One that may not be removed is passed over, and stays what it is. */
static void test_immutable_files_are_passed_over(void **state)
{
	struct writing *w = *state;

	keep_some(w, 3);
	set_immutable(w, 0, true);
	assert_int_equal(evictor_reach(&w->x, 100 * COST), 2 * COST);
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_kept(w, 3, 5);
	assert_int_equal(remove_one(w, 0, true), ERR_BUSY);
	assert_int_equal(evict(w, 100 * COST, 0).cost, COST);
	assert_kept(w, 3, 1);
	set_immutable(w, 0, false);
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_kept(w, 3, 0);
}

/* One of which that is found out too late goes on being counted; others go for it. */
static void test_files_that_cannot_be_removed(void **state)
{
	struct writing *w = *state;
	char name[OBJECT_NAME_SIZE], again[OBJECT_NAME_SIZE + 8];
	struct object_id digest = sample_id(0);

	keep_some(w, 3);
	/* A directory in its place: what unlink(2) says of it is not that it is not there.
	 */
	object_file_name(&digest, writing_instance(w, 0), name);
	snprintf(again, sizeof again, "%s.x", name);
	assert_int_equal(
		renameat(w->directory.objects_fd, name, w->directory.objects_fd, again), 0);
	assert_int_equal(mkdirat(w->directory.objects_fd, name, 0700), 0);
	assert_int_equal(evict(w, COST, 0).cost, COST);
	assert_false(books_has_record(w->x.metadata, 0));
	assert_false(books_has_record(w->x.metadata, 1));
	assert_true(books_has_record(w->x.metadata, 2));
	assert_int_equal(victims(w).stuck, COST);
	assert_int_equal(victims(w).held, 0);
	assert_int_equal(unlinkat(w->directory.objects_fd, name, AT_REMOVEDIR), 0);
	leftovers_finish(&w->x, LEFTOVERS_ALL);
	assert_int_equal(books_count(w->x.metadata, TABLE_VICTIMS), 0);
}

/* Two processes are short of the same: what one has made room for, the other leaves. */
static void test_no_more_than_is_short(void **state)
{
	struct writing *w = *state;
	struct evictor_goal goal = {.cost = 100 * COST, .if_short = true};
	struct evictor_result out;
	struct space s;

	reservation_shrink(write_queue_reservation(w->x.queue));
	keep_some(w, 4);
	assert_int_equal(space_look(w->x.metadata, UINT64_MAX, &s), 0);
	/* Short of a byte. */
	s.limits.quota = 1;
	books_set_limits(w->x.metadata, space_over_quota(&s, 0), 0);
	goal.need = 0;
	assert_int_equal(evictor_run(&w->x, &goal, &out), 0);
	assert_int_equal(out.cost, COST);
	assert_true(out.enough);
	assert_kept(w, 4, 0xe);
	goal.need = COST + COST / 2;
	assert_int_equal(evictor_run(&w->x, &goal, &out), 0);
	assert_int_equal(out.cost, COST);
	assert_kept(w, 4, 0xc);
}

/* Fills the file system with one file, to the last byte. */
static void fill_disk(struct writing *w)
{
	static const uint8_t block[4096];
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/filler", w->path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
	close(fd);
}

/* So full that the books cannot be written: the files go first, and then the records. */
static void test_a_full_disk(void **state)
{
	struct writing *w = *state;
	struct evictor_result out;
	uint64_t disk_free;

	if (!writing_move_to_tmpfs(w, "16m"))
		skip();
	keep_some(w, 4);
	fill_disk(w);
	out = evict(w, 2 * COST, 0);
	assert_int_equal(out.cost, 2 * COST);
	assert_kept(w, 4, 0xc);
	assert_int_equal(directory_free_bytes(&w->directory, &disk_free), 0);
	assert_true(disk_free > 0);
	assert_int_equal(books_count(w->x.metadata, TABLE_VICTIMS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRITING_TEST(test_the_oldest_go),
		WRITING_TEST(test_more_than_one_transaction),
		WRITING_TEST(test_pinned_objects_stay),
		WRITING_TEST(test_lent_objects_are_passed_over),
		WRITING_TEST(test_busy_objects_go_last),
		WRITING_TEST(test_open_objects_are_forgotten),
		WRITING_TEST(test_a_record_without_a_file),
		WRITING_TEST(test_just_that_object),
		WRITING_TEST(test_dead_users),
		WRITING_TEST(test_leases_of_the_dead_end),
		WRITING_TEST(test_victims_until_their_space_is_free),
		WRITING_TEST(test_immutable_files_are_passed_over),
		WRITING_TEST(test_files_that_cannot_be_removed),
		WRITING_TEST(test_no_more_than_is_short),
		WRITING_TEST(test_a_full_disk),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
