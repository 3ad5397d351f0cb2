/* SPDX-License-Identifier: MIT */
/*
 * For tests of what writes to the books: a cache's parts as the writer has them, with a
 * lease to draw from and without the writer's thread, so that a test takes each step
 * itself. Objects are of this process's instances, and have files with bytes in them.
 */
#ifndef CAIRN_TESTS_WRITE_SAMPLES_H
#define CAIRN_TESTS_WRITE_SAMPLES_H

#ifdef __linux__
#include <sys/mount.h>
#endif

#include "cache/meta/settings.h"
#include "cache/meta/space.h"
#include "cache/objects/meta_directory.h"
#include "cache/write/commit.h"
#include "unit/object_samples.h"
#include "util/io.h"

#define WRITING_LEASE (UINT64_C(64) << 20)

struct writing {
	char *path;
	bool mounted; /* a tmpfs of its own */
	struct directory directory;
	struct write_context x;
};

static inline void writing_open(struct writing *w, struct log *log)
{
	struct settings settings = {
		.set_quota = true, .set_floor = true, .alone = true, .epoch.boot = 1};
	struct write_context *x = &w->x;
	char *path = NULL;

	assert_int_equal(directory_open(&w->directory, w->path, DEADLINE_NONE, NULL), 0);
	directory_admit(&w->directory, DEADLINE_NONE, NULL);
	x->log = log;
	x->directory = &w->directory;
	assert_int_equal(meta_directory_open(&w->directory, &path, NULL), 0);
	x->metadata = books_open(path, 0);
	free(path);
	assert_int_equal(settings_enter(x->metadata, DEADLINE_NONE, &settings), 0);
	x->boot = settings.epoch.boot;
	atomic_init(&x->generation, settings.epoch.generation);
	x->verified = verified_pages_new();
	x->open_objects = open_objects_new(1024);
	assert_int_equal(write_queue_new(&x->queue), 0);
	reservation_commit(write_queue_reservation(x->queue), 0, WRITING_LEASE);
}

static inline void writing_close(struct writing *w)
{
	open_objects_free(w->x.open_objects);
	write_queue_free(w->x.queue);
	verified_pages_free(w->x.verified);
	metadata_close(w->x.metadata);
	directory_close(&w->directory);
}

static inline int writing_setup(void **state)
{
	struct writing *w = calloc(1, sizeof *w);

	w->path = sample_directory();
	writing_open(w, NULL);
	*state = w;
	return 0;
}

static inline void writing_unmount(struct writing *w)
{
#ifdef __linux__
	if (w->mounted)
		umount2(w->path, MNT_DETACH);
#endif
	w->mounted = false;
}

static inline int writing_teardown(void **state)
{
	struct writing *w = *state;

	writing_close(w);
	writing_unmount(w);
	sample_remove(w->path);
	free(w);
	return 0;
}

#define WRITING_TEST(test)                                                                 \
	cmocka_unit_test_setup_teardown(test, writing_setup, writing_teardown)

/* Begins anew on a file system of `size` ("8m"), where that may be mounted; false: not. */
static inline bool writing_move_to_tmpfs(struct writing *w, const char *size)
{
#ifdef __linux__
	char options[64];

	writing_close(w);
	snprintf(options, sizeof options, "size=%s,mode=0700", size);
	w->mounted = mount("tmpfs", w->path, "tmpfs", 0, options) == 0;
	writing_open(w, NULL);
#else
	(void)w, (void)size;
#endif
	return w->mounted;
}

static inline uint64_t writing_instance(const struct writing *w, unsigned number)
{
	return (uint64_t)w->directory.user << 32 | number;
}

static inline void writing_fill_file(int fd, uint64_t chunks)
{
	uint8_t *bytes = malloc(chunks * SAMPLE_CHUNK);

	memset(bytes, 0x5a, chunks * SAMPLE_CHUNK);
	assert_int_equal(io_pwrite_full(fd, bytes, chunks * SAMPLE_CHUNK, 0), 0);
	free(bytes);
}

/* Object `number`, open, in the table, not yet in the books; with a reference. */
static inline struct object *writing_object(
	struct writing *w, unsigned number, uint64_t chunks)
{
	struct object *o = sample_object_of(
		&w->directory, number, writing_instance(w, number), chunks);

	o->generation = atomic_load(&w->x.generation);
	writing_fill_file(o->fd, chunks);
	return open_objects_add(w->x.open_objects, o);
}

static inline struct want writing_want(
	const struct object *o, unsigned number, uint64_t ordinal)
{
	return (struct want){.kind = BLOB_CHUNK,
		.digest = sample_chunk_digest(number, ordinal),
		.size = SAMPLE_CHUNK,
		.object = o->id,
		.object_size = o->size,
		.chunks = o->chunks,
		.ordinal = ordinal,
		.start = ordinal * SAMPLE_CHUNK};
}

/* Reserves for all chunks of object `number`, and hands their marks over. */
static inline void writing_mark(struct writing *w, struct object *o, unsigned number)
{
	for (uint64_t i = 0; i < o->chunks; i++) {
		struct want want = writing_want(o, number, i);

		assert_int_equal(
			reservation_draw(write_queue_reservation(w->x.queue), SAMPLE_CHUNK),
			0);
		object_set_present(o, i);
		assert_int_equal(write_queue_mark(w->x.queue, o, &want), 0);
	}
}

/* What was handed over goes into the books. */
static inline int writing_commit(struct writing *w, bool *more)
{
	struct work work;
	int rc;

	*more = false;
	write_queue_urge(w->x.queue);
	write_queue_take(w->x.queue, &work);
	rc = commit_batch(&w->x, &work.batch, false, more);
	write_queue_done(w->x.queue, &work.batch, rc, *more);
	return rc;
}

static inline void writing_commit_all(struct writing *w)
{
	bool more;

	do {
		assert_int_equal(writing_commit(w, &more), 0);
	} while (more);
}

/* Object `number`, in the books and with its file, last used at `seconds`, not open. */
static inline void writing_keep(
	struct writing *w, unsigned number, uint64_t chunks, int64_t seconds)
{
	struct object *o = sample_object_of(
		&w->directory, number, writing_instance(w, number), chunks);

	writing_fill_file(o->fd, chunks);
	books_add_instance(w->x.metadata, number, o->instance, chunks, seconds);
	atomic_store(&o->recorded, true);
	object_put(o);
}

static inline bool writing_has_file(struct writing *w, unsigned number)
{
	return sample_has_file(&w->directory, number, writing_instance(w, number));
}

/* Is it in the books, with its file; or in neither, but for a file that somebody holds? */
static inline bool writing_has(struct writing *w, unsigned number)
{
	bool has = books_has_record(w->x.metadata, number);

	if (has || !books_count(w->x.metadata, TABLE_VICTIMS))
		assert_int_equal(has, writing_has_file(w, number));
	return has;
}

/* Does this process find it open? */
static inline bool writing_is_open(struct writing *w, unsigned number)
{
	struct object_id name = sample_id(number);
	struct object *o = open_objects_find(w->x.open_objects, &name);

	object_put(o);
	return o != NULL;
}

static inline struct reservation_view writing_reserved(struct writing *w)
{
	return reservation_view(write_queue_reservation(w->x.queue));
}

#endif
