/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "format/recipe.h"
#include "publish/object_read.h"

struct object_read *object_read_new(struct unit *u)
{
	struct object_read *read = calloc(1, sizeof *read);

	if (!read)
		return NULL;
	read->unit = u;
	read->next = u->reads;
	u->reads = read;
	return read;
}

int object_read_reserve(struct object_read *read)
{
	struct publication *p = read->unit->publication;
	uint64_t capacity = read->capacity ? read->capacity * 2 : 8;
	struct chunk_ref *chunks;
	int rc = 0;

	pthread_mutex_lock(&p->publication_mtx);
	if (read->count < read->capacity)
		goto out;
	chunks = realloc(read->chunks, capacity * sizeof *chunks);
	if (!chunks) {
		rc = ERR_NO_MEMORY;
		goto out;
	}
	read->chunks = chunks;
	read->capacity = capacity;
out:
	pthread_mutex_unlock(&p->publication_mtx);
	return rc;
}

void object_read_set_chunk(
	struct object_read *read, uint64_t index, const struct chunk_ref *chunk)
{
	struct publication *p = read->unit->publication;

	pthread_mutex_lock(&p->publication_mtx);
	read->chunks[index] = *chunk;
	pthread_mutex_unlock(&p->publication_mtx);
}

static int set_list(struct unit *u, const struct object_read *read)
{
	size_t size = (size_t)read->count * CHUNK_RECORD_SIZE;

	if (bytes_reserve(&u->list, size))
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < read->count; i++)
		chunk_list_put(u->list.data, i, &read->chunks[i]);
	u->list.size = size;
	u->object.form = OBJECT_LISTED;
	u->object.count = (uint32_t)read->count;
	u->object.list = u->list.data;
	return 0;
}

/* All chunks of the newest reading are stored: what the object is. */
static int set_object(struct unit *u, struct scratch *x, struct trouble *t)
{
	const struct object_read *read = u->reads;
	struct blobs_sink sink = {.blobs = u->publication->blobs, .x = x, .t = t};

	if (!read || read->count == 0)
		return 0;
	u->has_object = true;
	u->object = (struct object_ref){.digest = read->object, .size = read->size};
	if (read->count == 1) {
		u->object.form = OBJECT_SINGLE;
		return 0;
	}
	if (read->count <= OBJECT_LISTED_MAX)
		return set_list(u, read);
	u->object.form = OBJECT_RECIPE;
	return recipe_build(
		read->chunks, read->count, blobs_sink_emit, &sink, &u->object.recipe);
}

static void free_reads(struct unit *u)
{
	while (u->reads) {
		struct object_read *read = u->reads;

		u->reads = read->next;
		free(read->chunks);
		free(read);
	}
}

void object_read_end_job(struct unit *u, struct scratch *x, int rc, struct trouble *t)
{
	struct publication *p = u->publication;
	bool last;

	if (rc)
		publication_fail(p, rc, t);
	pthread_mutex_lock(&p->publication_mtx);
	last = --u->pending == 0;
	pthread_mutex_unlock(&p->publication_mtx);
	if (last && x && !u->adopted && u->first->rc == 0 && !atomic_load(&p->failed)) {
		rc = set_object(u, x, t);
		if (rc)
			publication_fail(p, rc, t);
	}
	if (x)
		scratch_give(p->scratches, x);
	if (!last)
		return;
	free_reads(u);
	unit_finish(u);
}
