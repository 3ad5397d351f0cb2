/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "publish/chunk_job.h"
#include "publish/index.h"
#include "publish/object_job.h"
#include "util/clock.h"

#define READ_STEP (256u << 10)

/* Where the reader is. */
struct object_reader {
	struct object_read *read;
	struct publication *publication;
	struct scratch *x;
	struct content content;
	uint8_t *buffer;
	bool pooled; /* `buffer` is the publication's, else the scratch's */
	uint32_t used;
	int failure;		/* what is about the file: not ours, nor the store's */
	struct blobs_sink sink; /* of its runs */
	struct trouble *t;
};

static int object_reader_fail(struct object_reader *r, int rc)
{
	if (rc && !r->sink.rc && content_is_failure(rc))
		r->failure = rc;
	return rc;
}

/* The first `size` bytes of the buffer are a chunk; those behind it begin the next. */
static int end_chunk(struct object_reader *r, uint32_t size, const struct digest *name)
{
	struct object_read *read = r->read;
	struct publication *p = r->publication;
	struct chunk_job job = {.read = read,
		.index = read->count,
		.offset = read->size,
		.size = size,
		.buffer = r->buffer,
		.named = name != NULL};
	uint8_t *next = r->pooled ? publication_take_buffer(p) : NULL;
	int rc = object_read_reserve(read);

	if (rc)
		goto out;
	if (name)
		job.name = *name;
	read->count++;
	read->size += size;
	r->used -= size;
	if (next) {
		memcpy(next, r->buffer + size, r->used);
		rc = chunk_job_start(&job);
		if (rc)
			goto out;
		r->buffer = next;
		return 0;
	}
	rc = chunk_job_put(&job, r->x, r->t);
	memmove(r->buffer, r->buffer + size, r->used);
out:
	if (next)
		publication_give_buffer(p, next);
	return rc;
}

/* `fresh` bytes were read behind the ones that the chunker has seen. */
static int find_chunks(struct object_reader *r, uint32_t fresh)
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

static int object_job_read_step(struct object_reader *r, bool *end)
{
	struct publication *p = r->publication;
	size_t room = CHUNK_SIZE_MAX - r->used, done;
	int rc;

	if (atomic_load(&p->failed))
		return ERR_INTERRUPTED;
	rc = content_read(&r->content, r->buffer + r->used,
		room < READ_STEP ? room : READ_STEP, &done);
	if (rc)
		return object_reader_fail(r, rc);
	*end = done == 0;
	hasher_update(r->x->hasher, r->buffer + r->used, done);
	r->used += (uint32_t)done;
	atomic_fetch_add(&p->bytes, done);
	atomic_fetch_add(&p->read_bytes, done);
	return find_chunks(r, (uint32_t)done);
}

static int object_job_read_chunks(struct object_reader *r)
{
	bool end = false;
	int rc = 0;

	chunker_reset(&r->x->chunker);
	while (!rc && !end)
		rc = object_job_read_step(r, &end);
	r->read->object = hasher_finish(r->x->hasher);
	if (!rc && r->used > 0) /* a single chunk is not hashed twice */
		rc = end_chunk(r, r->used, r->read->count == 0 ? &r->read->object : NULL);
	return rc;
}

static int object_job_read_content(struct object_reader *r)
{
	struct publication *p = r->publication;
	int rc;

	r->buffer = publication_take_buffer(p);
	r->pooled = r->buffer != NULL;
	if (!r->pooled)
		r->buffer = r->x->content;
	rc = object_job_read_chunks(r);
	if (r->pooled && r->buffer)
		publication_give_buffer(p, r->buffer);
	return rc;
}

static int read_opened(struct object_reader *r, struct unit *u, int64_t now)
{
	struct item *item = u->first;
	struct content *c = &r->content;
	struct extents_made runs;
	bool again;
	int rc = item_refresh(item, c, r->publication->overrides, &again);

	c->unsized = item->unsized;
	c->runs = r->x->runs;
	if (rc)
		return object_reader_fail(r, rc);
	rc = object_job_read_content(r);
	if (rc)
		return rc;
	rc = content_finish(c, &runs);
	if (!rc && r->read->size != runs.size)
		rc = ERR_CHANGED;
	if (rc)
		return object_reader_fail(r, rc);
	u->stable = !again && !c->unsized && index_is_stable(&c->st, now);
	return item_set_content(item, c, &runs, &r->read->object);
}

static int object_job_read_once(struct unit *u, struct scratch *x, struct trouble *t)
{
	struct item *item = u->first;
	struct object_reader r = {.publication = u->publication, .x = x, .t = t};
	int64_t now = clock_realtime();
	int rc;

	r.sink = (struct blobs_sink){.blobs = u->publication->blobs, .x = x, .t = t};
	extent_list_builder_reset(x->runs, blobs_sink_emit, &r.sink);
	r.read = object_read_new(u);
	if (!r.read)
		return ERR_NO_MEMORY;
	rc = content_open(&r.content, u->publication->root, item->path, item->st.st_dev,
		item->st.st_ino);
	if (rc)
		object_reader_fail(&r, rc);
	else
		rc = read_opened(&r, u, now);
	if (r.content.fd >= 0)
		content_close(&r.content);
	item->rc = r.failure;
	return r.failure ? 0 : rc;
}

static int object_job_adopt_or_read(struct unit *u, struct scratch *x, struct trouble *t)
{
	struct item *item = u->first;
	int rc;

	if (u->record.size > 0 && unit_adopt(u, x) == 0) {
		atomic_fetch_add(&u->publication->bytes, u->object.size);
		return 0;
	}
	rc = object_job_read_once(u, x, t);
	for (int i = 1; !rc && item->rc == ERR_CHANGED && i < CONTENT_TRIES; i++)
		rc = object_job_read_once(u, x, t);
	u->stable &= item->rc == 0;
	return rc;
}

void object_job_run(struct job *job)
{
	struct unit *u = (struct unit *)((char *)job - offsetof(struct unit, job));
	struct scratch *x = scratch_take(u->publication->scratches);
	struct trouble t = {0};

	object_read_end_job(
		u, x, x ? object_job_adopt_or_read(u, x, &t) : ERR_NO_MEMORY, &t);
}
