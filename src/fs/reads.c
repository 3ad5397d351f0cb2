/* SPDX-License-Identifier: MIT */
#include "fs/reads.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/filesystem.h"
#include "fs/trial.h"

#define SLACK (UINT64_C(256) << 10) /* two of the kernel's readahead requests */
#define FIRST_WINDOW (UINT64_C(1) << 20)

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
	for (unsigned i = 0; err == ERR_PENDING && i < a.want_count && g->count < HINTS_MAX;
		i++)
		g->wants[g->count++] = a.wants[i];
	attempt_end(&a);
	return err;
}

static void after(struct request *r)
{
	struct gather g;
	int err = 0;

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
