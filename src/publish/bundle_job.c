/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "publish/bundle_job.h"
#include "publish/index.h"
#include "util/clock.h"

#define BASES_MAX 64

/* Reads the file's data to x->content + at; *done: its bytes. When there is no room for it,
 * it has grown since the bundle was closed. */
static int bundle_job_read_opened(struct unit *u, struct item *item, struct content *c,
	struct scratch *x, size_t at, size_t *done)
{
	int64_t now = clock_realtime();
	uint8_t *start = x->content + at;
	struct extents_made runs;
	struct digest d;
	bool again;
	int rc = content_read(c, start, CHUNK_SIZE_MAX - at, done);

	if (!rc)
		rc = content_at_end(c);
	if (!rc)
		rc = item_refresh(item, c, u->publication->overrides, &again);
	if (!rc)
		rc = content_finish(c, &runs);
	if (!rc && *done != runs.size)
		rc = ERR_CHANGED;
	if (rc)
		return rc;
	u->stable &= !again && !c->unsized && index_is_stable(&c->st, now);
	d = digest_of(start, *done);
	return item_set_content(item, c, &runs, &d);
}

/* Appends the file's data at x->content + *at, once. */
static int bundle_job_read_once(
	struct unit *u, struct item *item, struct blobs_sink *sink, size_t *at)
{
	struct scratch *x = sink->x;
	struct content c;
	size_t done;
	int rc = content_open(
		&c, u->publication->root, item->path, item->st.st_dev, item->st.st_ino);

	if (rc)
		return rc;
	extent_list_builder_reset(x->runs, blobs_sink_emit, sink);
	c.runs = x->runs;
	rc = bundle_job_read_opened(u, item, &c, x, *at, &done);
	if (!rc) {
		item->entry.offset = item->entry.has_content ? *at : 0;
		*at += done;
	}
	content_close(&c);
	return rc;
}

/* What is about the file is its item's: the others of the bundle go on. */
static int bundle_job_read_file(
	struct unit *u, struct item *item, struct scratch *x, size_t *at, struct trouble *t)
{
	struct publication *p = u->publication;
	struct blobs_sink sink = {.blobs = p->blobs, .x = x, .t = t};
	size_t start = *at;
	int rc = ERR_CHANGED;

	for (int i = 0; rc == ERR_CHANGED && i < CONTENT_TRIES; i++)
		rc = bundle_job_read_once(u, item, &sink, at);
	if (rc && !sink.rc && content_is_failure(rc)) {
		item->rc = rc;
		u->stable = false;
		return 0;
	}
	if (rc)
		return rc;
	atomic_fetch_add(&p->bytes, *at - start);
	atomic_fetch_add(&p->read_bytes, *at - start);
	return 0;
}

/* An old bundle, and how many bytes of the new one's files it holds. */
struct old_bundle {
	struct digest object;
	uint64_t bytes;
};

struct old_bundles {
	struct old_bundle items[BASES_MAX]; /* the first that were met */
	unsigned count;
};

static void count_bytes(struct old_bundles *b, const struct digest *object, uint64_t bytes)
{
	unsigned i = 0;

	while (i < b->count && !digest_equal(&b->items[i].object, object))
		i++;
	if (i == BASES_MAX)
		return;
	if (i == b->count)
		b->items[b->count++] = (struct old_bundle){.object = *object};
	b->items[i].bytes += bytes;
}

/* The old bundle that held most of the bytes of this one's files. */
static int bundle_job_find_base(void *ctx, struct scratch *x, struct digest *out)
{
	const struct unit *u = ctx;
	struct old_bundles b = {.count = 0};
	const struct old_bundle *best = NULL;

	for (const struct item *item = u->first; item; item = item->member) {
		struct entry old;

		if (!history_find(x->history, item->entry.parent, item->entry.name, &old) &&
			old.has_content && old.object.form == OBJECT_SINGLE)
			count_bytes(&b, &old.object.digest, entry_data_size(&old));
	}
	for (unsigned i = 0; i < b.count; i++)
		if (!best || b.items[i].bytes > best->bytes)
			best = &b.items[i];
	if (!best)
		return ERR_ABSENT;
	*out = best->object;
	return 0;
}

static int store_bundle(struct unit *u, struct scratch *x, size_t size, struct trouble *t)
{
	struct base_hint hint = {.find = bundle_job_find_base, .ctx = u};
	struct digest d;

	u->has_object = size > 0;
	if (!u->has_object)
		return 0;
	d = u->count == 1 ? u->first->entry.content : digest_of(x->content, size);
	u->object = (struct object_ref){.digest = d, .size = size, .form = OBJECT_SINGLE};
	return blobs_put(u->publication->blobs, x, &d, span_of(x->content, size), &hint, t);
}

static int read_bundle(struct unit *u, struct scratch *x, struct trouble *t)
{
	size_t size = 0;
	int rc = 0;

	for (struct item *item = u->first; !rc && item; item = item->member)
		rc = atomic_load(&u->publication->failed)
			     ? ERR_INTERRUPTED
			     : bundle_job_read_file(u, item, x, &size, t);
	return rc ? rc : store_bundle(u, x, size, t);
}

static int bundle_job_adopt_or_read(struct unit *u, struct scratch *x, struct trouble *t)
{
	if (u->record.size > 0 && unit_adopt(u, x) == 0) {
		atomic_fetch_add(&u->publication->bytes, u->object.size);
		return 0;
	}
	return read_bundle(u, x, t);
}

void bundle_job_run(struct job *job)
{
	struct unit *u = (struct unit *)((char *)job - offsetof(struct unit, job));
	struct publication *p = u->publication;
	struct scratch *x = scratch_take(p->scratches);
	struct trouble t = {0};
	int rc = x ? bundle_job_adopt_or_read(u, x, &t) : ERR_NO_MEMORY;

	if (rc)
		publication_fail(p, rc, &t);
	if (x)
		scratch_give(p->scratches, x);
	unit_finish(u);
}
