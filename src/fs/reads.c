/* SPDX-License-Identifier: MIT */
#include "fs/reads.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/filesystem.h"
#include "fs/trial.h"
#include "tree/attempt_pages.h"

#define SLACK (UINT64_C(256) << 10) /* two of the kernel's readahead requests */
#define FIRST_WINDOW (UINT64_C(1) << 20)
#define ENTRIES_AHEAD (4 * NEIGHBOURS_STEP) /* looked through for objects */
#define LEAVES_AHEAD 2

struct open_file {
	struct readahead readahead; /* the file system's readahead_lock */
};

static int step(struct request *r, struct trial *t)
{
	struct entry e;
	int err = request_entry(r, t, &e);

	if (err)
		return err;
	t->answer.kind = ANSWER_BYTES;
	return attempt_read_file(
		&t->attempt, &e, r->offset, t->buffer, r->size, &t->answer.size);
}

/* ---- ahead ---- */

/* What an attempt found to be missing of the run that is left. */
struct gather {
	struct want wants[HINTS_MAX];
	unsigned count;
};

/* The chunks of one piece of data, up to `end` of the object. */
static int gather_piece(struct attempt *a, const struct object_ref *object, uint64_t at,
	uint64_t end, struct gather *g, uint64_t *reached)
{
	struct want chunk;
	int err = 0;

	while (at < end && g->count < HINTS_MAX) {
		err = attempt_chunk(a, object, at, &chunk);
		if (err)
			break;
		if (!attempt_has(a, &chunk))
			g->wants[g->count++] = chunk;
		at = chunk.start + chunk.size;
	}
	*reached = at < end ? at : end;
	return err;
}

static int gather_run(
	struct attempt *a, const struct entry *e, struct run *run, struct gather *g)
{
	uint64_t reached;
	int err = 0;

	while (!err && run->size && run->start < e->size && g->count < HINTS_MAX) {
		struct piece piece = entry_map(e, run->start);
		uint64_t size = piece.size < run->size ? piece.size : run->size;

		if (!piece.hole) {
			err = gather_piece(a, &e->object, piece.object_offset,
				piece.object_offset + size, g, &reached);
			size = reached - piece.object_offset;
		}
		run->start += size;
		run->size -= size;
	}
	if (run->start >= e->size)
		run->size = 0;
	return err;
}

static void gather_wants(struct gather *g, const struct attempt *a)
{
	for (unsigned i = 0; i < a->want_count && g->count < HINTS_MAX; i++)
		g->wants[g->count++] = a->wants[i];
}

/* One attempt; what a missing recipe asks for is hinted too, and ends the run. */
static int gather(struct request *r, struct gather *g)
{
	struct attempt a;
	struct page page;
	struct entry e;
	int err;

	err = attempt_begin(&a, r->fs->cache, NULL);
	if (err)
		return err;
	err = attempt_page(&a, &r->leaf, &page);
	if (!err)
		err = r->row < page.count ? page_entry(&page, r->row, &e) : ERR_CORRUPT;
	if (!err)
		err = gather_run(&a, &e, &r->ahead, g);
	if (err == ERR_PENDING)
		gather_wants(g, &a);
	attempt_end(&a);
	return err;
}

/* ---- the objects behind the one at hand ---- */

/* The walk over the entries behind a file. */
struct search {
	struct attempt *attempt;
	struct gather *gather;
	struct digest last;	   /* object */
	unsigned objects, entries; /* that are left */
};

/* What a request of its own would be needed for: a bundle, or how a larger file begins. */
static bool is_worth_it(const struct entry *e)
{
	return e->has_content && e->object.form != OBJECT_RECIPE;
}

/* Returns 1 when that was enough. */
static int search_each(void *ctx, const struct place *place, const struct entry *e)
{
	struct search *s = ctx;
	struct want chunk;

	(void)place;
	if (is_worth_it(e) && !digest_equal(&e->object.digest, &s->last)) {
		s->last = e->object.digest;
		s->objects--;
		if (attempt_chunk(s->attempt, &e->object, e->offset, &chunk))
			return 1;
		if (!attempt_has(s->attempt, &chunk))
			s->gather->wants[s->gather->count++] = chunk;
	}
	return s->objects == 0 || --s->entries == 0;
}

static bool is_known(struct filesystem *fs, const struct digest *object)
{
	bool known;

	pthread_mutex_lock(&fs->readahead_lock);
	known = neighbours_know(&fs->neighbours, object);
	pthread_mutex_unlock(&fs->readahead_lock);
	return known;
}

