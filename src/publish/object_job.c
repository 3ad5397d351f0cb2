/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "format/recipe.h"
#include "publish/index.h"
#include "publish/object_job.h"
#include "util/clock.h"

#define READ_STEP (256u << 10)

struct object_read {
	struct object_read *next; /* an earlier one */
	struct unit *unit;
	uint64_t size;
	struct digest object;

	struct chunk_ref *chunks; /* publication_mtx; room is made ahead of their jobs */
	uint64_t count, capacity;
};

struct chunk_job {
	struct job job;
	struct object_read *attempt;
	uint64_t index;
	uint64_t offset; /* in the object */
	uint32_t size;
	uint8_t *buffer;
	bool named; /* `name` is known: the chunk is the object */
	struct digest name;
};

/* Where the reader is. */
struct reading {
	struct object_read *attempt;
	struct scratch *x;
	struct content content;
	uint8_t *buffer;
	bool pooled; /* `buffer` is the publication's, else the scratch's */
	uint32_t used;
	struct trouble *t;
};

static struct publication *publication_of(const struct object_read *a)
{
	return a->unit->publication;
}

/* The old chunk that lay at the same place. */
static int find_base(void *ctx, struct scratch *x, struct digest *out)
{
	const struct chunk_job *job = ctx;
	const struct entry *e = &job->attempt->unit->first->entry;
	struct entry old;
	uint64_t data;
	int rc = history_find(x->history, e->parent, e->name, &old);

	if (rc)
		return rc;
	data = entry_data_size(&old);
	if (data == 0)
		return ERR_ABSENT;
	return history_chunk(x->history, &old.object,
		old.offset + (job->offset < data ? job->offset : data - 1), out);
}

static int put_chunk(struct chunk_job *job, struct scratch *x, struct trouble *t)
{
	struct publication *p = publication_of(job->attempt);
	struct base_hint hint = {.find = find_base, .ctx = job};
	struct chunk_ref *chunk;

	if (!job->named)
		job->name = digest_of(job->buffer, job->size);
	pthread_mutex_lock(&p->publication_mtx);
	chunk = &job->attempt->chunks[job->index];
	*chunk = (struct chunk_ref){.digest = job->name, .size = job->size};
	pthread_mutex_unlock(&p->publication_mtx);
	return blobs_put(
		p->blobs, x, &job->name, span_of(job->buffer, job->size), &hint, t);
}

static int emit_recipe(void *ctx, const struct digest *name, struct span text)
{
	struct reading *r = ctx;

	return blobs_put(publication_of(r->attempt)->blobs, r->x, name, text, NULL, r->t);
}

static int set_list(struct unit *u, const struct object_read *a)
{
	size_t size = (size_t)a->count * CHUNK_RECORD_SIZE;

	if (bytes_reserve(&u->list, size))
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < a->count; i++)
		chunk_list_put(u->list.data, i, &a->chunks[i]);
	u->list.size = size;
	u->object.form = OBJECT_LISTED;
	u->object.count = (uint32_t)a->count;
	u->object.list = u->list.data;
	return 0;
}

/* All chunks of the attempt that counts are stored: describes the object. */
static int describe(struct unit *u, struct scratch *x, struct trouble *t)
{
	struct object_read *a = u->attempts;
	struct reading r = {.attempt = a, .x = x, .t = t};

	if (!a || a->count == 0)
		return 0;
	u->has_object = true;
	u->object = (struct object_ref){.digest = a->object, .size = a->size};
	if (a->count == 1) {
		u->object.form = OBJECT_SINGLE;
		return 0;
	}
	if (a->count <= OBJECT_LISTED_MAX)
		return set_list(u, a);
	u->object.form = OBJECT_RECIPE;
	return recipe_build(a->chunks, a->count, emit_recipe, &r, &u->object.recipe);
}

