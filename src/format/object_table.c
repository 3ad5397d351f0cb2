/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/object_table.h"
#include "util/error.h"

/* `lists` moves when it grows, so that a list is kept by its place in there. */
struct object_slot {
	struct object_ref object;
	size_t list_at;
};

void object_table_release(struct object_table *t)
{
	free(t->objects);
	free(t->buckets);
	bytes_release(&t->lists);
	*t = (struct object_table){0};
}

void object_table_clear(struct object_table *t)
{
	t->count = 0;
	bytes_clear(&t->lists);
	if (t->buckets)
		memset(t->buckets, 0, t->bucket_count * sizeof *t->buckets);
}

struct object_ref object_table_at(const struct object_table *t, uint32_t index)
{
	struct object_ref o = t->objects[index].object;

	o.list = o.form == OBJECT_LISTED ? t->lists.data + t->objects[index].list_at : NULL;
	return o;
}

/* The bucket that holds `d`, or the free one where it would go. */
static uint32_t find_bucket(const struct object_table *t, const struct digest *d)
{
	uint32_t mask = t->bucket_count - 1;
	uint32_t at = (uint32_t)digest_prefix(d) & mask;

	while (t->buckets[at] != 0 &&
		!digest_equal(&t->objects[t->buckets[at] - 1].object.digest, d))
		at = (at + 1) & mask;
	return at;
}

/* Keeps a quarter of the buckets free or more. */
static int object_table_grow(struct object_table *t)
{
	uint32_t capacity, bucket_count;
	struct object_slot *objects;
	uint32_t *buckets;

	if (t->count < t->capacity)
		return 0;
	capacity = t->capacity > 0 ? t->capacity * 2 : 48;
	bucket_count = t->bucket_count > 0 ? t->bucket_count * 2 : 64;
	objects = realloc(t->objects, capacity * sizeof *objects);
	if (!objects)
		return ERR_NO_MEMORY;
	t->objects = objects;
	buckets = calloc(bucket_count, sizeof *buckets);
	if (!buckets)
		return ERR_NO_MEMORY;
	free(t->buckets);
	t->buckets = buckets;
	t->bucket_count = bucket_count;
	t->capacity = capacity;
	for (uint32_t i = 0; i < t->count; i++)
		buckets[find_bucket(t, &objects[i].object.digest)] = i + 1;
	return 0;
}

static int append_object(struct object_table *t, const struct object_ref *o)
{
	int rc = object_check(o);
	size_t list_at;

	if (rc)
		return rc;
	list_at = t->lists.size;
	if (o->form == OBJECT_LISTED)
		rc = bytes_append(&t->lists, o->list, (size_t)o->count * CHUNK_RECORD_SIZE);
	if (rc)
		return rc;
	t->objects[t->count].object = *o;
	t->objects[t->count].list_at = list_at;
	t->count++;
	return 0;
}

int object_table_add(struct object_table *t, const struct object_ref *o, uint32_t *index)
{
	int rc = object_table_grow(t);
	uint32_t bucket, found;
	struct object_ref known;

	if (rc)
		return rc;
	bucket = find_bucket(t, &o->digest);
	if (t->buckets[bucket] == 0) {
		rc = append_object(t, o);
		if (rc)
			return rc;
		t->buckets[bucket] = t->count;
	}
	found = t->buckets[bucket] - 1;
	known = object_table_at(t, found);
	if (!object_equal(&known, o))
		return ERR_CORRUPT;
	*index = found;
	return 0;
}
