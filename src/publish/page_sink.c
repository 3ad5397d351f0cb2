/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "publish/page_sink.h"

/* Bytes of pages that may wait for a worker. */
#define PAGE_BYTES_MAX (16u << 20)

struct page_job {
	struct job job;
	struct publication *publication;
	struct digest name;
	size_t size;
	uint8_t text[];
};

static int page_sink_put(struct publication *p, const struct digest *name, struct span text,
	struct trouble *t)
{
	struct scratch *x = scratch_take(p->scratches);
	int rc;

	if (!x)
		return ERR_NO_MEMORY;
	rc = blobs_put(p->blobs, x, name, text, NULL, t);
	scratch_give(p->scratches, x);
	return rc;
}

static void run_page(struct job *job)
{
	struct page_job *page = (struct page_job *)((char *)job -
						    offsetof(struct page_job, job));
	struct publication *p = page->publication;
	struct trouble t = {0};
	int rc = 0;

	if (!atomic_load(&p->failed))
		rc = page_sink_put(p, &page->name, span_of(page->text, page->size), &t);
	if (rc)
		publication_fail(p, rc, &t);
	pthread_mutex_lock(&p->publication_mtx);
	p->page_bytes -= page->size;
	pthread_mutex_unlock(&p->publication_mtx);
	free(page);
}

/* True when that many bytes more may wait; then they are counted. */
static bool reserve_page(struct publication *p, size_t size)
{
	bool room;

	pthread_mutex_lock(&p->publication_mtx);
	room = p->page_bytes + size <= PAGE_BYTES_MAX;
	if (room)
		p->page_bytes += size;
	pthread_mutex_unlock(&p->publication_mtx);
	return room;
}

int page_sink_emit(void *ctx, const struct digest *name, struct span text)
{
	struct page_sink *s = ctx;
	struct publication *p = s->publication;
	struct page_job *page;

	if (!reserve_page(p, text.size))
		return page_sink_put(p, name, text, &s->trouble);
	page = malloc(sizeof *page + text.size);
	if (!page)
		return ERR_NO_MEMORY;
	page->job.run = run_page;
	page->publication = p;
	page->name = *name;
	page->size = text.size;
	memcpy(page->text, text.data, text.size);
	workers_add(p->workers, &page->job, 1);
	return 0;
}