/* One job of the unit is over; the last one ends it. */
static void leave(struct unit *u, struct scratch *x, int rc, struct trouble *t)
{
	struct publication *p = u->publication;
	bool last;

	if (rc)
		publication_fail(p, rc, t);
	pthread_mutex_lock(&p->publication_mtx);
	last = --u->pending == 0;
	pthread_mutex_unlock(&p->publication_mtx);
	if (last && x && !u->adopted && !atomic_load(&p->failed)) {
		rc = describe(u, x, t);
		if (rc)
			publication_fail(p, rc, t);
	}
	if (x)
		scratch_give(p->scratches, x);
	if (!last)
		return;
	while (u->attempts) {
		struct object_read *a = u->attempts;

		u->attempts = a->next;
		free(a->chunks);
		free(a);
	}
	unit_finish(u);
}

static void run_chunk(struct job *job)
{
	struct chunk_job *chunk = (struct chunk_job *)((char *)job -
						       offsetof(struct chunk_job, job));
	struct unit *u = chunk->attempt->unit;
	struct publication *p = u->publication;
	struct scratch *x = scratch_take(p->scratches);
	struct trouble t = {0};
	int rc = x ? 0 : ERR_NO_MEMORY;

	if (!rc && !atomic_load(&p->failed))
		rc = put_chunk(chunk, x, &t);
	publication_give_buffer(p, chunk->buffer);
	free(chunk);
	leave(u, x, rc, &t);
}

/* Room for one more chunk; the array may move, so it is touched under the lock only. */
static int reserve_chunk(struct object_read *a)
{
	struct publication *p = publication_of(a);
	uint64_t capacity = a->capacity ? a->capacity * 2 : 8;
	struct chunk_ref *chunks;

	pthread_mutex_lock(&p->publication_mtx);
	if (a->count == a->capacity) {
		chunks = realloc(a->chunks, capacity * sizeof(*chunks));
		if (chunks) {
			a->chunks = chunks;
			a->capacity = capacity;
		}
	}
	pthread_mutex_unlock(&p->publication_mtx);
	return a->count < a->capacity ? 0 : ERR_NO_MEMORY;
}

static int queue_chunk(const struct chunk_job *model)
{
	struct unit *u = model->attempt->unit;
	struct publication *p = u->publication;
	struct chunk_job *job = malloc(sizeof(*job));

	if (!job)
		return ERR_NO_MEMORY;
	*job = *model;
	job->job.run = run_chunk;
	pthread_mutex_lock(&p->publication_mtx);
	u->pending++;
	pthread_mutex_unlock(&p->publication_mtx);
	workers_add(p->workers, &job->job, 1);
	return 0;
}

/* The first `size` bytes of the buffer are a chunk; those behind it begin the next. */
static int end_chunk(struct reading *r, uint32_t size, const struct digest *name)
{
	struct object_read *a = r->attempt;
	struct publication *p = publication_of(a);
	struct chunk_job job = {.attempt = a,
		.offset = a->size,
		.size = size,
		.buffer = r->buffer,
		.named = name != NULL};
	uint8_t *next = r->pooled ? publication_take_buffer(p) : NULL;
	int rc = reserve_chunk(a);

	if (name)
		job.name = *name;
	job.index = a->count;
	if (rc)
		goto out;
	a->count++;
	a->size += size;
	r->used -= size;
	if (next) {
		memcpy(next, r->buffer + size, r->used);
		rc = queue_chunk(&job);
		if (rc)
			goto out;
		r->buffer = next;
		return 0;
	}
	rc = put_chunk(&job, r->x, r->t);
	memmove(r->buffer, r->buffer + size, r->used);
out:
	if (next)
		publication_give_buffer(p, next);
	return rc;
}

/* `fresh` bytes were read behind the ones that the chunker has seen. */
static int find_chunks(struct reading *r, uint32_t fresh)
{
	uint32_t seen = r->used - fresh;
	int rc = 0;

	while (!rc && seen < r->used) {
		bool cut;
		size_t eaten = chunker_eat(
			&r->x->chunker, r->buffer + seen, r->used - seen, &cut);

		seen += (uint32_t)eaten;
		if (cut) {
			rc = end_chunk(r, seen, NULL);
			seen = 0;
		}
	}
	return rc;
}

