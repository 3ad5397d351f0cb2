/* SPDX-License-Identifier: MIT */
/*
 * For tests of open objects and their files: a cache's directory, and objects in it whose
 * sizes follow from a number.
 */
#ifndef CAIRN_TESTS_OBJECT_SAMPLES_H
#define CAIRN_TESTS_OBJECT_SAMPLES_H

#include <fcntl.h>

#include "cache/objects/object.h"
#include "cache/objects/object_files.h"
#include "unit/meta_samples.h"

/* For tests whose state is a cache's directory. */
static inline int directory_setup(void **state)
{
	struct directory *d = malloc(sizeof *d);
	char *path = sample_directory();

	assert_int_equal(directory_open(d, path, DEADLINE_NONE, NULL), 0);
	free(path);
	*state = d;
	return 0;
}

static inline int directory_teardown(void **state)
{
	struct directory *d = *state;
	char *path = strdup(d->path);

	directory_close(d);
	sample_remove(path);
	free(d);
	return 0;
}

#define DIRECTORY_TEST(test)                                                               \
	cmocka_unit_test_setup_teardown(test, directory_setup, directory_teardown)

/* As the books would have it, without its bitmap. */
static inline struct object_record sample_record(uint64_t instance, uint64_t chunks)
{
	return (struct object_record){.size = chunks * SAMPLE_CHUNK,
		.chunks = chunks,
		.instance = instance,
		.generation = 1,
		.last_use = 1000};
}

static inline struct object *sample_object_without_file(
	struct directory *d, unsigned number, uint64_t chunks, bool trusted)
{
	struct object_record r = sample_record(number, chunks);
	struct object_id name = sample_id(number);
	struct object *o = object_new(d, &name, &r, r.generation + !trusted);

	assert_non_null(o);
	return o;
}

/* Object `number`, of that instance, with its file, which the books do not know yet. */
static inline struct object *sample_object_of(
	struct directory *d, unsigned number, uint64_t instance, uint64_t chunks)
{
	struct object_record r = sample_record(instance, chunks);
	struct object_id name = sample_id(number);
	struct object *o;

	o = object_new(d, &name, &r, r.generation);
	assert_non_null(o);
	assert_int_equal(object_file_create(d, &name, instance, r.size, &o->fd), 0);
	return o;
}

static inline struct object *sample_object(
	struct directory *d, unsigned number, uint64_t chunks)
{
	return sample_object_of(d, number, number, chunks);
}

static inline char *sample_file_path(
	struct directory *d, unsigned number, uint64_t instance)
{
	struct object_id id = sample_id(number);
	char name[OBJECT_NAME_SIZE], *path = NULL;

	object_file_name(&id, instance, name);
	assert_true(asprintf(&path, "%s/objects/%s", d->path, name) > 0);
	return path;
}

static inline uint64_t sample_file_number(
	struct directory *d, unsigned number, uint64_t instance)
{
	char *path = sample_file_path(d, number, instance);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t file = object_file_number(fd);

	assert_true(fd >= 0 && file);
	close(fd);
	free(path);
	return file;
}

static inline bool sample_has_file(struct directory *d, unsigned number, uint64_t instance)
{
	char *path = sample_file_path(d, number, instance);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

#endif
