/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "publish/chunk_job.h"

/* The old chunk that lay at the same place. */
static int chunk_job_find_base(void *ctx, struct scratch *x, struct digest *out)
{
	const struct chunk_job *job = ctx;
	const struct entry *e = &job->read->unit->first->entry;
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

int chunk_job_put(struct chunk_job *job, struct scratch *x, struct trouble *t)
{
	struct base_hint hint = {.find = chunk_job_find_base, .ctx = job};
	struct chunk_ref chunk = {.size = job->size};

	if (!job->named)
		job->name = digest_of(job->buffer, job->size);
	chunk.digest = job->name;
	object_read_set_chunk(job->read, job->index, &chunk);
	return blobs_put(job->read->unit->publication->blobs, x, &job->name,
		span_of(job->buffer, job->size), &hint, t);
}

static void chunk_job_run(struct job *job)
{
	struct chunk_job *chunk = (struct chunk_job *)((char *)job -
						       offsetof(struct chunk_job, job));
	struct unit *u = chunk->read->unit;
	struct publication *p = u->publication;
	struct scratch *x = scratch_take(p->scratches);
	struct trouble t = {0};
	int rc = x ? 0 : ERR_NO_MEMORY;

	if (!rc && !atomic_load(&p->failed))
		rc = chunk_job_put(chunk, x, &t);
	publication_give_buffer(p, chunk->buffer);
	free(chunk);
	object_read_end_job(u, x, rc, &t);
}

int chunk_job_start(const struct chunk_job *model)
{
	struct unit *u = model->read->unit;
	struct publication *p = u->publication;
	struct chunk_job *job = malloc(sizeof *job);

	if (!job)
		return ERR_NO_MEMORY;
	*job = *model;
	job->job.run = chunk_job_run;
	pthread_mutex_lock(&p->publication_mtx);
	u->pending++;
	pthread_mutex_unlock(&p->publication_mtx);
	workers_add(p->workers, &job->job, 1);
	return 0;
}