static int read_step(struct reading *r, bool *end)
{
	struct publication *p = publication_of(r->attempt);
	size_t room = CHUNK_SIZE_MAX - r->used, done;
	int rc;

	if (atomic_load(&p->failed))
		return ERR_INTERRUPTED;
	rc = content_read(&r->content, r->buffer + r->used,
		room < READ_STEP ? room : READ_STEP, &done);
	if (rc)
		return rc;
	*end = done == 0;
	hasher_update(r->x->hasher, r->buffer + r->used, done);
	r->used += (uint32_t)done;
	atomic_fetch_add(&p->bytes, done);
	atomic_fetch_add(&p->read_bytes, done);
	return find_chunks(r, (uint32_t)done);
}

static int read_chunks(struct reading *r)
{
	bool end = false;
	int rc = 0;

	chunker_reset(&r->x->chunker);
	while (!rc && !end)
		rc = read_step(r, &end);
	r->attempt->object = hasher_finish(r->x->hasher);
	if (!rc && r->used > 0) /* a single chunk is not hashed twice */
		rc = end_chunk(
			r, r->used, r->attempt->count == 0 ? &r->attempt->object : NULL);
	return rc;
}

static int read_content(struct reading *r)
{
	struct publication *p = publication_of(r->attempt);
	int rc;

	r->buffer = publication_take_buffer(p);
	r->pooled = r->buffer != NULL;
	if (!r->pooled)
		r->buffer = r->x->content;
	rc = read_chunks(r);
	if (r->pooled && r->buffer)
		publication_give_buffer(p, r->buffer);
	return rc;
}

static int read_opened(struct reading *r, struct unit *u, int64_t now)
{
	struct item *item = u->first;
	bool again;
	int rc = item_refresh(item, &r->content, &again);

	if (!rc)
		rc = read_content(r);
	if (!rc && r->attempt->size != r->content.extents.data_size)
		rc = ERR_CHANGED;
	if (!rc)
		rc = content_check(&r->content);
	if (!rc)
		rc = item_set_content(item, &r->content, &r->attempt->object);
	u->stable = !again && index_is_stable(&r->content.st, now);
	return rc;
}

static int read_once(struct unit *u, struct scratch *x, struct trouble *t)
{
	struct item *item = u->first;
	struct reading r = {.attempt = calloc(1, sizeof(*r.attempt)), .x = x, .t = t};
	int64_t now = clock_realtime();
	int rc;

	if (!r.attempt)
		return ERR_NO_MEMORY;
	r.attempt->unit = u;
	r.attempt->next = u->attempts;
	u->attempts = r.attempt;
	rc = content_open(&r.content, u->publication->root, item->path, item->st.st_dev,
		item->st.st_ino);
	if (rc)
		return rc;
	rc = read_opened(&r, u, now);
	content_close(&r.content);
	return rc;
}

static int run(struct unit *u, struct scratch *x, struct trouble *t)
{
	int rc = ERR_CHANGED;

	if (u->record.size > 0 && unit_adopt(u, x) == 0) {
		atomic_fetch_add(&u->publication->bytes, u->object.size);
		return 0;
	}
	for (int i = 0; rc == ERR_CHANGED && i < CONTENT_TRIES; i++)
		rc = read_once(u, x, t);
	if (rc && t->code == 0)
		content_fail(rc, u->first->path, u->publication->source, t);
	return rc;
}

void object_job_run(struct job *job)
{
	struct unit *u = (struct unit *)((char *)job - offsetof(struct unit, job));
	struct scratch *x = scratch_take(u->publication->scratches);
	struct trouble t = {0};

	leave(u, x, x ? run(u, x, &t) : ERR_NO_MEMORY, &t);
}