static unsigned objects_ahead(
	struct filesystem *fs, const struct digest *object, uint64_t rank)
{
	unsigned n;

	pthread_mutex_lock(&fs->readahead_lock);
	n = neighbours_note(&fs->neighbours, object, rank);
	pthread_mutex_unlock(&fs->readahead_lock);
	return n;
}

static void search(
	struct filesystem *fs, struct attempt *a, const struct entry *e, struct gather *g)
{
	struct page_source pages = attempt_pages(a);
	struct digest root = filesystem_root(fs);
	struct search s = {.attempt = a, .gather = g, .last = e->object.digest};
	struct place place;
	struct entry self;

	if (tree_find(&pages, &root, e->parent, e->name, &place, &self) == 0)
		s.objects = objects_ahead(fs, &e->object.digest, place.rank);
	s.entries = ENTRIES_AHEAD;
	/* What it cannot do without is a hint like what it finds. */
	if (s.objects)
		(void)tree_walk(&pages, &root, place.rank, LEAVES_AHEAD, search_each, &s);
	gather_wants(g, a);
}

/* A bundle has some hundred files, so mostly there is nothing to do. */
static void fetch_neighbours(struct request *r)
{
	struct gather g = {.count = 0};
	struct attempt a;
	struct page page;
	struct entry e;

	if (attempt_begin(&a, r->fs->cache, NULL))
		return;
	if (attempt_page(&a, &r->leaf, &page) == 0 && r->row < page.count &&
		page_entry(&page, r->row, &e) == 0 && is_worth_it(&e) &&
		!is_known(r->fs, &e.object.digest))
		search(r->fs, &a, &e, &g);
	attempt_end(&a);
	if (g.count)
		source_hint(r->fs->source, g.wants, g.count, FETCH_READAHEAD);
}

static void after(struct request *r)
{
	struct gather g;
	int err = 0;

	if (r->offset == 0)
		fetch_neighbours(r);
	while (!err && r->ahead.size) {
		uint64_t left = r->ahead.size;

		g.count = 0;
		err = gather(r, &g);
		if (g.count)
			source_hint(r->fs->source, g.wants, g.count, FETCH_READAHEAD);
		if (r->ahead.size == left)
			break;
	}
}

static struct run note(
	struct filesystem *fs, struct open_file *file, uint64_t offset, size_t size)
{
	struct readahead_limits limits = {
		.slack = SLACK,
		.first = FIRST_WINDOW < fs->readahead ? FIRST_WINDOW : fs->readahead,
		.most = fs->readahead,
	};
	struct run run;

	if (!file)
		return (struct run){0, 0};
	pthread_mutex_lock(&fs->readahead_lock);
	run = readahead_note(&file->readahead, &limits, offset, size);
	pthread_mutex_unlock(&fs->readahead_lock);
	return run;
}

/* ---- operations ---- */

static const struct request_kind kind = {
	.name = "read", .step = step, .after = after, .asked_twice = true};

void reads_read(fuse_req_t fuse, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	struct request r = {
		.fs = fuse_req_userdata(fuse),
		.fuse = fuse,
		.kind = &kind,
		.offset = (uint64_t)offset,
		.size = size,
	};

	if (offset < 0 || size == 0 || size > BUFFER_SIZE) {
		fuse_reply_err(fuse, EINVAL);
	} else if (request_locate(&r, node)) {
		fuse_reply_err(fuse, ESTALE);
	} else if (r.root) {
		fuse_reply_err(fuse, EISDIR);
	} else {
		r.ahead = note(r.fs, handle_block(fi->fh), r.offset, size);
		request_start(&r);
	}
}

void reads_open(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);
	struct open_file *file;

	(void)node;
	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
		fuse_reply_err(fuse, EROFS);
		return;
	}
	file = handle_new(&fs->handles, sizeof *file);
	fi->fh = handle_number(file); /* none: read without readahead */
	fi->keep_cache = 1;
	/* The kernel releases only what it knows to be open. */
	if (fuse_reply_open(fuse, fi))
		handle_free(&fs->handles, file);
}

void reads_release(fuse_req_t fuse, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct filesystem *fs = fuse_req_userdata(fuse);

	(void)node;
	handle_free(&fs->handles, handle_block(fi->fh));
	fuse_reply_err(fuse, 0);
}
